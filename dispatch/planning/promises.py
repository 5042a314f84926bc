"""What is fixed and cannot be kept any more is kept as well as it can: late, and if need be after hours. Pure."""

from dataclasses import replace

from dispatch.planning.problem import FOREVER, UNREACHABLE, Problem, Stop
from dispatch.planning.timetable import timetable


def kept_promises(problem: Problem) -> Problem:
    stops = [_if_in_time(problem, stop) for stop in problem.stops]
    problem = replace(problem, stops=tuple(stops))
    for crew in range(len(problem.crews)):
        problem = _locked_fit(problem, crew)
    return problem


def _if_in_time(problem: Problem, stop: Stop) -> Stop:
    """One whose only moment nobody can meet: as soon as possible after it."""
    opens, closes = stop.windows[0]
    if opens != closes or len(stop.windows) > 1:
        return stop
    earliest = (_reached_at(problem, crew, stop) for crew in stop.eligible)
    return stop if any(at <= opens for at in earliest) else _late(stop)


def _reached_at(problem: Problem, crew: int, stop: Stop) -> int:
    own = problem.crews[crew]
    seconds, _ = problem.matrix.leg(own.start, stop.location)
    return FOREVER if seconds >= UNREACHABLE or own.opens >= own.closes else own.opens + seconds


def _late(stop: Stop) -> Stop:
    return replace(stop, windows=((stop.windows[0][0], FOREVER),))


def _locked_fit(problem: Problem, crew: int) -> Problem:
    """What must stay with somebody is to be possible: first later than fixed, then after hours."""
    route = sorted(
        (n for n, stop in enumerate(problem.stops) if stop.is_locked and crew in stop.eligible),
        key=lambda n: (problem.stops[n].windows[0][0], n),
    )
    if not route or timetable(problem, crew, route):
        return problem
    own = problem.crews[crew]
    if own.most_stops is not None and own.most_stops < len(route):
        problem = _with_crew(problem, crew, most_stops=len(route))
    stops = tuple(_late(stop) if n in route else stop for n, stop in enumerate(problem.stops))
    problem = replace(problem, stops=stops)
    if timetable(problem, crew, route):
        return problem
    endless = _with_crew(problem, crew, closes=FOREVER)
    table = timetable(endless, crew, route)
    return _with_crew(problem, crew, closes=max(own.closes, table.ends_at)) if table else problem


def _with_crew(problem: Problem, number: int, **changes) -> Problem:
    crews = (replace(crew, **changes) if n == number else crew for n, crew in enumerate(problem.crews))
    return replace(problem, crews=tuple(crews))
