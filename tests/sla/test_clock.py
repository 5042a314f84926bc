"""The SLA clock in the cases that the field knows. 2026-11-16 is a Monday."""

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest

from sla.clock import (
    BUSINESS_DAYS,
    BUSINESS_HOURS,
    CLOSED,
    COUNTED,
    HOURS,
    MINUTES,
    PAUSED,
    Clock,
    NeverDueError,
    Pause,
    is_ever_due,
)
from tests.sla.calendars import DAYTIME, NEW_YORK, ROUND_THE_CLOCK, SYDNEY, WITH_LUNCH, at, week

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
OFFICE = week(weekdays=DAYTIME)


def clock(start, amount, unit, *pauses, calendar=OFFICE):
    """Pauses as (begins, ends); none for an end: it lasts."""
    return Clock(at(start), amount, unit, calendar, tuple(Pause(at(a), b and at(b)) for a, b in pauses))


def due(*args, **kwargs):
    """As the clock on the wall in New York shows it."""
    return f"{clock(*args, **kwargs).due_at.astimezone(ZoneInfo(NEW_YORK)):%a %Y-%m-%d %H:%M}"


# When the job comes in -----------------------------------------------------------------------------


def test_a_job_of_the_morning_is_due_the_same_day():
    assert due("2026-11-16 10:00", 4, BUSINESS_HOURS) == "Mon 2026-11-16 14:00"


def test_a_job_from_before_hours_counts_from_the_opening():
    assert due("2026-11-16 06:30", 4, BUSINESS_HOURS) == "Mon 2026-11-16 12:00"


def test_a_job_from_after_hours_counts_from_the_next_opening():
    assert due("2026-11-16 21:30", 4, BUSINESS_HOURS) == "Tue 2026-11-17 12:00"


def test_a_job_from_the_weekend_counts_from_monday():
    assert due("2026-11-14 11:00", 4, BUSINESS_HOURS) == "Mon 2026-11-16 12:00"


def test_the_night_does_not_count():
    assert due("2026-11-16 15:00", 4, BUSINESS_HOURS) == "Tue 2026-11-17 10:00"


def test_a_job_of_friday_at_closing_time_counts_from_monday():
    assert due("2026-11-20 17:00", 1, BUSINESS_HOURS) == "Mon 2026-11-23 09:00"


def test_a_job_of_fridays_last_second_counts_that_second():
    reckoned = Clock(at("2026-11-20 16:59:59"), 1, BUSINESS_HOURS, OFFICE)
    assert reckoned.due_at == at("2026-11-23 08:59:59")


def test_a_target_that_ends_at_closing_time_is_due_then_and_not_on_monday():
    assert due("2026-11-20 15:00", 2, BUSINESS_HOURS) == "Fri 2026-11-20 17:00"


def test_after_a_deadline_at_closing_time_nothing_more_is_used_over_the_weekend():
    reckoned = clock("2026-11-20 15:00", 2, BUSINESS_HOURS)
    assert reckoned.percent_used(at("2026-11-22 12:00")) == 100
    assert reckoned.remaining(at("2026-11-22 12:00")) == timedelta()


def test_minutes_and_hours_count_by_night_too():
    assert due("2026-11-20 23:50", 30, MINUTES) == "Sat 2026-11-21 00:20"
    assert due("2026-11-20 17:00", 48, HOURS) == "Sun 2026-11-22 17:00"


# Holidays ------------------------------------------------------------------------------------------

THANKSGIVING = week(weekdays=DAYTIME, holidays=["2026-11-26"])


def test_a_job_from_a_holiday_counts_from_the_day_after():
    assert due("2026-11-26 10:00", 2, BUSINESS_HOURS, calendar=THANKSGIVING) == "Fri 2026-11-27 10:00"


def test_a_holiday_does_not_count():
    assert due("2026-11-25 16:00", 2, BUSINESS_HOURS, calendar=THANKSGIVING) == "Fri 2026-11-27 09:00"
    assert due("2026-11-25 16:00", 1, BUSINESS_DAYS, calendar=THANKSGIVING) == "Fri 2026-11-27 16:00"


