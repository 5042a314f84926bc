"""How a technician's day goes: which stops in which order, and when each is left for, begun and done. Pure."""

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from zones.geometry import distance_km

SHIFT = timedelta(hours=9)
USUAL_START = time(7, 30)
PAUSE = timedelta(minutes=5)  # paperwork between two jobs
WINDOW = timedelta(hours=2)
DETOUR, SPEED_KMH = 1.3, 35


class Standing(enum.Enum):
    """What a technician is doing at the moment at which the demo is set."""

    AVAILABLE = enum.auto()
    EN_ROUTE = enum.auto()
    WORKING = enum.auto()


@dataclass(eq=False)
class Stop:
    """`travel` leads to it from `origin`. It was planned for `planned_at`; work really begins at `arrives_at`."""

    work: Any
    call: str
    priority: int
    site: Any
    origin: tuple[float, float]
    travel: timedelta
    effort: timedelta
    leaves_at: datetime | None = None
    planned_at: datetime | None = None

    @property
    def place(self) -> tuple[float, float]:
        return self.site.latitude, self.site.longitude

    @property
    def arrives_at(self) -> datetime:
        return self.leaves_at + self.travel

    @property
    def done_at(self) -> datetime:
        return self.arrives_at + self.effort

    @property
    def length(self) -> timedelta:
        return self.travel + self.effort + PAUSE


def at(day: date, when: time, zone: ZoneInfo) -> datetime:
    """In UTC, since subtracting two local times of one zone counts wall clocks, not hours, across a DST change."""
    return datetime.combine(day, when, tzinfo=zone).astimezone(UTC)


def moment_of(day: date, *, now: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the demo is set: now today, late morning on a past day; a future day has not begun."""
    if day < now.astimezone(zone).date():
        return at(day, time(11, 30), zone)
    return now


def shift_start(day: date, *, moment: datetime, zone: ZoneInfo) -> datetime:
    """When the early shift begins. Whenever the demo is started, the board should look like the middle of a day.

    So outside the usual hours the whole shift moves: it began hours ago, and if it can it stays within the day.
    """
    usual = at(day, USUAL_START, zone)
    midnight, next_midnight = at(day, time(0), zone), at(day + timedelta(days=1), time(0), zone)
    is_usual = timedelta(hours=2.5) <= moment - usual <= timedelta(hours=7)
    if is_usual or moment.astimezone(zone).date() != day:
        return usual
    if moment < usual + timedelta(hours=2.5):
        elapsed = min(max(moment - midnight, timedelta(hours=2.5)), timedelta(hours=4))
    else:
        elapsed = min(max(moment - (next_midnight - SHIFT), timedelta(hours=4)), timedelta(hours=6.5))
    return _floor(moment - elapsed, minutes=30)


def travel_between(origin: tuple[float, float], target: tuple[float, float]) -> timedelta:
    """Between two (latitude, longitude), in whole minutes and never less than three."""
    km = distance_km(from_latitude=origin[0], from_longitude=origin[1], to_latitude=target[0], to_longitude=target[1])
    return timedelta(minutes=max(3, round(km * DETOUR / SPEED_KMH * 60)))


def lay_out(stops: list[Stop], *, begins_at: datetime, moment: datetime, standing: Standing) -> None:
    """Gives each stop its times, so that at `moment` the technician stands as asked."""
    if begins_at >= moment:
        _forwards(stops, 0, begins_at + PAUSE)
        return
    current = _stop_under_way(stops, elapsed=moment - begins_at)
    stop = stops[current]
    stop.leaves_at = {
        Standing.AVAILABLE: moment + PAUSE,
        Standing.EN_ROUTE: moment - stop.travel * 0.6,
        Standing.WORKING: moment - stop.travel - stop.effort * 0.5,
    }[standing]
    spare = stop.leaves_at - begins_at - sum((earlier.length for earlier in stops[:current]), timedelta())
    gap = max(spare, timedelta()) / (current + 1)
    for index in range(current - 1, -1, -1):
        stops[index].leaves_at = stops[index + 1].leaves_at - gap - stops[index].length
    _forwards(stops, current + 1, stop.done_at + PAUSE)


def _stop_under_way(stops: list[Stop], *, elapsed: timedelta) -> int:
    current = 0
    for stop in stops[:-1]:
        elapsed -= stop.length
        if elapsed < stops[current + 1].length * 0.75:
            break
        current += 1
    return current


def _forwards(stops: list[Stop], first: int, leaves_at: datetime) -> None:
    for stop in stops[first:]:
        stop.leaves_at = leaves_at
        leaves_at += stop.length


def plan_times(stops: list[Stop], *, moment: datetime, behind: timedelta, noise_minutes: list[int]) -> None:
    """What the plan had said: near what happened so far, and `behind` earlier for what is still to come."""
    for stop, noise in zip(stops, noise_minutes, strict=True):
        lag = behind if stop.done_at > moment else timedelta(minutes=noise)
        stop.planned_at = _floor(stop.arrives_at - lag, minutes=5)


def window_around(planned_at: datetime) -> tuple[datetime, datetime]:
    starts_at = _floor(planned_at, minutes=60)
    return starts_at, starts_at + WINDOW


def _floor(instant: datetime, *, minutes: int) -> datetime:
    return instant - timedelta(
        minutes=instant.minute % minutes, seconds=instant.second, microseconds=instant.microsecond
    )
