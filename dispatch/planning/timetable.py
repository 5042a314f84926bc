"""When a crew is where along its route, and what that costs: the one definition that all solvers are judged by.

Everybody goes on as early as they can. A break is taken as late as it may be, unless it fits into a wait. Where times
are to be kept (`Weights.keeps_times`), a stop that stays with its crew begins no earlier than it was planned to, if the
route costs no more that way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatch.planning.problem import UNREACHABLE, Break, Crew, Problem, Routes, Stop

TRAVEL, DISTANCE, LATE, SLA = "travel", "distance", "late", "sla"
BALANCE, REASSIGNED, RETIMED, LEFT_OUT = "balance", "reassigned", "retimed", "left_out"


@dataclass(frozen=True)
class Visit:
    stop: int
    travel: int  # seconds from the place before
    metres: int
    arrives_at: int
    starts_at: int
    ends_at: int


@dataclass(frozen=True)
class Rest:
    """A break as it is taken."""

    id: int
    starts_at: int
    ends_at: int


@dataclass(frozen=True)
class Timetable:
    crew: int
    visits: tuple[Visit, ...]
    rests: tuple[Rest, ...]
    travel: int  # with the way to the crew's end
    metres: int
    ends_at: int

    @property
    def busy(self) -> int:
        """Seconds of driving and work."""
        return self.travel + sum(visit.ends_at - visit.starts_at for visit in self.visits)


@dataclass(frozen=True)
class Term:
    """A part of the cost, and the stop that it is for; None: the way to the crew's end, or its whole day."""

    kind: str
    points: int
    stop: int | None = None
    crew: int | None = None


def timetable(problem: Problem, crew: int, route: Sequence[int]) -> Timetable | None:
    """None if the crew cannot do these stops in this order."""
    early = _run(problem, crew, route, holds=False)
    if not problem.weights.keeps_times or not route:
        return early
    kept = _run(problem, crew, route, holds=True)
    if early is None or kept is None:
        return kept or early
    return kept if cost_of(problem, kept) <= cost_of(problem, early) else early


def _run(problem: Problem, number: int, route: Sequence[int], *, holds: bool) -> Timetable | None:
    crew, stops, legs = problem.crews[number], problem.stops, problem.matrix.leg
    if not is_allowed(problem, number, route):
        return None
    at, here, travelled, metres = crew.opens, crew.start, 0, 0
    waiting, visits, rests = list(crew.breaks), [], []
    for index in route:
        stop = stops[index]
        seconds, way = legs(here, stop.location)
        if seconds >= UNREACHABLE:
            return None
        hold = stop.was.starts_at if holds and stop.was and stop.was.crew == number else None
        found = _begin(stop, at, seconds, waiting, rests, not_before=hold or 0)
        if found is None:
            return None
        arrives_at, starts_at = found
        visits.append(Visit(index, seconds, way, arrives_at, starts_at, starts_at + stop.service))
        at, here, travelled, metres = starts_at + stop.service, stop.location, travelled + seconds, metres + way
    seconds, way = legs(here, crew.end) if route else (0, 0)
    if seconds >= UNREACHABLE:
        return None
    ends_at = _come_home(crew, at, seconds, waiting, rests, is_out=bool(route))
    if ends_at is None:
        return None
    return Timetable(number, tuple(visits), tuple(rests), travelled + seconds, metres + way, ends_at)


def is_allowed(problem: Problem, number: int, route: Sequence[int]) -> bool:
    crew, stops = problem.crews[number], problem.stops
    if crew.most_stops is not None and len(route) > crew.most_stops:
        return False
    if any(number not in stops[index].eligible for index in route):
        return False
    for kind, most in enumerate(crew.capacity):
        if sum(stops[index].load[kind] for index in route if len(stops[index].load) > kind) > most:
            return False
    return True


