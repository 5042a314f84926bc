from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.planning.adjust import Adjusted, Fault, _carried_on, adjusted
from dispatch.planning.check import faults_of
from dispatch.planning.problem import UNREACHABLE, Break, Crew, Matrix, Problem, Stop, Weights
from dispatch.planning.timetable import timetable
from tests.dispatch.planning.strategies import MINUTE, days, dice

pytestmark = pytest.mark.once


def problem_of(*stops: Stop, crew: Crew) -> Problem:
    """Each stop ten minutes from the one before."""
    along = np.arange(len(stops) + 1)
    seconds = np.abs(along[:, None] - along[None]) * 10 * MINUTE
    return Problem(stops, (crew,), Matrix(seconds, seconds * 10), Weights())


def stop(location: int, **changes) -> Stop:
    return replace(Stop(location, location, 30 * MINUTE, frozenset({0}), penalty=1), **changes)


CREW = Crew(1, opens=0, closes=480 * MINUTE, start=0)


def named(index: int) -> str:
    return f"J-{index}"


def test_order_that_can_be_done_is_timed_as_by_every_planner():
    problem = problem_of(stop(1), stop(2), crew=CREW)
    assert adjusted(problem, 0, (1, 0)) == Adjusted(timetable(problem, 0, (1, 0)))


def test_missed_appointment_is_named_and_the_day_goes_on():
    problem = problem_of(stop(1, windows=((600, 600),)), stop(2), crew=CREW)
    late = adjusted(problem, 0, (1, 0))
    assert [visit.starts_at for visit in late.table.visits] == [20 * MINUTE, 60 * MINUTE]
    assert late.faults == (Fault("window", 0, 50 * MINUTE),)
    assert late.faults[0].text(named) == "J-0 would begin 50 min after its fixed time."


def test_overrun_shift_says_by_how_much():
    problem = problem_of(stop(1), stop(2), crew=replace(CREW, closes=75 * MINUTE))
    late = adjusted(problem, 0, (0, 1))
    assert [fault.text(named) for fault in late.faults] == ["The day would end 5 min after the shift."]


def test_break_that_can_only_be_taken_too_late_is_taken_late():
    crew = replace(CREW, breaks=(Break(7, earliest=0, latest=5 * MINUTE, duration=15 * MINUTE),), opens=6 * MINUTE)
    late = adjusted(problem_of(stop(1), crew=crew), 0, (0,))
    assert [(rest.starts_at, rest.ends_at) for rest in late.table.rests] == [(6 * MINUTE, 21 * MINUTE)]
    assert [fault.text(named) for fault in late.faults] == ["The break would begin 1 min too late."]


def test_all_that_is_wrong_is_said_at_once():
    problem = problem_of(
        stop(1, eligible=frozenset()), stop(2, load=(2,)), crew=replace(CREW, most_stops=1, capacity=(1,))
    )
    seconds = problem.matrix.seconds.copy()
    seconds[1, 2] = UNREACHABLE
    problem = replace(problem, matrix=Matrix(seconds, problem.matrix.metres))
    texts = [fault.text(named) for fault in adjusted(problem, 0, (0, 1)).faults]
    assert texts == [
        "J-0 may not be done by them.",
        "1 more than they may have in a day.",
        "More than their vehicle holds.",
        "There is no way to J-1.",
    ]


@given(days(stops=(1, 6), people=(1, 2)), dice(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_the_order_faults_are_named_exactly_where_there_are_some(day, chance, everybody):
    """The order as it comes, also on days where everybody may do everything."""
    problem = replace(day.problem, weights=replace(day.problem.weights, retimed=0))
    if everybody:
        may = frozenset(range(len(problem.crews)))
        problem = replace(problem, stops=tuple(replace(stop, eligible=may) for stop in problem.stops))
    route = chance.sample(range(len(problem.stops)), chance.randint(1, len(problem.stops)))
    routes = (tuple(route), *problem.no_routes[1:])
    carried_on = _carried_on(problem, 0, route)
    found = [fault for fault in faults_of(problem, routes) if "must be served" not in fault]
    assert bool(carried_on.faults) == bool(found)
    if not found:
        assert carried_on == adjusted(problem, 0, route)
