"""SLA deadlines on the board: which one a job shows, how it is found and sorted, and what it means for a drop."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.board.countdown import Countdown, length
from dispatch.day.attention import needing_attention
from dispatch.day.dashboard import load_dashboard
from dispatch.effects import effect_of
from dispatch.job_entry import JobEntry
from dispatch.models import Job, Priority, Status
from dispatch.placement import moved_to
from dispatch.progress import Prediction
from dispatch.service_levels.effects import sla_sentence
from dispatch.smart.candidates import candidates_for
from dispatch.smart.matches import matches_for_entry
from sla.models import ClockKind, ResolutionClock, ResponseClock, SLATarget
from tests.dispatch.board_page import board_of, counts_on, day
from tests.factories import JobTypeFactory, make_job
from tests.pages import html_of, job_rows

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def job_since(omar, north, now):
    """A job that was created that long ago. High: response in 4 hours, resolution in 24."""

    def make(ago=timedelta(0), status=Status.CREATED, **fields):
        fields = {"priority": Priority.HIGH, "created_at": now - ago, "zone": north, **fields}
        return make_job(status, by=omar, **fields)

    return make


def fresh(job) -> Job:
    return Job.objects.with_board_info().get(pk=job.pk)


def shown(job, now) -> tuple[str, str, str]:
    countdown = Countdown.of(fresh(job).next_clock, now=now)
    return countdown.label, countdown.state, countdown.text


# Which one, and in which words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=59), "<1 min"),
        (timedelta(minutes=42, seconds=59), "42 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=3, minutes=5), "3 h 05"),
        (timedelta(hours=47, minutes=59), "47 h 59"),
        (timedelta(hours=71), "2 days"),
    ],
)
def test_what_is_left_is_rounded_down(span, text):
    assert length(span) == text


def test_a_deadline_is_missed_only_after_it_and_at_risk_from_three_quarters_on(now):
    clock = SimpleNamespace(kind=ClockKind.RESPONSE, due_at=now + HOUR, at_risk_at=now)
    states = {at: Countdown.of(clock, now=now + at).state for at in (-MINUTE, 0 * MINUTE, HOUR, HOUR + MINUTE / 60)}
    assert list(states.values()) == ["running", "at-risk", "at-risk", "breached"]
    assert Countdown.of(clock, now=now + HOUR + 12 * MINUTE).text == "12 min over"


def test_the_response_counts_until_somebody_sets_off_and_then_the_resolution(job_since, omar, tess, now):
    job = job_since(HOUR, Status.ASSIGNED, technician=tess)
    assert shown(job, now) == ("Response", "running", "3 h 00")
    actions.change_status(job, Status.EN_ROUTE, by=omar)
    assert shown(job, now) == ("Resolution", "running", "23 h 00")


def test_a_hold_shows_the_response_that_goes_on_or_a_pause(job_since, omar, tess, now):
    waiting, begun = job_since(), job_since(HOUR, Status.IN_PROGRESS, technician=tess)
    for job in (waiting, begun):
        actions.hold_job(job, "Parts", by=omar)
    assert shown(waiting, now)[0] == "Response"
    assert shown(begun, now) == ("Resolution", "paused", "paused")


def test_nothing_counts_down_for_what_is_closed_or_has_no_target(job_since):
    done, cancelled, unpromised = job_since(status=Status.COMPLETED), job_since(status=Status.CANCELLED), job_since()
    for model in (ResponseClock, ResolutionClock):
        model.objects.filter(job=unpromised).delete()
    assert [fresh(job).next_clock for job in (done, cancelled, unpromised)] == [None] * 3


# The list -----------------------------------------------------------------------------------------


@pytest.fixture
def board(client, omar):
    client.force_login(omar)
    return board_of(client)


def test_at_risk_and_breached_can_be_asked_for_and_are_counted_apart(board, job_since, omar, tess):
    calm, at_risk, breached = job_since(HOUR), job_since(3.5 * HOUR), job_since(5 * HOUR)
    both = job_since(23 * HOUR)  # its response is missed, its resolution at risk
    saved = job_since(19 * HOUR, Status.EN_ROUTE, technician=tess)  # set off late, but it can be done in time
    job_since(48 * HOUR, Status.CANCELLED)
    assert set(job_rows(board(sla="at_risk"))) == {at_risk.pk, saved.pk}
    assert set(job_rows(board(sla="breached"))) == {breached.pk, both.pk}
    counts = counts_on(board())
    assert (counts["sla_at_risk"], counts["sla_breached"]) == (2, 2)
    assert calm.pk in job_rows(board())


def test_a_paused_clock_is_neither_at_risk_nor_breached(board, job_since, omar, tess):
    job = job_since(20 * HOUR, Status.IN_PROGRESS, technician=tess)
    assert job_rows(board(sla="at_risk")) == [job.pk]
    actions.hold_job(job, "Parts", by=omar)
    assert job_rows(board(sla="at_risk")) == job_rows(board(sla="breached")) == []


def test_the_list_sorts_by_the_deadline_that_is_next(board, job_since, omar, tess):
    begun = job_since(22 * HOUR, Status.IN_PROGRESS, technician=tess)
    urgent, high, done = job_since(priority=Priority.URGENT), job_since(), job_since(status=Status.COMPLETED)
    assert job_rows(board(sort="sla")) == [urgent.pk, begun.pk, high.pk, done.pk]
    assert job_rows(board(sort="-sla"))[1:] == [high.pk, begun.pk, urgent.pk]


def test_a_row_says_until_when_and_what_the_browser_needs_to_count(board, job_since):
    job = fresh(job_since(3.5 * HOUR))
    page = html_of(board())
    chip = re.search(r'<span class="chip sla.*?</span></span></span>', page, flags=re.S)[0]
    assert f'data-due-at="{job.response_clock.due_at.isoformat()}"' in chip
    assert f'data-at-risk-at="{job.response_clock.at_risk_at.isoformat()}"' in chip
    assert 'data-state="at-risk"' in chip
    assert ", at risk" in chip
    assert "data-server-now=" in page


def test_a_row_that_was_drawn_a_moment_ago_shows_the_new_deadline_at_once(board, job_since, omar):
    job = job_since()
    before = html_of(board())
    actions.set_priority(job, Priority.URGENT, by=omar)
    due_at = fresh(job).response_clock.due_at.isoformat()
    assert due_at not in before
    assert due_at in html_of(board())


def test_dispatcher_does_not_count_deadlines_of_other_zones(client, dana, job_since, south):
    job_since(5 * HOUR, zone=south)
    mine = job_since(5 * HOUR)
    client.force_login(dana)
    page = board_of(client)(sla="breached")
    assert job_rows(page) == [mine.pk]
    assert counts_on(page)["sla_breached"] == 1


def test_the_trays_alerts_have_what_is_at_risk_and_what_is_breached(client, omar, job_since):
    pressing = {job_since(3.5 * HOUR).pk, job_since(5 * HOUR).pk}
    job_since(HOUR)
    client.force_login(omar)
    cards = re.findall(r'<article class="tray-card[^>]*data-job="(\d+)"', html_of(client.get("/board/?tray=alerts")))
    assert set(map(int, cards)) == pressing


# The map ------------------------------------------------------------------------------------------


def test_the_map_gets_the_clock_that_runs_out_next(client, omar, job_since, tess):
    client.force_login(omar)
    waiting, held, done = (
        job_since(),
        job_since(HOUR, Status.IN_PROGRESS, technician=tess),
        job_since(status=Status.COMPLETED),
    )
    actions.hold_job(held, "Parts", by=omar)
    answer = client.get(reverse("map_data")).json()
    found = {
        job["pk"]: job["sla"] for job in (dict(zip(answer["job_fields"], row, strict=True)) for row in answer["jobs"])
    }
    clock = fresh(waiting).response_clock
    instants = [int(at.timestamp()) for at in (clock.started_at, clock.at_risk_at, clock.due_at)]
    assert found == {waiting.pk: ["response", *instants], held.pk: ["resolution"], done.pk: None}


def test_the_maps_colouring_is_in_the_address(client, omar):
    client.force_login(omar)
    assert 'data-colour="sla"' in html_of(client.get(reverse("map") + "?colour=sla"))
    assert 'data-colour="status"' in html_of(client.get(reverse("map") + "?colour=red"))


# The dashboard ------------------------------------------------------------------------------------


def test_deadlines_that_press_need_attention_whatever_day_the_job_is_planned_on(omar, job_since, tess, now):
    breached = job_since(5 * HOUR, scheduled_on=day(3))
    at_risk = job_since(3.5 * HOUR, Status.ASSIGNED, technician=tess, scheduled_on=day(2))
    nobodys = job_since(3.5 * HOUR)
    rows = load_dashboard(omar, now=now).attention.rows
    assert [(row.job, [reason.text for reason in row.reasons]) for row in rows] == [
        (breached, ["Response target missed"]),
        (at_risk, ["Response at risk"]),
        (nobodys, ["Response at risk, and nobody has it"]),
    ]


def test_figures_of_deadlines_lead_to_the_jobs_of_all_days(client, omar, job_since, now):
    job_since(5 * HOUR, scheduled_on=day(3))
    figures = {figure.name: figure for figure in load_dashboard(omar, now=now).figures}
    client.force_login(omar)
    assert figures["sla_breached"].count == len(job_rows(client.get(figures["sla_breached"].url))) == 1
    assert figures["sla_at_risk"].count == 0


def test_attention_says_the_target_that_is_in_danger(job_since, omar, tess, now):
    job_since(20 * HOUR, Status.IN_PROGRESS, technician=tess)
    (row,) = needing_attention(Job.objects.all(), now=now, today=timezone.localdate(now)).rows
    assert row.worst.text == "Resolution at risk"


def test_the_hours_ahead_count_the_deadlines_of_open_jobs_and_those_with_nobody(
    omar, dana, job_since, tess, south, now
):
    job_since(priority=Priority.URGENT)  # response in 1 hour, resolution in 4
    job_since(priority=Priority.URGENT, status=Status.IN_PROGRESS, technician=tess, zone=south)  # resolution alone
    job_since(5 * HOUR)  # missed
    job_since(priority=Priority.URGENT, status=Status.CANCELLED)
    due = load_dashboard(omar, now=now).burn_down
    assert (due.total, due.nobody) == (3, 2)
    assert [(hour.total, hour.nobody) for hour in due.hours if hour.total] == [(1, 1), (2, 1)]
    assert load_dashboard(dana, now=now).burn_down.total == 2


# Smart dispatch and drops -------------------------------------------------------------------------


def test_candidates_are_told_whether_they_set_off_in_time(omar, job_since, tess, now):
    job = job_since(3 * HOUR, technician=None)
    (text,) = (candidate.score.text for candidate in candidates_for(fresh(job), user=omar, now=now))
    assert "the response target" in text


@pytest.mark.parametrize(("target", "is_told"), [(8, True), (None, False)])
def test_a_job_that_is_being_entered_is_held_to_the_target_that_it_will_have(omar, tess, now, target, is_told):
    SLATarget.objects.filter(policy__is_default=True, priority=Priority.HIGH).update(response_amount=target)
    typed = {"priority": Priority.HIGH, "job_type": JobTypeFactory().pk, "scheduled_on": timezone.localdate(now)}
    (match,) = matches_for_entry(JobEntry(typed, user=omar), user=omar, now=now).all
    assert ("the response target" in match.candidate.score.text) is is_told


def prediction(job, *, leaves_at, ends_at) -> Prediction:
    return Prediction(job.pk, 20, 9.0, leaves_at, leaves_at + 20 * MINUTE, leaves_at + 20 * MINUTE, ends_at, 0, 0)


@pytest.mark.parametrize(
    ("leaves_in", "ends_in", "sentence"),
    [
        (3 * HOUR, 5 * HOUR, "SLA: 1 h before its response deadline"),
        (3 * HOUR, 23.5 * HOUR, "SLA: 30 min before its resolution deadline"),
        (4.2 * HOUR, 5 * HOUR, "SLA: breaks its response target by 12 min"),
        (25 * HOUR, 26 * HOUR, "SLA: breaks its response target by 21 h and its resolution target by 2 h"),
    ],
)
def test_a_drop_says_what_is_left_or_which_targets_it_breaks(job_since, now, leaves_in, ends_in, sentence):
    job = fresh(job_since())
    own = prediction(job, leaves_at=now + leaves_in, ends_at=now + ends_in)
    assert sla_sentence(job, own, now=now) == sentence


def test_a_drop_does_not_blame_itself_for_a_target_that_was_missed_before(job_since, now):
    job = fresh(job_since(5 * HOUR))
    own = prediction(job, leaves_at=now + HOUR, ends_at=now + 2 * HOUR)
    assert sla_sentence(job, own, now=now) == "SLA: 17 h before its resolution deadline"


def test_a_drop_on_a_later_day_tells_of_the_deadline(omar, job_since, tess, now):
    job = fresh(job_since(priority=Priority.URGENT))
    placement = moved_to(job, technician=tess, day=day(1), starts_at=now + timedelta(days=1))
    assert any("breaks its response target" in text for text in effect_of(job, placement, user=omar, now=now).sentences)
