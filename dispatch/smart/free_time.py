"""When somebody could begin a job on a day that has other jobs already, and where they would come from. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from dispatch.smart.qualification import Booking, Needs, Qualification
from dispatch.travel import Leg, Place, Travel
from technicians.availability import left_of

USUAL_START = time(8)  # of a day for which nobody has said when work begins
MINUTE = timedelta(minutes=1)
STEP = timedelta(minutes=5)  # nobody plans a start for 14:13


@dataclass(frozen=True)
class Origin:
    place: Place | None
    name: str  # "job J-000081", "current position", "home"


NOWHERE = Origin(None, "")


@dataclass(frozen=True)
class Gap:
    """A stretch without work; `until` is None where nothing comes after it in this stretch of work."""

    free_at: datetime
    closes_at: datetime
    origin: Origin
    before: Booking | None


def has_room(needs: Needs, has: Qualification) -> bool:
    """Whether it fits anywhere that day, the way there not counted. An urgent job pushes aside what has not begun."""
    return _first(needs, has, travel=None) is not None


def first_start(needs: Needs, has: Qualification, *, travel: Travel) -> datetime | None:
    """The earliest start with travel before and after; where there is none, the earliest without."""
    return _first(needs, has, travel=travel) or _first(needs, has, travel=None)


def working_stretches(needs: Needs, has: Qualification) -> list[tuple[datetime, datetime]]:
    """When the job could be worked on at all: begun on that day, though a night shift goes on after it.

    Planned breaks are kept free, but not from what is urgent or too long for the time between them.
    """
    midnight, next_midnight = _midnight(needs.day), _midnight(needs.day + timedelta(days=1))
    hours = has.hours_for(needs)
    if hours is not None:
        stretches = [(shift.starts_at, shift.ends_at) for shift in hours]
    else:
        usual = timezone.make_aware(datetime.combine(needs.day, USUAL_START)).astimezone(UTC)
        opens = min(usual, needs.promised[0]) if needs.promised else usual
        if has.is_on_duty and needs.now:  # whoever is at work before the usual hour is at work
            opens = min(opens, needs.now)
        stretches = [(opens, next_midnight + needs.duration)]
    left = left_of(stretches, [(away.starts_at, away.ends_at) for away in has.away])
    left = [(max(opens, midnight), closes) for opens, closes in left if opens < next_midnight and closes > midnight]
    between = left if needs.is_urgent else left_of(left, has.breaks_to_come)
    return between if any(needs.duration <= closes - opens for opens, closes in between) else left


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


def origin_at(instant: datetime, needs: Needs, has: Qualification) -> Origin:
    """Where they will be then: at the last job before it, or, with none from now until then, where the phone says."""
    last = None
    for booked in has.in_order:
        if booked.place and booked.starts_at < instant and _stands(booked, needs):
            last = booked
    is_to_come = last and (needs.now is None or last.ends_at > needs.now)
    if has.position and needs.now and not is_to_come:
        return Origin(has.position, "current position")
    if last:
        return Origin(last.place, last.name)
    return Origin(has.home, "home") if has.home else NOWHERE


def free_from(wanted: datetime, needs: Needs, has: Qualification) -> datetime:
    """The first moment from then on at which nothing else takes their time."""
    free_at = max(wanted, has.break_until or wanted)
    for booked in has.in_order:
        if booked.starts_at <= free_at < booked.ends_at and _stands(booked, needs):
            free_at = booked.ends_at
    return free_at


def _first(needs: Needs, has: Qualification, *, travel: Travel | None) -> datetime | None:
    promised = needs.promised
    for gap in _gaps(needs, has):
        way_there = _minutes(travel and travel.leg(gap.origin.place, needs.place))
        starts_at = gap.free_at + way_there
        if promised:
            starts_at = max(starts_at, promised[0])
        if travel:
            starts_at = _rounded(starts_at)
        ends_at = starts_at + needs.duration
        if gap.before and travel and gap.before.place:
            ends_at += _minutes(travel.leg(needs.place, gap.before.place))
        if ends_at <= gap.closes_at and not (promised and starts_at > promised[1]):
            return starts_at
    return None


def _gaps(needs: Needs, has: Qualification) -> Iterator[Gap]:
    taken = [booked for booked in has.in_order if _stands(booked, needs)]
    for opens, closes in working_stretches(needs, has):
        free_at = whole_minute(max(filter(None, (opens, needs.now, has.break_until))))
        for booked in taken:
            if booked.ends_at <= free_at:
                continue
            if booked.starts_at >= closes:
                break
            if booked.starts_at > free_at:
                yield Gap(free_at, booked.starts_at, origin_at(free_at, needs, has), booked)
            free_at = whole_minute(booked.ends_at)
        if free_at < closes:
            yield Gap(free_at, closes, origin_at(free_at, needs, has), None)


def _stands(booked: Booking, needs: Needs) -> bool:
    """Not to be pushed aside by this job."""
    return booked.is_begun or not needs.is_urgent


def _minutes(leg: Leg | None) -> timedelta:
    return timedelta(minutes=leg.minutes) if leg else timedelta()


def whole_minute(instant: datetime) -> datetime:
    """The next one, if it is none."""
    return (instant + MINUTE - timedelta(microseconds=1)).replace(second=0, microsecond=0)


def _rounded(instant: datetime) -> datetime:
    """Up to the next five minutes."""
    past = timedelta(minutes=instant.minute % 5, seconds=instant.second, microseconds=instant.microsecond)
    return instant + (STEP - past) if past else instant
