"""How the search is dealt to the cores."""

import numpy as np
import pytest

from dispatch.planning.decomposition import FIRST_ITERATIONS, SLICE_ITERATIONS, Budget, _deal
from dispatch.planning.ruin import CREW, PART, POOL, state_of
from dispatch.planning.tables import tables_of
from tests.dispatch.planning.strategies import Dice, roll_day, with_a_plan


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_no_two_parts_share_a_crew_or_a_stop(parts):
    chance = Dice(6)
    day = with_a_plan(chance, roll_day(chance, 50, 7, gaps=False), pins=False).problem
    tables = tables_of(day)
    state = state_of(tables, day.current)
    centres = _deal(tables, state, parts, np.random.default_rng(1))
    assert sorted(np.concatenate(centres)) == list(range(len(day.stops)))
    assert set(state.crews[:, PART]) == set(range(parts))
    for part, stops in enumerate(centres):
        served = state.stops[stops, CREW] >= 0
        assert (state.crews[state.stops[stops[served], CREW], PART] == part).all()
        assert (state.stops[stops, POOL] == part).all()


def test_more_cores_than_people_is_no_trouble():
    day = roll_day(Dice(2), 5, 1).problem
    tables = tables_of(day)
    assert len(_deal(tables, state_of(tables, day.no_routes), 4, np.random.default_rng(1))) == 4


def test_iterations_are_spent_to_the_last():
    budget = Budget(seconds=0.001, iterations=SLICE_ITERATIONS + 7)
    steps = []
    while budget.share < 1:
        count, _share = budget.next_slice()
        budget.spend(count, 0.1)
        steps.append(count)
    assert steps == [SLICE_ITERATIONS, 7]


def test_a_slice_ends_about_when_the_time_does():
    budget = Budget(seconds=0.2, iterations=None)
    assert budget.next_slice()[0] == FIRST_ITERATIONS
    budget.spend(1000, 0.1)
    assert budget.next_slice()[0] <= 0.2 * 10_000
