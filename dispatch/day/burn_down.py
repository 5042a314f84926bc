"""How many SLA deadlines fall due in each of the next hours, and how many of those have nobody. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

HOURS: Final = 9
HEIGHT, HOUR_WIDTH, BAR_WIDTH = 70, 36, 22  # units of the picture


@dataclass(frozen=True)
class Deadline:
    due_at: datetime
    has_technician: bool


@dataclass(frozen=True)
class DueHour:
    label: str
    total: int
    nobody: int  # of them
    left: int
    scale: float  # units of the picture for one deadline

    @property
    def middle(self) -> int:
        return self.left + HOUR_WIDTH // 2

    @property
    def bar_left(self) -> int:
        return self.middle - BAR_WIDTH // 2

    @property
    def height(self) -> int:
        return round(self.total * self.scale)

    @property
    def top(self) -> int:
        return HEIGHT - self.height

    @property
    def nobody_height(self) -> int:
        return round(self.nobody * self.scale)

    @property
    def nobody_top(self) -> int:
        return HEIGHT - self.nobody_height


@dataclass(frozen=True)
class BurnDown:
    hours: list[DueHour]

    @property
    def total(self) -> int:
        return sum(hour.total for hour in self.hours)

    @property
    def nobody(self) -> int:
        return sum(hour.nobody for hour in self.hours)

    width, height, bar_width = HOURS * HOUR_WIDTH, HEIGHT, BAR_WIDTH


def burn_down(deadlines: Iterable[Deadline], *, now: datetime, zone: tzinfo) -> BurnDown:
    """By the business's hours, the first of which is what is left of this one."""
    # From there on in UTC, where every hour is one whatever the clocks do.
    start = now.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    total, nobody = [0] * HOURS, [0] * HOURS
    for deadline in deadlines:
        place = int((deadline.due_at - start).total_seconds() // 3600)
        if deadline.due_at >= now and 0 <= place < HOURS:
            total[place] += 1
            nobody[place] += not deadline.has_technician
    scale = HEIGHT / max(1, *total)
    labels = (f"{(start + timedelta(hours=place)).astimezone(zone):%H}" for place in range(HOURS))
    return BurnDown(
        [DueHour(label, total[place], nobody[place], place * HOUR_WIDTH, scale) for place, label in enumerate(labels)]
    )