def test_a_holiday_and_the_weekend_after_it_are_left_out_together():
    good_friday = week(weekdays=DAYTIME, holidays=["2026-04-03", "2026-04-06"])
    assert due("2026-04-02 16:00", 2, BUSINESS_HOURS, calendar=good_friday) == "Tue 2026-04-07 09:00"
    assert due("2026-04-02 16:00", 2, BUSINESS_DAYS, calendar=good_friday) == "Wed 2026-04-08 16:00"


def test_a_holiday_does_not_stop_what_counts_around_the_clock():
    assert due("2026-11-26 10:00", 24, HOURS, calendar=THANKSGIVING) == "Fri 2026-11-27 10:00"


# Business days -------------------------------------------------------------------------------------


def test_business_days_end_at_the_same_time_of_day():
    assert due("2026-11-16 10:20", 1, BUSINESS_DAYS) == "Tue 2026-11-17 10:20"
    assert due("2026-11-19 10:20", 3, BUSINESS_DAYS) == "Tue 2026-11-24 10:20"


def test_business_days_from_the_weekend_begin_when_monday_opens():
    assert due("2026-11-14 11:00", 1, BUSINESS_DAYS) == "Tue 2026-11-17 08:00"


def test_business_days_from_friday_at_closing_time_begin_when_monday_opens():
    assert due("2026-11-20 17:00", 1, BUSINESS_DAYS) == "Tue 2026-11-24 08:00"


def test_a_business_day_ends_at_the_same_time_even_on_a_day_that_closes_earlier():
    short_friday = week(weekdays=DAYTIME, saturday=(("08:00", "12:00"),))
    reckoned = clock("2026-11-20 15:00", 1, BUSINESS_DAYS, calendar=short_friday)
    assert reckoned.due_at == at("2026-11-21 15:00")
    assert reckoned.budget == 6 * HOUR
    assert reckoned.elapsed(reckoned.due_at) == reckoned.budget


def test_a_pause_moves_business_days_by_the_business_time_it_took():
    paused = ("2026-11-16 16:00", "2026-11-17 09:00")  # two business hours
    assert due("2026-11-16 10:00", 1, BUSINESS_DAYS, paused) == "Tue 2026-11-17 12:00"


def test_a_hold_that_begins_the_evening_before_a_deadline_at_opening_time_moves_it():
    held = ("2026-11-16 20:00", "2026-11-17 09:30")
    assert due("2026-11-14 11:00", 1, BUSINESS_DAYS, held) == "Tue 2026-11-17 09:30"
    assert clock("2026-11-14 11:00", 1, BUSINESS_DAYS, ("2026-11-16 20:00", None)).due_at is None


def test_a_hold_on_the_afternoon_of_a_short_day_moves_a_deadline_that_was_still_to_come():
    short_saturday = week(weekdays=DAYTIME, saturday=(("08:00", "12:00"),))
    held = ("2026-11-21 13:00", "2026-11-23 09:00")
    assert due("2026-11-20 15:00", 1, BUSINESS_DAYS, held, calendar=short_saturday) == "Mon 2026-11-23 09:00"


# Pauses --------------------------------------------------------------------------------------------


def test_a_job_that_is_on_hold_from_the_start_has_no_deadline():
    reckoned = clock("2026-11-16 10:00", 4, HOURS, ("2026-11-16 10:00", None))
    assert (reckoned.due_at, reckoned.at_risk_at) == (None, None)
    assert reckoned.elapsed(at("2026-11-18 10:00")) == timedelta()
    assert reckoned.percent_used(at("2026-11-18 10:00")) == 0


def test_a_hold_from_the_start_counts_from_its_release():
    assert due("2026-11-16 10:00", 4, HOURS, ("2026-11-16 10:00", "2026-11-16 12:00")) == "Mon 2026-11-16 16:00"


def test_several_holds_add_up():
    holds = [("2026-11-16 11:00", "2026-11-16 11:30"), ("2026-11-16 12:00", "2026-11-16 12:45")]
    assert due("2026-11-16 10:00", 4, HOURS, *holds) == "Mon 2026-11-16 15:15"
    assert due("2026-11-16 10:00", 4, HOURS, *reversed(holds)) == "Mon 2026-11-16 15:15"


