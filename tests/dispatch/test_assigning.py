"""The joint assignment as a pure problem: what it must never do, and that it is the best there is."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.assigning.check import faults_of
from dispatch.assigning.jointly import assign_jointly
from dispatch.assigning.one_by_one import assign_one_by_one
from dispatch.assigning.problem import Assigned, Booked, Crew, Problem, Solution, Visit, in_sequence, value_of
from dispatch.assigning.schedule import schedule
from dispatch.travel import StraightLine

TRAVEL = StraightLine(1.3, 35)
MORNING, EVENING = 8 * 60, 17 * 60
HERE, THERE = (40.0, -75.0), (40.1, -75.0)  # 11 km as the crow flies: 25 minutes


def visit(job_id, scores, *, minutes=60, earliest=MORNING, latest=EVENING, weight=1, place=HERE):
    return Visit(job_id, 0, minutes, earliest, latest, weight, scores, place)


def crew(technician_id, *, starts=MORNING, ends=EVENING, capacity=8, booked=(), start=HERE):
    empty = Crew(technician_id, 0, starts, ends, capacity, start)
    return replace(empty, booked=in_sequence(booked, empty, TRAVEL))


def problem_of(visits, crews):
    return Problem(datetime(2026, 11, 20, 5, tzinfo=UTC), tuple(visits), tuple(crews), TRAVEL)


def given_to(solution):
    return {given.job_id: given.technician_id for given in solution.assigned}


def test_two_jobs_do_not_both_go_to_the_same_best_technician():
    """Ana is best for both and has room for one; Ben can do only the second."""
    problem = problem_of([visit(1, {1: 90}), visit(2, {1: 95, 2: 80})], [crew(1, capacity=1), crew(2)])
    assert given_to(assign_jointly(problem)) == {1: 1, 2: 2}


def test_what_only_one_can_do_is_kept_for_her():
    problem = problem_of(
        [visit(1, {1: 95, 2: 90}, latest=MORNING), visit(2, {1: 70}, latest=MORNING)], [crew(1), crew(2)]
    )
    assert given_to(assign_jointly(problem)) == {1: 2, 2: 1}


def test_urgent_work_comes_before_more_of_the_rest():
    visits = [visit(1, {1: 50}, weight=8, minutes=540), visit(2, {1: 99}), visit(3, {1: 99})]
    assert given_to(assign_jointly(problem_of(visits, [crew(1)]))) == {1: 1}


def test_nobody_is_sent_where_they_cannot_be_in_time():
    visits = [visit(1, {1: 90}, latest=MORNING), visit(2, {1: 90}, earliest=MORNING, latest=MORNING + 70, place=THERE)]
    assert len(assign_jointly(problem_of(visits, [crew(1)])).assigned) == 1
    later = [visits[0], replace(visits[1], latest=MORNING + 90)]
    solution = assign_jointly(problem_of(later, [crew(1)]))
    assert [given.starts for given in solution.assigned] == [MORNING, MORNING + 85]  # 60 at work, 25 on the way


def test_what_is_booked_stays_where_it_is():
    booked = [Booked(MORNING, MORNING + 120, THERE, THERE)]
    solution = assign_jointly(problem_of([visit(1, {1: 50})], [crew(1, booked=booked, start=THERE)]))
    assert solution.assigned == (Assigned(1, 1, MORNING + 145),)


def test_nothing_to_do_and_nobody_there_are_no_trouble():
    assert assign_jointly(problem_of([], [crew(1)])) == Solution()
    assert assign_jointly(problem_of([visit(1, {})], [])) == Solution()
    assert assign_jointly(problem_of([visit(1, {7: 50})], [crew(1)])) == Solution()


def test_it_stops_when_told_to_and_has_an_answer():
    problem = problem_of([visit(1, {1: 50})], [crew(1)])
    assert given_to(assign_jointly(problem, go_on=lambda share: False)) == {1: 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"technician_id": 2}, "not eligible"),
        ({"starts": MORNING - 60}, "not 480..1020"),
        ({"starts": EVENING}, "after the shift's end"),
    ],
)
def test_checker_sees_what_is_broken(change, says):
    problem = problem_of([visit(1, {1: 50})], [crew(1), crew(2)])
    fine = Assigned(1, 1, MORNING)
    assert faults_of(problem, Solution((fine,))) == []
    assert says in " ".join(faults_of(problem, Solution((replace(fine, **change),))))
    assert "2 times" in " ".join(faults_of(problem, Solution((fine, fine))))


PLACES = st.tuples(st.floats(40, 40.2), st.floats(-75.2, -75)).map(lambda place: tuple(round(n, 3) for n in place))


@st.composite
def problems(draw, *, jobs=6, people=3):
    crews = [
        crew(
            number,
            starts=draw(st.sampled_from([420, 480, 600])),
            capacity=draw(st.integers(1, 4)),
            start=draw(st.none() | PLACES),
            booked=[
                Booked(at, at + 60, place, place)
                for at, place in draw(st.lists(st.tuples(st.integers(480, 900), PLACES), max_size=2))
            ],
        )
        for number in range(draw(st.integers(1, people)))
    ]
    visits = [
        visit(
            number,
            draw(st.dictionaries(st.integers(0, people - 1), st.integers(0, 100), max_size=people)),
            minutes=draw(st.sampled_from([30, 60, 120])),
            earliest=(at := draw(st.sampled_from([420, 540, 720]))),
            latest=at + draw(st.sampled_from([0, 60, 400])),
            weight=draw(st.sampled_from([1, 2, 4, 8])),
            place=draw(st.none() | PLACES),
        )
        for number in range(draw(st.integers(0, jobs)))
    ]
    return problem_of(visits, crews)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_no_rule_is_broken_and_together_is_never_worse_than_one_by_one(problem):
    floor, joint = assign_one_by_one(problem), assign_jointly(problem)
    assert faults_of(problem, floor) == faults_of(problem, joint) == []
    assert joint.value(problem) >= floor.value(problem)


def can_do(problem, key, visits):
    """Any order at all, tried one after the other."""
    for order in permutations(visits):
        given_ones, stops = [], list(problem.crew_of[key].booked)
        free_at, here = problem.crew_of[key].starts, problem.crew_of[key].start
        for next_visit in order:
            while stops:
                at = starts_at(problem, next_visit, free_at, here)
                if at + next_visit.minutes + problem.way(next_visit.place, stops[0].enters) <= stops[0].starts:
                    break
                free_at, here = stops[0].ends, stops.pop(0).leaves
            at = starts_at(problem, next_visit, free_at, here)
            given_ones.append(Assigned(next_visit.job_id, key[0], at))
            free_at, here = at + next_visit.minutes, next_visit.place
        if not faults_of(problem, Solution(tuple(given_ones))):
            return True
    return False


def starts_at(problem, wanted, free_at, here):
    return max(wanted.earliest, -(-(free_at + problem.way(here, wanted.place)) // 5) * 5)


@given(problems(jobs=4, people=2))
@settings(max_examples=60, deadline=None)
def test_there_is_no_better_assignment(problem):
    """Against all of them, tried out by other code."""
    best = 0
    options = [[None, *sorted(of.scores)] for of in problem.visits]
    for choice in product(*options):
        rota = {}
        for of, technician in zip(problem.visits, choice, strict=True):
            if technician is not None:
                rota.setdefault((technician, 0), []).append(of)
        if all(key in problem.crew_of and can_do(problem, key, visits) for key, visits in rota.items()):
            best = max(best, sum(value_of(of, key[0]) for key, visits in rota.items() for of in visits))
    assert assign_jointly(problem).value(problem) == best


@given(problems(jobs=5, people=1))
@settings(max_examples=60, deadline=None)
def test_a_schedule_is_found_whenever_there_is_one(problem):
    (key,) = problem.crew_of
    visits = [replace(of, scores={0: 50}) for of in problem.visits][: problem.crew_of[key].capacity]
    alone = problem_of(visits, problem.crews)
    assert (schedule(alone, alone.crew_of[key], visits) is not None) == can_do(alone, key, visits)
