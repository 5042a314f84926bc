"""Periods, their parts, and the links of a report's numbers: no database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from sla.decided import figure_of
from sla.figures import BANDS, Dimension, Figure, Filters, Measure, Outcome, Tally, share
from sla.periods import Period, Step

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
ALL = Figure(Filters(), NOVEMBER)


def test_a_share_is_rounded_down():
    assert share(9999, 10000) == Decimal("99.9")
    assert Tally(ALL, met=1999, breached=1).compliance == Decimal("99.9")
    assert Tally(ALL, met=2, breached=0).compliance == 100


def test_nothing_decided_is_neither_good_nor_bad():
    assert Tally(ALL).compliance is None


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ((2026, 11, 16), (2026, 11, 22), ((2026, 11, 9), (2026, 11, 15))),
        ((2026, 3, 1), (2026, 3, 31), ((2026, 2, 1), (2026, 2, 28))),
        ((2026, 1, 1), (2026, 3, 31), ((2025, 10, 1), (2025, 12, 31))),
        ((2026, 2, 2), (2026, 2, 28), ((2026, 1, 6), (2026, 2, 1))),
    ],
    ids=["a week", "a month", "a quarter", "neither"],
)
def test_the_period_before_a_month_is_a_month(first, last, before):
    assert Period(date(*first), date(*last)).before == Period(*(date(*day) for day in before))


def test_a_day_has_23_or_25_hours_when_the_clocks_change():
    zone = ZoneInfo("America/New_York")
    hours = [
        (ends - begins).total_seconds() / 3600
        for day in (date(2026, 3, 8), date(2026, 11, 1))
        for begins, ends in [[at.astimezone(UTC) for at in Period(day, day).instants(zone)]]
    ]
    assert hours == [23, 25]


def test_a_day_begins_in_the_business_s_time():
    begins, _ = NOVEMBER.instants(ZoneInfo("America/New_York"))
    assert begins == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_weeks_begin_on_monday_and_are_cut_short_at_the_ends():
    parts = list(Period(date(2026, 11, 20), date(2026, 12, 1)).split(Step.WEEK))
    assert [(part.first.day, part.last.day) for part in parts] == [(20, 22), (23, 29), (30, 1)]


def test_months_end_on_their_last_day():
    parts = list(Period(date(2027, 12, 15), date(2028, 3, 3)).split(Step.MONTH))
    assert [part.last for part in parts] == [date(2027, 12, 31), date(2028, 1, 31), date(2028, 2, 29), date(2028, 3, 3)]


days = st.dates(date(2020, 1, 1), date(2030, 1, 1))
periods = st.builds(
    lambda day, length: Period(day, date.fromordinal(day.toordinal() + length)), days, st.integers(0, 800)
)


@given(period=periods, step=st.sampled_from(Step))
def test_the_parts_of_a_period_are_all_of_it(period, step):
    assert [day for part in period.split(step) for day in part] == list(period)


@given(period=periods, other=periods, step=st.sampled_from(Step))
def test_each_part_has_at_most_one_beside_it_that_lies_within_the_other_period(period, other, step):
    beside = list(other.split_like(period, step))
    assert len(beside) == len(list(period.split(step)))
    found = [day for part in beside if part for day in part]
    assert found == list(other)[: len(found)]


def test_november_stands_beside_october_day_by_day():
    october = NOVEMBER.before
    beside = list(october.split_like(NOVEMBER, Step.DAY))
    assert (beside[0].first, beside[-1].first) == (date(2026, 10, 1), date(2026, 10, 30))


def test_march_of_a_leap_year_stands_beside_march():
    year, leap = (Period(date(number, 1, 1), date(number, 12, 31)) for number in (2027, 2028))
    assert [part.first.month for part in year.split_like(leap, Step.MONTH)] == list(range(1, 13))


keys = st.frozensets(st.none() | st.integers(1, 10**6), max_size=3)
figures = st.builds(
    Figure,
    st.builds(Filters, **dict.fromkeys(Dimension.values, keys)),
    periods,
    kind=st.sampled_from(["", "response", "resolution"]),
    outcome=st.sampled_from(["", *Outcome.values]),
    open=st.booleans(),
    acknowledged=st.sampled_from([None, True, False]),
    started=st.none() | st.tuples(st.integers(0, 6), st.integers(0, 23)),
) | st.builds(
    Figure,
    st.just(Filters()),
    periods,
    measure=st.sampled_from(Measure.values),
    band=st.integers(0, len(BANDS) - 1),
)


@given(figures)
def test_a_figure_s_query_string_says_all_of_it(figure):
    assert figure_of(QueryDict(figure.query)) == figure


@pytest.mark.parametrize(
    "nonsense",
    [
        "from=2026-11-01",
        "from=2026-11-30&to=2026-11-01",
        "from=0001-01-01&to=9999-12-31",
        "from=yesterday&to=today",
        "from=2026-11-01&to=2026-11-30&kind=both",
        "from=2026-11-01&to=2026-11-30&outcome=stopped",
        "from=2026-11-01&to=2026-11-30&acknowledged=perhaps",
        "from=2026-11-01&to=2026-11-30&technician=tess",
        "from=2026-11-01&to=2026-11-30&zone=99999999999999999999999",
        "from=2026-11-01&to=2026-11-30&weekday=7&hour=1",
        "from=2026-11-01&to=2026-11-30&weekday=1",
        "from=2026-11-01&to=2026-11-30&measure=wall&band=11",
        "from=2026-11-01&to=2026-11-30&measure=wall&band=-1",
        "from=2026-11-01&to=2026-11-30&band=1",
    ],
)
def test_a_query_string_that_says_nothing_sensible_is_refused(nonsense):
    with pytest.raises(ValueError, match=r"."):
        figure_of(QueryDict(nonsense))
