"""Which visits a plan still lacks, when they are, and what a changed plan makes of those that it has. Pure."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.maintenance.rule import Schedule

DAY: Final = timedelta(days=1)
MOST_AHEAD: Final = 60


def days_to_make(schedule: Schedule, *, since: date, today: date, ahead: int, known: Collection[date]) -> list[date]:
    """Those up to so many days ahead, yet no more than MOST_AHEAD, that are not `known`: neither made nor skipped.

    Of what was missed while nobody looked only the last is made up for: five weekly visits at once are of no use.
    """
    seen_until = max((day for day in known if day < today), default=None)
    first = max(since, schedule.starts_on, seen_until + DAY if seen_until else since)
    days = schedule.between(first, today + timedelta(days=ahead))
    missed = [day for day in days if day < today and day not in known]
    return [*missed[-1:], *(day for day in _next(days, today=today) if day not in known)]


def _next(days: Iterable[date], *, today: date) -> Iterator[date]:
    """A daily visit a year ahead would be hundreds of jobs, which every change of the plan has to move."""
    return islice((day for day in days if day >= today), MOST_AHEAD)


def block_on(day: date, *, starts: time | None, ends: time | None, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """In UTC. A time that the clocks skip is as much later as they are put forward, one that comes twice is the first.

    So a block that begins in the hour that is skipped, and ends after it, may end before it begins: then it keeps its
    length.
    """
    if starts is None or ends is None:
        return None
    begins_at, ends_at = (datetime.combine(day, at, zone).astimezone(UTC) for at in (starts, ends))
    if ends_at <= begins_at:
        ends_at = begins_at + (datetime.combine(day, ends) - datetime.combine(day, starts))
    return begins_at, ends_at


def realigned(made: Iterable[date], due: Iterable[date], *, taken: Collection[date]) -> dict[date, date | None]:
    """Where each visit that was made goes: days that are still due keep theirs, the others move in order to the days

    that have none, and for whom none is left (None) there is no visit any more. `taken` has something on it already.
    """
    made, due = sorted(made), sorted(due)
    staying = set(made) & set(due)
    free = [day for day in due if day not in staying and day not in taken]
    leaving = [day for day in made if day not in staying]
    moves = dict.fromkeys(leaving) | dict(zip(leaving, free, strict=False))
    return {day: day for day in staying} | moves
