"""Where the marks of the report's charts stand."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.charts import BOTTOM, LEFT, RIGHT, TOP, band_chart, count_scale, heat_level, path_through, percent_scale
from sla.charts import trend_chart as draw_trend
from sla.figures import BANDS, Band, Figure, Filters, Point, Tally
from sla.periods import Period

DAY = timedelta(days=1)
FIRST = date(2026, 11, 2)


def tally(met, breached):
    return Tally(Figure(Filters(), Period(FIRST, FIRST)), met=met, breached=breached)


def trend_chart(*tallies, before=()):
    """One day each; (met, breached) pairs."""
    before = [*(tally(*pair) for pair in before), *[None] * (len(tallies) - len(before))]
    points = [
        Point(Period(FIRST + number * DAY, FIRST + number * DAY), tally(*pair), was)
        for number, (pair, was) in enumerate(zip(tallies, before, strict=True))
    ]
    return draw_trend(points, labels=[str(point.period.first.day) for point in points])


def labels(ticks):
    return [tick.label for tick in ticks]


def test_all_met_is_at_the_top_and_half_met_shows_the_whole_scale():
    chart = trend_chart((4, 0), (1, 3))
    assert [mark.y for mark in chart.marks] == [TOP, TOP + 0.75 * (BOTTOM - TOP)]
    assert labels(chart.up) == ["0 %", "25 %", "50 %", "75 %", "100 %"]


def test_a_good_months_scale_begins_where_its_worst_day_can_be_seen():
    assert labels(trend_chart((97, 3), (83, 17)).up) == ["80 %", "90 %", "100 %"]
    assert labels(trend_chart((97, 3), (1, 0)).up) == ["90 %", "92.5 %", "95 %", "97.5 %", "100 %"]


def test_the_comparison_is_on_the_same_scale():
    chart = trend_chart((97, 3), before=[(3, 97)])
    assert labels(chart.up)[0] == "0 %"
    assert chart.marks[0].before_y > chart.marks[0].y


def test_a_day_without_a_target_leaves_a_gap_in_the_line():
    chart = trend_chart((1, 0), (1, 0), (0, 0), (1, 0))
    assert chart.line.count("M") == 2
    assert chart.marks[2].y is None
    assert not chart.is_empty
    assert trend_chart((0, 0)).is_empty


def test_a_line_goes_through_what_is_known():
    assert path_through([(0, 1), (2, 3.5), None, (4, 5)]) == "M0 1L2 3.5M4 5"
    assert path_through([None]) == ""


def test_a_hundred_days_have_as_many_labels_as_there_is_room_for():
    chart = trend_chart(*[(1, 0)] * 100)
    assert len(chart.marks) == 100
    assert len(chart.across) <= 8
    assert labels(trend_chart((1, 0), (1, 0)).across) == ["2", "3"]


def test_bars_stand_on_each_other_and_end_at_the_bottom():
    bands = [Band(*BANDS[0], tally(6, 0)), Band(*BANDS[1], tally(2, 8)), Band(*BANDS[2], tally(0, 0))]
    chart = band_chart(bands, labels=["0", "15", "30"])
    first, second, third = chart.bars
    assert (first.breached_height, first.met_top + first.met_height) == (0, BOTTOM)
    assert second.top == TOP
    assert second.breached_height == pytest.approx(0.8 * (BOTTOM - TOP), abs=0.1)
    assert (third.met_height, third.breached_height) == (0, 0)
    assert labels(chart.up) == ["0", "2", "4", "6", "8", "10"]
    assert labels(chart.across) == ["0", "15", "30"]


def test_a_distribution_of_nothing_is_empty():
    chart = band_chart([Band(*BANDS[0], tally(0, 0))], labels=["0"])
    assert chart.is_empty
    assert labels(chart.up) == ["0", "1"]


@pytest.mark.parametrize(
    ("breached", "level"), [(0, 0), (1, 1), (25, 1), (26, 2), (50, 2), (51, 3), (75, 3), (76, 4), (100, 4)]
)
def test_the_hottest_quarter_is_the_darkest(breached, level):
    assert heat_level(breached, most=100) == level


def test_nothing_breached_is_cold():
    assert heat_level(0, most=0) == 0


@given(st.integers(0, 10**7))
def test_the_highest_bar_always_fits_and_takes_more_than_half_the_room(most):
    scale = count_scale(most)
    assert scale.high >= most
    assert len(scale.ticks()) <= 6
    assert TOP <= scale.y(most) <= BOTTOM
    assert most == 0 or scale.high <= 2 * most or most == 1


@given(st.lists(st.none() | st.decimals(0, 100, places=1)))
def test_no_percentage_falls_off_its_scale(values):
    scale = percent_scale(values)
    assert scale.ticks()[-1].at == TOP
    assert all(TOP <= scale.y(float(value)) <= BOTTOM for value in values if value is not None)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=120))
def test_marks_stay_in_the_plot_from_left_to_right(pairs):
    marks = trend_chart(*pairs).marks
    assert all(LEFT <= mark.x <= RIGHT for mark in marks)
    assert [mark.x for mark in marks] == sorted({mark.x for mark in marks})


def test_a_percentage_without_a_decimal_scale_is_exact():
    assert percent_scale([Decimal("99.9")]).y(100) == TOP
