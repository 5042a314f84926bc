"""The outer loop of the search: again and again the crews are dealt into as many parts as there are cores, no two of
which share a crew, and each part is searched by a thread of its own (compiled code holds no lock) until all meet again.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from dispatch.planning.problem import MANDATORY, Crew, GoOn, Matrix, Problem, Routes
from dispatch.planning.ruin import (
    CREW,
    LENGTH,
    NOBODY,
    PART,
    POOL,
    State,
    best_of,
    fill,
    points_of,
    put_back,
    routes_of,
    search,
    state_of,
)
from dispatch.planning.tables import LEFT_OUT, MAY, PLACE, SERVICE, START, Tables, tables_of

SLICE_SECONDS, SLICE_ITERATIONS = 0.12, 1000
FIRST_ITERATIONS = 100
# In typical legs: how much worse a plan may get at the beginning and at the end. Which jobs to leave out wants more
# freedom to the last than the order of those that all have a place; a plan that is there is not to be forgotten.
HOT, HOT_FROM_A_PLAN, COLD, COLD_WHERE_ALL_FIT = 10.0, 2.0, 0.3, 0.1
TAKEN_OUT, LONGEST_STRING, BLINK = 10.0, 10.0, 0.01


class Budget:
    """Time, or iterations for whoever wants the same plan again: how much is spent and how far to go at once."""

    def __init__(self, seconds: float, iterations: int | None):
        self.seconds, self.iterations = seconds, iterations
        self.began, self.done, self.rate = time.monotonic(), 0, 0.0

    @property
    def share(self) -> float:
        if self.iterations is not None:
            return min(1.0, self.done / max(1, self.iterations))
        return min(1.0, (time.monotonic() - self.began) / max(1e-9, self.seconds))

    def next_slice(self) -> tuple[int, float]:
        """Iterations, and the share of all after them."""
        share = self.share
        if self.iterations is not None:
            count = min(SLICE_ITERATIONS, self.iterations - self.done)
            return count, (self.done + count) / self.iterations
        left = self.seconds * (1 - share)
        count = max(1, int(self.rate * min(SLICE_SECONDS, left))) if self.rate else FIRST_ITERATIONS
        return count, min(1.0, share + (SLICE_SECONDS if self.rate else 0) / self.seconds)

    def spend(self, iterations: int, seconds: float) -> None:
        self.done += iterations
        self.rate = iterations / max(seconds, 1e-6)


@cache
def load() -> None:
    """Has the compiled search in memory."""
    problem = Problem((), (Crew(0, 0, 0),), Matrix(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64)))
    improve(problem, problem.no_routes, budget=Budget(1.0, 1))


def improve(
    problem: Problem, routes: Routes, *, budget: Budget, seed: int = 0, parts: int = 1, go_on: GoOn | None = None
) -> Routes:
    """The best found, never worse than `routes`, which must break no rule."""
    tables = tables_of(problem)
    state = state_of(tables, routes)
    chance = np.random.default_rng(seed)
    seeds = [np.array([number], dtype=np.uint64) for number in chance.integers(1 << 62, size=parts)]
    best, best_routes = points_of(tables, state), routes
    _fill(tables, state, seeds[0])
    now = points_of(tables, state)
    if now < best:
        best, best_routes = now, routes_of(state)
    left_out = tables.stops[:-1, LEFT_OUT][state.stops[:, CREW] == NOBODY]
    cold = COLD if (left_out < MANDATORY).any() else COLD_WHERE_ALL_FIT
    hot = HOT_FROM_A_PLAN if any(routes) else HOT
    heat = typical_leg(tables)
    with ThreadPoolExecutor(parts) as threads:
        while (share := budget.share) < 1 and (go_on is None or go_on(best, share)):
            iterations, then = budget.next_slice()
            began = time.monotonic()
            heats = [heat * hot * (cold / hot) ** at for at in (share, then)]
            centres = _deal(tables, state, parts, chance)
            found = [
                threads.submit(search, tables, state, seeds[part], part, centres[part], iterations, *heats,
                               TAKEN_OUT, LONGEST_STRING, BLINK)
                for part in range(parts)
            ]  # fmt: skip
            less = [each.result() for each in found]
            if now + sum(at_best for at_best, _at_end in less) < best:
                best, best_routes = now + sum(at_best for at_best, _at_end in less), best_of(state)
            now += sum(at_end for _at_best, at_end in less)
            budget.spend(iterations, time.monotonic() - began)
    return _rounded_off(tables, state, best_routes, seeds[0])


def _rounded_off(tables: Tables, state: State, routes: Routes, seed: np.ndarray) -> Routes:
    """With whatever has a place after all: the search looks away now and then."""
    state.crews[:, PART] = 0
    put_back(tables, state, routes)
    while _fill(tables, state, seed):
        pass
    return routes_of(state)


def _fill(tables: Tables, state: State, seed: np.ndarray) -> int:
    return fill(tables, state, _dearest_first(tables, state), 0, 0.0, seed)


def _dearest_first(tables: Tables, state: State) -> np.ndarray:
    waiting = np.flatnonzero(state.stops[:, CREW] == NOBODY)
    worth = tables.stops[waiting, LEFT_OUT] / (tables.stops[waiting, SERVICE] + 900)
    return waiting[np.argsort(-worth, kind="stable")]


def typical_leg(tables: Tables) -> float:
    """Points of the way between neighbours: the measure of how much worse a plan may get for a while."""
    ten = tables.near[:, 1:11]
    stops, others = np.nonzero(ten >= 0)
    legs = tables.seconds[tables.stops[stops, PLACE], tables.stops[ten[stops, others], PLACE]]
    return max(1.0, float(legs.mean() * tables.weights[0])) if len(legs) else 1.0


def _deal(tables: Tables, state: State, parts: int, chance: np.random.Generator) -> list[np.ndarray]:
    """Gives each crew and each stop that is left out to a part; the stops around which each part may search."""
    crews = len(state.crews)
    if parts == 1:
        return [np.arange(len(state.stops))]
    lengths = state.crews[:, LENGTH]
    some = state.routes[np.arange(crews), (chance.random(crews) * lengths).astype(np.int64)]
    anchors = np.where(lengths > 0, tables.stops[some, PLACE], tables.crews[:-1, START])
    one, other = chance.choice(crews, 2, replace=crews < 2)
    aside = tables.seconds[anchors, anchors[one]].astype(np.int64) - tables.seconds[anchors, anchors[other]]
    order = np.argsort(aside + chance.random(crews), kind="stable")
    state.crews[order, PART] = np.arange(crews) * parts // crews
    waiting = np.flatnonzero((state.stops[:, CREW] == NOBODY) & (tables.stops[1:, MAY] > tables.stops[:-1, MAY]))
    first, after = tables.stops[waiting, MAY], tables.stops[waiting + 1, MAY]
    somebody = tables.may[first + (chance.random(len(waiting)) * (after - first)).astype(np.int64)]
    state.stops[waiting, POOL] = state.crews[somebody, PART]
    served = state.stops[:, CREW] >= 0
    state.stops[served, POOL] = state.crews[state.stops[served, CREW], PART]  # so that it may be left out there
    return [np.flatnonzero(state.stops[:, POOL] == part) for part in range(parts)]
