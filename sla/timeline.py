"""A clock's time as it is drawn: stretches with their causes, the deadline, now, and sums that add up.

Lengths are whole seconds between instants that are cut to the second, so that those of neighbouring pieces add up
exactly. Places on the bar are in percent of its width.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from sla import clock as reckoning
from sla.models import Clock, ClockPause

OVER: Final = "over"  # counted, after the deadline
ROOM: Final = 1.04  # beyond what is drawn last, so that its mark stands inside the bar
MOST_TICKS: Final = 6
TICK_EDGE: Final = 4  # percent: a label nearer to an end of the bar would be cut off
HOUR_STEPS: Final = [timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60, 120, 180, 360, 720)]
DAY_STEPS: Final = (1, 2, 7, 14, 28, 91, 182, 364)


@dataclass(frozen=True)
class Piece:
    kind: str  # counted, over, paused or closed
    cause: str
    starts_at: datetime
    ends_at: datetime
    left: float
    width: float

    @property
    def seconds(self) -> int:
        return whole_seconds(self.starts_at, self.ends_at)


@dataclass(frozen=True)
class Tick:
    left: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """`until` is where the drawn time ends: when the clock ended, or now."""

    clock: Clock
    target_seconds: int
    pieces: list[Piece]
    until: datetime
    ticks: list[Tick]
    risk_left: float | None
    due_left: float | None
    until_left: float
    would_be_due_at: datetime | None  # by the calendar and pauses of today, where that is not the deadline any more

    @cached_property
    def counted_seconds(self) -> int:
        return self._sum(reckoning.COUNTED, OVER)

    @cached_property
    def paused_seconds(self) -> int:
        return self._sum(reckoning.PAUSED)

    @cached_property
    def closed_seconds(self) -> int:
        return self._sum(reckoning.CLOSED)

    @cached_property
    def over_seconds(self) -> int:
        return self._sum(OVER)

    @property
    def total_seconds(self) -> int:
        return whole_seconds(self.clock.started_at, self.until)

    @property
    def left_seconds(self) -> int:
        """Of what may count; negative when too much has."""
        return self.target_seconds - self.counted_seconds

    @property
    def percent_used(self) -> int:
        """Rounded down, so that nothing unfinished is shown as whole."""
        return 100 * self.counted_seconds // max(1, self.target_seconds)

    @property
    def is_late(self) -> bool:
        return self.clock.due_at is not None and self.until > self.clock.due_at

    def _sum(self, *kinds: str) -> int:
        return sum(piece.seconds for piece in self.pieces if piece.kind in kinds)


def whole_seconds(start: datetime, end: datetime) -> int:
    return max(0, int(end.timestamp()) - int(start.timestamp()))


def draw(
    stored: Clock, reckoned: reckoning.Clock, pauses: Iterable[ClockPause], *, until: datetime, zone: ZoneInfo
) -> Timeline:
    """The stored deadline is the promise; the reckoned one may differ once calendars have been edited."""
    begins, until = stored.started_at.astimezone(UTC), max(stored.started_at, until).astimezone(UTC)
    due_at = stored.due_at and stored.due_at.astimezone(UTC)
    ends = begins + ROOM * max(until - begins, (due_at or until) - begins, timedelta(minutes=1))
    place = _Places(begins, ends)
    pieces = [
        Piece(kind, cause, start, end, place.of(start), round(place.of(end) - place.of(start), 3))
        for kind, cause, start, end in _stretches(stored, reckoned, list(pauses), until=until)
    ]
    ticks = (Tick(place.of(at), label) for at, label in _ticks(begins, ends, zone=zone))
    would_be = reckoned.due_at if stored.state in (Clock.State.RUNNING, Clock.State.PAUSED) else due_at
    return Timeline(
        clock=stored,
        target_seconds=int(reckoned.budget.total_seconds()),
        pieces=pieces,
        until=until,
        ticks=[tick for tick in ticks if TICK_EDGE <= tick.left <= 100 - TICK_EDGE],
        risk_left=place.of(stored.at_risk_at) if stored.at_risk_at else None,
        due_left=place.of(due_at) if due_at else None,
        until_left=place.of(until),
        would_be_due_at=would_be if would_be and due_at and abs(would_be - due_at) > timedelta(seconds=1) else None,
    )


@dataclass(frozen=True)
class _Places:
    begins: datetime
    ends: datetime

    def of(self, instant: datetime) -> float:
        return round(max(0.0, min(100.0, 100 * ((instant - self.begins) / (self.ends - self.begins)))), 3)


def _stretches(
    stored: Clock, reckoned: reckoning.Clock, pauses: Sequence[ClockPause], *, until: datetime
) -> Iterator[tuple[str, str, datetime, datetime]]:
    """What is counted is told apart at the deadline."""
    due_at = stored.due_at
    for span in reckoned.timeline(until):
        if span.kind != reckoning.COUNTED:
            cause = _why_closed(span, reckoned.calendar) if span.kind == reckoning.CLOSED else _why_paused(span, pauses)
            yield span.kind, cause, span.starts_at, span.ends_at
            continue
        turns = min(max(due_at, span.starts_at), span.ends_at) if due_at else span.ends_at
        counts = "Business hours" if reckoned.is_business_time else "Counted"
        if span.starts_at < turns:
            yield reckoning.COUNTED, counts, span.starts_at, turns
        if turns < span.ends_at:
            yield OVER, f"{counts}, after the deadline", turns, span.ends_at


def _why_closed(span: reckoning.Span, calendar: reckoning.Calendar) -> str:
    """“Outside business hours, Thanksgiving Day”"""
    names = calendar.days_off_between(span.starts_at, span.ends_at)
    return ", ".join(["Outside business hours", *dict.fromkeys(names)])


def _why_paused(span: reckoning.Span, pauses: Sequence[ClockPause]) -> str:
    for pause in pauses:
        if pause.starts_at <= span.starts_at and (pause.ends_at is None or pause.ends_at > span.starts_at):
            reason = pause.reason.strip()
            return f"{pause.get_cause_display()}: {reason}" if reason else pause.get_cause_display()
    return "Paused"


def _ticks(begins: datetime, ends: datetime, *, zone: ZoneInfo) -> Iterator[tuple[datetime, str]]:
    """Round times of the business's day, no more than fit beside each other."""
    length = ends - begins
    step = next((step for step in HOUR_STEPS if length / step <= MOST_TICKS), None)
    first = datetime.combine(begins.astimezone(zone).date(), time(), zone)
    if step is None:
        days = next((days for days in DAY_STEPS if length / timedelta(days=days) <= MOST_TICKS), DAY_STEPS[-1])
        instants = _days_from(first, days)
    else:
        instants = _steps_from(first.astimezone(UTC), step)
    for at in instants:
        if at >= ends:
            return
        if at > begins:
            local = at.astimezone(zone)
            is_day = local.time() == time()
            yield at, f"{local:%a} {local.day} {local:%b}" if is_day else f"{local:%H:%M}"


def _steps_from(first: datetime, step: timedelta) -> Iterator[datetime]:
    while True:
        yield first
        first += step


def _days_from(first: datetime, days: int) -> Iterator[datetime]:
    """Midnights on the wall, however long the days between them are."""
    while True:
        yield first.astimezone(UTC)
        first += timedelta(days=days)
