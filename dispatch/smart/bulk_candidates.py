"""Every technician for several jobs at once, with what speaks against each summed up over them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.utils import timezone

from dispatch.models import Job
from dispatch.smart.eligibility import Needs, Objection, Qualification, reasons_against
from dispatch.smart.facts import booking_of, needs_of, qualification_of, with_that_day
from technicians.models import Technician

# Sentences that name one job or a number would not add up.
SUMMED_UP: Final = {
    "day_full": "The day is full",
    "overlap": "Overlaps another job",
    "block": "Outside the time block",
    "no_room": "No time is free",
    "off_duty": "Not clocked in, though the shift has begun",
}


@dataclass
class BulkCandidate:
    """`reasons` counts the jobs against which each sentence speaks."""

    technician: Technician
    jobs: int = 0
    doubtful: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def objections(self) -> list[str]:
        """“3 of 5: Lacks HVAC Advanced”, the most frequent first"""
        return [f"{count} of {self.jobs}: {text}" for text, count in self.reasons.most_common()]


def bulk_candidates_for(jobs: Iterable[Job], *, user) -> list[BulkCandidate]:
    """Those whom the user may see, best first. A fixed number of queries for each day that the jobs are on."""
    days: dict[date, list[Job]] = defaultdict(list)
    for job in jobs:
        days[job.scheduled_on or timezone.localdate()].append(job)
    found: dict[int, BulkCandidate] = {}
    for day, that_day in days.items():
        asked = [(job, needs_of(job, day=day, starts_at=job.planned_starts_at)) for job in that_day]
        chosen = {job.pk for job in that_day}
        for technician in with_that_day(Technician.objects.visible_to(user).active(), day=day, besides=that_day[0]):
            technician.others_that_day = [job for job in technician.others_that_day if job.pk not in chosen]
            candidate = found.setdefault(technician.pk, BulkCandidate(technician))
            _judge(candidate, qualification_of(technician, day=day), asked)
    return sorted(found.values(), key=lambda c: (c.doubtful, c.reasons.total(), str(c.technician)))


def _judge(candidate: BulkCandidate, has: Qualification, asked: list[tuple[Job, Needs]]) -> None:
    """Each of the jobs takes its place in the day before the next one is judged."""
    for job, needs in asked:
        objections = reasons_against(needs, has)
        candidate.jobs += 1
        candidate.doubtful += bool(objections)
        candidate.reasons.update({_summed_up(objection) for objection in objections})
        has = has.taking(booking_of(job), minutes=job.duration_minutes)


def _summed_up(objection: Objection) -> str:
    return SUMMED_UP.get(objection.kind, objection.text)
