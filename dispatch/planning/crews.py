"""A technician's working day, as the planner needs it: from when and where, until when, and what interrupts it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from django.utils import timezone

from dispatch.arrivals import Outlook
from dispatch.models import Job
from dispatch.planning.problem import Break
from dispatch.progress import ASSIGNED
from dispatch.progress import Stop as Visit
from dispatch.smart.free_time import working_stretches
from dispatch.smart.qualification import Needs, Qualification
from dispatch.travel import Place
from technicians.models import Technician

TOLERATED: Final = timedelta(minutes=10)  # after the shift: no plan is taken apart for that
TO_SPARE: Final = 60 * 60  # seconds by which the break may be put off for a job that fits on neither side of it


@dataclass(frozen=True)
class Workday:
    """Seconds count from `midnight`, of the day in the business's time. `opens` >= `closes`: does not work (any more).

    `outlook` is what the predictions go by; `going_on` are its stops that have begun.
    """

    technician: Technician
    has: Qualification
    outlook: Outlook
    midnight: datetime
    opens: int
    closes: int
    start: Place | None
    breaks: tuple[Break, ...]
    most_stops: int
    is_missing: bool = False  # ought to be at work and has not clocked in
    is_given_up: bool = False

    def instant(self, second: int) -> datetime:
        return self.midnight + timedelta(seconds=second)

    def second(self, instant: datetime) -> int:
        return int((instant - self.midnight).total_seconds())

    @property
    def going_on(self) -> list[Visit]:
        return [stop for stop in self.outlook.stops if stop.status != ASSIGNED]

    @property
    def works(self) -> bool:
        return self.opens < self.closes

    def given_up(self) -> "Workday":
        """Whose jobs others are to have."""
        return replace(self, closes=self.opens, breaks=(), most_stops=0, is_given_up=True, is_missing=False)


class Wanted:
    """The jobs to be planned, sorted once for all the technicians who ask for theirs."""

    def __init__(self, jobs: Iterable[Job], *, day: date):
        self.own: dict[int | None, list[Job]] = defaultdict(list)
        self._minutes: dict[tuple, set[int]] = defaultdict(set)
        for job in jobs:
            if job.scheduled_on == day:
                self.own[job.technician_id].append(job)
            needs = frozenset((need.skill_id, need.level) for need in job.required_skills.all())
            self._minutes[job.zone_id, needs].add(job.duration_minutes)

    def minutes(self, has: Qualification) -> set[int]:
        """How long those take that they may do."""
        levels = {skill_id: held.level for skill_id, held in has.skills.items()}
        return {
            minutes
            for (zone_id, needs), found in self._minutes.items()
            if zone_id is None or zone_id in has.zone_ids
            if all(levels.get(skill_id, 0) >= level for skill_id, level in needs)
            for minutes in found
        }


def workday_of(
    technician: Technician, has: Qualification, outlook: Outlook, *, day: date, now: datetime, wanted: Wanted
) -> Workday:
    midnight = timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)
    own = wanted.own.get(technician.pk, [])
    kept_busy = has.jobs_that_day - len(own)
    most = max(technician.daily_maximum - kept_busy, len(own), 0)  # who was given more already may keep them
    stretches = _stretches(has, outlook, day=day, now=now)
    bare = Workday(technician, has, outlook, midnight, 0, 0, None, (), most, _is_missing(has, now=now, day=day))
    if not stretches or has.off_reason:
        return replace(bare, most_stops=0, is_missing=False)
    opens, start = _begins(stretches, has, outlook, now=now, is_today=day == timezone.localdate(now))
    closes = _ends(stretches[-1][1], outlook, own)
    bare = replace(bare, opens=_up(bare.second(opens)), closes=bare.second(closes), start=start)
    return replace(bare, breaks=_breaks(bare, stretches, own, wanted.minutes(has)))


def _stretches(has: Qualification, outlook: Outlook, *, day: date, now: datetime) -> list[tuple[datetime, datetime]]:
    """Last night's shift counts where something is planned for it, or now is in it, or nothing comes after it."""
    is_today = day == timezone.localdate(now)
    anything = Needs(day=day, zone_id=None, zone_name="", skills=(), now=now if is_today else None, is_urgent=True)
    stretches = working_stretches(anything, replace(has, on_call=()))  # urgent: with the breaks still in
    nights = [shift for shift in has.shifts or () if shift.is_from_day_before]
    if not nights or len(has.shifts) == len(nights):
        return stretches
    night_ends_at = nights[-1].ends_at
    planned = any(stop.planned_starts_at and stop.planned_starts_at < night_ends_at for stop in outlook.stops)
    if planned or (is_today and now < night_ends_at):
        return stretches
    return [(opens, closes) for opens, closes in stretches if opens >= night_ends_at]


