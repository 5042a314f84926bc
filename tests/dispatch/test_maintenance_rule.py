"""Recurrences: their RRULEs, their sentences and their days, also against python-dateutil itself."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import MONTHLY, WEEKLY, rrule, rrulestr
from dateutil.rrule import weekday as by_day
from hypothesis import given
from hypothesis import strategies as st

from dispatch.maintenance.due import block_on, days_to_make, realigned
from dispatch.maintenance.rule import LAST, MOST, NUMBERS, WORKING_DAYS, Frequency, Rule, RuleError, Schedule, parse

pytestmark = pytest.mark.once
DAILY, WEEKLY_, MONTHLY_, YEARLY = Frequency
NEW_YORK = ZoneInfo("America/New_York")
FIRST_MONDAY = Rule(MONTHLY_, 3, (0,), 1)


def days(rule, starts_on, count=4, **ends):
    return [day.isoformat() for day in Schedule(rule, starts_on, **ends).since(starts_on, count=count)]


@pytest.mark.parametrize(
    "rule, text, sentence",
    [
        (Rule(DAILY), "FREQ=DAILY;INTERVAL=1", "every day"),
        (Rule(DAILY, 10), "FREQ=DAILY;INTERVAL=10", "every 10 days"),
        (
            Rule(WEEKLY_, 2, (0, 3)),
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=MO",
            "every 2 weeks on Monday and Thursday",
        ),
        (
            Rule(WEEKLY_, 1, WORKING_DAYS, months=(1, 11, 12)),
            "FREQ=WEEKLY;INTERVAL=1;BYMONTH=1,11,12;BYDAY=MO,TU,WE,TH,FR;WKST=MO",
            "every week from Monday to Friday, only from November to January",
        ),
        (FIRST_MONDAY, "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", "every 3 months on the first Monday"),
        (
            Rule(MONTHLY_, 1, WORKING_DAYS, LAST),
            "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "every month on the last working day",
        ),
        (Rule(MONTHLY_, month_day=15), "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15", "every month on the 15th"),
        (
            Rule(MONTHLY_, month_day=31),
            "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
            "every month on the 31st or, in shorter months, the last day",
        ),
        (
            Rule(MONTHLY_, month_day=30, months=(4, 6)),
            "FREQ=MONTHLY;INTERVAL=1;BYMONTH=4,6;BYMONTHDAY=28,29,30;BYSETPOS=-1",
            "every month on the 30th, only in April and June",
        ),
        (
            Rule(MONTHLY_, month_day=1, months=(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12)),
            "FREQ=MONTHLY;INTERVAL=1;BYMONTH=1,2,3,4,5,6,7,9,10,11,12;BYMONTHDAY=1",
            "every month on the 1st, but not in August",
        ),
        (
            Rule(DAILY, months=(3, 4, 5, 6, 7, 8, 9, 10, 11)),
            "FREQ=DAILY;INTERVAL=1;BYMONTH=3,4,5,6,7,8,9,10,11",
            "every day, but not from December to February",
        ),
        (
            Rule(DAILY, months=(4, 5, 6, 7, 8, 9, 10, 11)),
            "FREQ=DAILY;INTERVAL=1;BYMONTH=4,5,6,7,8,9,10,11",
            "every day, only from April to November",
        ),
        (
            Rule(YEARLY, month_day=3, months=(5,)),
            "FREQ=YEARLY;INTERVAL=1;BYMONTH=5;BYMONTHDAY=3",
            "every year on 3 May",
        ),
        (
            Rule(YEARLY, 2, (4,), LAST, months=(10,)),
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=10;BYDAY=-1FR",
            "every 2 years on the last Friday of October",
        ),
    ],
)
def test_a_rule_is_written_as_rrule_and_as_sentence(rule, text, sentence):
    assert (rule.text, rule.sentence) == (text, sentence)
    assert parse(text) == rule


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "nonsense",
        "FREQ=HOURLY",
        "FREQ=WEEKLY",
        "FREQ=MONTHLY",
        "FREQ=YEARLY;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=MONTHLY;BYMONTHDAY=30,31",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=400",
        "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;UNTIL=20270101",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;INTERVAL=²",
    ],
)
def test_what_the_builder_cannot_say_is_refused(wrong):
    with pytest.raises(RuleError):
        parse(wrong)


def test_another_spelling_means_the_same():
    assert parse("RRULE:byday=TH,MO;freq=weekly") == Rule(WEEKLY_, 1, (0, 3))


def test_the_first_monday_of_every_third_month():
    assert days(FIRST_MONDAY, date(2026, 1, 1)) == ["2026-01-05", "2026-04-06", "2026-07-06", "2026-10-05"]


def test_the_31st_is_the_last_day_of_shorter_months():
    assert days(Rule(MONTHLY_, month_day=31), date(2026, 1, 15)) == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]


def test_29_february_is_the_28th_in_most_years():
    rule = Rule(YEARLY, month_day=29, months=(2,))
    assert days(rule, date(2027, 1, 1), count=5) == [
        "2027-02-28",
        "2028-02-29",
        "2029-02-28",
        "2030-02-28",
        "2031-02-28",
    ]
    assert rule.sentence == "every year on 29 February (or the last day of the month)"


def test_a_month_without_the_day_is_not_counted_twice():
    """The 30th of February is the 28th, not the 2nd of March too."""
    assert days(Rule(MONTHLY_, month_day=30), date(2027, 2, 1), count=2) == ["2027-02-28", "2027-03-30"]


def test_the_season_goes_over_the_end_of_the_year():
    rule = Rule(MONTHLY_, 1, month_day=1, months=(1, 12))
    assert days(rule, date(2026, 6, 1)) == ["2026-12-01", "2027-01-01", "2027-12-01", "2028-01-01"]


def test_it_ends_with_its_last_day():
    assert days(Rule(DAILY), date(2026, 1, 1), ends_on=date(2026, 1, 2)) == ["2026-01-01", "2026-01-02"]


def test_every_second_month_from_january_is_never_february():
    schedule = Schedule(Rule(MONTHLY_, 2, month_day=1, months=(2,)), date(2026, 1, 1))
    assert not schedule.is_ever
    assert schedule.since(date(2026, 1, 1), count=1) == schedule.between(date(2026, 1, 1), date(2050, 1, 1)) == []


# Against dateutil ---------------------------------------------------------------------------------

starts = st.dates(date(2020, 1, 1), date(2035, 12, 31))
some_months = st.sets(st.integers(1, 12), max_size=5).map(lambda found: tuple(sorted(found)))
weekdays = st.sets(st.integers(0, 6), min_size=1).map(lambda found: tuple(sorted(found)))
in_the_month = st.one_of(
    st.sampled_from([*range(1, 32), LAST]).map(lambda day: {"month_day": day}),
    st.builds(
        lambda nth, day: {"nth": nth, "weekdays": day},
        st.sampled_from(list(NUMBERS)),
        st.one_of(st.integers(0, 6).map(lambda day: (day,)), st.just(WORKING_DAYS)),
    ),
)


def every(frequency):
    return st.integers(1, min(12, MOST[frequency]))


rules = st.one_of(
    st.builds(lambda every, months: Rule(DAILY, every, months=months), every(DAILY), some_months),
    st.builds(
        lambda every, days, months: Rule(WEEKLY_, every, days, months=months), every(WEEKLY_), weekdays, some_months
    ),
    st.builds(
        lambda every, on, months: Rule(MONTHLY_, every, months=months, **on), every(MONTHLY_), in_the_month, some_months
    ),
    st.builds(
        lambda every, on, month: Rule(YEARLY, every, months=(month,), **on),
        every(YEARLY),
        in_the_month,
        st.integers(1, 12),
    ),
)


@given(rules)
def test_what_is_written_is_read_again(rule):
    assert parse(rule.text) == rule
    assert rule.sentence.startswith("every ")


@given(rules, starts)
def test_days_are_those_of_dateutil(rule, starts_on):
    schedule = Schedule(rule, starts_on)
    last = starts_on + timedelta(days=800)
    theirs = rrulestr(rule.text, dtstart=datetime.combine(starts_on, time.min)) if schedule.is_ever else []
    expected = []
    for moment in theirs:
        if moment.date() > last:
            break
        expected.append(moment.date())
    assert schedule.between(starts_on, last) == expected
    assert schedule.since(starts_on, count=3) == expected[:3] or len(expected) < 3


@given(rules, starts)
def test_days_are_in_order_once_each_and_in_their_months(rule, starts_on):
    found = Schedule(rule, starts_on).between(starts_on, starts_on + timedelta(days=1500))
    assert found == sorted(set(found))
    assert all(day.month in rule.months for day in found if rule.months)
    if rule.frequency in (MONTHLY_, YEARLY):
        assert len({(day.year, day.month) for day in found}) == len(found)


@given(starts, st.integers(1, 31))
def test_every_month_has_its_day_or_its_last(starts_on, number):
    found = Schedule(Rule(MONTHLY_, month_day=number), starts_on).since(starts_on, count=24)
    assert all(day.day == min(number, monthrange(day.year, day.month)[1]) for day in found)
    plain = rrule(MONTHLY, bymonthday=number, dtstart=datetime.combine(starts_on, time.min), count=10)
    assert {moment.date() for moment in plain if moment.date() <= found[-1]} <= set(found)


@given(starts, st.integers(1, 8), weekdays)
def test_weeks_begin_on_monday_as_dateutil_counts_them(starts_on, interval, chosen):
    found = Schedule(Rule(WEEKLY_, interval, chosen), starts_on).since(starts_on, count=20)
    options = {"interval": interval, "byweekday": [by_day(day) for day in chosen], "count": 20}
    theirs = rrule(WEEKLY, dtstart=datetime.combine(starts_on, time.min), **options)
    assert found == [moment.date() for moment in theirs]


@given(starts)
def test_days_before_the_first_are_never_due(starts_on):
    schedule = Schedule(Rule(DAILY), starts_on)
    assert schedule.between(starts_on - timedelta(days=9), starts_on) == [starts_on]


# Times of day -------------------------------------------------------------------------------------


def block(day, starts, ends, zone=NEW_YORK):
    return block_on(day, starts=time.fromisoformat(starts), ends=time.fromisoformat(ends), zone=zone)


@pytest.mark.parametrize(
    "day, opens",
    [
        (date(2026, 3, 7), 14),  # EST
        (date(2026, 3, 8), 13),  # the clocks have gone forward
        (date(2026, 10, 31), 13),
        (date(2026, 11, 1), 14),  # the clocks have gone back
    ],
)
def test_nine_stays_nine_when_the_clocks_change(day, opens):
    starts_at, ends_at = block(day, "09:00", "11:00")
    assert starts_at == datetime(day.year, day.month, day.day, opens, tzinfo=UTC)
    assert ends_at - starts_at == timedelta(hours=2)


def test_a_time_that_is_skipped_is_an_hour_later():
    assert block(date(2026, 3, 8), "02:30", "04:00") == (
        datetime(2026, 3, 8, 7, 30, tzinfo=UTC),
        datetime(2026, 3, 8, 8, 0, tzinfo=UTC),
    )


def test_a_block_around_the_end_of_the_skipped_hour_keeps_its_length():
    starts_at, ends_at = block(date(2026, 3, 8), "02:45", "03:15")
    assert ends_at - starts_at == timedelta(minutes=30)


def test_a_time_that_comes_twice_is_the_first():
    starts_at, ends_at = block(date(2026, 11, 1), "01:30", "02:30")
    assert starts_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert ends_at == datetime(2026, 11, 1, 7, 30, tzinfo=UTC)  # two hours on that day


@given(
    st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    st.times(),
    st.times(),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tokyo"]),
)
def test_a_block_never_ends_before_it_begins(day, one, other, zone):
    starts, ends = sorted((one, other))
    if starts < ends:
        starts_at, ends_at = block_on(day, starts=starts, ends=ends, zone=ZoneInfo(zone))
        assert starts_at < ends_at


def test_without_times_there_is_no_block():
    assert block_on(date(2026, 3, 8), starts=None, ends=None, zone=NEW_YORK) is None


# What is made -------------------------------------------------------------------------------------

WEEKS = Schedule(Rule(WEEKLY_, 1, (0,)), date(2026, 1, 5))  # Mondays
TODAY = date(2026, 3, 4)  # a Wednesday
SINCE = date(2026, 1, 1)


def to_make(schedule=WEEKS, *, known=(), ahead=14, since=SINCE, today=TODAY):
    return days_to_make(schedule, since=since, today=today, ahead=ahead, known=set(known))


def test_visits_are_made_ahead():
    assert to_make(since=TODAY) == [date(2026, 3, 9), date(2026, 3, 16)]


def test_what_is_known_is_not_made_again():
    assert to_make(since=TODAY, known=[date(2026, 3, 9)]) == [date(2026, 3, 16)]


def test_of_those_missed_only_the_last_is_made_up_for_and_only_once():
    found = to_make(known=[date(2026, 2, 9)])
    assert found == [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)]
    assert to_make(known=[date(2026, 2, 9), *found]) == []


def test_a_new_plan_makes_nothing_of_its_past():
    assert to_make(since=TODAY, ahead=1) == []


def test_today_is_not_missed_yet():
    assert to_make(today=date(2026, 3, 9), since=date(2026, 3, 9), ahead=1) == [date(2026, 3, 9)]


def day(number):
    return date(2026, 3, number)


def test_visits_on_days_that_stay_due_stay():
    assert realigned([day(2), day(9)], [day(2), day(5), day(9)], taken=()) == {day(2): day(2), day(9): day(9)}


def test_the_others_move_in_order_to_free_days():
    moves = realigned([day(2), day(9), day(16)], [day(4), day(11), day(18)], taken={day(11)})
    assert moves == {day(2): day(4), day(9): day(18), day(16): None}
