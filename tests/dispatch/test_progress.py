"""Predicted arrivals, on plain dataclasses. Places are minutes on a line: from 3 to 10 it takes seven."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.progress import HOME, POSITION, Pause, Stop, Whereabouts, predict
from dispatch.travel import Leg, StraightLine

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Line:
    def leg(self, origin, target, at=None):
        return origin and target and Leg(minutes=abs(target[0] - origin[0]), km=1.0)


def at(minutes):
    """So many minutes after noon."""
    return NOON + minutes * MINUTE


def stop(job_id=1, *, place=10, minutes=60, **fields):
    return Stop(job_id=job_id, place=None if place is None else (place, 0), duration_minutes=minutes, **fields)


def route(*stops, now=NOON, place=1, known_from=HOME, **shift):
    where = Whereabouts((place, 0), known_from) if place is not None else Whereabouts()
    return predict(stops, now=now, whereabouts=where, travel=Line(), **shift)


def en_route(job_id=1, *, left=-5, **fields):
    return stop(job_id, status="en_route", en_route_at=at(left), **fields)


def in_progress(job_id=1, *, began=-30, **fields):
    return stop(job_id, status="in_progress", started_at=at(began), **fields)


def test_technician_leaves_just_in_time_for_the_planned_start():
    [first] = route(stop(planned_starts_at=at(45)))
    assert (first.leaves_at, first.arrives_at, first.starts_at, first.ends_at) == (at(36), at(45), at(45), at(105))
    assert (first.travel_minutes, first.late_minutes, first.behind_minutes, first.why) == (9, 0, 0, "")
    assert first.caused_by is None


def test_technician_waits_for_the_time_block_where_nothing_is_planned():
    [first] = route(stop(block_starts_at=at(60), block_ends_at=at(180)))
    assert (first.leaves_at, first.starts_at) == (at(51), at(60))


def test_technician_leaves_at_once_for_a_job_without_any_time():
    [first] = route(stop())
    assert (first.leaves_at, first.starts_at) == (NOON, at(9))


def test_nobody_begins_before_the_shift():
    [first] = route(stop(), shift_starts_at=at(30))
    assert (first.leaves_at, first.starts_at) == (at(30), at(39))


def test_whoever_is_at_work_before_the_shift_goes_on():
    _, second = route(in_progress(minutes=60), stop(2), shift_starts_at=at(300))
    assert second.starts_at == at(30)


def test_job_under_way_ends_when_its_time_is_over():
    [first] = route(in_progress(began=-30, minutes=50))
    assert (first.arrives_at, first.starts_at, first.ends_at) == (at(-30), at(-30), at(20))
    assert first.why == ""


def test_job_that_runs_over_ends_now_and_says_so():
    [first] = route(in_progress(7, began=-78, minutes=60))
    assert (first.ends_at, first.why, first.caused_by) == (NOON, "J-000007 runs over by 18 min", 7)


def test_hours_are_said_as_hours():
    [first] = route(in_progress(7, began=-125, minutes=60))
    assert first.why == "J-000007 runs over by 1 h 05"


def test_jobs_after_one_that_runs_over_name_it():
    _, second, third = route(
        in_progress(7, began=-78, minutes=60),
        stop(8, planned_starts_at=at(-10), minutes=30),
        stop(9, place=15, planned_starts_at=at(30)),
    )
    assert (second.behind_minutes, second.why, second.caused_by) == (10, "J-000007 runs over by 18 min", 7)
    assert (third.behind_minutes, third.caused_by) == (5, 7)


def test_spare_time_ends_what_was_dragged_along():
    _, second, third = route(
        in_progress(7, began=-78, minutes=60),
        stop(8, planned_starts_at=at(30), minutes=30),
        stop(9, planned_starts_at=at(50)),
    )
    assert (second.behind_minutes, second.caused_by) == (0, None)
    assert (third.behind_minutes, third.caused_by) == (10, 9)
    assert third.why == "J-000009 overlaps J-000008 by 10 min"


def test_technician_under_way_is_as_far_as_the_fresh_position_says():
    [first] = route(en_route(5, planned_starts_at=at(-2)), place=3, known_from=POSITION)
    assert (first.leaves_at, first.arrives_at, first.travel_minutes) == (at(-5), at(7), 7)
    assert first.why == "J-000005 is still en route, 7 min away"


def test_without_a_fresh_position_the_whole_way_counts_from_when_they_left():
    [first] = route(en_route(left=-5))
    assert first.arrives_at == at(4)


def test_technician_who_should_have_arrived_arrives_now():
    [first] = route(en_route(5, left=-30, planned_starts_at=at(-21)))
    assert first.arrives_at == NOON
    assert first.why == "J-000005 should have been reached 21 min ago"


def test_technician_who_left_late_is_said_to_have():
    [first] = route(en_route(5, left=-5, planned_starts_at=at(-16)))
    assert first.why == "Left 20 min late for J-000005"


def test_technician_who_is_early_waits_for_the_time_block():
    [first] = route(en_route(block_starts_at=at(60), block_ends_at=at(120)))
    assert (first.arrives_at, first.starts_at) == (at(4), at(60))


def test_technician_who_has_not_left_is_late():
    [first] = route(stop(5, planned_starts_at=at(-11)))
    assert (first.behind_minutes, first.why) == (20, "Not yet left for J-000005")


def test_shift_that_begins_too_late_is_named():
    [first] = route(stop(5, planned_starts_at=at(10)), shift_starts_at=at(30))
    assert first.why == "The shift begins 29 min too late for J-000005"


def test_way_that_was_not_planned_for_is_named():
    _, second = route(stop(1, planned_starts_at=at(9), minutes=60), stop(2, place=40, planned_starts_at=at(80)))
    assert (second.behind_minutes, second.why) == (19, "The way from J-000001 to J-000002 takes 19 min too long")


def test_plan_that_misses_the_time_block_is_named():
    [first] = route(stop(5, planned_starts_at=at(90), block_starts_at=at(10), block_ends_at=at(60)))
    assert (first.late_minutes, first.why) == (30, "J-000005 is planned 30 min after its time block")


def test_stop_under_way_comes_first_whatever_the_plan_says():
    ids = [prediction.job_id for prediction in route(stop(1, planned_starts_at=at(-60)), in_progress(2))]
    assert ids == [2, 1]


def test_job_on_hold_is_skipped():
    [only] = route(stop(1, is_on_hold=True), stop(2))
    assert (only.job_id, only.starts_at) == (2, at(9))


@pytest.mark.parametrize(
    ("fields", "late"),
    [
        ({"block_starts_at": at(-60), "block_ends_at": at(8)}, 1),
        ({"block_starts_at": at(-60), "block_ends_at": at(9)}, 0),
        ({"block_starts_at": at(-60), "block_ends_at": at(60), "planned_starts_at": at(-30)}, 0),
        ({"block_starts_at": at(-60), "block_ends_at": at(60), "planned_starts_at": at(5), "is_fixed": True}, 4),
        ({"planned_starts_at": at(5), "is_fixed": True}, 4),
        ({"planned_starts_at": at(0)}, 0),  # nobody was promised that minute
        ({"planned_starts_at": at(-1)}, 10),
        ({}, 0),
    ],
)
def test_lateness_is_measured_against_what_was_promised(fields, late):
    [first] = route(stop(**fields))
    assert first.late_minutes == late


def test_job_without_a_location_says_that_its_travel_is_not_counted():
    first, second = route(stop(1, place=None, minutes=30), stop(2))
    assert (first.travel_minutes, first.travel_km, first.starts_at) == (0, None, NOON)
    assert first.why == "No location: travel not counted"
    assert second.travel_minutes == 9  # from the last place that is known


def test_technician_whose_place_nobody_knows_is_not_taken_to_be_near():
    [first] = route(stop(), place=None)
    assert (first.travel_km, first.why) == (None, "Travel not counted")


def test_straight_line_travel_counts_the_detour_and_rounds_up():
    travel = StraightLine(detour_factor=1.3, average_speed_kmh=35)
    leg = travel.leg((40.0, -75.0), (40.1, -75.0))
    assert (leg.minutes, leg.km) == (25, 14.46)
    assert travel.leg((40.0, -75.0), (40.0, -75.0)).minutes == 0
    assert travel.leg(None, (40.0, -75.0)) is None


# Whatever the route -------------------------------------------------------------------------------

moments = st.integers(-300, 300).map(at)


@st.composite
def routes(draw):
    stops = []
    for job_id in range(1, draw(st.integers(1, 6)) + 1):
        block_starts_at = draw(st.none() | moments)
        stops.append(
            stop(
                job_id,
                place=draw(st.none() | st.integers(1, 90)),
                minutes=draw(st.integers(5, 240)),
                planned_starts_at=draw(st.none() | moments),
                block_starts_at=block_starts_at,
                block_ends_at=block_starts_at and block_starts_at + draw(st.integers(1, 240)) * MINUTE,
                is_fixed=draw(st.booleans()),
                is_on_hold=draw(st.booleans()),
            )
        )
    active = draw(st.none() | st.integers(0, len(stops) - 1))
    if active is not None:
        since = at(-draw(st.integers(0, 300)))
        status = draw(st.sampled_from(["en_route", "in_progress"]))
        stops[active] = replace(stops[active], status=status, en_route_at=since, started_at=since)
    where = {"place": draw(st.none() | st.integers(1, 90)), "known_from": draw(st.sampled_from([HOME, POSITION]))}
    pauses = [
        Pause(begins, begins + draw(st.integers(0, 90)) * MINUTE) for begins in draw(st.lists(moments, max_size=3))
    ]
    return stops, where | {"shift_starts_at": draw(st.none() | moments), "pauses": pauses}


@given(routes())
def test_times_never_run_backwards_along_the_route(drawn):
    stops, where = drawn
    predictions = route(*stops, **where)
    for one in predictions:
        assert one.leaves_at <= one.arrives_at <= one.starts_at <= one.ends_at
    for one, following in pairwise(predictions):
        assert one.ends_at <= following.leaves_at


@given(routes())
def test_nothing_to_come_lies_before_now_and_lateness_is_never_negative(drawn):
    stops, where = drawn
    status = {one.job_id: one.status for one in stops}
    for one in route(*stops, **where):
        assert one.ends_at >= NOON
        assert status[one.job_id] == "in_progress" or one.arrives_at >= NOON
        assert status[one.job_id] != "assigned" or one.leaves_at >= NOON
        assert one.late_minutes >= 0
        assert one.behind_minutes >= 0


@given(routes(), st.integers(0, 5), st.integers(1, 120))
def test_a_longer_job_makes_nothing_earlier(drawn, which, more):
    stops, where = drawn
    which %= len(stops)
    longer = list(stops)
    longer[which] = replace(longer[which], duration_minutes=longer[which].duration_minutes + more)
    for before, after in zip(route(*stops, **where), route(*longer, **where), strict=True):
        assert after.leaves_at >= before.leaves_at
        assert after.starts_at >= before.starts_at
        assert after.ends_at >= before.ends_at
        assert after.late_minutes >= before.late_minutes


@given(routes())
def test_whoever_is_late_is_told_why(drawn):
    stops, where = drawn
    for one in route(*stops, **where):
        if one.late_minutes or one.behind_minutes:
            assert one.why
            assert one.caused_by


# Breaks and the end of the shift ------------------------------------------------------------------


def pause(begins, ends):
    return Pause(at(begins), at(ends))


def test_whoever_is_on_a_break_leaves_after_it():
    [first] = route(stop(planned_starts_at=at(5)), pauses=[pause(-10, 20)])
    assert (first.leaves_at, first.arrives_at, first.starts_at) == (at(20), at(29), at(29))
    assert (first.behind_minutes, first.why) == (24, "A break of 20 min comes before J-000001")


def test_break_that_ends_in_time_changes_nothing():
    [first] = route(stop(planned_starts_at=at(45)), pauses=[pause(-10, 20)])
    assert (first.leaves_at, first.starts_at, first.why) == (at(36), at(45), "")


def test_stop_that_would_begin_during_the_planned_break_begins_after_it():
    [first] = route(stop(planned_starts_at=at(60)), pauses=[pause(50, 80)])
    assert (first.arrives_at, first.starts_at, first.ends_at) == (at(60), at(80), at(140))
    assert (first.late_minutes, first.behind_minutes) == (0, 20)
    assert first.why == "A break of 20 min comes before J-000001"


def test_planned_break_waits_for_what_is_urgent():
    planned = Pause(at(50), at(80), is_planned=True)
    [first] = route(stop(planned_starts_at=at(60), is_urgent=True), pauses=[planned])
    assert (first.starts_at, first.why) == (at(60), "")
    [first] = route(stop(planned_starts_at=at(60), is_urgent=True), pauses=[pause(50, 80)])
    assert first.starts_at == at(80)


def test_technician_who_is_free_during_the_planned_break_leaves_after_it():
    _, second = route(in_progress(minutes=60), stop(2, place=20), pauses=[pause(25, 55)])
    assert (second.leaves_at, second.starts_at) == (at(55), at(65))


def test_job_under_way_goes_on_during_the_planned_break():
    [first] = route(in_progress(minutes=60), pauses=[pause(0, 40)])
    assert first.ends_at == at(30)


def test_stop_that_ends_after_the_shift_says_so():
    first, second = route(stop(1), stop(2, place=10), shift_ends_at=at(100))
    assert (first.ends_at, first.why) == (at(69), "")
    assert (second.ends_at, second.why) == (at(129), "Ends 29 min after the shift")
