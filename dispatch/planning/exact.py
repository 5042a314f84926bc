"""One crew's best route, proven where there is time for it. Pure.

First labels: what is known of having done a set of stops with one of them last, all of one size at once, those thrown
away that another makes pointless. A quick run that keeps only a few gives the bound by which the full run throws away
most. Where that grows too big, CP-SAT has the rest of the time: its model knows no breaks and begins when it likes, so
its bound holds for every real route.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import monotonic
from typing import Final, NamedTuple

import numpy as np

from dispatch.planning.circuit import best_circuit
from dispatch.planning.problem import MANDATORY, UNREACHABLE, Problem
from dispatch.planning.rows import NEVER, Rows
from dispatch.planning.timetable import cost_of, timetable
from dispatch.planning.way_on import way_on

MOST_STOPS: Final = 50  # that labels can tell apart in 64 bits
MOST_LABELS: Final = 300_000  # of one size
FEW_LABELS: Final = 60

Route = tuple[int, ...]


def best_route(problem: Problem, crew: int, stops: Sequence[int], *, seconds: float = 1.0) -> tuple[Route, bool]:
    """The cheapest route through these stops, any of which may be left out for its penalty; and whether that is proven.

    Meant for a dozen stops or two; ValueError for more than MOST_STOPS.
    """
    until = monotonic() + seconds
    mine = [stop for stop in dict.fromkeys(stops) if crew in problem.stops[stop].eligible]
    if len(mine) > MOST_STOPS:
        raise ValueError(f"{len(mine)} stops are too many for one route")
    best = Found((), cost_with(problem, crew, (), mine))
    if not mine:
        return best.route, True
    labels = Labels(problem, crew, mine)
    for holds in labels.ways:
        best = labels.run(best, holds=holds, most=FEW_LABELS, until=until)[0]
    half_time = monotonic() + (until - monotonic()) / 2
    is_proven = True
    for holds in labels.ways:
        best, is_all = labels.run(best, holds=holds, most=MOST_LABELS, until=half_time)
        is_proven = is_proven and is_all
    if is_proven or until - monotonic() <= 0:
        return best.route, is_proven
    circuit = best_circuit(problem, crew, mine, hint=best.route, seconds=until - monotonic())
    points = None if circuit.route is None else cost_with(problem, crew, circuit.route, mine)
    if points is not None and points < best.points:
        best = Found(circuit.route, points)
    return best.route, best.points <= circuit.bound


class Found(NamedTuple):
    route: Route
    points: int  # with what it leaves out


def cost_with(problem: Problem, crew: int, route: Sequence[int], stops: Sequence[int]) -> int | None:
    """Points of the route and of leaving out the rest; None if it cannot be done."""
    table = timetable(problem, crew, route)
    if table is None:
        return None
    served = set(route)
    return cost_of(problem, table) + sum(leaving_out(problem, stop) for stop in stops if stop not in served)


def leaving_out(problem: Problem, index: int) -> int:
    stop = problem.stops[index]
    must = max(stop.penalty, MANDATORY) if stop.is_locked else stop.penalty
    return must + (problem.weights.reassigned if stop.was else 0)


@dataclass
class Layer:
    """Labels that have done equally many stops; `origin` is the label before each."""

    done: np.ndarray  # as bits
    last: np.ndarray
    at: np.ndarray
    waiting: np.ndarray
    points: np.ndarray
    busy: np.ndarray
    origin: np.ndarray

    def only(self, which) -> "Layer":
        return Layer(*(column[which] for column in vars(self).values()))


class Labels:
    def __init__(self, problem: Problem, crew: int, stops: list[int]):
        self.problem, self.number, self.crew, self.indexes = problem, crew, problem.crews[crew], stops
        self.rows = Rows(problem, stops)
        self.count = len(stops)
        self.bits = np.int64(1) << np.arange(self.count)
        self.leave = np.array([leaving_out(problem, stop) for stop in stops])
        self._measure()
        self._reach()
        self.way = way_on(self.toll + self._least_tolls(), self.home_toll, self.leave)
        self.least_times = self._least_in() + self.rows.stops.service
        self.gain = np.maximum(0, self.leave - self.way.way_in)
        self.by_gain = np.argsort(-self.gain / np.maximum(1, self.least_times), kind="stable")
        self.is_patient = not (
            (problem.weights.late and (self.rows.stops.due < NEVER).any())
            or (problem.weights.sla and (self.rows.stops.sla_due < NEVER).any())
        )
        own = (self.rows.stops.was_crew == crew) & (self.rows.stops.was_at >= 0) if problem.weights.retimed else False
        self.kept = np.broadcast_to(own, self.count)
        self.ways = (True, False) if self.kept.any() else (False,)  # holding comes first: it needs fewer labels
        is_plain = len(self.rows.stops.opens) <= 1 and all(
            first.latest + first.duration <= second.latest for first, second in pairwise(self.crew.breaks)
        )
        self.earlier_is_better = is_plain or not self.crew.breaks
        kinds = len(self.crew.capacity)
        self.load = np.array([(*problem.stops[stop].load, *[0] * kinds)[:kinds] for stop in stops])
        self.most = min(self.count, self.count if self.crew.most_stops is None else self.crew.most_stops)

    def _measure(self) -> None:
        """Legs; the row after the last is the start's, `home` the column of the end."""
        places, matrix = self.rows.stops.location, self.problem.matrix
        self.seconds, metres = (
            np.vstack([array[np.ix_(places, places)], self._from_start(array)]).astype(np.int64)
            for array in (matrix.seconds, matrix.metres)
        )
        self.home, home_metres = (self._to_end(array) for array in (matrix.seconds, matrix.metres))
        weights = self.problem.weights
        self.toll = self.seconds * weights.travel + metres * weights.distance
        self.home_toll = self.home * weights.travel + home_metres * weights.distance

    def _least_tolls(self) -> np.ndarray:
        stops, weights = self.rows.stops, self.problem.weights
        is_new = (stops.was_crew >= 0) & (stops.was_crew != self.number)
        soonest = self.crew.opens + self.far[-1]
        late = np.maximum(0, soonest - stops.due) * weights.late + np.maximum(0, soonest - stops.sla_due) * weights.sla
        return late + is_new * weights.reassigned

    def _from_start(self, array):
        places, start = self.rows.stops.location, self.crew.start
        return np.zeros(self.count) if start is None else array[start, places]

    def _to_end(self, array):
        places, end = self.rows.stops.location, self.crew.end
        return np.zeros(self.count, np.int64) if end is None else array[places, end].astype(np.int64)

    def _reach(self) -> None:
        """The least time from one to the other by whatever way, and by when one must be where."""
        stops, far = self.rows.stops, self.seconds.copy()
        for via in range(self.count):
            far = np.minimum(far, far[:, via, None] + far[via])
        self.far = far
        self.far_home = np.minimum(self.home, (far + self.home).min(axis=1)[:-1])
        self.last_start = np.minimum(
            stops.closes.max(axis=0) if len(stops.closes) else -1,
            self.crew.closes - self.far_home - stops.service,
        )

    def _least_in(self) -> np.ndarray:
        seconds = self.seconds.copy()
        seconds[:-1][np.eye(self.count, dtype=bool)] = UNREACHABLE
        return seconds.min(axis=0)

    def at_least(self, layer: Layer) -> np.ndarray:
        """Points below which no route that goes on from there ends."""
        done = (layer.done[:, None] & self.bits) > 0
        soonest = layer.at[:, None] + self.far[layer.last]
        can = ~done & (soonest <= self.last_start)
        gone = ~(done | can) @ self.leave
        least = self.way.on(can @ self.bits, layer.last) + gone
        least = np.maximum(least, gone + self._without_time(layer, can) + self.way.way_out[layer.last])
        if not self.is_patient:
            least = np.maximum(least, gone + self._late(soonest, can) + self.way.way_out[layer.last])
        return layer.points + least

    def _late(self, soonest, can) -> np.ndarray:
        """The cheapest way into each, as late as one is there at the soonest."""
        stops, weights = self.rows.stops, self.problem.weights
        late = np.maximum(0, soonest - stops.due) * weights.late
        late += np.maximum(0, soonest - stops.sla_due) * weights.sla
        return (np.minimum(self.leave, late + self.way.way_in) * can).sum(axis=1) + self.way.way_home

    def _without_time(self, layer: Layer, can) -> np.ndarray:
        """Those that gain most an hour first, the last of them in part, until the day is full."""
        order = self.by_gain
        times = can[:, order] * self.least_times[order]
        room = self.crew.closes - layer.at - self.home.min()
        left = np.maximum(0, room[:, None] - times.cumsum(axis=1) + times)
        part = np.minimum(1, left / np.maximum(1, times)) * can[:, order]
        return can @ self.leave - np.ceil(part @ self.gain[order]).astype(np.int64) - 1 + self.way.way_home

    def run(self, best: Found, *, holds: bool, most: int, until: float) -> tuple[Found, bool]:
        """The best from here on, and whether nothing better was thrown away."""
        layers = [self._start()]
        is_all = True
        for _ in range(self.most):
            layer = self._extended(layers[-1], best, holds=holds)
            if len(layer.at) > most:
                is_all = False
                layer = layer.only(np.argpartition(self.at_least(layer), most)[:most])
            if not len(layer.at):
                break
            layers.append(layer)
            best = self._ended(layers, best)
            if monotonic() > until:
                return best, False
        return best, is_all

    def _start(self) -> Layer:
        none = np.zeros(1, np.int64)
        return Layer(none, none + self.count, none + self.crew.opens, none, none, none, none)

    def _extended(self, layer: Layer, best: Found, *, holds: bool) -> Layer:
        origin, stop = np.nonzero((layer.done[:, None] & self.bits) == 0)
        last, waiting = layer.last[origin], layer.waiting[origin]
        travel = self.seconds[last, stop]
        starts_at, waiting = self.rows.begin(self.number, stop, layer.at[origin], travel, waiting, holds=holds)
        after = Layer(
            layer.done[origin] | self.bits[stop],
            stop,
            starts_at + self.rows.stops.service[stop],
            waiting,
            layer.points[origin] + self.toll[last, stop] + self.rows.points(self.number, stop, starts_at),
            layer.busy[origin] + travel + self.rows.stops.service[stop],
            origin,
        )
        after = after.only(after.at + self.far_home[stop] <= self.crew.closes)
        if self.crew.capacity:
            loads = ((after.done[:, None] & self.bits) > 0) @ self.load
            after = after.only((loads <= self.crew.capacity).all(axis=1))
        after = after.only(after.points + self.way.on(~after.done & (1 << self.count) - 1, after.last) < best.points)
        after = after.only(self.at_least(after) < best.points)
        return self._undominated(after, holds=holds)

    def _undominated(self, layer: Layer, *, holds: bool) -> Layer:
        """Without those that another, no later and no dearer, makes pointless.

        What balance may cost one more than the other is added; as is what it may cost to come too early.
        """
        if len(layer.at) < 2:
            return layer
        key = (layer.done * self.count + layer.last) * (self.rows.pauses + 1) + layer.waiting
        layer = layer.only(np.lexsort((layer.points, layer.at, key)))
        key = (layer.done * self.count + layer.last) * (self.rows.pauses + 1) + layer.waiting
        place = np.arange(len(key))
        dear = layer.points + layer.busy * (0 if self.crew.fair_share is None else self.problem.weights.balance)
        is_first = np.concatenate(([True], key[1:] != key[:-1]))
        is_later = np.concatenate(([True], is_first[1:] | (layer.at[1:] != layer.at[:-1])))
        rivals = [(np.maximum.accumulate(np.where(is_later, place, 0)), np.zeros_like(place))]
        if self.earlier_is_better:
            champion = _champions(dear, is_first)
            rivals.append((champion, self._risk(layer, holds=holds)[champion]))
        beaten = np.zeros(len(key), bool)
        for rival, risk in rivals:
            no_dearer = (dear[rival] + risk <= dear) & (layer.points[rival] + risk <= layer.points)
            beaten |= (rival != place) & no_dearer
        return layer.only(~beaten)

    def _risk(self, layer: Layer, *, holds: bool) -> np.ndarray:
        """What it may cost to be early: stops that would begin before their planned time."""
        if holds or not self.kept.any():
            return np.zeros(len(layer.at), np.int64)
        too_early = layer.at[:, None] < self.rows.stops.was_at - self.problem.weights.retime_after
        still = (layer.done[:, None] & self.bits) == 0
        return (too_early & still & self.kept).sum(axis=1) * self.problem.weights.retimed

    def _ended(self, layers: list[Layer], best: Found) -> Found:
        layer = layers[-1]
        home = self.home[layer.last]
        can = self.rows.come_home(self.number, layer.at, home, layer.waiting) < NEVER
        points = layer.points + self.home_toll[layer.last]
        if self.crew.fair_share is not None:
            points += np.maximum(0, layer.busy + home - self.crew.fair_share) * self.problem.weights.balance
        points += ((layer.done[:, None] & self.bits) == 0) @ self.leave
        points[~can] = NEVER << 10
        winner = int(points.argmin())
        if points[winner] >= best.points:
            return best
        return Found(self._route(layers, winner), int(points[winner]))

    def _route(self, layers: list[Layer], label: int) -> Route:
        route = []
        for layer in reversed(layers[1:]):
            route.append(self.indexes[layer.last[label]])
            label = layer.origin[label]
        return tuple(reversed(route))


def _champions(dear: np.ndarray, is_first: np.ndarray) -> np.ndarray:
    """Of each row the cheapest at or before it in its group."""
    group = np.cumsum(is_first)
    falling = dear - group * (int(dear.max()) - int(dear.min()) + 1)  # each group below the ones before it
    least = np.minimum.accumulate(falling)
    is_new = np.concatenate(([True], falling[1:] < least[:-1]))
    return np.maximum.accumulate(np.where(is_new, np.arange(len(dear)), 0))
