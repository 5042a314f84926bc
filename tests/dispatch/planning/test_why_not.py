"""Every reason for leaving a stop out is true: without what it names, the stop goes in at a gain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from dispatch.planning.check import cost_by_hand, faults_of
from dispatch.planning.names import Names
from dispatch.planning.problem import (
    FOREVER,
    UNREACHABLE,
    Break,
    Crew,
    Matrix,
    Problem,
    Routes,
    Stop,
    Weights,
    with_route,
)
from dispatch.planning.reasons import Reason
from dispatch.planning.timetable import cost_of_leaving_out
from dispatch.planning.why_not import Inquiry, why_left_out
from tests.dispatch.planning.strategies import (
    MINUTE,
    Day,
    Dice,
    days,
    dice,
    examples,
    planned_days,
    roll_routes,
    what_can_be_done,
)

pytestmark = pytest.mark.once

HOUR = 60 * MINUTE
TOM, TESS = 0, 1
ALL = frozenset({TOM, TESS})


def job(location: int, *, service: int = HOUR, eligible: frozenset[int] = ALL, penalty: int = 720_000, **more) -> Stop:
    return Stop(location, location, service, eligible, penalty, **more)


def problem_of(*stops: Stop, crews: tuple[Crew, ...] | None = None, minutes: int = 10, **more) -> Problem:
    seconds = np.full((8, 8), minutes * MINUTE, np.int64)
    np.fill_diagonal(seconds, 0)
    return Problem(stops, crews or (a_crew(), a_crew()), Matrix(seconds, seconds * 10), Weights(**more))


def a_crew(*, opens: int = 8, closes: int = 16, **more) -> Crew:
    return Crew(1, opens * HOUR, closes * HOUR, start=0, **more)


def names_of(problem: Problem, **more) -> Names:
    named = Names.by_id(problem)
    return replace(named, stops=[f"J-{stop.id}" for stop in problem.stops], crews=["Tom", "Tess"], **more)


def only_reason(problem: Problem, routes: Routes, stop: int, bars=None, **more) -> tuple[tuple[str, ...], str]:
    reasons = why_left_out(problem, routes, stop, {stop: bars or {}})
    assert len(reasons) == 1, [reason.kinds for reason in reasons]
    return reasons[0].kinds, reasons[0].text(names_of(problem, **more))


NOBODYS = ((), ())


def test_a_block_that_only_opens_is_told_without_an_end():
    problem = problem_of(job(1, windows=((15 * HOUR, FOREVER),), service=2 * HOUR))
    texts = {reason.kind: reason.text(names_of(problem)) for reason in why_left_out(problem, NOBODYS, 0, {})}
    assert texts["window"] == "Tom could begin at 08:10, but it must not begin before 15:00."


def test_a_block_that_is_over_when_the_day_begins_is_said_to_be_over():
    problem = problem_of(job(1, windows=((6 * HOUR, 7 * HOUR),)))
    texts = {reason.kind: reason.text(names_of(problem)) for reason in why_left_out(problem, NOBODYS, 0, {})}
    assert texts["window"] == (
        "Tom could begin at 08:10, but it had to begin between 06:00 and 07:00, which is over by then."
    )


def test_a_missing_skill_is_named():
    problem = problem_of(job(1, eligible=frozenset()))
    bars = {TOM: frozenset({"skill"}), TESS: frozenset({"skill", "zone"})}
    assert only_reason(problem, NOBODYS, 0, bars, skills={0: "Electrical Expert"}) == (
        ("skill",),
        "No one in the plan has Electrical Expert; Tom would have time at 08:10.",
    )


def test_a_skill_that_only_others_lack_is_named_with_who():
    problem = problem_of(job(1, eligible=frozenset({TOM}), windows=((9 * HOUR, 9 * HOUR),)), job(2, service=8 * HOUR))
    problem = replace(problem, crews=(a_crew(closes=17), a_crew()))
    reasons = why_left_out(problem, ((1,), ()), 0, {0: {TESS: frozenset({"skill"})}})
    assert [reason.kind for reason in reasons] == ["skill", "shift"]
    assert reasons[0].text(names_of(problem, skills={0: "Gas Basic"})) == (
        "Tess could begin at 09:00, but lacks Gas Basic."
    )


def test_a_zone_that_nobody_covers_is_named():
    problem = problem_of(job(1, eligible=frozenset()))
    bars = {crew: frozenset({"zone"}) for crew in ALL}
    kinds, text = only_reason(problem, NOBODYS, 0, bars, zones={0: "North"})
    assert (kinds, text) == (("zone",), "No one in the plan covers North; Tom would have time at 08:10.")


def test_a_pin_is_named():
    problem = problem_of(job(1, eligible=frozenset({TOM})), job(2, service=8 * HOUR - 10 * MINUTE))
    reasons = why_left_out(problem, ((1,), ()), 0, {0: {TESS: frozenset({"pin"})}})
    assert [reason.kinds for reason in reasons] == [("pin",), ("shift",)]
    assert reasons[0].text(names_of(problem)) == "Tess could begin at 08:10, but it is pinned to Tom."


def test_no_one_works_that_late():
    problem = problem_of(job(1, windows=((16 * HOUR, 18 * HOUR),)))
    reasons = why_left_out(problem, NOBODYS, 0, {})
    texts = {reason.kind: reason.text(names_of(problem, skills={0: "Electrical Expert"})) for reason in reasons}
    assert texts == {
        "shift": "No one with Electrical Expert works after 16:00.",
        "window": "Tom could begin at 08:10, but it must begin between 16:00 and 18:00.",
    }


def test_no_one_works_that_early():
    problem = problem_of(job(1, windows=((6 * HOUR, 8 * HOUR),)))
    reasons = why_left_out(problem, NOBODYS, 0, {})
    assert {reason.kind: reason.text(names_of(problem)) for reason in reasons}["shift_start"] == (
        "Tom could do it only before 08:00, when the day begins."
    )


def test_a_full_day_is_a_day_that_would_last_too_long():
    problem = problem_of(job(1), job(2, service=7 * HOUR), job(3, service=7 * HOUR))
    kinds, text = only_reason(problem, ((1,), (2,)), 0)
    assert (kinds, text) == (
        ("shift",),
        "Tom could begin at 08:10, but would end the day at 16:20 instead of 16:00.",
    )


def test_the_shortest_overtime_is_named_though_it_costs_more():
    problem = problem_of(job(1), job(2, service=7 * HOUR + 50 * MINUTE), job(3, service=7 * HOUR))
    problem.matrix.seconds[:, 1] = [30 * MINUTE, 0, 0, 30 * MINUTE, 0, 0, 0, 0]
    problem.matrix.seconds[1, 2:4] = 20 * MINUTE
    kinds, text = only_reason(problem, ((1,), (2,)), 0)
    assert (kinds, text) == (("shift",), "Tess could begin at 15:40, but would end the day at 16:40 instead of 16:00.")


def test_a_fixed_time_that_is_taken_is_named():
    fixed = ((9 * HOUR, 9 * HOUR),)
    problem = problem_of(*(job(place, windows=fixed) for place in (1, 2, 3)))
    kinds, text = only_reason(problem, ((1,), (2,)), 0)
    assert (kinds, text) == (("fixed",), "Tom could begin at 10:10, but it is fixed at 09:00.")


def test_a_break_in_the_way_is_named():
    lunch = a_crew(closes=12, breaks=(Break(1, 9 * HOUR, 9 * HOUR, HOUR),))
    problem = problem_of(job(1, service=3 * HOUR), crews=(lunch, a_crew(opens=8, closes=9)))
    reasons = why_left_out(problem, NOBODYS, 0, {0: {TESS: frozenset({"time_off"})}})
    assert {reason.kind: reason.text(names_of(problem)) for reason in reasons}["break"] == (
        "Tom could begin at 08:10, but has a break then."
    )


def test_as_many_jobs_as_a_day_may_hold():
    problem = problem_of(job(1), job(2), crews=(a_crew(most_stops=1), a_crew(most_stops=0)))
    kinds, text = only_reason(problem, ((1,), ()), 0)
    assert (kinds, text) == (
        ("day_full",),
        "Tom could begin at 08:10, but has as many jobs as the day may hold.",
    )


def test_a_van_without_room_is_named():
    problem = problem_of(job(1, load=(2,)), crews=(a_crew(capacity=(1,)), a_crew(capacity=(1,))))
    assert only_reason(problem, NOBODYS, 0)[0] == ("capacity",)


def test_a_place_that_nobody_reaches_is_named():
    problem = problem_of(job(1))
    problem.matrix.seconds[:, 1] = UNREACHABLE
    kinds, text = only_reason(problem, NOBODYS, 0)
    assert (kinds, text) == (("unreachable",), "Tom could begin at 08:10, but no way to its place is known.")


def test_what_is_worth_less_than_it_costs_says_what_it_costs():
    problem = problem_of(job(1, penalty=600_000), job(2, due=9 * HOUR), minutes=50, late=200)
    problem = replace(
        problem,
        crews=(a_crew(), a_crew(opens=12)),
        stops=tuple(replace(stop, eligible=frozenset({TOM})) for stop in problem.stops),
    )
    limited = replace(
        problem,
        crews=(a_crew(closes=13), a_crew(closes=9)),
        stops=(
            replace(problem.stops[0], windows=((0, 10 * HOUR),)),
            problem.stops[1],
        ),
    )
    reasons = why_left_out(limited, ((1,), ()), 0, {0: {TESS: frozenset({"skill"})}})
    assert reasons[0].kinds == ("cost",)
    assert reasons[0].text(names_of(limited)) == (
        "With Tom at 08:50 it costs 50 min of driving and makes J-2 100 min late: more than leaving it out counts."
    )


def test_a_job_that_fits_after_all_says_so():
    kinds, text = only_reason(problem_of(job(1)), NOBODYS, 0)
    assert (kinds, text) == (
        ("untried",),
        "Tom has room for it at 08:10: the search ended before it got there. Plan again.",
    )


def test_a_job_that_fits_to_the_second_fits():
    problem = problem_of(job(1), job(2, service=HOUR - 20 * MINUTE), crews=(a_crew(closes=10), a_crew(closes=8)))
    reasons = why_left_out(problem, ((1,), ()), 0, {})
    assert [reason.kind for reason in reasons] == ["untried"]
    assert reasons[0].found.position in (0, 1)


def test_two_rules_that_keep_it_out_together_are_both_named():
    fixed = ((9 * HOUR, 9 * HOUR),)
    problem = problem_of(*(job(place, windows=fixed, service=7 * HOUR) for place in (1, 2, 3)))
    kinds, text = only_reason(problem, ((1,), (2,)), 0)
    assert (kinds, text) == (
        ("fixed", "shift"),
        "Tom could begin at 16:10, but would end the day at 23:10 instead of 16:00, and it is fixed at 09:00.",
    )


def test_a_crew_barred_for_two_reasons_needs_both_gone():
    problem = problem_of(job(1, eligible=frozenset()), crews=(a_crew(),))
    kinds, text = only_reason(problem, ((),), 0, {TOM: frozenset({"skill", "zone"})})
    assert (kinds, text) == (
        ("skill", "zone"),
        "Tom could begin at 08:10, but lacks a skill that it needs and does not cover its zone.",
    )


def test_that_somebody_is_off_is_all_there_is_to_say():
    away = a_crew(closes=8, most_stops=0, capacity=(0,))
    problem = problem_of(job(1, eligible=frozenset(), load=(1,)), crews=(away,))
    kinds, text = only_reason(problem, ((),), 0, {TOM: frozenset({"time_off", "skill"})})
    assert set(kinds) == {"time_off", "skill", "shift", "day_full", "capacity"}
    assert text == "Tom could begin at 08:10, but lacks a skill that it needs and is off."


def test_a_kind_that_nobody_has_words_for_is_named_all_the_same():
    problem = problem_of(job(1, eligible=frozenset()), crews=(a_crew(),))
    kinds, text = only_reason(problem, ((),), 0, {TOM: frozenset({"dog_allergy"})})
    assert (kinds, text) == (("dog_allergy",), "Tom could begin at 08:10, but may not do it (dog allergy).")
    assert only_reason(problem, ((),), 0) == (("other",), "Tom could begin at 08:10, but may not do it.")


def test_without_anybody_there_is_nobody():
    problem = replace(problem_of(job(1, eligible=frozenset())), crews=())
    assert only_reason(problem, (), 0) == (("nobody",), "Nobody is there to do it.")


# Any day ------------------------------------------------------------------------------------------


@given(days(stops=(1, 7), people=(0, 3)), dice())
@examples(250)
def test_every_reason_is_true(day: Day, chance: Dice):
    assert_reasons_are_true(day, what_can_be_done(day.problem, roll_routes(chance, day.problem)))


@given(planned_days())
@examples(150)
def test_every_reason_is_true_where_stops_are_pinned(day: Day):
    assert_reasons_are_true(day, day.problem.current)


def assert_reasons_are_true(day: Day, routes: Routes):
    inquiry = Inquiry(day.problem, routes, day.bars)
    for stop in set(range(len(day.problem.stops))).difference(*routes):
        reasons = inquiry.reasons(stop)
        assert reasons
        for reason in reasons:
            assert reason.text(Names.by_id(day.problem))
            assert_is_true(day, routes, reason)


def assert_is_true(day: Day, routes: Routes, reason: Reason):
    """By the checker, on a problem without those rules that is made here."""
    if reason.kinds == ("nobody",):
        assert not day.problem.crews
        return
    problem = without(day, reason.stop, set(reason.kinds))
    found = reason.found
    route = routes[found.crew]
    with_it = with_route(routes, found.crew, (*route[: found.position], reason.stop, *route[found.position :]))
    assert not faults_of(problem, with_it)
    gain = cost_by_hand(problem, routes) - cost_by_hand(problem, with_it)
    assert gain == cost_of_leaving_out(problem, reason.stop) - found.points
    assert (gain > 0) == ("cost" not in reason.kinds)
    if reason.kinds != ("untried",):
        assert best_gain(day, routes, reason.stop, set()) <= 0
    if len(reason.kinds) > 1:
        for kind in {*reason.kinds, "shift", "window", "break"}:
            assert best_gain(day, routes, reason.stop, {kind}) <= 0


def best_gain(day: Day, routes: Routes, stop: int, kinds: set[str]) -> int:
    """Of inserting the stop anywhere; 0 if it cannot be."""
    problem, gains = without(day, stop, kinds), [0]
    before = cost_by_hand(problem, routes)
    for crew, route in enumerate(routes):
        for position in range(len(route) + 1):
            with_it = with_route(routes, crew, (*route[:position], stop, *route[position:]))
            if not faults_of(problem, with_it):
                gains.append(before - cost_by_hand(problem, with_it))
    return max(gains)


def without(day: Day, index: int, kinds: set[str]) -> Problem:
    problem, stop = day.problem, day.problem.stops[index]
    for crew, why in day.bars[index].items():
        if why <= kinds:
            stop = replace(stop, eligible=stop.eligible | {crew})
    if kinds & {"window", "fixed"}:
        stop = replace(stop, windows=((0, FOREVER),))
    crews = problem.crews
    for kind, change in {
        "shift": {"closes": FOREVER},
        "shift_start": {"opens": 0},
        "break": {"breaks": ()},
        "day_full": {"most_stops": None},
        "capacity": {"capacity": ()},
    }.items():
        if kind in kinds:
            crews = tuple(replace(crew, **change) for crew in crews)
    matrix = problem.matrix
    if "unreachable" in kinds:
        ways = matrix.seconds[(matrix.seconds > 0) & (matrix.seconds < UNREACHABLE)]
        usual = int(np.median(ways)) if ways.size else 0
        here = np.zeros_like(matrix.seconds, bool)
        here[stop.location] = here[:, stop.location] = True
        gaps = here & (matrix.seconds >= UNREACHABLE)
        matrix = Matrix(np.where(gaps, usual, matrix.seconds), np.where(gaps, usual * 10, matrix.metres))
    stops = (*problem.stops[:index], stop, *problem.stops[index + 1 :])
    return replace(problem, stops=stops, crews=crews, matrix=matrix)
