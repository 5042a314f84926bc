"""The SLA clock: what of a stretch of time counts, until when something is due, and why.

Pure. Instants are aware datetimes and come back in UTC. What counts is the time inside the calendar's opening hours
(business units) or all of it (minutes, hours), without the pauses. N business days end at the same local time on the
Nth working day after the start; they count like the business time in between, so that a pause moves their deadline by
the business time it took.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from sla.opening_hours import LONGEST_SEARCH, Calendar, NeverDueError, Stretch

MINUTES: Final = "minutes"
HOURS: Final = "hours"
BUSINESS_HOURS: Final = "business_hours"
BUSINESS_DAYS: Final = "business_days"
LENGTHS: Final = {MINUTES: timedelta(minutes=1), HOURS: timedelta(hours=1), BUSINESS_HOURS: timedelta(hours=1)}

COUNTED: Final = "counted"
PAUSED: Final = "paused"
CLOSED: Final = "closed"

AT_RISK_SHARE: Final = 0.75


@dataclass(frozen=True)
class Pause:
    starts_at: datetime
    ends_at: datetime | None = None  # none: it lasts


@dataclass(frozen=True)
class Span:
    kind: str  # COUNTED, PAUSED or CLOSED; a pause while closed is a pause
    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at


@dataclass(frozen=True)
class Clock:
    """One target's clock. The calendar matters to business units only."""

    started_at: datetime
    amount: int
    unit: str
    calendar: Calendar
    pauses: tuple[Pause, ...] = ()

    @property
    def is_business_time(self) -> bool:
        return self.unit in (BUSINESS_HOURS, BUSINESS_DAYS)

    @cached_property
    def budget(self) -> timedelta:
        """How much time may count before the deadline. NeverDueError, as from the instants below."""
        if self.unit in LENGTHS:
            return self.amount * LENGTHS[self.unit]
        return self._open_between(self._start, self._unpaused_deadline)

    @cached_property
    def due_at(self) -> datetime | None:
        """The last instant that is in time; none while a pause lasts that began before it.

        It may be closed then: what is due at closing time is late in the evening, though no business time has passed.
        """
        return self._put_off(self._unpaused_deadline)

    @cached_property
    def at_risk_at(self) -> datetime | None:
        return self._put_off(self._after_open(self._start, AT_RISK_SHARE * self.budget))

    def elapsed(self, at: datetime) -> timedelta:
        at = max(self._start, at.astimezone(UTC))
        total = self._open_between(self._start, at)
        for pause in self._pauses:
            if pause.starts_at < at:
                total -= self._open_between(pause.starts_at, min(pause.ends_at or at, at))
        return total

    def remaining(self, at: datetime) -> timedelta:
        """Of what may count; negative when too much has."""
        return self.budget - self.elapsed(at)

    def percent_used(self, at: datetime) -> int:
        """Rounded down, so that nothing unfinished is shown as whole."""
        return 100 * self.elapsed(at) // self.budget

    def timeline(self, until: datetime) -> list[Span]:
        """Contiguous, from the start to `until`. What is counted in it is `elapsed(until)`."""
        spans: list[Span] = []
        at, until = self._start, max(self._start, until.astimezone(UTC))
        for pause in [*self._pauses, Pause(until, until)]:
            begins, ends = min(pause.starts_at, until), min(pause.ends_at or until, until)
            spans += self._unpaused(at, begins)
            if begins < ends:
                spans.append(Span(PAUSED, begins, ends))
            at = max(at, ends)
        return spans

    def _unpaused(self, start: datetime, end: datetime) -> Iterator[Span]:
        for begins, ends in self._openings_between(start, end):
            if start < begins:
                yield Span(CLOSED, start, begins)
            yield Span(COUNTED, begins, ends)
            start = ends
        if start < end:
            yield Span(CLOSED, start, end)

    @cached_property
    def _start(self) -> datetime:
        return self.started_at.astimezone(UTC)

    @cached_property
    def _pauses(self) -> list[Pause]:
        """In order, without overlaps, none before the start."""
        found: list[Pause] = []
        at: datetime | None = self._start
        for pause in sorted(self.pauses, key=lambda pause: pause.starts_at):
            if at is None:
                break
            begins, ends = max(at, pause.starts_at.astimezone(UTC)), pause.ends_at and pause.ends_at.astimezone(UTC)
            if ends is None or begins < ends:
                found.append(replace(pause, starts_at=begins, ends_at=ends))
                at = ends
        return found

    @cached_property
    def _unpaused_deadline(self) -> datetime:
        if self.unit == BUSINESS_DAYS:
            return self.calendar.same_time_later(self._start, self.amount)
        return self._after_open(self._start, self.budget)

    def _put_off(self, instant: datetime) -> datetime | None:
        """By what would have counted of the pauses that begin before it, or as soon as such a one ends."""
        paused_until = None
        for pause in self._pauses:
            if pause.starts_at >= instant and pause.starts_at != paused_until:
                break
            paused_until = pause.ends_at
            if paused_until is None:
                return None
            if length := self._open_between(pause.starts_at, pause.ends_at):
                instant = self._after_open(instant, length)
        return instant

    def _open_between(self, start: datetime, end: datetime) -> timedelta:
        return self.calendar.open_between(start, end) if self.is_business_time else end - start

    def _openings_between(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        if self.is_business_time:
            yield from self.calendar.openings_between(start, end)
        elif start < end:
            yield start, end

    def _after_open(self, start: datetime, length: timedelta) -> datetime:
        if self.is_business_time:
            return self.calendar.after_open(start, length)
        if length > LONGEST_SEARCH:
            raise NeverDueError("The target is longer than anyone will wait.")
        return start + length


def is_ever_due(amount: int, unit: str, calendar: Calendar, *, started_at: datetime) -> bool:
    clock = Clock(started_at, amount, unit, calendar)
    try:
        return clock.due_at is not None
    except NeverDueError:
        return False
