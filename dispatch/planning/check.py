"""What is wrong with a plan, and what it costs, worked out anew: nothing here comes from timetable.py or a solver.

It answers the same question in another way, so that a mistake in one of the two shows. Slow, and meant to be read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dispatch.planning.problem import UNREACHABLE, Problem, Routes


@dataclass
class Day:
    """One crew's day as it unfolds: `free_at` is when they have nothing to do, with `to_drive` seconds still to go."""

    free_at: int
    to_drive: int = 0
    breaks: list = field(default_factory=list)  # still to come
    starts: list[int] = field(default_factory=list)  # of the visits, in order
    faults: list[str] = field(default_factory=list)

    def rest(self, begins: int) -> None:
        pause = self.breaks.pop(0)
        if begins > pause.latest:
            self.faults.append(f"break {pause.id} begins at {begins}, later than {pause.latest}")
        self.to_drive -= min(self.to_drive, begins - self.free_at)
        self.free_at = begins + pause.duration

    def rested(self, begins: int) -> int:
        """When they are at the next place if they rest from then on."""
        driven = min(self.to_drive, begins - self.free_at)
        return begins + self.breaks[0].duration + self.to_drive - driven


def faults_of(problem: Problem, routes: Routes) -> list[str]:
    """Every rule that the plan breaks, in words for whoever debugs it; empty: it can be done."""
    if len(routes) != len(problem.crews):
        return [f"{len(routes)} routes for {len(problem.crews)} crews"]
    served = Counter(stop for route in routes for stop in route)
    unknown = [stop for stop in served if not 0 <= stop < len(problem.stops)]
    if unknown:
        return [f"there is no stop {stop}" for stop in unknown]
    faults = [f"stop {stop} is visited {times} times" for stop, times in served.items() if times > 1]
    locked = [number for number, stop in enumerate(problem.stops) if stop.is_locked]
    faults += [f"stop {number} must be served" for number in locked if not served[number]]
    for crew, route in enumerate(routes):
        faults += [f"crew {crew}: {fault}" for fault in _faults_of_route(problem, crew, route)]
    return faults


def cost_by_hand(problem: Problem, routes: Routes) -> int:
    """The whole plan's points; ValueError if it breaks a rule."""
    faults = faults_of(problem, routes)
    if faults:
        raise ValueError("; ".join(faults))
    weights = problem.weights
    points = sum(_points_of_route(problem, crew, route) for crew, route in enumerate(routes))
    visited = set().union(*routes) if routes else set()
    for number, stop in enumerate(problem.stops):
        if number not in visited:
            points += stop.penalty
            points += weights.reassigned if stop.was is not None else 0
    return points


def starts_by_hand(problem: Problem, crew: int, route: Sequence[int]) -> list[int]:
    """When the stops of a route that can be done begin."""
    return _unfold(problem, crew, route, {}).starts if route else []


def _faults_of_route(problem: Problem, crew: int, route: Sequence[int]) -> list[str]:
    if not route:
        return []
    them, faults = problem.crews[crew], []
    faults += [f"stop {stop} is not for them" for stop in route if crew not in problem.stops[stop].eligible]
    if them.most_stops is not None and len(route) > them.most_stops:
        faults.append(f"{len(route)} stops, at most {them.most_stops} are allowed")
    for kind, room in enumerate(them.capacity):
        load = sum((*problem.stops[stop].load, *[0] * len(them.capacity))[kind] for stop in route)
        if load > room:
            faults.append(f"load {kind} is {load}, there is room for {room}")
    for here, there in _legs(problem, crew, route):
        if _seconds(problem, here, there) >= UNREACHABLE:
            faults.append(f"there is no way from place {here} to place {there}")
    return faults or min((day.faults for day in _ways_to_do(problem, crew, route)), key=len)


def _legs(problem: Problem, crew: int, route: Sequence[int]) -> list[tuple[int | None, int | None]]:
    places = [problem.crews[crew].start, *(problem.stops[stop].location for stop in route), problem.crews[crew].end]
    return list(pairwise(places))


