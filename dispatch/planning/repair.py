"""Today's plan without what breaks a rule: where a search begins."""

from collections.abc import Sequence

from dispatch.planning.problem import Problem, Routes
from dispatch.planning.timetable import timetable


def repaired(problem: Problem, routes: Routes) -> Routes:
    """The same plan without what breaks a rule."""
    seen: set[int] = set()
    repaired_routes = []
    for crew, route in enumerate(routes):
        mine = [stop for stop in dict.fromkeys(route) if stop not in seen and crew in problem.stops[stop].eligible]
        mine = mine if timetable(problem, crew, mine) else _what_fits(problem, crew, mine)
        seen.update(mine)
        repaired_routes.append(tuple(mine))
    return tuple(repaired_routes)


def _what_fits(problem: Problem, crew: int, wanted: Sequence[int]) -> list[int]:
    """The dearest to leave out first, in their order where that is possible."""
    rank = {stop: place for place, stop in enumerate(wanted)}
    fitting: list[int] = []
    for stop in sorted(wanted, key=lambda stop: (-problem.stops[stop].penalty, rank[stop])):
        at = sum(rank[other] < rank[stop] for other in fitting)
        tries = [at, *(place for place in range(len(fitting) + 1) if place != at)]
        longer = ([*fitting[:place], stop, *fitting[place:]] for place in tries)
        fitting = next((route for route in longer if timetable(problem, crew, route)), fitting)
    return fitting
