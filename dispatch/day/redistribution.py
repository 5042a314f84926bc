"""Sharing out the jobs of somebody who is away: each to whom it fits best, jointly. Pure: it only proposes."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from dispatch.smart.eligibility import Booking, Needs, Objection, Qualification, reasons_against
from dispatch.travel import Place, Travel

FULL_DAY_MINUTES = 60  # how much more travel a technician with nothing to do is worth against one whose day is full
UNKNOWN_TRAVEL_MINUTES = 45  # nobody is near to what has no location

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

    job_id: int
    needs: Needs
    place: Place | None
    priority: int
    booking: Booking | None = None  # the time it takes, where one is planned


@dataclass
class Worker:
    """A technician on one day, with what they have been given so far; `places` are home and their stops."""

    technician_id: int
    name: str
    has: Qualification
    places: list[Place] = field(default_factory=list)

    def take(self, task: Task) -> None:
        self.has = self.has.taking(task.booking, minutes=task.needs.duration_minutes)
        if task.place:
            self.places.append(task.place)


@dataclass(frozen=True)
class Option:
    technician_id: int
    name: str
    objections: list[Objection]
    jobs_that_day: int  # with what has been proposed already
    daily_maximum: int
    travel_minutes: int | None
    travel_km: float | None

    @property
    def cost(self) -> float:
        travel = UNKNOWN_TRAVEL_MINUTES if self.travel_minutes is None else self.travel_minutes
        return travel + FULL_DAY_MINUTES * self.jobs_that_day / self.daily_maximum

    @property
    def why(self) -> str:
        """“3.1 km away, 2 of 8 jobs that day”"""
        near = "distance not known" if self.travel_km is None else f"{self.travel_km:.1f} km away"
        return f"{near}, {self.jobs_that_day} of {self.daily_maximum} jobs that day"


@dataclass(frozen=True)
class Suggestion:
    """`chosen` is None where nobody is eligible; `why` says either. `options` are all others, best first."""

    job_id: int
    chosen: Option | None
    options: list[Option]
    why: str


def share_out(tasks: Iterable[Task], workers_on: Callable[[date], list[Worker]], travel: Travel) -> list[Suggestion]:
    """One suggestion for each task, in the order of the tasks.

    What few can do is given out first, then what is urgent: a job that anybody can do must not take the last place in
    the day of the only one who can do another. What is given to somebody counts when the next job is looked at.
    """
    tasks = list(tasks)
    days = {day: workers_on(day) for day in {task.needs.day for task in tasks}}
    able = {
        task.job_id: sum(not reasons_against(task.needs, worker.has) for worker in days[task.needs.day])
        for task in tasks
    }
    found = {}
    for task in sorted(tasks, key=lambda task: (able[task.job_id], -task.priority, task.job_id)):
        workers = days[task.needs.day]
        suggestion = _suggest(task, workers, travel)
        found[task.job_id] = suggestion
        if suggestion.chosen:
            next(w for w in workers if w.technician_id == suggestion.chosen.technician_id).take(task)
    return [found[task.job_id] for task in tasks]


def _suggest(task: Task, workers: list[Worker], travel: Travel) -> Suggestion:
    options = sorted(
        (_option(task, worker, travel) for worker in workers),
        key=lambda option: (len(option.objections), option.cost, option.name),
    )
    best = next((option for option in options if not option.objections), None)
    return Suggestion(task.job_id, best, options, best.why if best else _why_nobody(options))


def _option(task: Task, worker: Worker, travel: Travel) -> Option:
    legs = [leg for place in worker.places if (leg := travel.leg(place, task.place))]
    nearest = min(legs, key=lambda leg: leg.minutes, default=None)
    return Option(
        technician_id=worker.technician_id,
        name=worker.name,
        objections=reasons_against(task.needs, worker.has),
        jobs_that_day=worker.has.jobs_that_day,
        daily_maximum=worker.has.daily_maximum,
        travel_minutes=nearest and nearest.minutes,
        travel_km=nearest and nearest.km,
    )


def _why_nobody(options: list[Option]) -> str:
    """“Lacks HVAC Expert (4), Day is full (1)”, each counted under the first thing against them."""
    if not options:
        return "Nobody else is there"
    first = Counter(IN_SHORT.get(option.objections[0].kind, option.objections[0].text) for option in options)
    return ", ".join(f"{text} ({count})" for text, count in first.most_common(4))
