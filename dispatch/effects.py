"""What a placement would bring: the way there, and which stops it would make late. Tells; objects to nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from dispatch.arrivals import what_if
from dispatch.models import Job
from dispatch.placement import Placement
from dispatch.progress import Prediction

NAMED = 3  # stops that the ghost names; of more it gives the number


@dataclass(frozen=True)
class Effect:
    own: Prediction | None  # None for what has no technician, or lies in the past
    made_late: list[Prediction]  # other stops that will be later than now, and late
    named: frozenset[int]  # those of them that the user may see

    @property
    def sentences(self) -> list[str]:
        if self.own is None:
            return []
        return [*self._way(), *self._lateness()]

    def _way(self) -> list[str]:
        if self.own.travel_km is None:
            return ["Way there not known: a place has no location"]
        return [f"{self.own.travel_minutes} min of travel, {self.own.travel_km:.1f} km"]

    def _lateness(self) -> list[str]:
        found = []
        if self.own.late_minutes:
            found.append(f"Arrives {timezone.localtime(self.own.arrives_at):%H:%M}, {self.own.late_minutes} min late")
        found += [f"Makes {self._name(stop.job_id)} {stop.late_minutes} min late" for stop in self.made_late[:NAMED]]
        if len(self.made_late) > NAMED:
            found.append(f"and {len(self.made_late) - NAMED} more")
        return found

    def _name(self, job_id: int) -> str:
        return f"J-{job_id:06d}" if job_id in self.named else "a job in another zone"


def effect_of(job: Job, placement: Placement, *, user, now: datetime) -> Effect:
    if placement.technician is None or placement.day is None or placement.day < timezone.localdate(now):
        return Effect(None, [], frozenset())
    before, after = what_if(
        job, technician=placement.technician, day=placement.day, starts_at=placement.starts_at, now=now
    )
    late_before = {stop.job_id: stop.late_minutes for stop in before}
    own = next((stop for stop in after if stop.job_id == job.pk), None)
    made_late = [
        stop for stop in after if stop.job_id != job.pk and stop.late_minutes > late_before.get(stop.job_id, 0)
    ]
    visible = Job.objects.visible_to(user).filter(pk__in=[stop.job_id for stop in made_late[:NAMED]])
    return Effect(own, made_late, frozenset(visible.values_list("pk", flat=True)))
