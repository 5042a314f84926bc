"""The SLA clock: what of a stretch of time counts, until when something is due, and why.

Pure. Instants are aware datetimes and come back in UTC. What counts is the time inside the calendar's opening hours
(business units) or all of it (minutes, hours), without the pauses. N business days end at the same local time on the
Nth working day after the start; they count like the business time in between, so that a pause moves their deadline by
the business time it took.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

MINUTES: Final = "minutes"
HOURS: Final = "hours"
BUSINESS_HOURS: Final = "business_hours"
BUSINESS_DAYS: Final = "business_days"
LENGTHS: Final = {MINUTES: timedelta(minutes=1), HOURS: timedelta(hours=1), BUSINESS_HOURS: timedelta(hours=1)}

COUNTED: Final = "counted"
PAUSED: Final = "paused"
CLOSED: Final = "closed"

AT_RISK_SHARE: Final = 0.75
LONGEST_SEARCH: Final = timedelta(days=366 * 40)  # for an opening, before a target counts as never due

Stretch = tuple[datetime, datetime]


class NeverDueError(ValueError):
    """The calendar does not open often enough for the target ever to be used up."""


@dataclass(frozen=True)
class Calendar:
    """`weekly` has, Monday first, each weekday's intervals (opens, closes) in order; 00:00 closes the day."""

    zone: ZoneInfo
    weekly: tuple[tuple[tuple[time, time], ...], ...]
    holidays: Container[date] = frozenset()
    _days: dict[date, tuple[Stretch, ...]] = field(default_factory=dict, compare=False, repr=False)

    def is_working_day(self, day: date) -> bool:
        return bool(self.opening_of(day))

    def opening_of(self, day: date) -> tuple[Stretch, ...]:
        """In UTC. An hour that a change of the clocks skips is no opening hour, one that comes twice counts twice."""
        if day not in self._days:
            self._days[day] = tuple(self._open_on(day))
        return self._days[day]

    def _open_on(self, day: date) -> Iterator[Stretch]:
        if day in self.holidays:
            return
        for opens, closes in self.weekly[day.weekday()]:
            last_day = day + timedelta(days=1) if closes == time(0) else day
            begins, ends = self._instant(day, opens), self._instant(last_day, closes, fold=1)
            if begins < ends:
                yield begins, ends

    def _instant(self, day: date, moment: time, *, fold: int = 0) -> datetime:
        return datetime.combine(day, moment.replace(fold=fold), self.zone).astimezone(UTC)

    def openings_from(self, start: datetime) -> Iterator[Stretch]:
        """What is left of the opening hours from `start` on, for as long as it is asked."""
        day = start.astimezone(self.zone).date()
        last = day + LONGEST_SEARCH
        while day < last:
            for begins, ends in self.opening_of(day):
                if ends > start:
                    yield max(begins, start), ends
            day += timedelta(days=1)
        raise NeverDueError("The calendar's opening hours never suffice for this target.")

    def same_time_later(self, start: datetime, working_days: int) -> datetime:
        begin = next(self.openings_from(start))[0].astimezone(self.zone)
        day, last = begin.date(), begin.date() + LONGEST_SEARCH
        while working_days and day < last:
            day += timedelta(days=1)
            working_days -= self.is_working_day(day)
        if working_days:
            raise NeverDueError("The calendar's working days never suffice for this target.")
        return self._instant(day, begin.time())


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
        """How much time may count before the deadline."""
        if self.unit in LENGTHS:
            return self.amount * LENGTHS[self.unit]
        return self._counted(self._unpaused_deadline, pauses=[])

    @cached_property
    def due_at(self) -> datetime | None:
        """None while a pause lasts that began before the deadline."""
        due = self._when(self.budget, self._pauses)
        if self.unit == BUSINESS_DAYS and due == self._when(self.budget, []):
            return self._unpaused_deadline
        return due

    @cached_property
    def at_risk_at(self) -> datetime | None:
        return self._when(AT_RISK_SHARE * self.budget, self._pauses)

    def elapsed(self, at: datetime) -> timedelta:
        return self._counted(at, pauses=self._pauses)

    def remaining(self, at: datetime) -> timedelta:
        """Of what may count; negative when too much has."""
        return self.budget - self.elapsed(at)

    def percent_used(self, at: datetime) -> int:
        """Rounded down, so that nothing unfinished is shown as whole."""
        return int(100 * self.elapsed(at) / self.budget)

    def timeline(self, until: datetime) -> list[Span]:
        """Contiguous, from the start to `until`. What is counted in it is `elapsed(until)`."""
        spans: list[Span] = []
        at = self.started_at.astimezone(UTC)
        until = max(at, until.astimezone(UTC))
        for begins, ends in [*self._pauses, (until, until)]:
            begins, ends = min(begins, until), min(ends or until, until)
            spans += self._unpaused(at, begins)
            if begins < ends:
                spans.append(Span(PAUSED, begins, ends))
            at = max(at, ends)
        return spans

    def _unpaused(self, start: datetime, end: datetime) -> Iterator[Span]:
        at = start
        if start < end:
            for begins, ends in self._open_from(start):
                if begins >= end:
                    break
                if at < begins:
                    yield Span(CLOSED, at, begins)
                at = min(ends or end, end)
                yield Span(COUNTED, begins, at)
                if at == end:
                    break
        if at < end:
            yield Span(CLOSED, at, end)

    @cached_property
    def _pauses(self) -> list[tuple[datetime, datetime | None]]:
        """In order, without overlaps, none before the start."""
        start = self.started_at.astimezone(UTC)
        found: list[tuple[datetime, datetime | None]] = []
        for pause in sorted(self.pauses, key=lambda pause: pause.starts_at):
            begins, ends = max(start, pause.starts_at.astimezone(UTC)), pause.ends_at and pause.ends_at.astimezone(UTC)
            if found and found[-1][1] is None:
                break
            if found:
                begins = max(begins, found[-1][1])
            if ends is None or begins < ends:
                found.append((begins, ends))
        return found

    @cached_property
    def _unpaused_deadline(self) -> datetime:
        return self.calendar.same_time_later(self.started_at, self.amount)

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime | None]]:
        """Without an end where it is always open."""
        return self.calendar.openings_from(start) if self.is_business_time else iter([(start, None)])

    def _counting(self, pauses: list[tuple[datetime, datetime | None]]) -> Iterator[tuple[datetime, datetime | None]]:
        """The stretches that count, the last one without an end where nothing ends it."""
        at: datetime | None = self.started_at.astimezone(UTC)
        for paused_at, goes_on_at in [*pauses, (None, None)]:
            for begins, ends in self._open_from(at):
                if paused_at is not None and begins >= paused_at:
                    break
                stops = ends if paused_at is None else paused_at if ends is None else min(ends, paused_at)
                yield begins, stops
                if stops == paused_at:
                    break
            if goes_on_at is None:
                return
            at = goes_on_at

    def _when(self, amount: timedelta, pauses: list[tuple[datetime, datetime | None]]) -> datetime | None:
        """The first instant at which that much has counted."""
        for begins, ends in self._counting(pauses):
            if ends is None or begins + amount <= ends:
                return begins + amount
            amount -= ends - begins
        return None

    def _counted(self, until: datetime, *, pauses: list[tuple[datetime, datetime | None]]) -> timedelta:
        total = timedelta()
        for begins, ends in self._counting(pauses):
            if begins >= until:
                break
            total += min(ends or until, until) - begins
            if ends is None or ends >= until:
                break
        return total
