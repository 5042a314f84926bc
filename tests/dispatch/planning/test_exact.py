from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings

from dispatch.planning import exact
from dispatch.planning.circuit import best_circuit
from dispatch.planning.exact import best_route, cost_with
from dispatch.planning.problem import FOREVER, Problem
from tests.dispatch.planning.strategies import Dice, days, planned_days, roll_day

pytestmark = pytest.mark.once


def best_by_trying(problem: Problem, crew: int) -> int:
    """Points of the best of all routes."""
    stops = range(len(problem.stops))
    mine = [stop for stop in stops if crew in problem.stops[stop].eligible]
    routes = (route for size in range(len(mine) + 1) for route in permutations(mine, size))
    return min(points for route in routes if (points := cost_with(problem, crew, route, mine)) is not None)


def points_of(problem: Problem, crew: int, route) -> int:
    mine = [stop for stop in range(len(problem.stops)) if crew in problem.stops[stop].eligible]
    return cost_with(problem, crew, route, mine)


def agrees(problem: Problem) -> None:
    route, is_proven = best_route(problem, 0, range(len(problem.stops)), seconds=60)
    assert is_proven
    assert points_of(problem, 0, route) == best_by_trying(problem, 0)


@given(days(stops=(0, 6), people=(1, 2)))
@settings(max_examples=120, deadline=None)
def test_best_route_is_the_best_of_all_orders(day):
    agrees(day.problem)


@given(planned_days(stops=(2, 6), people=(1, 1)))
@settings(max_examples=60, deadline=None)
def test_best_route_is_the_best_of_all_orders_where_times_are_kept(day):
    agrees(replace(day.problem, weights=replace(day.problem.weights, retimed=27_000, retime_after=900)))


@given(days(stops=(0, 6), people=(1, 1)))
@settings(max_examples=40, deadline=None)
def test_circuit_promises_no_more_than_there_is(day):
    """Its bound is below the best real route, and whatever route it names can be priced."""
    problem = replace(day.problem, crews=(replace(day.problem.crews[0], breaks=()),))
    mine = [stop for stop in range(len(problem.stops)) if 0 in problem.stops[stop].eligible]
    if not mine:
        return
    circuit = best_circuit(problem, 0, mine, hint=(), seconds=10)
    best = best_by_trying(problem, 0)
    assert circuit.bound <= best
    if not any(stop.was for stop in problem.stops):
        assert points_of(problem, 0, circuit.route) == best


@given(days(stops=(1, 6), people=(1, 1)))
@settings(max_examples=40, deadline=None)
def test_route_too_big_for_labels_is_left_to_cp_sat(day):
    whole = exact.MOST_LABELS
    exact.MOST_LABELS = 2
    try:
        route, is_proven = best_route(day.problem, 0, range(len(day.problem.stops)), seconds=10)
    finally:
        exact.MOST_LABELS = whole
    points, best = points_of(day.problem, 0, route), best_by_trying(day.problem, 0)
    assert points == best if is_proven else points >= best


@pytest.mark.parametrize("seed", [10, 16, 26])  # days of which most can be done
def test_best_route_of_eight_stops_is_the_best_of_109_601(seed):
    day = roll_day(Dice(seed), 8, 1, gaps=False)
    stops = tuple(replace(stop, eligible=frozenset({0})) for stop in day.problem.stops)
    crew = replace(day.problem.crews[0], most_stops=None, capacity=(), opens=0, closes=FOREVER)
    problem = replace(day.problem, stops=stops, crews=(crew,))
    assert len(best_route(problem, 0, range(8))[0]) >= 6
    agrees(problem)


def test_locked_stop_is_served_whatever_its_penalty():
    day = roll_day(Dice(1), 4, 1)
    stops = [replace(stop, eligible=frozenset({0}), windows=((0, FOREVER),), penalty=0) for stop in day.problem.stops]
    stops[2] = replace(stops[2], is_locked=True)
    crew = replace(day.problem.crews[0], breaks=(), most_stops=None, capacity=(), opens=0, closes=FOREVER)
    problem = replace(day.problem, stops=tuple(stops), crews=(crew,))
    assert best_route(problem, 0, range(4)) == ((2,), True)


def test_without_time_the_best_so_far_is_given_unproven():
    day = roll_day(Dice(3), 12, 1, gaps=False)
    stops = tuple(replace(stop, eligible=frozenset({0}), windows=((0, FOREVER),)) for stop in day.problem.stops)
    problem = replace(day.problem, stops=stops)
    route, is_proven = best_route(problem, 0, range(12), seconds=0)
    assert not is_proven
    assert points_of(problem, 0, route) <= points_of(problem, 0, ())


def test_more_stops_than_it_can_tell_apart_are_refused():
    day = roll_day(Dice(3), 60, 1)
    stops = tuple(replace(stop, eligible=frozenset({0})) for stop in day.problem.stops)
    with pytest.raises(ValueError, match="60 stops are too many"):
        best_route(replace(day.problem, stops=stops), 0, range(60))