def test_a_later_hold_counts_only_because_an_earlier_one_moved_the_deadline_behind_it():
    holds = [("2026-11-16 11:00", "2026-11-16 12:00"), ("2026-11-16 14:30", "2026-11-16 15:30")]
    assert due("2026-11-16 10:00", 4, HOURS, *holds) == "Mon 2026-11-16 16:00"
    assert due("2026-11-16 10:00", 4, HOURS, holds[1]) == "Mon 2026-11-16 14:00"


def test_a_hold_after_the_deadline_does_not_move_it():
    for ends in ("2026-11-16 18:00", None):
        assert due("2026-11-16 10:00", 4, HOURS, ("2026-11-16 14:00", ends)) == "Mon 2026-11-16 14:00"


def test_holds_that_overlap_count_once():
    overlapping = [("2026-11-16 11:00", "2026-11-16 13:00"), ("2026-11-16 12:00", "2026-11-16 14:00")]
    nested = [("2026-11-16 11:00", "2026-11-16 14:00"), ("2026-11-16 12:00", "2026-11-16 13:00")]
    lasting = [("2026-11-16 11:00", None), ("2026-11-16 12:00", "2026-11-16 13:00")]
    assert due("2026-11-16 10:00", 4, HOURS, *overlapping) == "Mon 2026-11-16 17:00"
    assert due("2026-11-16 10:00", 4, HOURS, *nested) == "Mon 2026-11-16 17:00"
    assert clock("2026-11-16 10:00", 4, HOURS, *lasting).due_at is None


def test_holds_without_a_gap_are_one_hold_even_over_a_deadline_in_closed_time():
    short_saturday = week(weekdays=DAYTIME, saturday=(("08:00", "12:00"),))
    holds = [("2026-11-21 13:00", "2026-11-21 16:00"), ("2026-11-21 15:30", "2026-11-23 09:00")]
    assert due("2026-11-20 15:00", 1, BUSINESS_DAYS, *holds, calendar=short_saturday) == "Mon 2026-11-23 09:00"


def test_of_a_hold_from_before_the_job_only_the_rest_counts():
    assert due("2026-11-16 10:00", 4, HOURS, ("2026-11-16 08:00", "2026-11-16 11:00")) == "Mon 2026-11-16 15:00"
    assert due("2026-11-16 10:00", 4, HOURS, ("2026-11-16 08:00", "2026-11-16 09:00")) == "Mon 2026-11-16 14:00"


def test_an_hour_of_hold_leaves_an_hours_target_in_time_and_a_second_more_does_too():
    for held in (HOUR, HOUR + SECOND):
        begins = at("2026-11-16 10:30")
        reckoned = Clock(at("2026-11-16 10:00"), 1, HOURS, OFFICE, (Pause(begins, begins + held),))
        assert reckoned.due_at == at("2026-11-16 11:00") + held
        assert reckoned.elapsed(reckoned.due_at) == HOUR


def test_work_of_an_hour_is_in_time_and_a_second_more_is_late():
    reckoned = clock("2026-11-16 10:00", 1, HOURS)
    assert reckoned.remaining(at("2026-11-16 11:00")) == timedelta()
    assert reckoned.remaining(at("2026-11-16 11:00:01")) == -SECOND


@pytest.mark.parametrize(
    ("held", "around_the_clock", "in_business_hours"),
    [
        (("2026-11-17 22:00", "2026-11-18 02:00"), "Wed 2026-11-18 14:00", "Wed 2026-11-18 10:00"),  # midnight
        (("2026-11-17 16:00", "2026-11-18 09:00"), "Thu 2026-11-19 03:00", "Wed 2026-11-18 12:00"),  # a night
        (("2026-11-17 16:00", "2026-11-23 09:00"), "Tue 2026-11-24 03:00", "Mon 2026-11-23 12:00"),  # a weekend
        (("2026-11-17 17:00", "2026-11-18 08:00"), "Thu 2026-11-19 01:00", "Wed 2026-11-18 10:00"),  # a whole night
        (("2026-11-17 16:59", "2026-11-18 08:01"), "Thu 2026-11-19 01:02", "Wed 2026-11-18 10:02"),
    ],
)
def test_a_hold_over_night_or_weekend_takes_only_what_would_have_counted(held, around_the_clock, in_business_hours):
    assert due("2026-11-17 10:00", 24, HOURS, held) == around_the_clock
    assert due("2026-11-17 10:00", 9, BUSINESS_HOURS, held) == in_business_hours


