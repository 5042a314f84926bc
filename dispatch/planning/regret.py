"""A first plan: again and again the stop that loses most by waiting goes to where it costs least."""

from collections.abc import Iterable, Sequence

from dispatch.planning.problem import UNREACHABLE, Problem, Routes
from dispatch.planning.timetable import cost_of, cost_of_leaving_out, timetable


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


def filled(problem: Problem, routes: Routes, stops: Iterable[int] | None = None) -> Routes:
    """The routes with whatever else of these stops (all, if not said) is worth a visit."""
    draft = _Draft(problem, routes)
    served = {stop for route in routes for stop in route}
    waiting = {stop for stop in (range(len(problem.stops)) if stops is None else stops) if stop not in served}
    offers = {stop: draft.offers(stop) for stop in waiting}
    while waiting:
        best = max(waiting, key=lambda stop: (_regret(problem, stop, offers[stop]), -stop))
        if not offers[best]:
            break
        crew, (_points, place) = min(offers[best].items(), key=lambda offer: (offer[1][0], offer[0]))
        if not draft.insert(best, crew, place):
            del offers[best][crew]
            continue
        waiting.remove(best)
        for stop in waiting:
            if crew in problem.stops[stop].eligible:
                offer = draft.offer(stop, crew)
                if offer is None:
                    offers[stop].pop(crew, None)
                else:
                    offers[stop][crew] = offer
    return tuple(map(tuple, draft.routes))


def _regret(problem: Problem, stop: int, offers: dict[int, tuple[int, int]]) -> int:
    """What it costs if the best place is taken by another."""
    if not offers:
        return -1
    left_out = cost_of_leaving_out(problem, stop)
    points = [*sorted(points for points, _place in offers.values())[:3], left_out, left_out]
    return points[1] + points[2] - 2 * points[0]


class _Draft:
    """Routes with their earliest and latest times, so that most places are judged without a timetable."""

    def __init__(self, problem: Problem, routes: Routes):
        self.problem, self.routes = problem, [list(route) for route in routes]
        self.early: list[list[int]] = []  # when they are free to leave the start, the first stop, ...
        self.late: list[list[int]] = []  # the latest arrival at the first stop, ..., the end
        self.points: list[int] = []
        for crew, route in enumerate(self.routes):
            table = timetable(problem, crew, route)
            self.points.append(cost_of(problem, table))
            self.early.append([problem.crews[crew].opens, *(visit.ends_at for visit in table.visits)])
            self.late.append(self._latest(crew, route))

    def _latest(self, crew: int, route: list[int]) -> list[int]:
        stops, leg, ahead = self.problem.stops, self.problem.matrix.leg, self.problem.crews[crew].end
        at = self.problem.crews[crew].closes
        late = [at]
        for index in reversed(route):
            stop = stops[index]
            at -= leg(stop.location, ahead)[0] + stop.service
            at = max((min(at, closes) for opens, closes in stop.windows if opens <= at), default=-1)
            ahead = stop.location
            late.append(at)
        return late[::-1]

    def offers(self, stop: int) -> dict[int, tuple[int, int]]:
        offers = ((crew, self.offer(stop, crew)) for crew in sorted(self.problem.stops[stop].eligible))
        return {crew: offer for crew, offer in offers if offer is not None}

    def offer(self, index: int, crew: int) -> tuple[int, int] | None:
        """Points and place; None if it fits nowhere or is not worth it."""
        problem, stop, route = self.problem, self.problem.stops[index], self.routes[crew]
        weights, legs = problem.weights, problem.matrix.seconds_of
        start, end = problem.crews[crew].start, problem.crews[crew].end
        here, service, due = stop.location, stop.service, stop.due
        best, early, late = None, self.early[crew], self.late[crew]
        least = cost_of_leaving_out(problem, index)
        if stop.was and stop.was.crew != crew:
            least -= weights.reassigned
        from_here = legs[here]
        before = start
        for place in range(len(route) + 1):
            ahead = problem.stops[route[place]].location if place < len(route) else end
            out = legs[before][here] if before is not None else 0
            starts_at = stop.next_start(early[place] + out)
            if starts_at is None:
                break
            on = from_here[ahead] if ahead is not None else 0
            if starts_at + service + on <= late[place] and out + on < UNREACHABLE:
                is_between = route and before is not None and ahead is not None
                direct = legs[before][ahead] if is_between else 0
                points = (out + on - direct) * weights.travel
                if due is not None and starts_at > due:
                    points += (starts_at - due) * weights.late
                if points < least:
                    best, least = (points, place), points
            before = ahead
        return best

    def insert(self, index: int, crew: int, place: int) -> bool:
        """False if the timetable does not agree."""
        route = [*self.routes[crew][:place], index, *self.routes[crew][place:]]
        table = timetable(self.problem, crew, route)
        if table is None:
            return False
        points = cost_of(self.problem, table)
        if points - self.points[crew] >= cost_of_leaving_out(self.problem, index):
            return False
        self.routes[crew], self.points[crew] = route, points
        self.early[crew] = [self.problem.crews[crew].opens, *(visit.ends_at for visit in table.visits)]
        self.late[crew] = self._latest(crew, route)
        return True
