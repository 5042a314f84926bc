"""When somebody works. Pure: rows in, instants out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shift:
    """One stretch of work on a day, with its break where it has one."""

    starts_at: datetime
    ends_at: datetime
    break_starts_at: datetime | None = None
    break_ends_at: datetime | None = None

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
    return sorted(
        (_shift(day, row, zone) for row in rows if row.weekday == day.weekday()), key=lambda shift: shift.starts_at
    )


def _shift(day: date, row, zone: tzinfo) -> Shift:
    starts_at, ends_at = _at(day, row.starts_at, zone), _at(day, row.ends_at, zone)
    if row.ends_at <= row.starts_at:
        ends_at = _at(day + DAY, row.ends_at, zone)
    if row.break_starts_at is None:
        return Shift(starts_at, ends_at)
    pause = []
    for clock in (row.break_starts_at, row.break_ends_at):
        is_past_midnight = row.ends_at <= row.starts_at and clock < row.starts_at
        pause.append(_at(day + DAY if is_past_midnight else day, clock, zone))
    return Shift(starts_at, ends_at, *pause)


def _at(day: date, clock: time, zone: tzinfo) -> datetime:
    # Python counts hours between local times as if the clocks were never changed.
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
