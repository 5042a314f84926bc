"""Where one more stop costs least, with all that it pushes back: every place in every route at once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from dispatch.planning.adjust import BREAK, CAPACITY, DAY_FULL, SHIFT, UNREACHABLE_PLACE, Fault, adjusted
from dispatch.planning.problem import Crew, Problem, Routes, Stop
from dispatch.planning.rows import NEVER, Rows
from dispatch.planning.timetable import Timetable, cost_of, is_allowed, timetable

IMPOSSIBLE: Final = NEVER << 10
MOST_BENDS: Final = 4

Later = tuple[tuple[int, int], ...]  # stops, and seconds


@dataclass(frozen=True)
class Insertion:
    """`late` and `sla_late` say how many seconds later than due stops (itself too) begin because of it."""

    crew: int
    position: int
    points: int  # above what the route costs without it
    starts_at: int
    late: Later
    sla_late: Later
    travel: int  # seconds of driving more
    before: Timetable
    after: Timetable


def cheapest_insertions(problem: Problem, routes: Routes, stop: int, *, most: int = 5) -> list[Insertion]:
    """The best place in each crew's route, cheapest crews first. Routes that cannot be done take nothing in."""
    crews = [crew for crew in sorted(problem.stops[stop].eligible) if _has_room(problem, crew, routes[crew], stop)]
    if not crews:
        return []
    places = _Places(problem, routes, stop, crews)
    points = places.points()
    order = np.lexsort((places.position, places.row, points))
    chosen: dict[int, int] = {}
    for place in order:
        if len(chosen) == most or points[place] >= IMPOSSIBLE:
            break
        chosen.setdefault(crews[places.row[place]], int(places.position[place]))
    found = (insertion_at(problem, routes, stop, crew=crew, position=position) for crew, position in chosen.items())
    return [insertion for insertion in found if insertion is not None]


def _has_room(problem: Problem, number: int, route: Sequence[int], stop: int) -> bool:
    crew = problem.crews[number]
    if crew.most_stops is not None and len(route) >= crew.most_stops:
        return False
    if not crew.capacity:
        return True
    loads = [problem.stops[index].load for index in (*route, stop)]
    return all(sum(load[kind] for load in loads if len(load) > kind) <= most for kind, most in enumerate(crew.capacity))


def insertion_at(problem: Problem, routes: Routes, stop: int, *, crew: int, position: int) -> Insertion | None:
    """None if the stop cannot go there."""
    route = routes[crew]
    before = timetable(problem, crew, route)
    after = timetable(problem, crew, (*route[:position], stop, *route[position:]))
    if before is None or after is None:
        return None
    was_at = {visit.stop: visit.starts_at for visit in before.visits}
    late, sla_late = [], []
    for visit in after.visits:
        due, sla_due = problem.stops[visit.stop].due, problem.stops[visit.stop].sla_due
        for limit, told in ((due, late), (sla_due, sla_late)):
            since = limit if limit is None else max(limit, was_at.get(visit.stop, limit))
            if since is not None and visit.starts_at > since:
                told.append((visit.stop, visit.starts_at - since))
    return Insertion(
        crew,
        position,
        cost_of(problem, after) - cost_of(problem, before),
        after.visits[position].starts_at,
        tuple(late),
        tuple(sla_late),
        after.travel - before.travel,
        before,
        after,
    )


class _State(NamedTuple):
    """Of each row: when they are free, where, the next break, what it cost so far, seconds of driving and work."""

    at: np.ndarray
    here: np.ndarray  # a place of the matrix, -1: nowhere
    waiting: np.ndarray
    points: np.ndarray
    busy: np.ndarray

    def of(self, which) -> "_State":
        return _State(*(column[which] for column in self))


