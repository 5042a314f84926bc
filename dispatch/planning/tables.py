"""The problem as flat arrays, for the compiled search."""

from typing import NamedTuple

import numpy as np

from dispatch.planning.problem import FOREVER, Problem
from dispatch.planning.timetable import cost_of_leaving_out

NEVER_LATE = 1 << 40
NEIGHBOURS = 250  # how many of the nearest stops a stop knows


class Tables(NamedTuple):
    """-1: none. A row more than there are stops and crews, so that entry i's items in a list that belongs to them
    are those from row i's to row i + 1's."""

    seconds: np.ndarray
    seconds_to: np.ndarray  # the other way round: to row from column, as quick to read along a row
    metres: np.ndarray
    weights: np.ndarray  # in the order of WEIGHTS
    stops: np.ndarray  # columns below
    crews: np.ndarray
    windows: np.ndarray  # opens, closes
    may: np.ndarray  # which crews, of each stop
    breaks: np.ndarray  # earliest, latest, duration
    load: np.ndarray
    capacity: np.ndarray
    near: np.ndarray  # the nearest stops of each, nearest first
    keys: np.ndarray  # by which stops are sorted before they are put in: one row a way


WEIGHTS = ("travel", "distance", "late", "sla", "balance", "reassigned", "retimed", "retime_after")
PLACE, SERVICE, LEFT_OUT, DUE, SLA_DUE, WAS_CREW, WAS_AT, WINDOW, MAY = range(9)
OPENS, CLOSES, START, END, MOST, SHARE, KIND, BREAK = range(8)


def tables_of(problem: Problem) -> Tables:
    stops, crews = problem.stops, problem.crews
    metres = problem.matrix.metres if problem.weights.distance else np.zeros((1, 1))
    windows = [window for stop in stops for window in stop.windows]
    breaks = [(pause.earliest, pause.latest, pause.duration) for crew in crews for pause in crew.breaks]
    load, capacity = _loads(problem)
    return Tables(
        np.ascontiguousarray(problem.matrix.seconds, dtype=np.int32),
        np.ascontiguousarray(problem.matrix.seconds.T, dtype=np.int32),
        np.ascontiguousarray(metres, dtype=np.int32),
        _ints(getattr(problem.weights, name) for name in WEIGHTS),
        _stops(problem),
        _crews(problem),
        _ints(windows).reshape(-1, 2),
        _ints(crew for stop in stops for crew in sorted(stop.eligible)),
        _ints(breaks).reshape(-1, 3),
        load,
        capacity,
        _near(problem),
        _keys(problem),
    )


def _stops(problem: Problem) -> np.ndarray:
    rows, window, may = [], 0, 0
    for index, stop in enumerate(problem.stops):
        due, sla_due = (NEVER_LATE if at is None else at for at in (stop.due, stop.sla_due))
        was = (stop.was.crew, -1 if stop.was.starts_at is None else stop.was.starts_at) if stop.was else (-1, -1)
        left_out = cost_of_leaving_out(problem, index)
        rows.append((stop.location, stop.service, left_out, due, sla_due, *was, window, may))
        window, may = window + len(stop.windows), may + len(stop.eligible)
    return _ints([*rows, (0, 0, 0, 0, 0, -1, -1, window, may)])


def _crews(problem: Problem) -> np.ndarray:
    rows, pause = [], 0
    for crew, kind in zip(problem.crews, _kinds(problem), strict=True):
        start, end = (-1 if place is None else place for place in (crew.start, crew.end))
        most = len(problem.stops) if crew.most_stops is None else crew.most_stops
        share = NEVER_LATE if crew.fair_share is None else crew.fair_share
        rows.append((crew.opens, crew.closes, start, end, most, share, kind, pause))
        pause += len(crew.breaks)
    return _ints([*rows, (0, 0, -1, -1, 0, 0, 0, pause)])


def _ints(numbers) -> np.ndarray:
    return np.array(list(numbers), dtype=np.int64)


def _near(problem: Problem) -> np.ndarray:
    """Those who share no crew are no neighbours."""
    count = len(problem.stops)
    if not count:
        return np.empty((0, 1), dtype=np.int64)
    places = _ints(stop.location for stop in problem.stops)
    apart = problem.matrix.seconds[np.ix_(places, places)].astype(np.int64)
    apart = np.minimum(apart, apart.T)
    may = np.zeros((count, len(problem.crews)), dtype=np.float32)
    for index, stop in enumerate(problem.stops):
        may[index, sorted(stop.eligible)] = 1
    apart[may @ may.T == 0] = FOREVER << 8
    most = min(NEIGHBOURS, count)
    near = np.argpartition(apart, most - 1, axis=1)[:, :most]
    there = np.take_along_axis(apart, near, axis=1)
    order = np.lexsort((near, there), axis=1)
    near, there = np.take_along_axis(near, order, axis=1), np.take_along_axis(there, order, axis=1)
    return np.where(there < FOREVER << 8, near, -1).astype(np.int64)


def _loads(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    kinds = max((len(crew.capacity) for crew in problem.crews), default=0)
    load = np.zeros((len(problem.stops), kinds), dtype=np.int64)
    for index, stop in enumerate(problem.stops):
        load[index, : len(stop.load)] = stop.load[:kinds]
    capacity = np.full((len(problem.crews), kinds), 1 << 60, dtype=np.int64)
    for index, crew in enumerate(problem.crews):
        capacity[index, : len(crew.capacity)] = crew.capacity
    return load, capacity


def _keys(problem: Problem) -> np.ndarray:
    """Dear first, few crews first, short windows first, early ones first, long ones first."""
    stops = problem.stops
    last = [min(stop.windows[-1][1] if stop.windows else 0, stop.due or FOREVER) for stop in stops]
    return np.array(
        [
            [-stop.penalty / (stop.service + 900) for stop in stops],
            [len(stop.eligible) for stop in stops],
            [sum(min(closes, 200_000) - opens for opens, closes in stop.windows) for stop in stops],
            last,
            [-stop.service for stop in stops],
        ],
        dtype=np.float64,
    ).reshape(5, len(stops))


def _kinds(problem: Problem) -> list[int]:
    if any(stop.was for stop in problem.stops):
        return list(range(len(problem.crews)))
    mine: list[list[int]] = [[] for _ in problem.crews]
    for index, stop in enumerate(problem.stops):
        for crew in stop.eligible:
            mine[crew].append(index)
    kinds: dict[tuple, int] = {}
    fields = ("opens", "closes", "start", "end", "most_stops", "capacity", "fair_share", "breaks")
    keys = [
        (*(getattr(crew, field) for field in fields), tuple(mine[index])) for index, crew in enumerate(problem.crews)
    ]
    return [kinds.setdefault(key, len(kinds)) for key in keys]
