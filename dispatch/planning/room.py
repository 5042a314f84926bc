"""Where one more stop fits into a route, tried position by position. Pure.

Slow and exact, for explaining; for searching see insertion.py.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from dispatch.planning.problem import Problem
from dispatch.planning.reasons import Insertion
from dispatch.planning.timetable import RETIMED, Timetable, cost_of, terms_of, timetable


class Place(NamedTuple):
    """A position that may do, and the earliest at which work there could begin and the day end: without breaks."""

    crew: int
    position: int
    starts_from: int
    day_ends_from: int


class Room:
    """A route as it is; `table` is None if it cannot be driven."""

    def __init__(self, problem: Problem, crew: int, route: tuple[int, ...]):
        self.crew, self.route = crew, route
        self.table = timetable(problem, crew, route)
        if self.table is None:
            return
        self.cost = cost_of(problem, self.table)
        self._free_at = _earliest_ends(problem, crew, route)
        self._latest = _latest_arrivals(problem, crew, route)
        self._to_go = _shortest_rests(problem, crew, route)

    def places(self, problem: Problem, index: int) -> Iterator[Place]:
        """Where it might fit if nobody rested or waited for a planned time: rules most positions out, cheaply.

        The problem may have other rules about this stop than the route was made by.
        """
        stop, crew, leg = problem.stops[index], problem.crews[self.crew], problem.matrix.leg
        stations = [crew.start, *(problem.stops[each].location for each in self.route), crew.end]
        for position, (here, there) in enumerate(pairwise(stations)):
            begins = stop.next_start(self._free_at[position] + leg(here, stop.location)[0])
            if begins is None:
                continue
            goes_on = begins + stop.service + leg(stop.location, there)[0]
            if goes_on <= self._latest[position]:
                yield Place(self.crew, position, begins, goes_on + self._to_go[position])

    def insertion(self, problem: Problem, index: int, position: int) -> Insertion | None:
        table = timetable(problem, self.crew, (*self.route[:position], index, *self.route[position:]))
        return table and self._insertion(problem, table, position)

    def _insertion(self, problem: Problem, table: Timetable, position: int) -> Insertion:
        late_before = dict(_lateness(problem, self.table))
        late = ((stop, late) for stop, late in _lateness(problem, table) if late > late_before.get(stop, 0))
        moved = set(_retimed(problem, table)) - set(_retimed(problem, self.table)) - {table.visits[position].stop}
        return Insertion(
            crew=self.crew,
            position=position,
            points=cost_of(problem, table) - self.cost,
            starts_at=table.visits[position].starts_at,
            day_ends_at=table.ends_at,
            driving=table.travel - self.table.travel,
            late=tuple(late),
            retimed=tuple(sorted(moved)),
        )


def _lateness(problem: Problem, table: Timetable) -> Iterator[tuple[int, int]]:
    for visit in table.visits:
        stop = problem.stops[visit.stop]
        due = min((limit for limit in (stop.due, stop.sla_due) if limit is not None), default=visit.starts_at)
        if visit.starts_at > due:
            yield visit.stop, visit.starts_at - due


def _retimed(problem: Problem, table: Timetable) -> Iterator[int]:
    return (term.stop for term in terms_of(problem, table) if term.kind == RETIMED)


def _earliest_ends(problem: Problem, number: int, route: tuple[int, ...]) -> list[int]:
    """When the crew is free after so many stops, at the earliest: without breaks."""
    crew = problem.crews[number]
    free_at, here = [crew.opens], crew.start
    for index in route:
        stop = problem.stops[index]
        begins = stop.next_start(free_at[-1] + problem.matrix.leg(here, stop.location)[0])
        free_at.append(begins + stop.service)
        here = stop.location
    return free_at


def _latest_arrivals(problem: Problem, number: int, route: tuple[int, ...]) -> list[int]:
    """For each stop, and at last the crew's end, by when they must be there at the latest: without breaks."""
    crew = problem.crews[number]
    latest, there = [crew.closes], crew.end
    for index in reversed(route):
        stop = problem.stops[index]
        begin_by = latest[0] - problem.matrix.leg(stop.location, there)[0] - stop.service
        latest.insert(0, max(min(closes, begin_by) for opens, closes in stop.windows if opens <= begin_by))
        there = stop.location
    return latest


def _shortest_rests(problem: Problem, number: int, route: tuple[int, ...]) -> list[int]:
    """From arriving at each stop, and at last at the crew's end, the seconds of the day that are left at least."""
    left, there = [0], problem.crews[number].end
    for index in reversed(route):
        stop = problem.stops[index]
        left.insert(0, stop.service + problem.matrix.leg(stop.location, there)[0] + left[0])
        there = stop.location
    return left
