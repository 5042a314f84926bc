"""The checker finds each kind of fault, and counts points as one would on paper."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from dispatch.planning.check import cost_by_hand, faults_of, starts_by_hand
from dispatch.planning.problem import UNREACHABLE, Break, Crew, Matrix, Problem, Stop, Was, Weights
from tests.dispatch.planning.strategies import Day, examples, planned_days

pytestmark = pytest.mark.once

HOUR, MINUTE = 3600, 60
EVERYBODY = frozenset({0, 1})


def job(location: int, **more) -> Stop:
    return Stop(
        **{"id": location, "location": location, "service": HOUR, "eligible": EVERYBODY, "penalty": 1000, **more}
    )


def problem_of(*stops: Stop, crew: Crew | None = None, **weights: int) -> Problem:
    """Ten minutes and six kilometres between any two places."""
    seconds = np.full((6, 6), 10 * MINUTE, np.int64)
    np.fill_diagonal(seconds, 0)
    return Problem(stops, (crew or a_crew(), a_crew()), Matrix(seconds, seconds * 10), Weights(**weights))


def a_crew(**more) -> Crew:
    return Crew(**{"id": 1, "opens": 8 * HOUR, "closes": 16 * HOUR, "start": 0, "end": 0, **more})


def fault_of(problem: Problem, *route: int) -> str:
    (fault,) = faults_of(problem, (route, ()))
    return fault


def test_a_plan_that_can_be_done_has_no_fault():
    assert faults_of(problem_of(job(1), job(2)), ((1,), (0,))) == []


def test_each_crew_has_one_route():
    assert faults_of(problem_of(job(1)), ((0,),)) == ["1 routes for 2 crews"]


def test_there_must_be_such_a_stop():
    assert faults_of(problem_of(job(1)), ((7,), (-1,))) == ["there is no stop 7", "there is no stop -1"]


def test_nobody_visits_a_stop_again():
    problem = problem_of(job(1))
    assert faults_of(problem, ((0,), (0,))) == faults_of(problem, ((0, 0), ())) == ["stop 0 is visited 2 times"]


def test_what_is_locked_must_be_served():
    problem = problem_of(job(1, is_locked=True), job(2))
    assert fault_of(problem, 1) == "stop 0 must be served"
    with pytest.raises(ValueError, match="stop 0 must be served"):
        cost_by_hand(problem, ((1,), ()))


def test_only_who_may_do_it():
    assert fault_of(problem_of(job(1, eligible=frozenset({1}))), 0) == "crew 0: stop 0 is not for them"


def test_no_more_than_a_day_or_a_van_holds():
    stops = job(1, load=(2, 1)), job(2, load=(2,))
    assert fault_of(problem_of(*stops, crew=a_crew(most_stops=1)), 0, 1) == "crew 0: 2 stops, at most 1 are allowed"
    full = problem_of(*stops, crew=a_crew(capacity=(3, 1)))
    assert fault_of(full, 0, 1) == "crew 0: load 0 is 4, there is room for 3"


def test_there_must_be_a_way():
    problem = problem_of(job(1), job(2))
    problem.matrix.seconds[1, 2] = UNREACHABLE
    assert fault_of(problem, 0, 1) == "crew 0: there is no way from place 1 to place 2"
    assert faults_of(problem, ((1, 0), ())) == []


def test_work_begins_within_a_window():
    nine = 9 * HOUR
    problem = problem_of(job(1), job(2, windows=((0, HOUR), (nine, nine + 20 * MINUTE - 1))))
    assert fault_of(problem, 0, 1) == f"crew 0: stop 1 cannot begin at {nine + 20 * MINUTE} or later"
    assert starts_by_hand(problem, 0, (1, 0)) == [nine, 10 * HOUR + 10 * MINUTE]


def test_the_day_ends_at_home_and_in_time():
    home_at = 9 * HOUR + 20 * MINUTE
    problem = problem_of(job(1), crew=a_crew(closes=home_at - 1))
    assert fault_of(problem, 0) == f"crew 0: the day ends at {home_at}, later than {home_at - 1}"


@pytest.mark.parametrize(
    ("pause", "starts"),
    [
        ((0, 8 * HOUR), 8 * HOUR + 40 * MINUTE),  # before anything else
        ((8 * HOUR + 5 * MINUTE, 9 * HOUR), 8 * HOUR + 40 * MINUTE),  # on the way
        ((8 * HOUR, 9 * HOUR + 10 * MINUTE), 8 * HOUR + 10 * MINUTE),  # after the visit
    ],
)
def test_a_break_is_taken_as_late_as_may_be(pause, starts):
    assert starts_by_hand(problem_of(job(1), crew=a_crew(breaks=(Break(1, *pause, 30 * MINUTE),))), 0, (0,)) == [starts]


def test_a_break_on_the_way_that_fits_into_the_wait_is_taken_there():
    nine = ((9 * HOUR, 9 * HOUR),)
    crew = a_crew(breaks=(Break(1, 8 * HOUR + 5 * MINUTE, 11 * HOUR, 48 * MINUTE),))
    problem = problem_of(job(1, windows=nine), job(2), crew=crew)
    assert starts_by_hand(problem, 0, (0, 1)) == [9 * HOUR, 10 * HOUR + 10 * MINUTE]


def test_a_break_begins_in_its_time():
    crew = a_crew(breaks=(Break(7, 7 * HOUR, 8 * HOUR - 1, 600),))
    assert fault_of(problem_of(job(1), crew=crew), 0) == "crew 0: break 7 begins at 28800, later than 28799"


def test_points_are_counted_as_on_paper():
    nine = 9 * HOUR
    problem = problem_of(
        job(1, due=8 * HOUR, sla_due=8 * HOUR + 5 * MINUTE),
        job(2, was=Was(1, nine)),
        job(3, was=Was(0, nine)),
        job(4),
        job(5, was=Was(1)),
        crew=a_crew(fair_share=3 * HOUR),
        travel=100,
        distance=2,
        late=200,
        sla=400,
        balance=10,
        reassigned=70,
        retimed=5,
    )
    driving = 40 * MINUTE
    assert cost_by_hand(problem, ((0, 1, 2), ())) == sum(
        (
            driving * 100 + driving * 10 * 2,
            10 * MINUTE * 200,  # the first begins at 8:10, due at 8:00
            5 * MINUTE * 400,
            70,  # the second was the other's
            5,  # the third begins at 10:30 instead of 9:00
            driving * 10,  # above three hours
            1000,  # the fourth is left out
            1000 + 70,  # the fifth was somebody's
        )
    )


def test_planned_times_are_kept_where_that_costs_no_more():
    problem = problem_of(job(1, was=Was(0, 10 * HOUR)), retimed=5)
    assert cost_by_hand(problem, ((0,), ())) == 20 * MINUTE * 100
    assert cost_by_hand(replace(problem, crews=(a_crew(closes=10 * HOUR), a_crew())), ((0,), ())) == 120_000 + 5


def test_what_another_has_today_is_not_waited_for():
    foreign, own = job(1, was=Was(1, 15 * HOUR)), job(2, was=Was(0, 10 * HOUR))
    problem = problem_of(foreign, own, reassigned=70, retimed=5)
    assert cost_by_hand(problem, ((0, 1), ())) == 30 * MINUTE * 100 + 70


@given(planned_days())
@examples(100)
def test_a_broken_rule_never_passes(day: Day):
    problem = day.problem
    assert faults_of(problem, problem.current) == []
    for crew, route in enumerate(problem.current):
        for stop in route:
            elsewhere = replace(problem.stops[stop], eligible=problem.stops[stop].eligible - {crew})
            assert faults_of(with_stop(problem, stop, elsewhere), problem.current)
            never = replace(problem.stops[stop], windows=((0, -1),))
            assert faults_of(with_stop(problem, stop, never), problem.current)
            if problem.stops[stop].is_locked:
                without = tuple(tuple(each for each in route if each != stop) for route in problem.current)
                assert f"stop {stop} must be served" in faults_of(problem, without)


def with_stop(problem: Problem, number: int, stop: Stop) -> Problem:
    return replace(problem, stops=(*problem.stops[:number], stop, *problem.stops[number + 1 :]))