class _Places:
    """One row a place in a route. Stops go by their number here, the new one being the last of them."""

    def __init__(self, problem: Problem, routes: Routes, stop: int | None, crews: list[int]):
        self.problem = problem
        indexes = [index for crew in crews for index in routes[crew]]
        self.rows = Rows(problem, indexes if stop is None else [*indexes, stop])
        self.new = len(indexes)
        self.lengths = np.array([len(routes[crew]) for crew in crews])
        self.crews = np.array(crews)
        self.routes = np.full((len(crews), self.lengths.max() + 1), -1)
        self.routes[np.arange(self.routes.shape[1]) < self.lengths[:, None]] = np.arange(self.new)
        self.row = np.repeat(np.arange(len(crews)), self.lengths + 1)
        firsts = np.cumsum(self.lengths + 1) - self.lengths - 1
        self.position = np.arange(len(self.row)) - firsts[self.row]

    def points(self) -> np.ndarray:
        """What each place costs, IMPOSSIBLE where it cannot be done."""
        before = after = IMPOSSIBLE
        for holds in (False, True) if self.problem.weights.keeps_times else (False,):
            along, whole = self.along(holds=holds)
            before = np.minimum(before, whole)
            after = np.minimum(after, self._with_new(along, holds=holds))
        before = before[self.row]
        return np.where((before < IMPOSSIBLE) & (after < IMPOSSIBLE), after - before, IMPOSSIBLE)

    def along(self, *, holds: bool) -> tuple[list[_State], np.ndarray]:
        """After 0, 1, ... stops of each route; and what each whole route costs."""
        crews = [self.problem.crews[crew] for crew in self.crews]
        none = np.zeros(len(crews), np.int64)
        opens = np.array([crew.opens for crew in crews])
        state = _State(opens, _places(crew.start for crew in crews), none, none, none)
        along = [state]
        for position in range(self.lengths.max()):
            going = np.flatnonzero(position < self.lengths)
            ahead = self._visit(state.of(going), self.crews[going], self.routes[going, position], holds=holds)
            state = _State(*(_with(column, going, new) for column, new in zip(state, ahead, strict=True)))
            along.append(state)
        return along, np.where(self.lengths > 0, self._whole(state, self.crews), 0)

    def _with_new(self, along: list[_State], *, holds: bool) -> np.ndarray:
        columns = (np.stack(column)[self.position, self.row] for column in zip(*along, strict=True))
        crews = self.crews[self.row]
        state = self._visit(_State(*columns), crews, np.full(len(crews), self.new), holds=holds)
        for further in range(self.lengths.max()):
            position = self.position + further
            going = np.flatnonzero((position < self.lengths[self.row]) & (state.at < NEVER))
            if not len(going):
                break
            stops = self.routes[self.row[going], position[going]]
            ahead = self._visit(state.of(going), crews[going], stops, holds=holds)
            state = _State(*(_with(column, going, new) for column, new in zip(state, ahead, strict=True)))
        return self._whole(state, crews)

    def _visit(self, state: _State, crew, stop, *, holds: bool) -> _State:
        stops, weights = self.rows.stops, self.problem.weights
        travel, metres = self._leg(state.here, stops.location[stop])
        starts_at, waiting = self.rows.begin(crew, stop, state.at, travel, state.waiting, holds=holds)
        points = state.points + travel * weights.travel + metres * weights.distance
        return _State(
            starts_at + stops.service[stop],
            stops.location[stop],
            waiting,
            points + self.rows.points(crew, stop, starts_at),
            state.busy + travel + stops.service[stop],
        )

    def _whole(self, state: _State, crew) -> np.ndarray:
        """With the way home and what is above a fair share."""
        crews, weights = self.problem.crews, self.problem.weights
        travel, metres = self._leg(state.here, _places(crews[number].end for number in crew))
        share = np.array([NEVER if crews[number].fair_share is None else crews[number].fair_share for number in crew])
        points = state.points + travel * weights.travel + metres * weights.distance
        points = points + np.maximum(0, state.busy + travel - share) * weights.balance
        ends_at = self.rows.come_home(crew, state.at, travel, state.waiting)
        return np.where(ends_at < NEVER, points, IMPOSSIBLE)

    def _leg(self, here, there) -> tuple[np.ndarray, np.ndarray]:
        is_one, matrix = (here >= 0) & (there >= 0), self.problem.matrix
        return (
            np.where(is_one, matrix.seconds[here, there], 0).astype(np.int64),
            np.where(is_one, matrix.metres[here, there], 0).astype(np.int64),
        )


def _places(places) -> np.ndarray:
    return np.array([-1 if place is None else place for place in places])


def _with(column: np.ndarray, which: np.ndarray, new: np.ndarray) -> np.ndarray:
    column = column.copy()
    column[which] = new
    return column


def forgiving(problem: Problem, routes: Routes) -> Problem:
    """The same, its rules bent as far as these routes break them: a day that runs late can still take something in."""
    bent = problem
    for number in _broken(problem, routes):
        route = routes[number]
        for _ in range(MOST_BENDS):  # what is bent first may let something else come too late
            if timetable(bent, number, route) is not None:
                break
            bent = _bent(bent, number, adjusted(bent, number, route).faults)
    return bent


def _broken(problem: Problem, routes: Routes) -> list[int]:
    crews = [number for number, route in enumerate(routes) if route]
    if not crews:
        return []
    places = _Places(problem, routes, None, crews)
    ways = (False, True) if problem.weights.keeps_times else (False,)
    least = np.min([places.along(holds=holds)[1] for holds in ways], axis=0)
    return [
        number
        for number, points in zip(crews, least, strict=True)
        if points >= IMPOSSIBLE or not is_allowed(problem, number, routes[number])
    ]


def _bent(problem: Problem, number: int, faults: Sequence[Fault]) -> Problem:
    stops, crew = list(problem.stops), problem.crews[number]
    for fault in faults:
        if fault.stop is None:
            crew = _bent_crew(crew, fault.kind, fault.amount)
        elif fault.kind != UNREACHABLE_PLACE:
            stops[fault.stop] = _bent_stop(stops[fault.stop], number, fault.amount)
    crews = (*problem.crews[:number], crew, *problem.crews[number + 1 :])
    return replace(problem, stops=tuple(stops), crews=crews)


def _bent_stop(stop: Stop, crew: int, seconds: int) -> Stop:
    opens, closes = stop.windows[-1]
    return replace(stop, eligible=stop.eligible | {crew}, windows=(*stop.windows[:-1], (opens, closes + seconds)))


def _bent_crew(crew: Crew, kind: str, amount: int) -> Crew:
    if kind == SHIFT:
        return replace(crew, closes=crew.closes + amount)
    if kind == BREAK:
        return replace(crew, breaks=tuple(replace(pause, latest=pause.latest + amount) for pause in crew.breaks))
    if kind == DAY_FULL:
        return replace(crew, most_stops=crew.most_stops + amount)
    if kind == CAPACITY:
        return replace(crew, capacity=tuple(room + amount for room in crew.capacity))
    return crew
