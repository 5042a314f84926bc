"""Opening hours on days that are not like the others. The rest of them is tested through the clock."""

from datetime import date, timedelta

import pytest

from tests.sla.calendars import DAYTIME, NEW_YORK, ROUND_THE_CLOCK, SYDNEY, at, week

HOUR = timedelta(hours=1)


def open_on(day, *hours, zone=NEW_YORK, holidays=()):
    """When it is open on that day with those hours every day, in UTC as “05:00-06:30”, joined where they touch."""
    calendar = week(weekdays=hours, saturday=hours, sunday=hours, zone=zone, holidays=holidays)
    joined = []
    for begins, ends in calendar.opening_of(date.fromisoformat(day)):
        if joined and joined[-1][1] == begins:
            begins, _ = joined.pop()
        joined.append((begins, ends))
    return " ".join(f"{begins:%H:%M}-{ends:%H:%M}" for begins, ends in joined)


def test_an_ordinary_day_is_open_by_the_clock_on_the_wall():
    assert open_on("2026-11-16", ("08:00", "12:00"), ("13:00", "17:00")) == "13:00-17:00 18:00-22:00"


def test_midnight_closes_the_day():
    assert open_on("2026-11-16", ("18:00", "00:00")) == "23:00-05:00"


def test_a_holiday_is_closed_all_day():
    assert open_on("2026-11-16", ("00:00", "00:00"), holidays=["2026-11-16"]) == ""


# 02:00 to 03:00 is skipped on 2026-03-08 in New York and 01:00 to 02:00 comes twice on 2026-11-01.


@pytest.mark.parametrize(
    ("hours", "opened"),
    [
        (("01:00", "04:00"), "06:00-08:00"),
        (("02:30", "04:00"), "07:00-08:00"),  # opens when the skipped hour would have ended
        (("01:00", "02:30"), "06:00-07:00"),  # closes when it would have begun
        (("02:10", "02:50"), ""),
        (("00:00", "00:00"), "05:00-04:00"),
    ],
)
def test_an_hour_that_the_clocks_skip_is_no_opening_hour(hours, opened):
    assert open_on("2026-03-08", hours) == opened


@pytest.mark.parametrize(
    ("hours", "opened"),
    [
        ((("00:30", "02:30"),), "04:30-07:30"),
        ((("01:00", "02:00"),), "05:00-07:00"),
        ((("01:30", "03:00"),), "05:30-06:00 06:30-08:00"),
        ((("00:00", "01:30"),), "04:00-05:30 06:00-06:30"),
        ((("00:00", "01:30"), ("01:30", "03:00")), "04:00-08:00"),
        ((("01:00", "01:15"), ("01:45", "02:00")), "05:00-05:15 05:45-06:15 06:45-07:00"),
    ],
)
def test_an_hour_that_comes_twice_is_open_twice(hours, opened):
    assert open_on("2026-11-01", *hours) == opened


@pytest.mark.parametrize(
    ("zone", "day", "opened"),
    [
        (SYDNEY, "2026-10-04", "14:00-13:00"),
        (SYDNEY, "2026-04-05", "13:00-14:00"),
        ("Australia/Lord_Howe", "2026-10-04", "13:30-13:00"),  # by half an hour
        ("America/Santiago", "2026-09-06", "04:00-03:00"),  # begins at 01:00
        ("America/Santiago", "2026-04-04", "03:00-04:00"),  # its last hour comes twice
        ("America/Havana", "2026-11-01", "04:00-05:00"),  # its first hour comes twice
        ("America/Havana", "2026-10-31", "04:00-04:00"),
        ("Pacific/Apia", "2011-12-30", ""),  # a day that never was
        ("Pacific/Apia", "2011-12-31", "10:00-10:00"),
    ],
)
def test_no_instant_is_on_two_days_or_on_none(zone, day, opened):
    assert open_on(day, ("00:00", "00:00"), zone=zone) == opened
    calendar = week(weekdays=ROUND_THE_CLOCK, saturday=ROUND_THE_CLOCK, sunday=ROUND_THE_CLOCK, zone=zone)
    start = at(f"{day} 12:00", zone) - 60 * HOUR
    assert calendar.open_between(start, start + 120 * HOUR) == 120 * HOUR


def test_a_day_that_never_was_is_no_working_day():
    calendar = week(weekdays=DAYTIME, saturday=DAYTIME, zone="Pacific/Apia")
    assert not calendar.is_working_day(date(2011, 12, 30))
    assert calendar.same_time_later(at("2011-12-29 10:00", "Pacific/Apia"), 1) == at("2011-12-31 10:00", "Pacific/Apia")


def test_openings_are_cut_to_what_is_asked():
    calendar = week(weekdays=DAYTIME)
    start, end = at("2026-11-16 09:00"), at("2026-11-17 09:00")
    assert list(calendar.openings_between(start, end)) == [
        (start, at("2026-11-16 17:00")),
        (at("2026-11-17 08:00"), end),
    ]
    assert list(calendar.openings_between(start, start)) == []
    assert list(calendar.openings_between(at("2026-11-16 17:00"), at("2026-11-17 08:00"))) == []


def test_it_makes_no_difference_in_which_order_years_are_asked_for():
    calendar = week(weekdays=DAYTIME)
    spans = [(at("2027-12-31 12:00"), at("2028-01-03 12:00")), (at("2024-12-31 12:00"), at("2025-01-02 12:00"))]
    assert [calendar.open_between(*span) for span in spans] == [9 * HOUR, 18 * HOUR]
    assert calendar.open_between(spans[1][0], spans[0][1]) == 784 * 9 * HOUR
    assert [calendar.open_between(*span) for span in spans] == [9 * HOUR, 18 * HOUR]


@pytest.mark.parametrize(("zone", "new_year"), [(NEW_YORK, "2026-01-01 02:00"), (SYDNEY, "2025-12-31 14:00")])
def test_new_years_eve_is_open_where_it_is_another_year_than_in_utc(zone, new_year):
    calendar = week(weekdays=ROUND_THE_CLOCK, saturday=ROUND_THE_CLOCK, sunday=ROUND_THE_CLOCK, zone=zone)
    start, halfway = at(new_year, "UTC"), timedelta(days=180)
    half_a_year_off = start + (halfway if zone == NEW_YORK else -halfway)
    assert calendar.open_between(half_a_year_off, half_a_year_off + HOUR) == HOUR
    assert calendar.open_between(start, start + 2 * HOUR) == 2 * HOUR
