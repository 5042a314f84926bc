"""When a crew is where: by hand for the plain cases, by rules about the finished timetable for generated ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from dispatch.planning.check import cost_by_hand, faults_of, starts_by_hand
from dispatch.planning.problem import FOREVER, UNREACHABLE, Break, Crew, Matrix, Problem, Stop, Was, Weights
from dispatch.planning.timetable import (
    Rest,
    Timetable,
    cost_of,
    cost_of_leaving_out,
    terms_of,
    timetable,
    total_cost,
)
from tests.dispatch.planning.strategies import (
    MINUTE,
    Dice,
    days,
    dice,
    examples,
    planned_days,
    roll_routes,
    what_can_be_done,
)

pytestmark = pytest.mark.once

LEG = 10 * MINUTE  # between any two places


def at(hours: int, minutes: int = 0) -> int:
    return hours * 3600 + minutes * MINUTE


def job(location: int = 1, *, service: int = at(1), **more) -> Stop:
    return Stop(id=location, location=location, service=service, eligible=frozenset({0}), penalty=1, **more)


def problem_of(*stops: Stop, crew: Crew | None = None, weights: Weights | None = None) -> Problem:
    places = 6
    seconds = np.full((places, places), LEG, np.int64)
    np.fill_diagonal(seconds, 0)
    return Problem(stops, (crew or a_crew(),), Matrix(seconds, seconds * 10), weights or Weights())


def a_crew(**more) -> Crew:
    return Crew(**{"id": 1, "opens": at(8), "closes": at(16), "start": 0, **more})


def lunch(earliest: int, latest: int, *, duration: int = at(0, 30), number: int = 1) -> Break:
    return Break(number, earliest, latest, duration)


def starts(problem: Problem, *route: int) -> list[int] | None:
    table = timetable(problem, 0, route)
    return table and [visit.starts_at for visit in table.visits]


# Plain days ---------------------------------------------------------------------------------------


def test_stops_follow_each_other_with_the_way_between_them():
    table = timetable(problem_of(job(1), job(2)), 0, (0, 1))
    assert [(v.arrives_at, v.ends_at) for v in table.visits] == [(at(8, 10), at(9, 10)), (at(9, 20), at(10, 20))]
    assert (table.travel, table.metres, table.ends_at, table.busy) == (2 * LEG, 20 * LEG, at(10, 20), 2 * LEG + at(2))


def test_whoever_comes_too_early_waits_for_the_window():
    problem = problem_of(job(1, windows=((0, at(7)), (at(9), at(9, 30)))))
    assert starts(problem, 0) == [at(9)]


def test_nobody_begins_after_the_last_window():
    assert timetable(problem_of(job(1, windows=((at(7), at(8, 9)),))), 0, (0,)) is None


def test_without_a_start_the_first_stop_is_reached_at_once():
    assert starts(problem_of(job(), crew=a_crew(start=None)), 0) == [at(8)]


def test_the_way_home_counts_against_the_shift():
    shift = a_crew(end=0, closes=at(9, 20))
    table = timetable(problem_of(job(), crew=shift), 0, (0,))
    assert (table.ends_at, table.travel) == (at(9, 20), 2 * LEG)
    assert timetable(problem_of(job(), crew=replace(shift, closes=at(9, 20) - 1)), 0, (0,)) is None


def test_a_free_day_costs_nothing_not_even_the_way_home():
    table = timetable(problem_of(crew=a_crew(end=1, start=0, fair_share=0)), 0, ())
    assert (table.travel, table.metres, cost_of(problem_of(crew=a_crew()), table)) == (0, 0, 0)


def test_there_is_no_way_to_an_unreachable_place():
    problem = problem_of(job(1), job(2))
    problem.matrix.seconds[1, 2] = UNREACHABLE
    assert timetable(problem, 0, (0, 1)) is None
    assert timetable(problem, 0, (1, 0)) is not None


def test_limits_hold():
    stops = (job(1, load=(2, 1)), job(2, load=(2, 1)), job(3))
    assert timetable(problem_of(*stops, crew=a_crew(capacity=(4, 2))), 0, (0, 1, 2))
    assert timetable(problem_of(*stops, crew=a_crew(capacity=(3, 2))), 0, (0, 1, 2)) is None
    assert timetable(problem_of(*stops, crew=a_crew(capacity=(4, 1))), 0, (0, 1, 2)) is None
    assert timetable(problem_of(*stops, crew=a_crew(most_stops=2)), 0, (0, 1, 2)) is None
    assert timetable(problem_of(replace(job(), eligible=frozenset({1}))), 0, (0,)) is None


def test_loads_of_other_lengths_are_read_as_far_as_they_go():
    problem = problem_of(job(1, load=(2,)), job(2, load=(2, 9, 9)), crew=a_crew(capacity=(4, 9)))
    assert timetable(problem, 0, (0, 1)) is not None


# Breaks -------------------------------------------------------------------------------------------


def test_a_break_is_taken_as_late_as_it_may_be():
    problem = problem_of(job(1), job(2), job(3), crew=a_crew(breaks=(lunch(at(8), at(10, 20)),)))
    table = timetable(problem, 0, (0, 1, 2))
    assert table.rests == (Rest(1, at(10, 20), at(10, 50)),)
    assert [visit.starts_at for visit in table.visits] == [at(8, 10), at(9, 20), at(11)]


def test_a_break_that_fits_into_a_wait_is_taken_there():
    problem = problem_of(job(1, windows=((at(9), at(9)),)), crew=a_crew(breaks=(lunch(at(8, 5), at(12)),)))
    table = timetable(problem, 0, (0,))
    assert table.rests == (Rest(1, at(8, 5), at(8, 35)),)
    assert table.visits[0].arrives_at == at(8, 40)  # half of the way before the break, half after it


def test_whoever_rests_while_waiting_at_the_door_has_arrived_before():
    problem = problem_of(job(1, windows=((at(9), at(9)),)), crew=a_crew(breaks=(lunch(at(8, 15), at(12)),)))
    table = timetable(problem, 0, (0,))
    assert table.rests == (Rest(1, at(8, 15), at(8, 45)),)
    assert (table.visits[0].arrives_at, table.visits[0].starts_at) == (at(8, 10), at(9))


def test_a_break_may_still_begin_at_its_latest_when_a_visit_ends():
    crew = a_crew(breaks=(lunch(at(8, 30), at(9, 10)),))
    assert timetable(problem_of(job(), crew=crew), 0, (0,)).rests == (Rest(1, at(9, 10), at(9, 40)),)


def test_a_visit_that_is_too_long_before_the_break_comes_after_it():
    crew = a_crew(breaks=(lunch(at(8, 30), at(9, 9)),))
    assert starts(problem_of(job(), crew=crew), 0) == [at(9)]


def test_a_break_that_cannot_begin_in_time_rules_the_route_out():
    assert timetable(problem_of(job(), crew=a_crew(breaks=(lunch(at(7), at(7, 30)),))), 0, (0,)) is None


def test_a_break_after_the_day_is_nobodys_concern():
    crew = a_crew(closes=at(9, 10), breaks=(lunch(at(9, 10), at(10)),))
    assert timetable(problem_of(job(), crew=crew), 0, (0,)).rests == ()


def test_a_break_on_the_way_home_makes_it_later():
    crew = a_crew(end=0, breaks=(lunch(at(9, 15), at(10)),))
    table = timetable(problem_of(job(), crew=crew), 0, (0,))
    assert (table.rests, table.ends_at) == ((Rest(1, at(9, 15), at(9, 45)),), at(9, 50))


def test_two_breaks_never_overlap():
    pauses = (lunch(at(8, 20), at(9), duration=at(0, 40)), lunch(at(8, 30), at(12), number=2))
    problem = problem_of(job(1, windows=((at(11), at(11)),)), crew=a_crew(breaks=pauses))
    assert timetable(problem, 0, (0,)).rests == (Rest(1, at(8, 20), at(9)), Rest(2, at(9), at(9, 30)))
    on_the_way_home = a_crew(end=0, breaks=(lunch(at(9, 15), at(10)), lunch(at(9, 20), at(10), number=2)))
    rests = timetable(problem_of(job(1), crew=on_the_way_home), 0, (0,)).rests
    assert rests == (Rest(1, at(9, 15), at(9, 45)), Rest(2, at(9, 45), at(10, 15)))


def test_a_second_break_that_the_first_makes_too_late_rules_the_route_out():
    pauses = (lunch(at(8, 20), at(9), duration=at(1)), lunch(at(8, 30), at(9, 19), number=2))
    assert timetable(problem_of(job(1, windows=((at(12), at(12)),)), crew=a_crew(breaks=pauses)), 0, (0,)) is None


# Times to be kept ---------------------------------------------------------------------------------


def kept(*stops: Stop, **more) -> Problem:
    return problem_of(*stops, weights=Weights(retimed=6000, retime_after=900), **more)


def test_a_stop_begins_no_earlier_than_planned_where_times_are_kept():
    stop = job(was=Was(0, at(10)))
    assert starts(kept(stop), 0) == [at(10)]
    assert starts(problem_of(stop), 0) == [at(8, 10)]


def test_a_stop_of_somebody_else_is_begun_as_early_as_can_be():
    assert starts(kept(job(was=Was(1, at(10)))), 0) == [at(8, 10)]


def test_a_planned_time_that_costs_more_is_not_kept():
    late = job(due=at(8, 30), was=Was(0, at(15)))
    assert starts(kept(late), 0) == [at(8, 10)]
    too_late = job(was=Was(0, at(15, 1)))
    assert starts(kept(too_late), 0) == [at(8, 10)]


def test_a_break_fits_into_the_wait_for_a_planned_time():
    problem = kept(job(was=Was(0, at(9))), crew=a_crew(breaks=(lunch(at(8), at(12)),)))
    assert timetable(problem, 0, (0,)).rests == (Rest(1, at(8), at(8, 30)),)


# Costs --------------------------------------------------------------------------------------------


def test_each_term_of_the_cost_names_its_stop():
    weights = Weights(travel=100, distance=1, late=200, sla=400, balance=10, reassigned=7, retimed=5, retime_after=60)
    stops = (job(1, due=at(8), sla_due=at(8, 5), was=Was(1)), job(2, was=Was(0, at(9))))
    problem = problem_of(*stops, crew=a_crew(end=0, fair_share=at(2)), weights=weights)
    terms = [(term.kind, term.points, term.stop) for term in terms_of(problem, timetable(problem, 0, (0, 1)))]
    assert sorted(terms, key=str) == sorted(
        [
            *(("travel", LEG * 100, 0), ("travel", LEG * 100, 1), ("travel", LEG * 100, None)),
            *(("distance", LEG * 10, 0), ("distance", LEG * 10, 1), ("distance", LEG * 10, None)),
            *(("late", LEG * 200, 0), ("sla", 300 * 400, 0), ("reassigned", 7, 0), ("retimed", 5, 1)),
            ("balance", 3 * LEG * 10, None),
        ],
        key=str,
    )


def test_leaving_out_what_somebody_has_counts_as_moving_it_too():
    problem = problem_of(job(), job(was=Was(0)), weights=Weights(reassigned=50))
    assert [cost_of_leaving_out(problem, stop) for stop in (0, 1)] == [1, 51]
    assert total_cost(problem, ((),)) == 52


# Any day ------------------------------------------------------------------------------------------


@given(days(), dice())
@examples(400)
def test_checker_and_timetable_agree_about_any_routes(day, chance: Dice):
    routes = roll_routes(chance, day.problem)
    assert_agreed(day.problem, routes)
    assert_agreed(day.problem, what_can_be_done(day.problem, routes))


@given(planned_days(), dice())
@examples(200)
def test_checker_and_timetable_agree_where_there_is_a_plan(day, chance: Dice):
    assert_agreed(day.problem, day.problem.current)
    anything = roll_routes(chance, day.problem)
    free = tuple(replace(stop, is_locked=False) for stop in day.problem.stops)
    assert_agreed(replace(day.problem, stops=free), anything)


def assert_agreed(problem: Problem, routes):
    faults = faults_of(problem, routes)
    assert total_cost(problem, routes) == (None if faults else cost_by_hand(problem, routes)), faults


@given(days(stops=(1, 8), people=(1, 3)), dice())
@examples(300)
def test_every_timetable_could_be_lived(day, chance: Dice):
    routes = what_can_be_done(day.problem, roll_routes(chance, day.problem))
    for crew, route in enumerate(routes):
        table = timetable(day.problem, crew, route)
        assert_can_be_lived(day.problem, table)
        assert cost_of(day.problem, table) == sum(term.points for term in terms_of(day.problem, table))
        if not day.problem.weights.keeps_times:
            assert [visit.starts_at for visit in table.visits] == starts_by_hand(day.problem, crew, route)


def assert_can_be_lived(problem: Problem, table: Timetable):
    """By nothing but the finished times: nobody is in two places, drives faster than can be, or misses a break."""
    crew, here, free_at = problem.crews[table.crew], problem.crews[table.crew].start, problem.crews[table.crew].opens
    for visit in table.visits:
        stop = problem.stops[visit.stop]
        assert visit.arrives_at - free_at == problem.matrix.leg(here, stop.location)[0] + rested(
            table, free_at, visit.arrives_at
        )
        assert visit.starts_at >= visit.arrives_at
        assert any(opens <= visit.starts_at <= closes for opens, closes in stop.windows)
        assert visit.ends_at == visit.starts_at + stop.service
        assert not rested(table, visit.starts_at, visit.ends_at)
        here, free_at = stop.location, visit.ends_at
    home = problem.matrix.leg(here, crew.end)[0] if table.visits else 0
    assert table.ends_at == free_at + home + rested(table, free_at, FOREVER)
    assert not table.visits or table.ends_at <= crew.closes
    assert [rest.id for rest in table.rests] == [pause.id for pause in crew.breaks[: len(table.rests)]]
    for pause, rest in zip(crew.breaks, table.rests, strict=False):
        assert pause.earliest <= rest.starts_at <= pause.latest
        assert rest.ends_at - rest.starts_at == pause.duration
    for before, after in zip(table.rests, table.rests[1:], strict=False):
        assert before.ends_at <= after.starts_at
    for pause in crew.breaks[len(table.rests) : len(table.rests) + 1]:
        assert not table.visits or pause.earliest >= table.ends_at


def rested(table: Timetable, begins: int, ends: int) -> int:
    return sum(max(0, min(rest.ends_at, ends) - max(rest.starts_at, begins)) for rest in table.rests)
