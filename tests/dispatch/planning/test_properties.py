"""What holds for every plan of any day, with solvers that know nothing of the checker and the other way round."""

from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given

from dispatch.planning.check import cost_by_hand, faults_of
from dispatch.planning.exact import best_route
from dispatch.planning.problem import Problem, Routes, Solution
from dispatch.planning.solver import solve
from dispatch.planning.timetable import cost_of, cost_of_leaving_out, timetable
from dispatch.planning.weights import Preferences
from dispatch.planning.why_not import Inquiry
from tests.dispatch.planning.strategies import Day, Dice, days, examples, planned_days, roll_day
from tests.dispatch.planning.test_why_not import assert_is_true

pytestmark = pytest.mark.once

BRIEFLY = {"seconds": 60.0, "iterations": 30}  # of the search: what is shown here holds from the first plan on


def least_cost(problem: Problem) -> int:
    """By trying everything: each crew with each set of stops in each order."""
    everything = (1 << len(problem.stops)) - 1
    left_out = [cost_of_leaving_out(problem, stop) for stop in range(len(problem.stops))]

    @cache
    def least_from(crew: int, stops_left: int) -> int:
        if crew == len(problem.crews):
            return sum(points for stop, points in enumerate(left_out) if stops_left >> stop & 1)
        return min(
            points + least_from(crew + 1, stops_left & ~served)
            for served, points in route_costs(problem, crew).items()
            if served & stops_left == served
        )

    return least_from(0, everything)


def route_costs(problem: Problem, crew: int) -> dict[int, int]:
    """The cheapest order of each set of stops (as bits) that the crew can serve."""
    mine = [stop for stop in range(len(problem.stops)) if crew in problem.stops[stop].eligible]
    costs = {0: 0}
    for size in range(1, len(mine) + 1):
        for route in permutations(mine, size):
            if (table := timetable(problem, crew, route)) is not None:
                served = sum(1 << stop for stop in route)
                costs[served] = min(cost_of(problem, table), costs.get(served, cost_of(problem, table)))
    return costs


# Any day ------------------------------------------------------------------------------------------


@given(days(stops=(0, 8), people=(0, 3)))
@examples(60)
def test_every_plan_of_a_new_day_passes_the_checker(day: Day):
    solution = solve(day.problem, **BRIEFLY)
    assert faults_of(day.problem, solution.routes) == []
    assert cost_by_hand(day.problem, solution.routes) <= cost_by_hand(day.problem, day.problem.no_routes)
    assert_left_out_with_reason(day, solution)


@given(planned_days(stops=(1, 9)))
@examples(60)
def test_a_new_plan_is_never_worse_and_moves_no_pin(day: Day):
    solution = solve(day.problem, **BRIEFLY)
    assert faults_of(day.problem, solution.routes) == []
    assert cost_by_hand(day.problem, solution.routes) <= cost_by_hand(day.problem, day.problem.current)
    starts = starts_in(day.problem, solution.routes)
    for number, stop in enumerate(day.problem.stops):
        if stop.is_locked:
            assert number in solution.routes[stop.was.crew]
            assert stop.windows[0][0] != stop.windows[-1][1] or starts[number] == stop.was.starts_at
    assert_left_out_with_reason(day, solution)


def starts_in(problem: Problem, routes: Routes) -> dict[int, int]:
    tables = [timetable(problem, crew, route) for crew, route in enumerate(routes)]
    return {visit.stop: visit.starts_at for table in tables for visit in table.visits}


def assert_left_out_with_reason(day: Day, solution: Solution):
    inquiry = Inquiry(day.problem, solution.routes, day.bars)
    for stop in solution.left_out(day.problem):
        reasons = inquiry.reasons(stop)
        assert reasons
        for reason in reasons:
            assert_is_true(day, solution.routes, reason)


@given(planned_days(stops=(1, 7), people=(1, 3)))
@examples(50)
def test_todays_plan_is_left_alone_when_nothing_is_to_be_touched(day: Day):
    strict = replace(Preferences(stability=100, retime_after_minutes=0).weights())
    problem = as_planned(day.problem, strict)
    assert solve(problem, **BRIEFLY).routes == problem.current


@given(planned_days(stops=(1, 7), people=(1, 3)))
@examples(50)
def test_no_job_moves_by_more_than_counts_when_nothing_is_to_be_touched(day: Day):
    problem = as_planned(day.problem, Preferences(stability=100).weights())
    solution = solve(problem, **BRIEFLY)
    starts = starts_in(problem, solution.routes)
    for number, stop in enumerate(problem.stops):
        assert number in solution.routes[stop.was.crew]
        assert abs(starts[number] - stop.was.starts_at) <= problem.weights.retime_after


def as_planned(problem: Problem, weights) -> Problem:
    """The day without the jobs that nobody has: nothing has changed."""
    served = sorted(set().union(*problem.current))
    renumbered = {stop: number for number, stop in enumerate(served)}
    current = tuple(tuple(renumbered[stop] for stop in route) for route in problem.current)
    stops = tuple(problem.stops[stop] for stop in served)
    return replace(problem, stops=stops, current=current, weights=weights)


@given(planned_days(stops=(2, 8), people=(2, 3), pins=False))
@examples(30)
def test_the_same_seed_gives_the_same_plan(day: Day):
    once, again = (solve(day.problem, seed=7, **BRIEFLY) for _ in range(2))
    assert once == again


# The best there is --------------------------------------------------------------------------------


@given(days(stops=(0, 5), people=(1, 1)))
@examples(60)
def test_the_exact_solver_finds_what_trying_everything_finds(day: Day):
    stops = range(len(day.problem.stops))
    route, is_proven = best_route(day.problem, 0, stops, seconds=60)
    assert is_proven
    assert cost_by_hand(day.problem, (route,)) == least_cost(day.problem)


def test_the_exact_solver_agrees_about_eight_stops():
    problem = roll_day(Dice(3), 8, 1, gaps=False).problem
    open_to_all = replace(problem, stops=tuple(replace(stop, eligible=frozenset({0})) for stop in problem.stops))
    long_day = replace(problem.crews[0], closes=problem.crews[0].opens + 36_000, most_stops=None, capacity=())
    problem = replace(open_to_all, crews=(long_day,))
    route, is_proven = best_route(problem, 0, range(8), seconds=60)
    assert is_proven
    assert cost_by_hand(problem, (route,)) == least_cost(problem)


@given(days(stops=(0, 4), people=(1, 3)))
@examples(40)
def test_no_plan_is_better_than_the_best(day: Day):
    solution = solve(day.problem, **BRIEFLY)
    cost, least = cost_by_hand(day.problem, solution.routes), least_cost(day.problem)
    assert cost >= least
    assert not solution.is_proven or cost == least


@given(days(stops=(0, 4), people=(2, 3)))
@examples(40)
def test_one_more_technician_never_makes_the_best_plan_worse(day: Day):
    assert least_cost(day.problem) <= least_cost(without_last_crew(day.problem))


def without_last_crew(problem: Problem) -> Problem:
    gone = len(problem.crews) - 1
    return replace(
        problem,
        crews=problem.crews[:-1],
        stops=tuple(replace(stop, eligible=stop.eligible - {gone}) for stop in problem.stops),
    )