def _begin(stop: Stop, at: int, travel: int, waiting: list[Break], rests: list[Rest], *, not_before: int):
    """When they arrive and begin; takes from `waiting` the breaks that come before."""
    arrived_at = None
    while True:
        ready_at = at + travel  # once they have driven and rested
        starts_at = stop.next_start(max(ready_at, not_before))
        if starts_at is None:
            return None
        arrives_at = ready_at if arrived_at is None else arrived_at
        if not waiting:
            return arrives_at, starts_at
        pause = waiting[0]
        begins = max(at, pause.earliest)
        # Whatever is still to drive after the break is driven then.
        to_drive = max(0, ready_at - begins)
        is_free = begins + pause.duration + to_drive <= starts_at
        if not is_free and starts_at + stop.service <= pause.latest:
            return arrives_at, starts_at
        if begins > pause.latest:
            return None
        if not to_drive:
            arrived_at = arrives_at
        rests.append(Rest(pause.id, begins, begins + pause.duration))
        waiting.pop(0)
        at, travel = begins + pause.duration, to_drive


def _come_home(crew: Crew, at: int, travel: int, waiting: list[Break], rests: list[Rest], *, is_out: bool):
    """When the day is over, None if that is too late. A break that begins after they are done is nobody's concern."""
    if not is_out:
        return at
    for pause in waiting:
        if pause.earliest >= at + travel:
            break
        begins = max(at, pause.earliest)
        if begins > pause.latest:
            return None
        rests.append(Rest(pause.id, begins, begins + pause.duration))
        at, travel = begins + pause.duration, at + travel - begins
    return at + travel if at + travel <= crew.closes else None


# What it costs ------------------------------------------------------------------------------------


def terms_of(problem: Problem, table: Timetable) -> Iterator[Term]:
    """What a route costs, taken apart; the points add up to `cost_of`."""
    return (Term(kind, points, stop, table.crew) for kind, points, stop in _parts(problem, table))


def cost_of(problem: Problem, table: Timetable) -> int:
    return sum(points for _kind, points, _stop in _parts(problem, table))


def _parts(problem: Problem, table: Timetable) -> Iterator[tuple[str, int, int | None]]:
    """As terms; millions of them are only added up."""
    weights, number = problem.weights, table.crew
    for visit in table.visits:
        stop = problem.stops[visit.stop]
        yield TRAVEL, visit.travel * weights.travel, visit.stop
        yield DISTANCE, visit.metres * weights.distance, visit.stop
        if stop.due is not None and visit.starts_at > stop.due:
            yield LATE, (visit.starts_at - stop.due) * weights.late, visit.stop
        if stop.sla_due is not None and visit.starts_at > stop.sla_due:
            yield SLA, (visit.starts_at - stop.sla_due) * weights.sla, visit.stop
        if stop.was and stop.was.crew != number:
            yield REASSIGNED, weights.reassigned, visit.stop
        elif _is_retimed(stop, visit, after=weights.retime_after):
            yield RETIMED, weights.retimed, visit.stop
    home, way = (table.travel - sum(v.travel for v in table.visits), table.metres - sum(v.metres for v in table.visits))
    yield TRAVEL, home * weights.travel, None
    yield DISTANCE, way * weights.distance, None
    share = problem.crews[number].fair_share
    if share is not None and table.busy > share:
        yield BALANCE, (table.busy - share) * weights.balance, None


def _is_retimed(stop: Stop, visit: Visit, *, after: int) -> bool:
    was_at = stop.was.starts_at if stop.was else None
    return was_at is not None and abs(visit.starts_at - was_at) > after


def cost_of_leaving_out(problem: Problem, index: int) -> int:
    """What somebody has today is moved, too, when nobody has it any more."""
    stop = problem.stops[index]
    return stop.penalty + (problem.weights.reassigned if stop.was else 0)


def total_cost(problem: Problem, routes: Routes) -> int | None:
    """None if a route cannot be done."""
    tables = [timetable(problem, crew, route) for crew, route in enumerate(routes)]
    if None in tables:
        return None
    served = {stop for route in routes for stop in route}
    left_out = (cost_of_leaving_out(problem, stop) for stop in range(len(problem.stops)) if stop not in served)
    return sum(cost_of(problem, table) for table in tables) + sum(left_out)
