from dataclasses import replace

import pytest
from hypothesis import given, settings

from dispatch.planning.check import cost_by_hand, faults_of
from dispatch.planning.insertion import cheapest_insertions, forgiving
from dispatch.planning.problem import FOREVER, Problem, with_route
from dispatch.planning.timetable import cost_of, timetable
from tests.dispatch.planning.strategies import Dice, dice, roll_day, roll_routes, what_can_be_done, with_a_plan

pytestmark = pytest.mark.once


def best_by_trying(problem: Problem, routes, stop: int) -> dict[int, tuple[int, int]]:
    """For each crew that can take it what that costs at least, and where."""
    best = {}
    for crew in problem.stops[stop].eligible:
        before = timetable(problem, crew, routes[crew])
        for position in range(len(routes[crew]) + 1):
            after = timetable(problem, crew, (*routes[crew][:position], stop, *routes[crew][position:]))
            if before and after:
                points = cost_of(problem, after) - cost_of(problem, before)
                best[crew] = min(best.get(crew, (points, position)), (points, position))
    return best


def roll_planned(chance: Dice) -> Problem:
    """A day with a plan, often with times to keep, and a last stop that nobody has."""
    day = roll_day(chance, chance.randint(2, 9), chance.randint(1, 3))
    if chance.one_in(2):
        day = with_a_plan(chance, day, pins=chance.one_in(2))
        routes = tuple(tuple(stop for stop in route if stop != 0) for route in day.problem.current)
    else:
        routes = what_can_be_done(day.problem, roll_routes(chance, day.problem))
        routes = tuple(tuple(stop for stop in route if stop != 0) for route in routes)
    return replace(day.problem, current=routes)


@given(dice())
@settings(max_examples=200, deadline=None)
def test_offers_are_the_cheapest_place_of_each_crew(chance):
    problem = roll_planned(chance)
    found = cheapest_insertions(problem, problem.current, 0, most=9)
    expected = best_by_trying(problem, problem.current, 0)
    assert {offer.crew: (offer.points, offer.position) for offer in found} == expected
    assert [offer.points for offer in found] == sorted(offer.points for offer in found)


@given(dice())
@settings(max_examples=60, deadline=None)
def test_what_an_offer_costs_is_what_the_checker_says(chance):
    problem = roll_planned(chance)
    routes = problem.current
    for offer in cheapest_insertions(problem, routes, 0):
        route = (*routes[offer.crew][: offer.position], 0, *routes[offer.crew][offer.position :])
        changed = with_route(routes, offer.crew, route)
        broken = [fault for fault in faults_of(problem, changed) if "must be served" not in fault]
        assert not broken
        whole = replace(
            problem, stops=tuple(replace(stop, is_locked=False, penalty=0, was=None) for stop in problem.stops)
        )
        whole = replace(whole, weights=replace(whole.weights, retimed=0, reassigned=0))
        if not problem.weights.retimed and not problem.weights.reassigned:
            assert cost_by_hand(whole, changed) - cost_by_hand(whole, routes) == offer.points


@given(dice())
@settings(max_examples=100, deadline=None)
def test_forgiven_day_can_be_done_as_it_is_and_bends_nothing_else(chance):
    problem = roll_planned(chance)
    routes = roll_routes(chance, problem)
    forgiven = forgiving(problem, routes)
    for crew, route in enumerate(routes):
        if timetable(problem, crew, route) is None:
            continue
        assert forgiven.crews[crew] == problem.crews[crew]
        assert timetable(forgiven, crew, route) == timetable(problem, crew, route)


def test_late_appointment_does_not_close_the_route_to_an_urgent_job():
    day = roll_day(Dice(1), 3, 1, gaps=False)
    crew = replace(day.problem.crews[0], opens=0, closes=FOREVER, breaks=(), most_stops=None, capacity=())
    stops = [replace(stop, eligible=frozenset({0}), windows=((0, FOREVER),)) for stop in day.problem.stops]
    stops[1] = replace(stops[1], windows=((0, 0),))
    problem = replace(day.problem, stops=tuple(stops), crews=(crew,))
    routes = ((2, 1),)
    assert timetable(problem, 0, routes[0]) is None
    assert cheapest_insertions(problem, routes, 0) == []
    offers = cheapest_insertions(forgiving(problem, routes), routes, 0)
    assert [offer.position for offer in offers] == [2], "nothing may come before what is late already"
