"""The vehicle routing problem as data. Pure, no Django.

Times are whole seconds since the problem's origin, distances metres, loads and costs whole numbers. Stops and crews are
known by their index in the problem; `id` is what they are called outside it. One point of cost is a hundredth of a
second of driving at the usual weight (see weights.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

UNREACHABLE: Final = 1 << 24  # seconds or metres from here on: there is no way between the two places
FOREVER: Final = 1 << 24  # later than any day ends
MANDATORY: Final = 10**11  # points for leaving out what must not be left out: more than everything else together

Window = tuple[int, int]


@dataclass(frozen=True)
class Was:
    """How today's plan has the stop: what a new plan is compared with."""

    crew: int
    starts_at: int | None = None


@dataclass(frozen=True)
class Stop:
    """One job to visit.

    `windows` are the stretches in which work may begin (hard, in order, both ends included): a fixed appointment or a
    pinned time is a window of one instant. To begin after `due` costs lateness (the end of the promised block), after
    `sla_due` it costs more. `eligible` are the crews that may do it: skills, zones, certificates and pins are in there.
    `location` is an index into the matrix.
    """

    id: int
    location: int
    service: int
    eligible: frozenset[int]
    penalty: int  # points for leaving it out
    windows: tuple[Window, ...] = ((0, FOREVER),)
    due: int | None = None
    sla_due: int | None = None
    load: tuple[int, ...] = ()
    was: Was | None = None
    is_locked: bool = False  # must be served, and by the only crew that is eligible

    def next_start(self, instant: int) -> int | None:
        """The earliest at which work may begin, not before `instant`; None when that is over."""
        return next((max(instant, opens) for opens, closes in self.windows if instant <= closes), None)


@dataclass(frozen=True)
class Break:
    """Time without work: begins within the window and interrupts neither a visit nor, in effect, a drive."""

    id: int
    earliest: int
    latest: int
    duration: int


@dataclass(frozen=True)
class Crew:
    """A technician's day: from `start` (where they are when it begins, at `opens`) to `end`, reached by `closes`.

    No `start`: the first stop is reached without travel. No `end`: the day ends where the last stop is done, by
    `closes`. For a day that has begun, `opens` is when what is under way will be done.
    """

    id: int
    opens: int
    closes: int
    start: int | None = None
    end: int | None = None
    breaks: tuple[Break, ...] = ()  # in order
    most_stops: int | None = None
    capacity: tuple[int, ...] = ()
    fair_share: int | None = None  # seconds of driving and work from which more of it costs balance


@dataclass(frozen=True, eq=False)
class Matrix:
    """Square, from row to column; `seconds` and `metres` are integer arrays, UNREACHABLE where there is no way."""

    seconds: np.ndarray
    metres: np.ndarray

    @cached_property
    def seconds_of(self) -> list[list[int]]:
        """Plain lists: ten times faster than the array where single legs are asked for."""
        return self.seconds.tolist()

    @cached_property
    def metres_of(self) -> list[list[int]]:
        return self.metres.tolist()

    @cached_property
    def _rows(self) -> dict[int, tuple[list[int], list[int]]]:
        return {}

    def leg(self, origin: int | None, target: int | None) -> tuple[int, int]:
        """Seconds and metres; nobody travels to or from what has no place.

        Rows become lists as they are asked for: of a thousand places often only some are.
        """
        if origin is None or target is None:
            return 0, 0
        row = self._rows.get(origin)
        if row is None:
            row = self._rows[origin] = (self.seconds[origin].tolist(), self.metres[origin].tolist())
        return row[0][target], row[1][target]


@dataclass(frozen=True)
class Weights:
    """Points: a second of driving, a metre, a second late against the block, against the SLA, a second of work above
    one's fair share, a job given to another technician, a job moved by more than `retime_after` seconds."""

    travel: int = 100
    distance: int = 0
    late: int = 200
    sla: int = 400
    balance: int = 0
    reassigned: int = 0
    retimed: int = 0
    retime_after: int = 900

    @property
    def keeps_times(self) -> bool:
        return self.retimed > 0


GoOn = Callable[[int, float], bool]  # told the least points so far and the share of the time that is gone
Routes = tuple[tuple[int, ...], ...]  # for each crew the indexes of its stops, in order


@dataclass(frozen=True, eq=False)
class Problem:
    stops: tuple[Stop, ...]
    crews: tuple[Crew, ...]
    matrix: Matrix
    weights: Weights = Weights()
    current: Routes | None = None  # today's plan, from which a search begins; it may break rules

    @property
    def no_routes(self) -> Routes:
        return ((),) * len(self.crews)


@dataclass(frozen=True)
class Solution:
    """Who goes where in which order; the times follow from it (timetable.py). What is in no route is left out."""

    routes: Routes
    is_proven: bool = False  # nothing cheaper exists

    def left_out(self, problem: Problem) -> tuple[int, ...]:
        served = {stop for route in self.routes for stop in route}
        return tuple(stop for stop in range(len(problem.stops)) if stop not in served)


def with_route(routes: Sequence[tuple[int, ...]], crew: int, route: Sequence[int]) -> Routes:
    return (*routes[:crew], tuple(route), *routes[crew + 1 :])
