"""The one way in to the planners: the best plan that is found within the time."""

from dispatch.planning.exact import best_route
from dispatch.planning.problem import GoOn, Problem, Routes, Solution
from dispatch.planning.repair import repaired
from dispatch.planning.timetable import total_cost

FEW_STOPS = 12  # of one crew: proven in no time
FEW_CREWS = 4  # must be together: two who never are can exchange no job


def solve(
    problem: Problem,
    *,
    seconds: float = 10.0,
    iterations: int | None = None,
    seed: int = 0,
    processes: int = 1,
    go_on: GoOn | None = None,
) -> Solution:
    """Begins at today's plan (less what breaks a rule there) and never ends worse than that.

    `go_on` is asked several times a second; False gives the best so far. The same seed, `iterations` and `processes`
    (threads: the compiled search runs side by side) give the same plan. The time counts from when the search is in
    memory: a second or so in a new process, some ten on a machine where it never ran.
    """
    start = repaired(problem, problem.current or problem.no_routes)
    proven = _proven(problem, seconds) if len(problem.crews) == 1 and len(problem.stops) <= FEW_STOPS else None
    if proven is not None:
        return proven
    from dispatch.planning.decomposition import Budget, improve, load  # compiled: web processes never need it

    load()
    parts = max(1, min(processes, len(problem.crews) // FEW_CREWS))
    found = improve(problem, start, budget=Budget(seconds, iterations), seed=seed, parts=parts, go_on=go_on)
    return Solution(_better(problem, found, start))


def _proven(problem: Problem, seconds: float) -> Solution | None:
    route, is_proven = best_route(problem, 0, range(len(problem.stops)), seconds=min(1.0, seconds))
    return Solution((route,), is_proven=True) if is_proven else None


def _better(problem: Problem, found: Routes, start: Routes) -> Routes:
    """Judged by the timetable, whatever the search believes."""
    points = total_cost(problem, found)
    return found if points is not None and points <= total_cost(problem, start) else start