def test_a_hold_over_a_holiday_takes_only_what_would_have_counted():
    held = ("2026-11-25 15:00", "2026-11-27 10:00")  # two hours on Wednesday, two on Friday
    assert due("2026-11-25 14:00", 2, BUSINESS_HOURS, held, calendar=THANKSGIVING) == "Fri 2026-11-27 11:00"


# Lunch, and round the clock ------------------------------------------------------------------------

LUNCH = week(weekdays=WITH_LUNCH)


def test_lunch_does_not_count():
    assert due("2026-11-16 11:00", 2, BUSINESS_HOURS, calendar=LUNCH) == "Mon 2026-11-16 14:00"
    assert due("2026-11-16 12:30", 1, BUSINESS_HOURS, calendar=LUNCH) == "Mon 2026-11-16 14:00"
    assert due("2026-11-16 12:30", 1, BUSINESS_DAYS, calendar=LUNCH) == "Tue 2026-11-17 13:00"


def test_a_hold_over_lunch_takes_only_what_would_have_counted():
    held = ("2026-11-16 11:30", "2026-11-16 13:30")
    assert due("2026-11-16 11:00", 2, BUSINESS_HOURS, held, calendar=LUNCH) == "Mon 2026-11-16 15:00"


def test_a_deadline_at_noon_is_noon_and_not_the_end_of_lunch():
    assert due("2026-11-16 09:00", 3, BUSINESS_HOURS, calendar=LUNCH) == "Mon 2026-11-16 12:00"


ALWAYS = week(weekdays=ROUND_THE_CLOCK, saturday=ROUND_THE_CLOCK, sunday=ROUND_THE_CLOCK)


def test_where_it_never_closes_business_hours_are_hours():
    assert due("2026-11-20 22:00", 30, BUSINESS_HOURS, calendar=ALWAYS) == "Sun 2026-11-22 04:00"
    assert due("2026-11-20 22:00", 2, BUSINESS_DAYS, calendar=ALWAYS) == "Sun 2026-11-22 22:00"


def test_where_it_never_closes_the_days_are_one_span():
    spans = clock("2026-11-16 10:00", 99, BUSINESS_HOURS, calendar=ALWAYS).timeline(at("2026-11-19 10:00"))
    assert [(span.kind, span.length) for span in spans] == [(COUNTED, 72 * HOUR)]


# The calendar's own turns --------------------------------------------------------------------------


def test_a_leap_day_is_a_day():
    assert due("2028-02-28 10:00", 24, HOURS) == "Tue 2028-02-29 10:00"
    assert due("2028-02-28 10:00", 2, BUSINESS_DAYS) == "Wed 2028-03-01 10:00"
    assert due("2027-02-26 16:00", 2, BUSINESS_HOURS) == "Mon 2027-03-01 09:00"
    assert due("2028-02-29 16:00", 10, BUSINESS_HOURS) == "Wed 2028-03-01 17:00"


def test_the_year_ends_in_the_middle_of_a_target():
    new_year = week(weekdays=DAYTIME, holidays=["2027-01-01"])
    assert due("2026-12-31 16:00", 2, BUSINESS_HOURS, calendar=new_year) == "Mon 2027-01-04 09:00"
    assert due("2026-12-31 16:00", 1, BUSINESS_DAYS, calendar=new_year) == "Mon 2027-01-04 16:00"
    assert due("2026-12-31 23:30", 1, HOURS, calendar=new_year) == "Fri 2027-01-01 00:30"


def test_a_job_of_years_ago_has_counted_every_day_since():
    reckoned = clock("2020-01-01 08:00", 1, BUSINESS_HOURS, calendar=week(weekdays=DAYTIME))
    assert reckoned.due_at == at("2020-01-01 09:00")
    assert reckoned.elapsed(at("2025-01-01 08:00")) == 1305 * 9 * HOUR  # 2020 has 262 weekdays, then 261, 260, 260, 262


