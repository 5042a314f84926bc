from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from technicians.fixes import MAX_AGE, Fix, metres_between, sieve

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
DEGREE_M = 111_195


def fix(seconds_ago=10, *, north_m=0.0, **fields):
    return Fix(40 + north_m / DEGREE_M, -75.0, NOW - timedelta(seconds=seconds_ago), **fields)


def sieved(*fixes, previous=None):
    return sieve(fixes, previous=previous, accuracy_limit_m=500, now=NOW)


@pytest.mark.parametrize(
    "nonsense",
    [
        Fix(0, 0, NOW),
        Fix(91, 0, NOW),
        Fix(40, 181, NOW),
        fix(-121),
        fix(MAX_AGE.total_seconds() + 1),
        fix(accuracy_m=501),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_left_out(nonsense):
    assert sieved(nonsense) == sieved()


@pytest.mark.parametrize("edge", [fix(-120), fix(MAX_AGE.total_seconds()), fix(accuracy_m=500)], ids=str)
def test_what_is_just_possible_is_kept(edge):
    assert sieved(edge).history == [edge]


def test_the_newest_counts_in_whatever_order_they_come():
    old, middle, new = fix(120), fix(60, north_m=500), fix(0, north_m=900)
    assert sieved(new, old, middle) == sieved(old, middle, new)
    assert (sieved(new, old, middle).history, sieved(new, old, middle).newest) == ([old, middle, new], new)


def test_what_comes_late_is_kept_and_changes_nothing():
    late = fix(600, north_m=9000)
    kept = sieved(late, previous=fix(5))
    assert (kept.history, kept.newest) == ([late], None)


def test_the_same_moment_counts_once():
    assert sieved(fix(5), fix(5, north_m=50)).history == [fix(5)]
    assert sieved(fix(5), previous=fix(5)).history == []


@pytest.mark.parametrize(("metres", "counts"), [(89 * 60, True), (92 * 60, False)])
def test_nobody_drives_faster_than_324(metres, counts):
    far = fix(0, north_m=metres)
    assert (sieved(far, previous=fix(60)).newest == far) is counts


def test_what_is_unsure_may_have_jumped():
    assert sieved(fix(0, north_m=300, accuracy_m=250), previous=fix(1)).newest


def test_one_wrong_fix_does_not_shut_out_the_true_ones_for_long():
    wrong = fix(301, north_m=200_000)
    assert sieved(fix(30), previous=wrong).newest is None
    assert sieved(fix(0), previous=wrong).newest == fix(0)


def test_of_one_who_stands_the_history_keeps_a_fix_a_minute_and_the_newest_stays_fresh():
    standing = [fix(seconds, north_m=seconds % 3) for seconds in range(299, -1, -1)]
    kept = sieved(*standing)
    assert 5 <= len(kept.history) <= 6
    assert kept.newest == standing[-1]


def test_of_one_who_drives_every_fix_is_kept():
    driving = [fix(seconds, north_m=-14 * seconds) for seconds in range(60)]
    assert len(sieved(*driving).history) == 60


def test_of_one_second_one_fix_is_kept():
    kept = sieved(*(fix(seconds / 10, north_m=-2 * seconds) for seconds in range(9, 0, -1)))
    assert len(kept.history) == 1
    assert kept.newest.recorded_at == fix(0.1).recorded_at


@given(st.lists(st.tuples(st.integers(-200, 400), st.integers(-50_000, 50_000)), max_size=30), st.randoms())
def test_the_order_of_arrival_changes_nothing(points, chance):
    fixes = [fix(seconds, north_m=metres) for seconds, metres in {s: (s, m) for s, m in points}.values()]
    shuffled = list(fixes)
    chance.shuffle(shuffled)
    kept = sieved(*shuffled)
    assert kept == sieved(*fixes)
    assert sieved(*kept.history, *shuffled, previous=kept.newest).newest is None


def test_metres_are_metres():
    assert metres_between(fix(), fix(north_m=1000)) == pytest.approx(1000, rel=0.001)
