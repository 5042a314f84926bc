"""Where the marks of the report's charts stand, in units of their pictures. Pure: what is drawn is the template's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, groupby
from math import ceil
from typing import Final

from sla.figures import Band, Point

WIDTH: Final = 640
HEIGHT: Final = 208
LEFT: Final = 48  # of the plot: labels stand before it
RIGHT: Final = 632
TOP: Final = 10
BOTTOM: Final = 182
MOST_LABELS: Final = 8  # along the bottom, before they run into each other
BAR_GAP: Final = 6

Spot = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Upwards from `low` at the bottom of the plot to `high` at its top."""

    low: float
    high: float
    step: float

    def y(self, value: float) -> float:
        return round(BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP), 1)

    def ticks(self, unit: str = "") -> list[Tick]:
        values = (self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1))
        return [Tick(self.y(value), f"{value:g}{unit}") for value in values]


def percent_scale(values: Iterable[Decimal | None]) -> Scale:
    """Up to 100, from the tens below the least; from nothing at all if that is below one half."""
    known = [float(value) for value in values if value is not None]
    low = min(90.0, min(known, default=0.0) // 10 * 10)
    if low < 50:
        return Scale(0, 100, 25)
    return Scale(low, 100, 2.5 if low == 90 else 10)


def count_scale(most: int) -> Scale:
    """From nothing, in at most five steps of 1, 2 or 5 times a power of ten."""
    steps = (number * 10**power for power in count() for number in (1, 2, 5))
    step = next(step for step in steps if step * 5 >= most)
    return Scale(0, step * max(1, ceil(most / step)), step)


def path_through(spots: Iterable[Spot | None]) -> str:
    """An SVG path, with a gap where there is nothing to go through."""
    parts = []
    for is_known, run in groupby(spots, key=lambda spot: spot is not None):
        if is_known:
            parts += [f"{'L' if number else 'M'}{x:g} {y:g}" for number, (x, y) in enumerate(run)]
    return "".join(parts)


def thinned(ticks: Sequence[Tick]) -> list[Tick]:
    """Every so many that there is room for the labels."""
    every = max(1, ceil(len(ticks) / MOST_LABELS))
    return list(ticks[::every])


@dataclass(frozen=True)
class Mark:
    """A point of the trend; no y where nothing was decided."""

    point: Point
    x: float
    y: float | None
    before_y: float | None


@dataclass(frozen=True)
class TrendChart:
    """Compliance over time, against the comparison period."""

    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]

    @property
    def line(self) -> str:
        return path_through(_spot(mark.x, mark.y) for mark in self.marks)

    @property
    def before_line(self) -> str:
        return path_through(_spot(mark.x, mark.before_y) for mark in self.marks)

    @property
    def is_empty(self) -> bool:
        return all(mark.y is None for mark in self.marks)


def trend_chart(points: Sequence[Point], *, labels: Sequence[str]) -> TrendChart:
    """`labels`: one a point."""
    before = [point.before.compliance if point.before else None for point in points]
    scale = percent_scale([point.tally.compliance for point in points] + before)
    room = (RIGHT - LEFT) / max(1, len(points))
    marks = tuple(
        Mark(point, round(LEFT + (number + 0.5) * room, 1), _y(scale, point.tally.compliance), _y(scale, was))
        for number, (point, was) in enumerate(zip(points, before, strict=True))
    )
    across = thinned([Tick(mark.x, label) for mark, label in zip(marks, labels, strict=True)])
    return TrendChart(marks, tuple(across), tuple(scale.ticks(" %")))


def _y(scale: Scale, value: Decimal | None) -> float | None:
    return None if value is None else scale.y(float(value))


def _spot(x: float, y: float | None) -> Spot | None:
    return None if y is None else (x, y)


@dataclass(frozen=True)
class Bar:
    """The clocks whose length is in one band: what was breached stands on what was met."""

    band: Band
    left: float
    width: float
    met_top: float
    top: float

    @property
    def met_height(self) -> float:
        return round(BOTTOM - self.met_top, 1)

    @property
    def breached_height(self) -> float:
        return round(self.met_top - self.top, 1)

    @property
    def middle(self) -> float:
        return round(self.left + self.width / 2, 1)


@dataclass(frozen=True)
class BandChart:
    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]

    @property
    def is_empty(self) -> bool:
        return not any(bar.band.tally.decided for bar in self.bars)


def band_chart(bands: Sequence[Band], *, labels: Sequence[str]) -> BandChart:
    """`labels`: of the lengths at which the bands begin; they stand at the bars' edges."""
    scale = count_scale(max((band.tally.decided for band in bands), default=0))
    room = (RIGHT - LEFT) / max(1, len(bands))
    bars = tuple(
        Bar(
            band,
            left=round(LEFT + number * room + BAR_GAP / 2, 1),
            width=round(room - BAR_GAP, 1),
            met_top=scale.y(band.tally.met),
            top=scale.y(band.tally.decided),
        )
        for number, band in enumerate(bands)
    )
    edges = tuple(Tick(round(LEFT + number * room, 1), label) for number, label in enumerate(labels))
    return BandChart(bars, edges, tuple(scale.ticks()))


def heat_level(breached: int, *, most: int) -> int:
    """From 0, for none, to 4, for more than three quarters of the most that one cell has."""
    return ceil(4 * breached / most) if most else 0