# The clocks go forward on 2026-03-08 and back on 2026-11-01 in New York, on 2026-10-04 and 2026-04-05 in Sydney.


@pytest.mark.parametrize(
    ("zone", "start", "hours_later", "is_due"),
    [
        ("America/New_York", "2026-03-08 00:00", 4, "2026-03-08 05:00"),
        ("America/New_York", "2026-11-01 00:00", 4, "2026-11-01 03:00"),
        (SYDNEY, "2026-10-04 00:00", 4, "2026-10-04 05:00"),
        (SYDNEY, "2026-04-05 00:00", 4, "2026-04-05 03:00"),
    ],
)
def test_on_the_night_of_a_change_an_hour_is_an_hour(zone, start, hours_later, is_due):
    calendar = week(weekdays=ROUND_THE_CLOCK, saturday=ROUND_THE_CLOCK, sunday=ROUND_THE_CLOCK, zone=zone)
    for unit in (HOURS, BUSINESS_HOURS):
        assert Clock(at(start, zone), hours_later, unit, calendar).due_at == at(is_due, zone)


@pytest.mark.parametrize(
    ("zone", "friday", "monday", "opens_in_utc"),
    [
        ("America/New_York", "2026-03-06 16:00", "2026-03-09 09:00", "13:00 12:00"),
        ("America/New_York", "2026-10-30 16:00", "2026-11-02 09:00", "12:00 13:00"),
        (SYDNEY, "2026-10-02 16:00", "2026-10-05 09:00", "22:00 21:00"),
        (SYDNEY, "2026-04-03 16:00", "2026-04-06 09:00", "21:00 22:00"),
    ],
)
def test_business_hours_keep_to_the_clock_on_the_wall_over_a_change(zone, friday, monday, opens_in_utc):
    calendar = week(weekdays=DAYTIME, zone=zone)
    assert Clock(at(friday, zone), 2, BUSINESS_HOURS, calendar).due_at == at(monday, zone)
    assert Clock(at(friday, zone), 1, BUSINESS_DAYS, calendar).due_at == at(monday.replace(" 09:", " 16:"), zone)
    opened = [calendar.opening_of(date.fromisoformat(text[:10]))[0][0] for text in (friday, monday)]
    assert " ".join(f"{moment:%H:%M}" for moment in opened) == opens_in_utc


def test_a_business_day_that_ends_in_the_hour_that_the_clocks_skip_ends_an_hour_later():
    calendar = week(weekdays=ROUND_THE_CLOCK, saturday=ROUND_THE_CLOCK, sunday=ROUND_THE_CLOCK)
    assert due("2026-03-07 02:30", 1, BUSINESS_DAYS, calendar=calendar) == "Sun 2026-03-08 03:30"


def test_a_business_day_that_ends_in_the_hour_that_comes_twice_ends_the_first_time():
    calendar = week(weekdays=ROUND_THE_CLOCK, saturday=ROUND_THE_CLOCK, sunday=ROUND_THE_CLOCK)
    assert clock("2026-10-31 01:30", 1, BUSINESS_DAYS, calendar=calendar).due_at == at("2026-11-01 01:30", fold=0)


def test_a_job_from_the_second_time_of_an_hour_counts_from_then():
    reckoned = Clock(at("2026-11-01 01:30", fold=1), 1, HOURS, OFFICE)
    assert reckoned.due_at == at("2026-11-01 02:30")


# What is shown -------------------------------------------------------------------------------------


def test_three_quarters_are_used_when_it_comes_to_be_at_risk():
    assert clock("2026-11-16 10:00", 4, HOURS).at_risk_at == at("2026-11-16 13:00")
    assert clock("2026-11-16 16:00", 4, BUSINESS_HOURS).at_risk_at == at("2026-11-17 10:00")
    held = ("2026-11-16 12:00", "2026-11-16 13:00")
    assert clock("2026-11-16 10:00", 4, HOURS, held).at_risk_at == at("2026-11-16 14:00")


def test_nothing_unfinished_is_shown_as_whole():
    reckoned = clock("2026-11-16 10:00", 1000, HOURS)
    assert reckoned.percent_used(reckoned.due_at - timedelta(microseconds=1)) == 99
    assert reckoned.percent_used(reckoned.due_at) == 100
    assert reckoned.percent_used(at("2026-11-16 09:00")) == 0


