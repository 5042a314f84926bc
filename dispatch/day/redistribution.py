"""Sharing out the jobs of somebody who is away, by the scores that are shown everywhere. Pure: it only proposes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.models import Job
from dispatch.smart.candidates import Candidate, Team
from dispatch.smart.qualification import Booking, Needs

# Sentences that name one job or a number would not add up.
IN_SHORT = {
    "day_full": "Day is full",
    "overlap": "Has another job then",
    "off_shift": "Does not work then",
    "off_duty": "Not clocked in",
    "no_room": "No time free",
}


@dataclass(frozen=True)
class Task:
    """A job that somebody else has to do."""

    job: Job
    needs: Needs


@dataclass(frozen=True)
class Line:
    """One job of the proposal, with everybody else: best first, last whom something speaks against."""

    job: Job
    candidates: list[Candidate]

    @property
    def fitting(self) -> list[Candidate]:
        return [found for found in self.candidates if found.is_eligible]

    @property
    def doubtful(self) -> list[Candidate]:
        return [found for found in self.candidates if not found.is_eligible]

    @property
    def chosen(self) -> Candidate | None:
        return next(iter(self.fitting), None)

    @property
    def why(self) -> str:
        """What speaks for the chosen one; else “Lacks HVAC Expert (4), Day is full (1)”: each by their first reason."""
        if self.chosen:
            return self.chosen.score.text
        if not self.candidates:
            return "Nobody else is there"
        first = Counter(IN_SHORT.get(found.objections[0].kind, found.objections[0].text) for found in self.candidates)
        return ", ".join(f"{text} ({count})" for text, count in first.most_common(4))


def share_out(tasks: Iterable[Task], team: Team) -> list[Line]:
    """One line for each task, in the order of the tasks.

    What few can do is given out first, then what is urgent: a job that anybody can do must not take the last place in
    the day of the only one who can do another. What is given to somebody counts when the next job is looked at.
    """
    tasks, lines = list(tasks), {}
    able = {task.job.pk: sum(found.is_eligible for found in team.ranked(task.needs)) for task in tasks}
    for task in sorted(tasks, key=lambda task: (able[task.job.pk], -task.job.priority, task.job.pk)):
        line = lines[task.job.pk] = Line(task.job, team.ranked(task.needs))
        if line.chosen:
            _give(task, line.chosen, team)
    return [lines[task.job.pk] for task in tasks]


def _give(task: Task, to: Candidate, team: Team) -> None:
    needs, starts_at, key = task.needs, to.starts_at, (to.technician.pk, task.needs.day)
    booking = Booking(task.job.pk, task.job.number, starts_at, starts_at + needs.duration, needs.place)
    team.brought[key] = team.brought[key].taking(booking, minutes=needs.duration_minutes)
