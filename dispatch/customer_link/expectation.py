"""When a customer may expect somebody: a prediction as a window, the wider the farther off it is. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)
FAR = timedelta(hours=3)  # from here on a window is told by quarters of an hour
LONGEST_DRIVE = timedelta(hours=4)  # a longer one comes of a fix that is wrong, and is not told


@dataclass(frozen=True)
class Window:
    starts_at: datetime
    ends_at: datetime


def window_around(arrives_at: datetime, *, now: datetime) -> Window:
    """A tenth of the way ahead earlier and a fifth later, from 15 minutes in all up to an hour and a half."""
    ahead = max(arrives_at - now, timedelta())
    early = min(max(ahead / 10, 5 * MINUTE), 30 * MINUTE)
    late = min(max(ahead / 5, 10 * MINUTE), 60 * MINUTE)
    step = 15 * MINUTE if ahead >= FAR else 5 * MINUTE
    return Window(_floor(max(arrives_at - early, now), step), _ceiling(arrives_at + late, step))


def is_late_for(window: Window, promised_until: datetime | None) -> bool:
    """Not even the beginning of what is expected keeps the promise."""
    return promised_until is not None and window.starts_at >= promised_until


_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def _floor(instant: datetime, step: timedelta) -> datetime:
    return instant - (instant - _EPOCH) % step


def _ceiling(instant: datetime, step: timedelta) -> datetime:
    return instant + (_EPOCH - instant) % step