def test_before_the_start_nothing_has_elapsed():
    reckoned = clock("2026-11-16 10:00", 1, HOURS)
    assert reckoned.elapsed(at("2026-11-16 09:00")) == timedelta()
    assert reckoned.timeline(at("2026-11-16 09:00")) == []


def test_instants_come_back_in_utc():
    local = at("2026-11-16 10:00").astimezone(ZoneInfo(NEW_YORK))
    reckoned = Clock(local, 1, BUSINESS_DAYS, OFFICE, (Pause(local + HOUR, local + 2 * HOUR),))
    instants = [reckoned.due_at, reckoned.at_risk_at, reckoned.timeline(at("2026-11-17 10:00"))[0].starts_at]
    assert {instant.tzinfo for instant in instants} == {UTC}


def test_the_timeline_tells_counted_paused_and_closed_time_apart():
    held = ("2026-11-16 16:00", "2026-11-16 19:00")
    spans = clock("2026-11-16 11:00", 9, BUSINESS_HOURS, held, calendar=LUNCH).timeline(at("2026-11-17 09:00"))
    assert [(span.kind, span.length) for span in spans] == [
        (COUNTED, HOUR),
        (CLOSED, HOUR),
        (COUNTED, 3 * HOUR),
        (PAUSED, 3 * HOUR),
        (CLOSED, 13 * HOUR),
        (COUNTED, HOUR),
    ]


def test_the_timeline_of_a_lasting_hold_ends_now():
    spans = clock("2026-11-16 10:00", 4, HOURS, ("2026-11-16 11:00", None)).timeline(at("2026-11-16 15:00"))
    assert [(span.kind, span.length) for span in spans] == [(COUNTED, HOUR), (PAUSED, 4 * HOUR)]


# Targets that are never due ------------------------------------------------------------------------

CLOSED_FOR_GOOD = week()
AN_HOUR_A_WEEK = week(sunday=(("02:00", "03:00"),))


@pytest.mark.parametrize(
    ("amount", "unit", "calendar"),
    [
        (1, BUSINESS_HOURS, CLOSED_FOR_GOOD),
        (1, BUSINESS_DAYS, CLOSED_FOR_GOOD),
        (2100, BUSINESS_HOURS, AN_HOUR_A_WEEK),
        (2100, BUSINESS_DAYS, AN_HOUR_A_WEEK),
        (2**31 - 1, HOURS, OFFICE),
        (2**31 - 1, BUSINESS_DAYS, OFFICE),
    ],
)
def test_a_target_that_never_is_due_says_so_whoever_asks_and_as_often_as_they_ask(amount, unit, calendar):
    reckoned = Clock(at("2026-11-16 10:00"), amount, unit, calendar)
    for _ in range(2):
        with pytest.raises(NeverDueError):
            _ = reckoned.due_at
    assert not is_ever_due(amount, unit, calendar, started_at=at("2026-11-16 10:00"))


def test_long_targets_are_due_some_day():
    assert is_ever_due(2000, BUSINESS_DAYS, AN_HOUR_A_WEEK, started_at=at("2026-11-16 10:00"))
    assert due("2026-11-16 10:00", 2000, BUSINESS_DAYS).startswith("Mon 2034-07-17")


def test_whether_it_is_ever_due_does_not_depend_on_who_asked_before():
    started_at = at("2026-11-16 10:00")
    weekly = week(sunday=(("02:00", "03:00"),))
    assert not is_ever_due(2091, BUSINESS_DAYS, weekly, started_at=started_at)
    is_ever_due(2000, BUSINESS_DAYS, weekly, started_at=at("2036-11-16 10:00"))  # has looked far ahead
    assert not is_ever_due(2091, BUSINESS_DAYS, weekly, started_at=started_at)


def test_time_passes_where_it_never_opens():
    reckoned = Clock(at("2026-11-16 10:00"), 1, BUSINESS_HOURS, CLOSED_FOR_GOOD)
    assert reckoned.elapsed(at("2026-11-18 10:00")) == timedelta()
    assert [span.kind for span in reckoned.timeline(at("2026-11-18 10:00"))] == [CLOSED]
