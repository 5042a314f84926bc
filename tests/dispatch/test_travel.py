"""Travel times without a server: what a plan is worked out with is what is predicted of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dispatch.models import PlanningSettings
from dispatch.planning.problem import UNREACHABLE
from dispatch.travel import Hours, StraightLine
from dispatch.travel.configured import travel_times

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 9, 12, tzinfo=NEW_YORK)
CITY = np.random.default_rng(1).uniform((40.5, -74.2), (40.9, -73.7), (60, 2))
PLACES = [tuple(place) for place in CITY.tolist()]
TRAVEL = StraightLine(1.3, 35)


def test_plan_and_prediction_know_the_same_way():
    matrix = TRAVEL.matrix(PLACES, at=NOON)
    for row, origin in enumerate(PLACES):
        for column, target in enumerate(PLACES):
            leg = TRAVEL.leg(origin, target)
            assert matrix.seconds[row, column] == leg.minutes * 60
            assert matrix.metres[row, column] == pytest.approx(leg.km * 1000, abs=6)


def test_matrix_is_of_whole_numbers_and_says_nothing_special():
    matrix = TRAVEL.matrix(PLACES, at=NOON)
    assert matrix.seconds.dtype == matrix.metres.dtype == np.int64
    assert not matrix.seconds.diagonal().any() and not matrix.metres.diagonal().any()
    assert matrix.notice == ""


def test_no_places_make_an_empty_matrix():
    assert TRAVEL.matrix([], at=NOON).seconds.shape == (0, 0)


def test_the_far_side_of_the_world_at_a_crawl_is_no_more_than_unreachable():
    slow = StraightLine(3, 5, Hours((1,) * 24))
    assert slow.matrix([(0, 0), (0, 179)], at=NOON).seconds.max() == UNREACHABLE


def test_rush_hour_makes_the_way_longer_for_whoever_sets_out_in_it():
    rush = [100] * 24
    rush[8] = 50
    travel = StraightLine(1, 60, Hours(tuple(rush), NEW_YORK))
    origin, target = (40.0, -74.0), (40.2, -74.0)
    at_eight = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)  # in New York 08:30
    assert travel.leg(origin, target).minutes == travel.leg(origin, target, at=NOON).minutes == 23
    assert travel.leg(origin, target, at=at_eight).minutes == 45
    assert travel.matrix([origin, target], at=at_eight).seconds[0, 1] == 45 * 60


@pytest.mark.django_db
def test_speeds_of_the_settings_count():
    PlanningSettings.objects.update_or_create(pk=1, defaults={"speed_percent_by_hour": [100] * 12 + [50] * 12})
    travel = travel_times(now=NOON)
    morning = travel.leg(PLACES[0], PLACES[1], at=NOON.replace(hour=9)).minutes
    assert travel.leg(PLACES[0], PLACES[1], at=NOON).minutes == pytest.approx(2 * morning, abs=1)


def test_beeline_has_no_road():
    assert TRAVEL.shape(PLACES) is None
