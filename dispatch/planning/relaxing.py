"""A problem without one or several of its rules, for one stop that is left out. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from dispatch.planning.problem import FOREVER, UNREACHABLE, Crew, Matrix, Problem, Stop

SHIFT, SHIFT_START, BREAK, DAY_FULL, CAPACITY = "shift", "shift_start", "break", "day_full", "capacity"
WINDOW, FIXED, NO_WAY, COST = "window", "fixed", "unreachable", "cost"
SKILL, ZONE, PIN, OTHER = "skill", "zone", "pin", "other"
OF_CREWS: Final = frozenset({DAY_FULL, SHIFT, SHIFT_START, BREAK, CAPACITY})
ALWAYS: Final = ((0, FOREVER),)

Bars = Mapping[
    int, Mapping[int, frozenset[str]]
]  # why a crew may not do a stop: "skill", "zone", "pin", "time_off" ...


def rules_about(problem: Problem, index: int, bars: Bars, *, places: list[int]) -> list[str]:
    """The kinds of rules that may keep a stop out, the most helpful to know of first; without COST.

    `places`: where the routes lead.
    """
    stop, crews = problem.stops[index], problem.crews
    barred = set().union(*_barred(problem, index, bars).values())
    known = [kind for kind in (SKILL, ZONE, PIN) if kind in barred]
    kinds = [*known, *sorted(barred.difference(known, OF_CREWS))]
    may_matter = {
        FIXED: stop.windows != ALWAYS and _is_instant(stop),
        WINDOW: stop.windows != ALWAYS and not _is_instant(stop),
        SHIFT: True,
        SHIFT_START: _ends_early(problem, stop),
        BREAK: any(crew.breaks for crew in crews),
        DAY_FULL: any(crew.most_stops is not None for crew in crews),
        CAPACITY: any(stop.load) and any(crew.capacity for crew in crews),
        NO_WAY: _has_gaps(problem.matrix, stop.location, places),
    }
    return [*kinds, *(kind for kind, may in may_matter.items() if may or kind in barred.intersection(OF_CREWS))]


def relaxed_stop(problem: Problem, index: int, kinds: frozenset[str], bars: Bars) -> Stop:
    stop = problem.stops[index]
    freed = {crew for crew, why in _barred(problem, index, bars).items() if why <= kinds}
    if freed:
        stop = replace(stop, eligible=stop.eligible | freed)
    return replace(stop, windows=ALWAYS) if kinds & {WINDOW, FIXED} else stop


def _barred(problem: Problem, index: int, bars: Bars) -> dict[int, frozenset[str]]:
    known, eligible = bars.get(index, {}), problem.stops[index].eligible
    others = (crew for crew in range(len(problem.crews)) if crew not in eligible)
    return {crew: known.get(crew) or frozenset({OTHER}) for crew in others}


def relaxed_crew(crew: Crew, kinds: frozenset[str]) -> Crew:
    return replace(
        crew,
        opens=0 if SHIFT_START in kinds else crew.opens,
        closes=FOREVER if SHIFT in kinds else crew.closes,
        breaks=() if BREAK in kinds else crew.breaks,
        most_stops=None if DAY_FULL in kinds else crew.most_stops,
        capacity=() if CAPACITY in kinds else crew.capacity,
    )


def with_a_way(matrix: Matrix, place: int) -> Matrix:
    """As if the place lay as far from the others as places usually do."""
    known = matrix.seconds[(matrix.seconds < UNREACHABLE) & (matrix.seconds > 0)]
    usual = int(np.median(known)) if known.size else 0
    seconds, metres = matrix.seconds.copy(), matrix.metres.copy()
    gaps = np.zeros_like(seconds, bool)
    gaps[place], gaps[:, place] = seconds[place] >= UNREACHABLE, seconds[:, place] >= UNREACHABLE
    seconds[gaps], metres[gaps] = usual, usual * 10
    return Matrix(seconds, metres)


def _is_instant(stop: Stop) -> bool:
    return len(stop.windows) == 1 and stop.windows[0][0] == stop.windows[0][1]


def _has_gaps(matrix: Matrix, place: int, others: list[int]) -> bool:
    there, back = matrix.seconds[others, place], matrix.seconds[place, others]
    return bool((there >= UNREACHABLE).any() or (back >= UNREACHABLE).any())


def _ends_early(problem: Problem, stop: Stop) -> bool:
    """Whether anybody might begin the day too late for it."""
    ways = problem.matrix.seconds[:, stop.location]
    longest = int(ways[ways < UNREACHABLE].max(initial=0))
    return any(stop.windows[-1][1] < crew.opens + longest for crew in problem.crews)
