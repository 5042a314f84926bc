"""Coming to a site, leaving it and not getting nearer, told from fixes. No database."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.geofence import (
    COMPLETED,
    DWELL,
    EN_ROUTE,
    IN_PROGRESS,
    QUIET,
    Side,
    Sighting,
    Visit,
    is_stuck,
    is_waiting,
    observe,
)

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
RADIUS = 150
LATER = timedelta(minutes=15)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def drive(*fixes, status=EN_ROUTE, visit=None, since=NOON):
    """Fixes as (seconds, metres) or (seconds, metres, accuracy)."""
    for seconds, *seen in fixes:
        visit = observe(visit or Visit(), Sighting(at(seconds), *seen), status=status, since=since, radius_m=RADIUS)
    return visit


@pytest.mark.parametrize(
    ("metres", "accuracy", "side"),
    [
        (0, None, Side.INSIDE),
        (150, None, Side.INSIDE),
        (151, None, Side.UNSURE),
        (225, None, Side.UNSURE),
        (226, None, Side.OUTSIDE),
        (100, 50, Side.INSIDE),
        (100, 51, Side.UNSURE),
        (20, 500, Side.UNSURE),
        (260, 34, Side.OUTSIDE),
        (260, 36, Side.UNSURE),
    ],
)
def test_an_inaccurate_fix_does_not_say_where_somebody_is(metres, accuracy, side):
    assert Sighting(NOON, metres, accuracy).side(RADIUS) == side


@pytest.mark.parametrize(
    ("fixes", "arrived_at"),
    [
        ([(0, 900), (30, 100), (60, 40)], 30),  # seen there twice, half a minute apart
        ([(0, 100), (600, 100)], 0),
        ([(0, 100), (10, 100), (20, 100), (30, 100)], 0),
        ([(0, 100), (20, 180), (40, 100)], 0),  # at the edge in between
        ([(0, 900), (30, 100)], None),  # one fix alone
        ([(0, 100), (29, 100)], None),  # twice, too soon
        ([(0, 100), (15, 300), (30, 100)], None),  # drove past
        ([(0, 100, 80), (60, 100, 80)], None),  # too inaccurate to say
    ],
)
def test_somebody_has_arrived_when_two_fixes_say_so(fixes, arrived_at):
    visit = drive(*fixes)
    hint = (visit.hinted_status, visit.hinted_at)
    assert hint == (("", None) if arrived_at is None else (IN_PROGRESS, at(arrived_at)))
    assert visit.is_inside == (arrived_at is not None)


HERE = Visit(is_inside=True, entered_at=NOON)


@pytest.mark.parametrize(
    ("fixes", "left_at"),
    [
        ([(0, 300), (30, 900)], 0),
        ([(0, 300), (10, 200), (40, 300)], 0),
        ([(0, 300)], None),
        ([(0, 200), (60, 220)], None),  # beyond the radius, not far enough
        ([(0, 300), (20, 100), (40, 300)], None),  # fetched something from the van
    ],
)
def test_somebody_has_left_beyond_one_and_a_half_radii(fixes, left_at):
    visit = drive(*fixes, status=IN_PROGRESS, visit=HERE)
    assert visit.is_inside == (left_at is None)
    assert (visit.hinted_status, visit.hinted_at) == (("", None) if left_at is None else (COMPLETED, at(left_at)))


def test_whoever_was_never_seen_at_the_site_is_not_said_to_have_left_it():
    assert drive((0, 800), (60, 900), (120, 5000), status=IN_PROGRESS).hinted_status == ""


def test_a_hint_goes_when_the_fixes_say_otherwise():
    passed = drive((0, 50), (40, 50), (80, 400), (120, 900))
    assert (passed.hinted_status, passed.is_inside) == ("", False)
    back = drive((0, 400), (40, 900), (80, 50), (120, 50), status=IN_PROGRESS, visit=HERE)
    assert (back.hinted_status, back.is_inside) == ("", True)


def test_a_dismissed_hint_does_not_come_back_on_the_same_way():
    told = drive((0, 900), (30, 50), (60, 50))
    dismissed = Visit(**(vars(told) | {"hinted_status": "", "hinted_at": None, "dismissed_status": IN_PROGRESS}))
    again = drive((100, 900), (140, 900), (200, 50), (240, 50), visit=dismissed)
    assert again.is_inside and again.hinted_status == ""
    tomorrow = NOON + timedelta(days=1)
    anew = observe(again, Sighting(tomorrow, 50), status=EN_ROUTE, since=tomorrow, radius_m=RADIUS)
    assert anew == Visit(entered_at=tomorrow, nearest_m=50, nearest_at=tomorrow)


def test_a_phone_that_lies_still_has_arrived_after_a_minute():
    once = drive((0, 50))
    assert not is_waiting(once, now=NOON + QUIET - timedelta(seconds=1))
    assert is_waiting(once, now=NOON + QUIET)
    assert not is_waiting(drive((0, 50), (60, 50)), now=NOON + LATER)


@pytest.mark.parametrize(
    ("fixes", "minutes", "is_so"),
    [
        ([(0, 4000), (600, 3950)], 15, True),
        ([(0, 4000), (600, 3950)], 14, False),
        ([(0, 4000), (600, 3900)], 15, False),  # a hundred metres are progress
        ([(0, 4000), (300, 3960), (600, 3920), (800, 3890)], 15, False),  # crawls
        ([(0, 4000), (600, 9000)], 15, True),  # drives away
        ([(0, 4000), (60, 4000)], 15, False),  # then the phone went silent
        ([(0, 200), (600, 200)], 15, False),  # beside the site
        ([(0, 100), (600, 100)], 15, False),  # there
    ],
)
def test_somebody_is_stuck_who_gets_no_nearer(fixes, minutes, is_so):
    visit, now = drive(*fixes), NOON + timedelta(minutes=minutes)
    assert is_stuck(visit, last_fix_at=at(fixes[-1][0]), now=now, after=LATER, radius_m=RADIUS) == is_so


def test_whoever_gets_nearer_is_no_longer_stuck():
    stuck = Visit(nearest_m=4000, nearest_at=NOON, stuck_since=NOON)
    assert drive((60, 3950), visit=stuck).stuck_since == NOON
    assert drive((60, 3900), visit=stuck).stuck_since is None


def test_what_an_earlier_way_there_left_behind_is_forgotten():
    old = Visit(is_inside=True, nearest_m=10, nearest_at=at(-9000), stuck_since=at(-9000), hinted_status=IN_PROGRESS)
    assert drive((0, 5000), visit=old) == Visit(nearest_m=5000, nearest_at=NOON)


# Whatever the fixes are ---------------------------------------------------------------------------

gaps = st.integers(1, 120)
statuses = st.sampled_from([EN_ROUTE, IN_PROGRESS])


@given(st.lists(st.tuples(gaps, st.floats(RADIUS * 0.9, RADIUS * 1.5), st.floats(0, 40))), statuses, st.booleans())
def test_a_jitter_about_the_edge_never_flips_who_is_there(jitter, status, begins_inside):
    """Between the radius and one and a half of it, whatever the accuracy; just inside only with one worse than 10 %."""
    visit, seconds = Visit(is_inside=begins_inside, entered_at=NOON if begins_inside else None), 0
    for gap, metres, accuracy in jitter:
        seconds += gap
        worse = max(accuracy, RADIUS * 0.1 + 1) if metres <= RADIUS else accuracy
        visit = drive((seconds, metres, worse), status=status, visit=visit, since=None)
    assert visit.is_inside == begins_inside


@given(st.lists(st.tuples(gaps, st.floats(0, 1000), st.none() | st.floats(0, 300)), max_size=60), statuses)
def test_nobody_comes_and_goes_faster_than_the_dwell(fixes, status):
    visit, seconds, flips = Visit(), 0, []
    for gap, metres, accuracy in fixes:
        seconds += gap
        after = drive((seconds, metres, accuracy), status=status, visit=visit, since=None)
        if after.is_inside != visit.is_inside:
            flips.append(at(seconds))
        visit = after
    assert all(later - earlier >= DWELL for earlier, later in pairwise(flips))


@given(st.lists(st.floats(0, 50_000), min_size=1))
def test_the_nearest_is_never_more_than_a_step_above_the_truth(metres):
    visit = reduce(lambda visit, fix: drive(fix, visit=visit), enumerate(metres), Visit())
    assert visit.nearest_m - 100.5 <= min(metres) <= visit.nearest_m + 100.5
