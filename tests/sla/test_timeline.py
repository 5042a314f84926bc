"""The drawn clock: its pieces are contiguous, name their causes and add up to what is shown."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from sla.clock import BUSINESS_HOURS, HOURS, Calendar, Clock, Pause
from sla.models import ClockPause, ResolutionClock
from sla.timeline import draw

NEW_YORK = ZoneInfo("America/New_York")
WEEKDAYS = (((time(9), time(17)),),) * 5 + ((), ())
NINE_TO_FIVE = Calendar(NEW_YORK, WEEKDAYS)
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
State = ResolutionClock.State


def timeline_of(
    amount=4, unit=HOURS, *, pauses=(), until, started_at=MONDAY, state=State.RUNNING, calendar=NINE_TO_FIVE, **stored
):
    pure = tuple(Pause(pause.starts_at, pause.ends_at) for pause in pauses)
    reckoned = Clock(started_at, amount, unit, calendar, pure)
    due = {"due_at": reckoned.due_at, "at_risk_at": reckoned.due_at and reckoned.at_risk_at} | stored
    clock = ResolutionClock(job_id=1, amount=amount, unit=unit, started_at=started_at, state=state, **due)
    return draw(clock, reckoned, pauses, until=until, zone=NEW_YORK)


def hold(starts_at, ends_at=None, *, reason="Waiting for parts"):
    return ClockPause(cause=ClockPause.Cause.HOLD, reason=reason, starts_at=starts_at, ends_at=ends_at)


def told(timeline):
    return [(piece.kind, piece.seconds) for piece in timeline.pieces]


def test_a_clock_of_the_whole_day_is_one_piece():
    timeline = timeline_of(until=MONDAY + HOUR)
    assert told(timeline) == [("counted", 3600)]
    assert (timeline.percent_used, timeline.left_seconds, timeline.is_late) == (25, 3 * 3600, False)


def test_what_counts_after_the_deadline_is_told_apart():
    timeline = timeline_of(until=MONDAY + 5 * HOUR)
    assert told(timeline) == [("counted", 4 * 3600), ("over", 3600)]
    assert (timeline.over_seconds, timeline.counted_seconds, timeline.percent_used) == (3600, 5 * 3600, 125)


def test_a_hold_says_why():
    timeline = timeline_of(pauses=[hold(MONDAY + HOUR, MONDAY + 2 * HOUR)], until=MONDAY + 3 * HOUR)
    assert told(timeline) == [("counted", 3600), ("paused", 3600), ("counted", 3600)]
    assert timeline.pieces[1].cause == "On hold: Waiting for parts"


def test_a_reopened_job_says_that_it_was_done_meanwhile():
    gap = ClockPause(cause=ClockPause.Cause.COMPLETED, starts_at=MONDAY + HOUR, ends_at=MONDAY + 2 * HOUR)
    timeline = timeline_of(pauses=[gap], until=MONDAY + 3 * HOUR)
    assert timeline.pieces[1].cause == "Completed, until it was reopened"


def test_nights_and_weekends_are_told_where_business_hours_count():
    friday = datetime(2026, 11, 20, 21, tzinfo=UTC)  # 16:00
    timeline = timeline_of(2, BUSINESS_HOURS, started_at=friday, until=friday + 66 * HOUR)
    assert told(timeline) == [("counted", 3600), ("closed", 64 * 3600), ("counted", 3600)]
    assert [piece.cause for piece in timeline.pieces] == ["Business hours", "Outside business hours", "Business hours"]
    assert (timeline.counted_seconds, timeline.closed_seconds, timeline.percent_used) == (7200, 64 * 3600, 100)


def test_a_closed_stretch_names_the_days_off_in_it():
    wednesday = datetime(2026, 11, 25, 21, tzinfo=UTC)  # 16:00, Thanksgiving is next
    names = {date(2026, 11, 26): "Thanksgiving Day", date(2026, 11, 28): "A Saturday, closed anyway"}
    calendar = Calendar(NEW_YORK, WEEKDAYS, names, names.__getitem__)
    timeline = timeline_of(
        2, BUSINESS_HOURS, started_at=wednesday, until=wednesday + 42 * HOUR, state=State.MET, calendar=calendar
    )
    assert [piece.cause for piece in timeline.pieces][:3] == [
        "Business hours",
        "Outside business hours, Thanksgiving Day",
        "Business hours",
    ]
    assert timeline_of(4, BUSINESS_HOURS, started_at=wednesday, until=wednesday + 96 * HOUR).pieces[1].cause == (
        "Outside business hours"
    )


def test_pieces_cut_at_odd_moments_still_add_up():
    odd = timedelta(microseconds=700_000)
    pauses = [hold(MONDAY + HOUR + odd, MONDAY + 2 * HOUR - odd)]
    timeline = timeline_of(pauses=pauses, started_at=MONDAY - odd, until=MONDAY + 9 * HOUR + 3 * odd)
    assert sum(piece.seconds for piece in timeline.pieces) == timeline.total_seconds
    assert timeline.counted_seconds + timeline.paused_seconds + timeline.closed_seconds == timeline.total_seconds


def test_a_second_short_of_the_target_is_not_all_of_it():
    assert timeline_of(until=MONDAY + 4 * HOUR - SECOND).percent_used == 99


def test_pieces_lie_beside_each_other_and_the_deadline_in_sight():
    timeline = timeline_of(pauses=[hold(MONDAY + HOUR, MONDAY + 2 * HOUR)], until=MONDAY + 3 * HOUR)
    for before, after in zip(timeline.pieces, timeline.pieces[1:], strict=False):
        assert before.left + before.width == pytest.approx(after.left, abs=0.01)
    assert timeline.pieces[0].left == 0
    assert timeline.until_left < timeline.risk_left < timeline.due_left < 100


def test_a_paused_clock_has_no_deadline_to_draw():
    timeline = timeline_of(pauses=[hold(MONDAY + HOUR)], until=MONDAY + 2 * HOUR, state=State.PAUSED)
    assert (timeline.due_left, timeline.risk_left, timeline.would_be_due_at) == (None, None, None)


def test_the_promised_deadline_stands_when_the_calendar_was_edited():
    promised = MONDAY + 3 * HOUR
    timeline = timeline_of(until=MONDAY + HOUR, due_at=promised)
    assert timeline.would_be_due_at == MONDAY + 4 * HOUR
    met = timeline_of(until=MONDAY + HOUR, due_at=promised, state=State.MET)
    assert met.would_be_due_at is None


@pytest.mark.parametrize("length", [timedelta(0), SECOND, 20 * SECOND * 60, HOUR, 90 * HOUR, 24 * 400 * HOUR])
def test_ticks_stand_inside_and_are_few(length):
    timeline = timeline_of(until=MONDAY + length)
    assert len(timeline.ticks) <= 8
    assert all(4 <= tick.left <= 96 for tick in timeline.ticks), "a label at the very end would be cut off"


def test_a_tick_whose_label_would_be_cut_off_is_left_out():
    timeline = timeline_of(12, started_at=MONDAY - 71 * MINUTE, until=MONDAY + HOUR)  # from 8:49, a tick every 3 hours
    assert [tick.label for tick in timeline.ticks] == ["12:00", "15:00", "18:00"]
    assert timeline_of(12, started_at=MONDAY + 109 * MINUTE, until=MONDAY + HOUR).ticks[0].label == "15:00"


def test_ticks_keep_to_the_wall_clock_when_it_changes():
    saturday = datetime(2026, 10, 31, 14, tzinfo=UTC)  # the clocks go back the night after
    timeline = timeline_of(until=saturday + 24 * 5 * HOUR, started_at=saturday)
    assert [tick.label for tick in timeline.ticks] == ["Sun 1 Nov", "Mon 2 Nov", "Tue 3 Nov", "Wed 4 Nov", "Thu 5 Nov"]


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (4, "hours", "4 hours"),
        (1, "hours", "1 hour"),
        (30, "minutes", "30 minutes"),
        (1, "business_days", "1 business day"),
        (8, "business_hours", "8 business hours"),
    ],
)
def test_targets_are_said_in_words(amount, unit, words):
    assert ResolutionClock(amount=amount, unit=unit).target_text == words