def _seconds(problem: Problem, here: int | None, there: int | None) -> int:
    return 0 if here is None or there is None else int(problem.matrix.seconds[here, there])


def _metres(problem: Problem, here: int | None, there: int | None) -> int:
    return 0 if here is None or there is None else int(problem.matrix.metres[here, there])


def _ways_to_do(problem: Problem, crew: int, route: Sequence[int]) -> list[Day]:
    """As early as can be and, where times are to be kept, no earlier than planned."""
    ways = [_unfold(problem, crew, route, {})]
    if problem.weights.retimed > 0:
        planned = {stop: problem.stops[stop].was for stop in route}
        theirs = {stop: was.starts_at or 0 for stop, was in planned.items() if was and was.crew == crew}
        ways.append(_unfold(problem, crew, route, theirs))
    return ways


def _unfold(problem: Problem, crew: int, route: Sequence[int], not_before: dict[int, int]) -> Day:
    """The day from its first minute to its last, by the rules that timetable.py's docstring gives."""
    them = problem.crews[crew]
    day = Day(them.opens, breaks=list(them.breaks))
    legs = _legs(problem, crew, route)
    for number, (here, there) in zip(route, legs, strict=False):
        day.to_drive = _seconds(problem, here, there)
        _visit(day, problem.stops[number], number, not_before.get(number, 0))
        if day.faults:
            return day
    day.to_drive = _seconds(problem, *legs[-1])
    while day.breaks and day.breaks[0].earliest < day.free_at + day.to_drive:
        day.rest(max(day.free_at, day.breaks[0].earliest))
    home_at = day.free_at + day.to_drive
    if home_at > them.closes:
        day.faults.append(f"the day ends at {home_at}, later than {them.closes}")
    return day


def _visit(day: Day, stop, number: int, not_before: int) -> None:
    while True:
        ready_at = max(day.free_at + day.to_drive, not_before)
        allowed = [max(ready_at, opens) for opens, closes in stop.windows if closes >= ready_at]
        if not allowed:
            day.faults.append(f"stop {number} cannot begin at {ready_at} or later")
            return
        starts_at = min(allowed)
        if day.breaks:
            latest = day.breaks[0].latest
            begins = max(day.free_at, day.breaks[0].earliest)
            fits_into_the_wait = begins <= latest and day.rested(begins) <= starts_at
            if fits_into_the_wait or starts_at + stop.service > latest:
                day.rest(begins)
                if day.faults:
                    return
                continue
        day.starts.append(starts_at)
        day.free_at, day.to_drive = starts_at + stop.service, 0
        return


def _points_of_route(problem: Problem, crew: int, route: Sequence[int]) -> int:
    if not route:
        return 0
    doable = [day for day in _ways_to_do(problem, crew, route) if not day.faults]
    return min(_points_of_day(problem, crew, route, day.starts) for day in doable)


def _points_of_day(problem: Problem, crew: int, route: Sequence[int], starts: Sequence[int]) -> int:
    weights, legs = problem.weights, _legs(problem, crew, route)
    driving = sum(_seconds(problem, *leg) for leg in legs)
    points = driving * weights.travel + sum(_metres(problem, *leg) for leg in legs) * weights.distance
    for number, starts_at in zip(route, starts, strict=True):
        stop = problem.stops[number]
        if stop.due is not None:
            points += max(0, starts_at - stop.due) * weights.late
        if stop.sla_due is not None:
            points += max(0, starts_at - stop.sla_due) * weights.sla
        if stop.was is not None and stop.was.crew != crew:
            points += weights.reassigned
        elif stop.was is not None and stop.was.starts_at is not None:
            moved_by = abs(starts_at - stop.was.starts_at)
            points += weights.retimed if moved_by > weights.retime_after else 0
    share = problem.crews[crew].fair_share
    if share is not None:
        work = sum(problem.stops[number].service for number in route)
        points += max(0, driving + work - share) * weights.balance
    return points
