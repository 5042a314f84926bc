"""What a placement would bring: the way there, and which stops it would make late. Tells; objects to nothing."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from dispatch.arrivals import what_if_each
from dispatch.durations import span
from dispatch.models import Job
from dispatch.placement import Placement
from dispatch.progress import Prediction
from dispatch.service_levels.effects import sla_sentence
from technicians.models import Technician

NAMED = 3  # stops that the ghost names; of more it gives the number


@dataclass(frozen=True)
class Effect:
    own: Prediction | None  # None for what has no technician, or lies in the past
    made_late: list[Prediction]  # other stops that will be later than now, and late
    named: frozenset[int]  # those of them that the user may see
    delays: tuple[int, ...] = ()  # minutes by which each of the other stops begins later
    sla: str = ""  # what it means for the job's own deadlines

    @property
    def sentences(self) -> list[str]:
        if self.own is None:
            return []
        return [*self._way(), *self._lateness(), *filter(None, [self.sla])]

    @property
    def on_the_route(self) -> str:
        """“Delays 2 stops by up to 35 min; makes J-000012 20 min late”"""
        if self.own is None:
            return ""
        if not self.delays:
            return "Delays none of their stops"
        stops = f"{len(self.delays)} stop{'s' if len(self.delays) > 1 else ''}"
        by = f"up to {span(max(self.delays))}" if len(self.delays) > 1 else span(self.delays[0])
        late = self._lateness()[1 if self.own.late_minutes else 0 :]
        return "; ".join([f"Delays {stops} by {by}", *(sentence[0].lower() + sentence[1:] for sentence in late)])

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


NO_EFFECT = Effect(None, [], frozenset())


def effect_of(job: Job, placement: Placement, *, user, now: datetime) -> Effect:
    if placement.technician is None or placement.day is None:
        return NO_EFFECT
    starts = {placement.technician: placement.starts_at}
    return effects_of(job, starts, day=placement.day, user=user, now=now)[placement.technician.pk]


def effects_of(
    job: Job, starts: dict[Technician, datetime | None], *, day: date, user, now: datetime, as_next: bool = False
) -> dict[int, Effect]:
    """What it would bring to give the job to each of these technicians; the queries are as many as for one.

    `as_next`: before all that they have still to begin.
    """
    if day < timezone.localdate(now):
        return {technician.pk: NO_EFFECT for technician in starts}
    outcomes = what_if_each(job, starts, day=day, now=now, as_next=as_next)
    made_late = {pk: _made_late(job, before, after) for pk, (before, after) in outcomes.items()}
    ids = [stop.job_id for stops in made_late.values() for stop in stops[:NAMED]]
    visible = frozenset(Job.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    own = {pk: next((stop for stop in after if stop.job_id == job.pk), None) for pk, (_, after) in outcomes.items()}
    return {
        pk: Effect(
            own=own[pk],
            made_late=made_late[pk],
            named=visible,
            delays=_delays(before, after),
            sla=sla_sentence(job, own[pk], now=now) if own[pk] else "",
        )
        for pk, (before, after) in outcomes.items()
    }


def _made_late(job: Job, before: list[Prediction], after: list[Prediction]) -> list[Prediction]:
    late_before = {stop.job_id: stop.late_minutes for stop in before}
    return [stop for stop in after if stop.job_id != job.pk and stop.late_minutes > late_before.get(stop.job_id, 0)]


def _delays(before: list[Prediction], after: list[Prediction]) -> tuple[int, ...]:
    """In minutes, of each stop that will begin later than without the job."""
    began = {stop.job_id: stop.starts_at for stop in before}
    delays = (
        int((stop.starts_at - began[stop.job_id]).total_seconds() // 60) for stop in after if stop.job_id in began
    )
    return tuple(minutes for minutes in delays if minutes > 0)
