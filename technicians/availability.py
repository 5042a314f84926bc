"""When somebody works. Pure: rows in, instants out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

DAY = timedelta(days=1)
COMES_EARLY = timedelta(hours=4)  # whoever clocks in this long before a shift may do so for that shift
USUAL_BREAK = timedelta(minutes=30)
LONGEST_DUTY = timedelta(hours=16)  # of whom no working hours are known

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Shift:
    """One stretch of work, with its break where it has one."""

    starts_at: datetime
    ends_at: datetime
    break_starts_at: datetime | None = None
    break_ends_at: datetime | None = None
    is_from_day_before: bool = False  # as seen from the day that was asked about

    def holds(self, starts_at: datetime, ends_at: datetime) -> bool:
        return self.starts_at <= starts_at and ends_at <= self.ends_at

    @property
    def minutes(self) -> int:
        """Without the break."""
        pause = self.break_ends_at - self.break_starts_at if self.break_starts_at else timedelta()
        return int((self.ends_at - self.starts_at - pause).total_seconds() // 60)


def shifts_on(day: date, hours: Iterable, *, zone: tzinfo) -> list[Shift] | None:
    """The shifts that begin on that day; `hours` are a technician's WorkingHours rows, of any weekday.

    None where there are no rows at all: nobody has said when they work, which is no objection to anything.
    """
    rows = list(hours)
    if not rows:
        return None
    shifts = (_shift(day, row, zone) for row in rows if row.weekday == day.weekday())
    # What the clocks leap over in spring is left out.
    return sorted((shift for shift in shifts if shift.starts_at < shift.ends_at), key=lambda shift: shift.starts_at)


def shifts_touching(day: date, hours: Iterable, *, zone: tzinfo) -> list[Shift] | None:
    """As `shifts_on`, with those of the night before that run on into that day."""
    rows = list(hours)
    if not rows:
        return None
    midnight = instant_of(day, time.min, zone=zone)
    overnight = [row for row in rows if row.ends_at <= row.starts_at]
    night = shifts_on(day - DAY, overnight, zone=zone) or []
    return [
        *(replace(shift, is_from_day_before=True) for shift in night if shift.ends_at > midnight),
        *shifts_on(day, rows, zone=zone),
    ]


def break_until(began_at: datetime, shifts: Iterable[Shift], *, now: datetime) -> datetime:
    """When whoever is on a break now will be back: at the end of the planned one, else after the usual time."""
    planned = (s.break_ends_at for s in shifts if s.break_starts_at and s.break_starts_at <= now < s.break_ends_at)
    return max(now, next(planned, began_at + USUAL_BREAK))


def left_of(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What remains of the spans when the others are cut out of them."""
    left = list(spans)
    for begins, ends in taken:
        pieces = (piece for span in left for piece in ((span[0], min(span[1], begins)), (max(span[0], ends), span[1])))
        left = [piece for piece in pieces if piece[0] < piece[1]]
    return left


def duty_ends_at(clocked_in_at: datetime, hours: Iterable, *, zone: tzinfo) -> datetime | None:
    """The end of the working day for which they clocked in; None where they are not known to work then."""
    rows, day = list(hours), clocked_in_at.astimezone(zone).date()
    ends_at = None
    for shifts in (shifts_on(day + number * DAY, rows, zone=zone) for number in (-1, 0, 1, 2)):
        if not shifts:
            continue
        begins, ends = shifts[0].starts_at, shifts[-1].ends_at
        goes_on = ends_at is not None and begins <= ends_at  # over midnight, as two shifts
        if goes_on or (ends_at is None and begins - COMES_EARLY <= clocked_in_at < ends):
            ends_at = ends
    return ends_at


def forgotten_clock_out(
    clocked_in_at: datetime,
    hours: Iterable,
    *,
    last_active_at: datetime | None,
    zone: tzinfo,
    now: datetime,
    after: timedelta,
) -> datetime | None:
    """When whoever is still clocked in must have left; None while it is too early to say so.

    That is the end of the working day, or the last thing that they did after it; where no hours are known for that
    time, the last thing that they did at all.
    """
    ends_at = duty_ends_at(clocked_in_at, hours, zone=zone)
    if ends_at is not None:
        left_at = max(ends_at, last_active_at or ends_at)
        return left_at if now >= left_at + after else None
    longest = clocked_in_at + LONGEST_DUTY
    if last_active_at is None:
        return longest if now >= longest else None
    return last_active_at if now >= max(longest, last_active_at + after) else None


@lru_cache(maxsize=4096)  # everybody's shifts begin and end at the same few times
def instant_of(day: date, clock: time, *, zone: tzinfo) -> datetime:
    """When it is that late by the clock on the wall; the first time in autumn, the moment of the leap in spring."""
    # Python counts hours between local times as if the clocks were never changed.
    local = datetime.combine(day, clock, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    before, after = local.replace(fold=1).astimezone(UTC), instant
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == after.astimezone(zone).utcoffset():
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _shift(day: date, row, zone: tzinfo) -> Shift:
    starts_at, ends_at = instant_of(day, row.starts_at, zone=zone), instant_of(day, row.ends_at, zone=zone)
    is_overnight = row.ends_at <= row.starts_at
    if is_overnight:
        ends_at = instant_of(day + DAY, row.ends_at, zone=zone)
    if row.break_starts_at is None:
        return Shift(starts_at, ends_at)
    pause = []
    for clock in (row.break_starts_at, row.break_ends_at):
        is_past_midnight = is_overnight and clock < row.starts_at
        pause.append(instant_of(day + DAY if is_past_midnight else day, clock, zone=zone))
    return Shift(starts_at, ends_at, *pause)
