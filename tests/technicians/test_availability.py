"""Working hours as instants, on the days on which the clocks change and on all others."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from technicians.availability import (
    LONGEST_DUTY,
    duty_ends_at,
    forgotten_clock_out,
    instant_of,
    left_of,
    shifts_on,
    shifts_touching,
)

NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")
FORWARD, BACK = date(2026, 3, 8), date(2026, 11, 1)  # in New York, at two in the morning; both are Sundays
MONDAY = date(2026, 6, 1)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AN_HOUR = 60  # the clocks change by that much


@dataclass(frozen=True)
class Hours:
    weekday: int
    starts_at: time
    ends_at: time
    break_starts_at: time | None = None
    break_ends_at: time | None = None


def daily(starts, ends, *pause):
    return [Hours(weekday, clock(starts), clock(ends), *map(clock, pause)) for weekday in range(7)]


def clock(text: str) -> time:
    return time.fromisoformat(text)


def at(text: str, day: date = MONDAY, *, zone=NEW_YORK) -> datetime:
    return instant_of(day, clock(text), zone=zone)


def said(shifts, *, zone=NEW_YORK):
    return [f"{s.starts_at.astimezone(zone):%d %H:%M}-{s.ends_at.astimezone(zone):%d %H:%M}" for s in shifts]


# The clocks change --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "hours", "minutes"),
    [
        (NEW_YORK, FORWARD, ("08:00", "17:00"), 540),  # long after the change
        (NEW_YORK, FORWARD, ("00:00", "08:00"), 420),
        (NEW_YORK, FORWARD - DAY, ("22:00", "06:00"), 420),
        (NEW_YORK, FORWARD, ("22:00", "06:00"), 480),
        (NEW_YORK, BACK, ("08:00", "17:00"), 540),
        (NEW_YORK, BACK, ("00:00", "08:00"), 540),
        (NEW_YORK, BACK - DAY, ("22:00", "06:00"), 540),
        (NEW_YORK, BACK, ("22:00", "06:00"), 480),
        (BERLIN, date(2026, 3, 28), ("22:00", "06:00"), 420),
        (BERLIN, date(2026, 3, 29), ("00:00", "08:00"), 420),
        (BERLIN, date(2026, 10, 24), ("22:00", "06:00"), 540),
        (BERLIN, date(2026, 10, 25), ("00:00", "08:00"), 540),
        (NEW_YORK, FORWARD - DAY, ("22:00", "06:00", "01:30", "03:30"), 360),  # the break of two hours lasts one
        (NEW_YORK, BACK - DAY, ("22:00", "06:00", "00:30", "02:30"), 360),  # and that one three
        (NEW_YORK, FORWARD, ("01:00", "02:30"), 60),  # it ends when the clocks leap
        (NEW_YORK, FORWARD, ("02:15", "03:15"), 15),
    ],
)
def test_shift_lasts_as_long_as_it_really_does(zone, day, hours, minutes):
    [shift] = shifts_on(day, daily(*hours), zone=zone)
    assert shift.minutes == minutes


def test_shift_within_the_hour_that_is_left_out_does_not_take_place():
    assert shifts_on(FORWARD, daily("02:00", "02:45"), zone=NEW_YORK) == []


def test_clock_that_shows_an_hour_twice_means_the_first_time():
    assert instant_of(BACK, time(1, 30), zone=NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_clock_that_leaps_over_a_time_means_the_leap():
    assert instant_of(FORWARD, time(2, 30), zone=NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)


CLOCKS = st.times().map(lambda moment: moment.replace(second=0, microsecond=0, tzinfo=None))
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31)) | st.sampled_from([FORWARD - DAY, FORWARD, BACK - DAY, BACK])
ZONES = st.sampled_from([NEW_YORK, BERLIN])


@given(day=DAYS, starts=CLOCKS, ends=CLOCKS, zone=ZONES)
@example(day=FORWARD - DAY, starts=time(22), ends=time(6), zone=NEW_YORK)
@example(day=BACK - DAY, starts=time(22), ends=time(6), zone=NEW_YORK)
def test_minutes_are_those_on_the_wall_but_for_the_change_itself(day, starts, ends, zone):
    shifts = shifts_on(day, [Hours(day.weekday(), starts, ends)], zone=zone)
    on_the_wall = (ends.hour * 60 + ends.minute - starts.hour * 60 - starts.minute) % 1440 or 1440
    minutes = shifts[0].minutes if shifts else 0
    begins = datetime.combine(day, starts, zone)
    finishes = datetime.combine(day if ends > starts else day + DAY, ends, zone)
    change = (begins.utcoffset() - finishes.utcoffset()) // timedelta(minutes=1)
    if any(edge.replace(fold=0).utcoffset() != edge.replace(fold=1).utcoffset() for edge in (begins, finishes)):
        assert abs(minutes - on_the_wall) <= AN_HOUR  # an edge within the hour that is left out or comes twice
    else:
        assert minutes == on_the_wall + change


@given(day=DAYS, edges=st.lists(CLOCKS, min_size=4, max_size=4, unique=True), zone=ZONES)
@example(day=FORWARD, edges=[time(1), time(2, 30), time(2, 45), time(3, 15)], zone=NEW_YORK)
@example(day=BACK, edges=[time(0), time(1, 30), time(1, 45), time(3)], zone=NEW_YORK)
def test_shifts_never_overlap_because_of_the_change(day, edges, zone):
    first, second, third, last = sorted(edges)
    rows = [Hours(day.weekday(), first, second), Hours(day.weekday(), third, last)]
    for one, other in pairwise(shifts_on(day, rows, zone=zone)):
        assert one.starts_at < one.ends_at <= other.starts_at < other.ends_at


@given(day=DAYS, starts=CLOCKS, ends=CLOCKS, zone=ZONES)
def test_nights_in_a_row_never_overlap(day, starts, ends, zone):
    hours = [Hours(weekday, starts, ends) for weekday in range(7)]
    week = [shift for number in range(3) for shift in shifts_on(day + number * DAY, hours, zone=zone)]
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(week))


# Past midnight ------------------------------------------------------------------------------------


def test_night_counts_on_the_day_on_which_it_ends_as_well():
    shifts = shifts_touching(MONDAY, daily("22:00", "06:00"), zone=NEW_YORK)
    assert said(shifts) == ["31 22:00-01 06:00", "01 22:00-02 06:00"]
    assert [shift.is_from_day_before for shift in shifts] == [True, False]


def test_shift_until_midnight_does_not_touch_the_next_day():
    assert said(shifts_touching(MONDAY, daily("16:00", "00:00"), zone=NEW_YORK)) == ["01 16:00-02 00:00"]


def test_last_night_is_known_on_a_day_off():
    sunday_night = [Hours(6, time(22), time(6))]
    assert said(shifts_touching(MONDAY, sunday_night, zone=NEW_YORK)) == ["31 22:00-01 06:00"]
    assert shifts_touching(MONDAY + DAY, sunday_night, zone=NEW_YORK) == []


def test_nobody_has_said_anything():
    assert shifts_touching(MONDAY, [], zone=NEW_YORK) is None


def test_night_of_the_change_touches_the_day_that_is_shorter():
    [night, _] = shifts_touching(FORWARD, daily("22:00", "06:00"), zone=NEW_YORK)
    assert night.minutes == 420


# What is left -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([], [(8, 17)]),
        ([(12, 13)], [(8, 12), (13, 17)]),
        ([(6, 9), (16, 20)], [(9, 16)]),
        ([(8, 17)], []),
        ([(0, 24)], []),
        ([(17, 18)], [(8, 17)]),
        ([(9, 10), (9, 11)], [(8, 9), (11, 17)]),
    ],
)
def test_what_is_left_of_a_day(taken, left):
    midnight = at("00:00")

    def spans(pairs):
        return [(midnight + begins * HOUR, midnight + ends * HOUR) for begins, ends in pairs]

    assert left_of(spans([(8, 17)]), spans(taken)) == spans(left)


# Forgotten ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "clocked_in", "ends"),
    [
        (("08:00", "17:00"), at("07:50"), at("17:00")),
        (("08:00", "17:00"), at("04:00"), at("17:00")),
        (("08:00", "17:00"), at("03:59"), None),  # too early to be meant for that shift
        (("08:00", "17:00"), at("17:00"), None),
        (("22:00", "06:00"), at("21:55"), at("06:00", MONDAY + DAY)),
        (("22:00", "06:00"), at("01:00"), at("06:00")),
        (("00:00", "08:00"), at("23:40"), at("08:00", MONDAY + DAY)),
        (("22:00", "06:00"), at("21:55", FORWARD - DAY), at("06:00", FORWARD)),
        (("22:00", "06:00"), at("21:55", BACK - DAY), at("06:00", BACK)),
    ],
)
def test_working_day_for_which_they_clocked_in(hours, clocked_in, ends):
    assert duty_ends_at(clocked_in, daily(*hours), zone=NEW_YORK) == ends


def test_working_day_goes_on_after_the_lunch_between_two_shifts():
    hours = [Hours(0, time(8), time(12)), Hours(0, time(14), time(18))]
    assert duty_ends_at(at("08:00"), hours, zone=NEW_YORK) == at("18:00")


def test_working_day_goes_on_over_midnight_where_another_shift_begins():
    hours = [Hours(0, time(16), time(0)), Hours(1, time(0), time(2))]
    assert duty_ends_at(at("16:00"), hours, zone=NEW_YORK) == at("02:00", MONDAY + DAY)


def forgotten(now, *, hours=("08:00", "17:00"), clocked_in=None, active=None):
    rows = daily(*hours) if hours else []
    return forgotten_clock_out(
        clocked_in or at("08:00"), rows, last_active_at=active, zone=NEW_YORK, now=now, after=HOUR
    )


@pytest.mark.parametrize(
    ("now", "active", "left"),
    [
        (at("17:59"), None, None),
        (at("18:00"), None, at("17:00")),
        (at("18:00"), at("16:00"), at("17:00")),
        (at("18:00"), at("17:30"), None),  # their last job took longer
        (at("18:30"), at("17:30"), at("17:30")),
    ],
)
def test_whoever_forgot_left_at_the_end_of_the_shift_or_after_the_last_job(now, active, left):
    assert forgotten(now, active=active) == left


@pytest.mark.parametrize(
    ("hours_on_duty", "active_after", "left_after"),
    [(15.9, None, None), (16, None, 16), (16, 7, 7), (16, 15.5, None), (16.5, 15.5, 15.5)],
)
def test_without_known_hours_nobody_is_on_duty_for_longer_than_sixteen(hours_on_duty, active_after, left_after):
    begun = at("08:00")
    active = None if active_after is None else begun + active_after * HOUR
    left = forgotten(begun + hours_on_duty * HOUR, hours=None, active=active)
    assert left == (None if left_after is None else begun + left_after * HOUR)
    assert LONGEST_DUTY == 16 * HOUR


@pytest.mark.parametrize(("day", "length"), [(FORWARD, 8), (BACK, 10)])
def test_night_of_the_change_is_forgotten_an_hour_after_six_on_the_wall(day, length):
    begun, six = at("21:00", day - DAY), at("06:00", day)
    assert (six - begun) == length * HOUR
    night = {"hours": ("21:00", "06:00"), "clocked_in": begun}
    assert forgotten(six + HOUR - timedelta(minutes=1), **night) is None
    assert forgotten(six + HOUR, **night) == six


@given(
    day=DAYS,
    starts=CLOCKS,
    ends=CLOCKS,
    minutes=st.integers(0, 3000),
    active=st.none() | st.integers(0, 3000),
    zone=ZONES,
)
def test_nobody_is_clocked_out_before_they_came_or_in_the_future(day, starts, ends, minutes, active, zone):
    begun = instant_of(day, starts, zone=zone)
    now = begun + timedelta(minutes=minutes)
    last = None if active is None else min(now, begun + timedelta(minutes=active))
    hours = [Hours(weekday, starts, ends) for weekday in range(7)]
    left = forgotten_clock_out(begun, hours, last_active_at=last, zone=zone, now=now, after=HOUR)
    assert left is None or max(begun, last or begun) <= left <= now