def _begins(stretches, has: Qualification, outlook: Outlook, *, now: datetime, is_today: bool):
    """When they are free for the first stop that has not begun, and where they are then."""
    opens, place = stretches[0][0], outlook.whereabouts.place
    if is_today:
        opens = max(now, next((max(begins, now) for begins, ends in stretches if ends > now), now))
        begun = [stop for stop in outlook.stops if stop.status != ASSIGNED]
        if begun:
            last = outlook.predict(begun, travel=_NoWay())[-1]
            opens, place = max(now, last.ends_at), begun[-1].place or place
    opens = max(opens, has.break_until or opens)
    for pause in outlook.pauses:
        if pause.starts_at <= opens < pause.ends_at:
            opens = pause.ends_at
    for booked in has.in_order:  # the evening before goes on into the day
        if booked.starts_at < stretches[0][0] and booked.ends_at > opens and not booked.is_begun:
            opens, place = booked.ends_at, booked.place or place
    return opens, place


class _NoWay:
    """What is under way is predicted by what it has left to do; the way there is asked of the predictions later."""

    def leg(self, origin, target, at=None):
        return None


def _ends(closes: datetime, outlook: Outlook, own: Sequence[Job]) -> datetime:
    predicted = [job.arrival.ends_at for job in own if job.prediction]
    return max(closes, min(max(predicted, default=closes), closes + TOLERATED))


def _is_missing(has: Qualification, *, now: datetime, day: date) -> bool:
    if day != timezone.localdate(now) or has.is_on_duty is not False or has.off_reason:
        return False
    return any(shift.starts_at <= now < shift.ends_at for shift in has.shifts or ())


# What interrupts the day --------------------------------------------------------------------------


def _breaks(workday: Workday, stretches, own: Sequence[Job], minutes: set[int]) -> tuple[Break, ...]:
    """Planned breaks, time between two shifts, time off, and jobs of which nobody knows where they are."""
    found = [
        _rest(workday, pause.starts_at, pause.ends_at, own, minutes)
        for pause in workday.outlook.pauses
        if pause.is_planned
    ]
    for (_, closes), (opens, _) in pairwise(stretches):
        found.append(_fixed(workday, closes, opens))
    for away in workday.has.away:
        inside = [(begins, ends) for begins, ends in stretches if begins < away.starts_at and away.ends_at < ends]
        found += [_fixed(workday, away.starts_at, away.ends_at) for _ in inside]
    found += _elsewhere(workday, own)
    to_come = [pause for pause in found if pause.earliest + pause.duration > workday.opens and pause.duration > 0]
    return _in_sequence(pause for pause in to_come if pause.earliest < workday.closes)


def _rest(workday: Workday, starts_at: datetime, ends_at: datetime, own: Sequence[Job], minutes: set[int]) -> Break:
    """It begins on time; later only for a job that was planned over it or would fit on neither side of it."""
    pause = _fixed(workday, starts_at, ends_at)
    latest = pause.latest
    for job in own:
        begins_at = job.arrival.starts_at if job.prediction else job.planned_starts_at
        if begins_at is None:
            continue
        begins = workday.second(begins_at)
        ends = begins + job.duration_minutes * 60
        if begins < pause.earliest + pause.duration and ends > pause.earliest:
            latest = max(latest, _up(ends))
    sides = (pause.earliest - workday.opens, workday.closes - pause.earliest - pause.duration)
    lengths = [length * 60 for length in minutes]
    too_long = [length for length in lengths if max(sides) < length <= sum(sides)]
    if too_long:
        latest = max(latest, min(workday.opens + max(too_long) + TO_SPARE, workday.closes - pause.duration))
    return replace(pause, latest=latest)


def _fixed(workday: Workday, starts_at: datetime, ends_at: datetime) -> Break:
    begins, ends = workday.second(starts_at), workday.second(ends_at)
    return Break(0, begins, begins, max(0, ends - begins))


def _elsewhere(workday: Workday, own: Sequence[Job]) -> list[Break]:
    """Jobs without a location, as the predictions have them: their time, no way. And tomorrow's of this night."""
    known = {stop.job_id: stop for stop in workday.outlook.stops}
    nowhere = [
        stop
        for stop in known.values()
        if stop.place is None and stop.status == ASSIGNED and stop.planned_starts_at and not stop.is_on_hold
    ]
    taken = [(stop.planned_starts_at, stop.planned_starts_at + stop.duration) for stop in nowhere]
    taken += [
        (booked.starts_at, booked.ends_at)
        for booked in workday.has.bookings
        if booked.job_id not in known and not booked.is_begun and workday.second(booked.starts_at) >= workday.opens
    ]
    return [replace(_fixed(workday, *span), id=1) for span in taken]


def _in_sequence(breaks) -> tuple[Break, ...]:
    """What begins while another lasts, or has begun late, comes after it."""
    placed: list[Break] = []
    for pause in sorted(breaks, key=lambda pause: (pause.earliest, pause.latest)):
        before = placed[-1] if placed else None
        free_at = max(pause.earliest, before.earliest + before.duration if before else pause.earliest)
        latest = max(
            pause.latest,
            free_at,
            before.latest + before.duration if before and before.latest + before.duration > pause.earliest else 0,
        )
        placed.append(Break(len(placed), free_at, latest, pause.duration))
    return tuple(placed)


def _up(second: int) -> int:
    """To the next whole minute: nobody plans by seconds."""
    return -(-second // 60) * 60
