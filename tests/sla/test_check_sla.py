"""The five-minute check: what it records, whom it tells, and that it does so once."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from dispatch import actions, realtime, tasks
from dispatch.actions import clocks
from dispatch.models import Job, Notification, Priority, Status, Suggestion
from dispatch.notices.notify import Kind
from dispatch.queueing import enqueue
from dispatch.roles import Role
from sla import check
from sla.models import BusinessCalendar, Clock, SLAPolicy, Violation
from tests.factories import CustomerFactory, SiteFactory, TechnicianFactory, UserFactory, make_job
from zones.access import grant_zones

State = Clock.State
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York; business hours are 8 to 17
EVENING = datetime(2026, 11, 16, 23, tzinfo=UTC)  # 18:00
TUESDAY_8 = datetime(2026, 11, 17, 13, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def new_job(dana, north):
    """High: response in 4 hours, resolution in 24."""

    def make(priority=Priority.HIGH, *, at=MONDAY, zone=north, **fields):
        return make_job(by=dana, zone=zone, priority=priority, created_at=at, now=at, **fields)

    return make


def response_of(job):
    return Job.objects.select_related("response_clock").get(pk=job.pk).response_clock


def told(user, kind=Kind.SLA_BREACHED):
    return list(Notification.objects.filter(recipient=user, kind=kind).order_by("pk").values_list("text", flat=True))


def nothing():
    return {"breached": 0, "at_risk": 0, "told": 0, "warned": 0}


# Recording ----------------------------------------------------------------------------------------


def test_a_target_is_breached_only_after_its_deadline(new_job):
    job = new_job()
    actions.check_sla(now=MONDAY + 4 * HOUR)
    assert response_of(job).state == State.RUNNING
    assert actions.check_sla(now=MONDAY + 4 * HOUR + timedelta(microseconds=1))["breached"] == 1
    assert response_of(job).state == State.BREACHED


def test_a_breach_is_recorded_with_whoever_had_the_job(new_job, dana, tess, north):
    job = actions.assign_job(new_job(), tess, by=dana, now=MONDAY)
    actions.check_sla(now=MONDAY + 4 * HOUR + MINUTE)
    clock, violation = response_of(job), Violation.objects.get()
    assert (clock.state, clock.decided_at, clock.ended_at) == (State.BREACHED, MONDAY + 4 * HOUR, None)
    assert (clock.technician, clock.zone, clock.job_type, clock.customer) == (tess, north, job.job_type, job.customer)
    assert (violation.job, violation.kind, violation.policy) == (job, "response", clock.policy)
    assert (violation.technician, violation.zone, violation.job_type) == (tess, north, job.job_type)
    assert (violation.priority, violation.recorded_at) == (Priority.HIGH, MONDAY + 4 * HOUR + MINUTE)


def test_a_job_that_changed_hands_after_its_deadline_is_charged_to_who_had_it(new_job, dana, tess, north):
    job = actions.assign_job(new_job(), tess, by=dana, now=MONDAY)
    rescuer = TechnicianFactory(zones=[north])
    actions.assign_job(job, rescuer, by=dana, now=MONDAY + 4 * HOUR + MINUTE)
    actions.check_sla(now=MONDAY + 4 * HOUR + 5 * MINUTE)
    assert response_of(job).technician == Violation.objects.get().technician == tess


def test_the_check_writes_what_an_action_would_have(new_job, dana, tess):
    """Two jobs, late by the same: one is seen by the check, one is begun before it comes."""
    seen, begun = (actions.assign_job(new_job(), tess, by=dana, now=MONDAY) for _ in range(2))
    late = MONDAY + 4 * HOUR + MINUTE
    actions.change_status(begun, Status.EN_ROUTE, by=tess.user, now=late)
    actions.check_sla(now=late)
    written = [
        {name: getattr(response_of(job), name) for name in ("due_at", "policy", *check.WHAT_A_BREACH_SETS[:-1])}
        for job in (seen, begun)
    ]
    assert written[0] == written[1]
    recorded = Violation.objects.values_list("kind", "breached_at", "recorded_at", "policy", "technician", "priority")
    assert len(set(recorded)) == 1
    assert Violation.objects.count() == 2


def test_a_check_that_comes_hours_late_records_when_it_really_breached(new_job):
    new_job()
    assert actions.check_sla(now=MONDAY + 3 * DAY) == {"breached": 2, "at_risk": 0, "told": 2, "warned": 0}
    recorded = {violation.kind: violation for violation in Violation.objects.all()}
    assert recorded["response"].breached_at == MONDAY + 4 * HOUR
    assert recorded["resolution"].breached_at == MONDAY + 24 * HOUR
    assert {violation.recorded_at for violation in recorded.values()} == {MONDAY + 3 * DAY}


def test_a_job_completed_late_between_two_checks_is_a_violation_once(new_job, dana, tess):
    job = actions.assign_job(new_job(), tess, by=dana, now=MONDAY)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user, now=MONDAY + HOUR)
    actions.change_status(job, Status.IN_PROGRESS, by=tess.user, now=MONDAY + 2 * HOUR)
    actions.check_sla(now=MONDAY + DAY - MINUTE)
    assert not Violation.objects.exists()
    actions.change_status(job, Status.COMPLETED, by=tess.user, now=MONDAY + DAY + 2 * MINUTE)
    assert actions.check_sla(now=MONDAY + DAY + 4 * MINUTE)["breached"] == 0
    violation = Violation.objects.get()
    assert (violation.kind, violation.breached_at, violation.technician) == ("resolution", MONDAY + DAY, tess)
    assert len(told(dana)) == 1
    assert "came 2 min late" in told(dana)[0]


def test_what_was_met_cancelled_or_put_on_hold_in_time_is_left_alone(new_job, dana, tess):
    done, cancelled, held = new_job(), new_job(), new_job()
    actions.assign_job(done, tess, by=dana, now=MONDAY)
    for step in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
        actions.change_status(done, step, by=tess.user, now=MONDAY + HOUR)
    actions.change_status(cancelled, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + HOUR)
    actions.hold_job(held, "Parts", by=dana, now=MONDAY + HOUR)
    actions.check_sla(now=MONDAY + 2 * DAY)
    assert list(Violation.objects.values_list("job", "kind")) == [(held.pk, "response")]  # a hold stops the resolution


def test_a_second_check_finds_nothing_to_do(new_job, dana):
    new_job(), new_job(at=MONDAY + HOUR)
    now = MONDAY + 4 * HOUR + MINUTE
    first = actions.check_sla(now=now)
    assert first == {"breached": 1, "at_risk": 1, "told": 1, "warned": 1}
    assert actions.check_sla(now=now) == nothing()
    assert (len(told(dana)), len(told(dana, Kind.SLA_AT_RISK))) == (1, 1)


def test_more_than_a_batch_is_done_in_one_check(new_job, dana, monkeypatch):
    monkeypatch.setattr(check, "BATCH", 2)
    for _ in range(5):
        new_job()
    assert actions.check_sla(now=MONDAY + 3 * HOUR)["warned"] == 5
    assert actions.check_sla(now=MONDAY + 5 * HOUR)["told"] == 5
    assert len(told(dana)) == len(told(dana, Kind.SLA_AT_RISK)) == 5


def test_it_takes_as_many_queries_for_fifty_jobs_as_for_five(new_job, omar):
    def queries(jobs, at):
        actions.check_sla(now=at)  # whatever earlier ones have left
        for _ in range(jobs):
            new_job(at=at)
        with CaptureQueriesContext(connection) as captured:
            assert actions.check_sla(now=at + 4 * HOUR + MINUTE)["told"] == jobs
        return len(captured)

    assert queries(5, at=MONDAY) == queries(50, at=MONDAY + 2 * DAY)


# At risk ------------------------------------------------------------------------------------------


def test_three_quarters_of_the_time_make_it_at_risk(new_job, dana):
    job = new_job()
    assert actions.check_sla(now=MONDAY + 3 * HOUR - MINUTE) == nothing()
    assert actions.check_sla(now=MONDAY + 3 * HOUR)["at_risk"] == 1
    clock = response_of(job)
    assert (clock.state, clock.is_at_risk, clock.warned_at) == (State.RUNNING, True, MONDAY + 3 * HOUR)
    assert len(told(dana, Kind.SLA_AT_RISK)) == 1


def test_nobody_is_warned_of_what_is_breached_already(new_job, dana):
    new_job()
    actions.check_sla(now=MONDAY + 5 * HOUR)
    assert (len(told(dana)), told(dana, Kind.SLA_AT_RISK)) == (1, [])


def test_another_deadline_may_come_to_be_at_risk_anew(new_job, dana):
    job = new_job(Priority.HIGH)
    actions.check_sla(now=MONDAY + 3 * HOUR)
    actions.set_priority(job, Priority.NORMAL, by=dana, now=MONDAY + 3 * HOUR)
    assert actions.check_sla(now=MONDAY + 4 * HOUR) == nothing()
    actions.check_sla(now=MONDAY + 22 * HOUR + 30 * MINUTE)  # 18 of 24 hours were over at night
    assert len(told(dana, Kind.SLA_AT_RISK)) == 2


# Whom and when ------------------------------------------------------------------------------------


def test_dispatchers_of_the_zone_and_managers_are_told_once_each(new_job, dana, omar, south, tess):
    sara = UserFactory(username="sara", role=Role.DISPATCHER)
    grant_zones(sara, [south])
    new_job()
    actions.check_sla(now=MONDAY + 5 * HOUR)
    assert (len(told(dana)), len(told(omar)), told(sara), told(tess.user)) == (1, 1, [], [])


def test_everyone_hears_of_a_job_in_no_zone(new_job, dana, south):
    sara = UserFactory(username="sara", role=Role.DISPATCHER)
    grant_zones(sara, [south])
    new_job(zone=None)
    actions.check_sla(now=MONDAY + 5 * HOUR)
    assert (len(told(dana)), len(told(sara))) == (1, 1)


def test_after_hours_only_the_urgent_is_told_and_the_rest_in_the_morning(new_job, dana):
    urgent, high = new_job(Priority.URGENT, at=EVENING), new_job(at=EVENING)
    assert actions.check_sla(now=EVENING + 4 * HOUR + MINUTE)["told"] == 2  # response and resolution of the urgent one
    assert all(text.startswith(urgent.number) for text in told(dana))
    violation = Violation.objects.get(job=high)
    assert (violation.recorded_at, violation.told_at) == (EVENING + 4 * HOUR + MINUTE, None)

    assert actions.check_sla(now=TUESDAY_8 - MINUTE)["told"] == 0
    assert actions.check_sla(now=TUESDAY_8)["told"] == 1
    assert told(dana)[-1] == (
        f"{high.number} for {high.customer}: response within 4 hours was due on Mon 16 Nov at 22:00, 10 h ago. "
        "Nobody has it."
    )


def test_a_warning_waits_for_the_morning_unless_it_has_breached_by_then(new_job, dana):
    new_job(at=EVENING - 2 * HOUR)  # response at risk at 19:00 and due at 20:00, resolution at risk at 10:00
    slow = new_job(Priority.NORMAL, at=EVENING - 6 * HOUR)  # response at risk at 6:00 and due at 12:00
    actions.check_sla(now=EVENING + 2 * HOUR)
    actions.check_sla(now=TUESDAY_8 - 30 * MINUTE)
    assert told(dana, Kind.SLA_AT_RISK) == told(dana) == []
    actions.check_sla(now=TUESDAY_8)
    assert [text.split(" ")[0] for text in told(dana, Kind.SLA_AT_RISK)] == [slow.number]
    assert len(told(dana)) == 1


def test_a_business_that_never_closes_is_told_at_any_hour(new_job, dana):
    calendar = BusinessCalendar.objects.get()
    calendar.opening_intervals.update(opens_at="00:00", closes_at="00:00")
    new_job(at=EVENING)
    assert actions.check_sla(now=EVENING + 5 * HOUR)["told"] == 1


def test_without_any_opening_hours_there_is_no_morning_to_wait_for(new_job, dana):
    BusinessCalendar.objects.get().opening_intervals.all().delete()
    new_job(at=EVENING)
    assert actions.check_sla(now=EVENING + 5 * HOUR)["told"] == 1


def test_each_policy_keeps_its_own_hours(new_job, dana):
    night = BusinessCalendar.objects.create(name="Night shift", time_zone="America/New_York")
    for weekday in range(7):
        night.opening_intervals.create(weekday=weekday, opens_at="17:00", closes_at="00:00")
    customer = CustomerFactory(sla_policy=SLAPolicy.objects.get(name="Premium"))
    SLAPolicy.objects.filter(name="Premium").update(calendar=night)
    theirs = new_job(at=EVENING, site=SiteFactory(customer=customer))
    new_job(at=EVENING)
    actions.check_sla(now=EVENING + 4 * HOUR + MINUTE)  # 22:01
    assert [text.split(" ")[0] for text in told(dana)] == [theirs.number]


def test_nobody_is_told_of_breaches_older_than_a_week(new_job, dana):
    """As of jobs that were imported with their history."""
    new_job(at=MONDAY - 30 * DAY)
    recent = new_job(at=MONDAY - 6 * DAY)
    done = actions.check_sla(now=MONDAY)
    assert (done["breached"], done["told"]) == (4, 2)
    assert all(text.startswith(recent.number) for text in told(dana))


def test_a_breach_that_an_action_recorded_is_told_of_too(new_job, dana, tess):
    job = actions.assign_job(new_job(), tess, by=dana, now=MONDAY)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user, now=MONDAY + 4 * HOUR + 12 * MINUTE)
    assert told(dana) == []
    assert actions.tell_of_sla(now=MONDAY + 4 * HOUR + 12 * MINUTE) == {"told": 1, "warned": 0}
    assert told(dana) == [
        f"{job.number} for {job.customer}: response within 4 hours was due at 14:00 and came 12 min late. Tess has it."
    ]


def test_a_job_that_is_begun_too_late_is_told_of_at_once(new_job, dana, tess, monkeypatch):
    asked = []
    monkeypatch.setattr(clocks, "enqueue_once", asked.append)
    job = actions.assign_job(new_job(), tess, by=dana, now=MONDAY)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user, now=MONDAY + 5 * HOUR)
    actions.change_status(job, Status.IN_PROGRESS, by=tess.user, now=MONDAY + 6 * HOUR)
    assert [import_string(task) for task in asked] == [tasks.tell_of_sla]


def test_what_several_jobs_breach_together_is_told_by_one_task(new_job, dana, tess, monkeypatch):
    asked = []
    monkeypatch.setattr("dispatch.queueing.enqueue", lambda task, **to: asked.append(task) or enqueue(task, **to))
    first, second, third = (actions.assign_job(new_job(), tess, by=dana, now=MONDAY) for _ in range(3))
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            actions.change_status(first, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + 5 * HOUR)
            raise ZeroDivisionError
        assert len(asked) == 1
        for job in (first, second, third):
            actions.change_status(job, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + 5 * HOUR)
    assert asked == [clocks.TELL, clocks.TELL]  # the first one went with what was taken back


# In words -----------------------------------------------------------------------------------------


def test_a_warning_says_job_customer_target_time_and_technician(new_job, dana, tess):
    job = actions.assign_job(new_job(), tess, by=dana, now=MONDAY)
    actions.check_sla(now=MONDAY + 3 * HOUR + 2 * MINUTE)
    assert told(dana, Kind.SLA_AT_RISK) == [
        f"{job.number} for {job.customer}: response within 4 hours is due at 14:00, in 58 min. Tess has it."
    ]


def test_what_is_told_late_says_what_has_become_of_the_job(new_job, dana, tess, north):
    cancelled, completed, passed_on = (new_job(at=EVENING) for _ in range(3))
    late = EVENING + 4 * HOUR + MINUTE
    actions.check_sla(now=late)
    actions.change_status(cancelled, Status.CANCELLED, by=dana, note="Called off", now=late)
    actions.assign_job(passed_on, TechnicianFactory(user__first_name="Rosa", zones=[north]), by=dana, now=late)
    actions.assign_job(completed, tess, by=dana, now=late)
    actions.change_status(completed, Status.IN_PROGRESS, by=tess.user, now=late)
    actions.change_status(completed, Status.COMPLETED, by=tess.user, now=late + HOUR)
    actions.check_sla(now=TUESDAY_8)
    endings = {text.split(" ")[0]: text.split(" Nov at 22:00")[1] for text in told(dana)}
    assert endings == {
        cancelled.number: ", 10 h ago. Nobody had it; it is cancelled now.",
        passed_on.number: ", 10 h ago. Nobody had it, Rosa has it now.",
        completed.number: " and came 1 min late. Nobody had it; Tess has completed it.",
    }


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (timedelta(seconds=30), "less than a minute"),
        (61 * MINUTE, "1 h 01"),
        (47 * HOUR, "47 h"),
        (3 * DAY, "3 days"),
    ],
)
def test_lateness_is_told_as_one_would_say_it(new_job, dana, late, words):
    new_job(Priority.URGENT)
    actions.check_sla(now=MONDAY + HOUR + late)
    assert f", {words} ago." in next(text for text in told(dana) if "response" in text)


# Live, and what it leaves alone -------------------------------------------------------------------


def test_a_batch_is_one_live_event_of_its_zones(new_job, monkeypatch, django_capture_on_commit_callbacks, north):
    sent = []
    monkeypatch.setattr(realtime, "_publish_now", lambda *event: sent.append(event))
    ids = sorted(new_job().pk for _ in range(3))
    elsewhere = new_job(zone=None)
    with django_capture_on_commit_callbacks(execute=True):
        actions.check_sla(now=MONDAY + 5 * HOUR)
    boards = [event for event in sent if event[0] == "job-changed"]
    assert boards == [("job-changed", [f"zone.{north.pk}", "zone.none"], {"jobs": [*ids, elsewhere.pk]})]


def test_a_check_without_anything_due_tells_no_board(new_job, monkeypatch, django_capture_on_commit_callbacks):
    new_job()
    with django_capture_on_commit_callbacks() as callbacks:
        actions.check_sla(now=MONDAY + HOUR)
    assert callbacks == []


def test_a_job_that_is_late_is_still_the_job_that_a_suggestion_was_made_for(new_job, tess):
    job = new_job()
    suggestion = Suggestion.objects.create(
        job=job, technician=tess, score=80, factors=[], job_version=job.version, created_at=MONDAY
    )
    actions.check_sla(now=MONDAY + 5 * HOUR)
    suggestion.refresh_from_db()
    assert (suggestion.state, Job.objects.get(pk=job.pk).version) == (Suggestion.State.OPEN, suggestion.job_version)


def test_the_command_prints_what_it_did_as_json(new_job):
    new_job(at=datetime.now(UTC) - DAY - HOUR)
    out = StringIO()
    call_command("check_sla", stdout=out)
    assert json.loads(out.getvalue())["breached"] == 2
