"""What a plan costs is told term by term, and the terms add up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from dispatch.planning.check import cost_by_hand
from dispatch.planning.explain import explain
from dispatch.planning.names import Names, listed
from dispatch.planning.problem import Crew, Matrix, Problem, Stop, Was, Weights
from tests.dispatch.planning.strategies import Day, Dice, days, dice, examples, roll_routes, what_can_be_done

pytestmark = pytest.mark.once

HOUR, MINUTE = 3600, 60


@pytest.fixture
def problem() -> Problem:
    seconds = np.full((4, 4), 12 * MINUTE, np.int64)
    np.fill_diagonal(seconds, 0)
    both = frozenset({0, 1})
    return Problem(
        stops=(
            Stop(11, 1, HOUR, both, 720_000, due=8 * HOUR, sla_due=8 * HOUR + 2 * MINUTE, was=Was(1)),
            Stop(12, 2, HOUR, both, 720_000, was=Was(0, 8 * HOUR)),
            Stop(13, 3, HOUR, both, 720_000, was=Was(1, 8 * HOUR)),
        ),
        crews=(Crew(1, 8 * HOUR, 16 * HOUR, 0, 0, fair_share=2 * HOUR), Crew(2, 8 * HOUR, 16 * HOUR, 0, 0)),
        matrix=Matrix(seconds, seconds * 10),
        weights=Weights(distance=1, balance=10, reassigned=600_000, retimed=60_000),
    )


def names_of(problem: Problem) -> Names:
    return replace(Names.by_id(problem), stops=["J-11", "J-12", "J-13"], crews=["Tess", "Tom"])


def test_every_term_has_its_sentence(problem):
    told = explain(problem, ((0, 1), ()), names_of(problem))
    assert {(each.term.stop, each.kind): each.text for each in told} == {
        (0, "travel"): "12 min of driving from the start",
        (0, "distance"): "7.2 km from the start",
        (0, "late"): "Begins at 08:12, 12 min after the promised 08:00",
        (0, "sla"): "Begins at 08:12, 10 min after the SLA deadline at 08:02",
        (0, "reassigned"): "Given to Tess instead of Tom",
        (1, "travel"): "12 min of driving from J-11",
        (1, "distance"): "7.2 km from J-11",
        (1, "retimed"): "Begins at 09:24 instead of 08:00",
        (None, "travel"): "12 min of driving at the day’s end",
        (None, "distance"): "7.2 km at the day’s end",
        (None, "balance"): "Tess drives and works 36 min more than a fair share",
        (2, "left_out"): "J-13 is left out",
        (2, "reassigned"): "Taken from Tom",
    }
    minutes = {(each.term.stop, each.kind): each.minutes for each in told}
    assert minutes[0, "travel"] == 12
    assert minutes[0, "late"] == 24
    assert minutes[2, "reassigned"] == 100


def test_what_counts_for_nothing_is_not_told(problem):
    plain = replace(problem, weights=Weights(late=0, sla=0))
    told = explain(plain, ((0, 1), (2,)), names_of(problem))
    assert {each.kind for each in told} == {"travel"}


def test_words_are_listed():
    assert [listed(words) for words in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]


@given(days(), dice())
@examples(150)
def test_the_terms_add_up_to_what_the_plan_costs(day: Day, chance: Dice):
    routes = what_can_be_done(day.problem, roll_routes(chance, day.problem))
    told = explain(day.problem, routes, Names.by_id(day.problem))
    assert sum(each.term.points for each in told) == cost_by_hand(day.problem, routes)
    assert all(each.text for each in told)
