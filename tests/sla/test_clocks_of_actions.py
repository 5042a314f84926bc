"""The clocks where what happens to a job is not the plain way from its creation to its completion."""

from copy import copy
from datetime import UTC, datetime, timedelta

import pytest

from dispatch import actions
from dispatch.actions.clocks import keep_clocks
from dispatch.actions.past import PastJob, remember_jobs
from dispatch.models import BillingRecord, Job, Priority, Status, StatusChange
from sla.models import (
    BusinessCalendar,
    Clock,
    ClockPause,
    ResolutionClock,
    ResponseClock,
    SLAPolicy,
    SLATarget,
    Violation,
)
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, TechnicianFactory, make_job

State = Clock.State
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ON_THE_WAY = [(Status.EN_ROUTE, 1 * HOUR), (Status.IN_PROGRESS, 2 * HOUR), (Status.COMPLETED, 3 * HOUR)]


@pytest.fixture
def job(dana, tess):
    """High: response in 4 hours, resolution in 24. Tess has had it from the beginning."""
    new = make_job(by=dana, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    return actions.assign_job(new, tess, by=dana, now=MONDAY)


@pytest.fixture
def emergency():
    """High: response in 1 hour, resolution in 4."""
    return SLAPolicy.objects.get(name="Emergency")


def clocks_of(job):
    job = Job.objects.select_related("response_clock", "resolution_clock").get(pk=job.pk)
    return getattr(job, "response_clock", None), getattr(job, "resolution_clock", None)


def pauses_of(job):
    return list(ClockPause.objects.filter(job=job).values_list("cause", "starts_at", "ends_at"))


def go(job, to, *, by, at=None, after=None, **more):
    return actions.change_status(job, to, by=by, now=at or MONDAY + after, note="Because", **more)


def bring(job, *, to, by):
    for status, after in ON_THE_WAY:
        job = go(job, status, by=by, after=after)
        if status == to:
            return job
    raise ValueError(to)


# Holds --------------------------------------------------------------------------------------------


def test_a_job_that_is_held_from_its_creation_has_its_whole_time_when_it_is_released(job, dana):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY)
    actions.release_job(job, by=dana, now=MONDAY + 30 * HOUR)
    assert clocks_of(job)[1].due_at == MONDAY + 54 * HOUR


def test_several_holds_add_up(job, dana):
    for hours in (1, 4, 9):
        actions.hold_job(job, "Parts", by=dana, now=MONDAY + hours * HOUR)
        actions.release_job(job, by=dana, now=MONDAY + hours * HOUR + 90 * MINUTE)
    assert clocks_of(job)[1].due_at == MONDAY + 28.5 * HOUR
    assert len(pauses_of(job)) == 3


def test_a_hold_stops_the_response_too_where_the_policy_says_so(job, dana):
    SLAPolicy.objects.update(hold_pauses_response=True)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    assert clocks_of(job)[0].state == State.PAUSED
    actions.release_job(job, by=dana, now=MONDAY + 3 * HOUR)
    assert clocks_of(job)[0].due_at == MONDAY + 6 * HOUR


def test_a_hold_that_comes_after_the_deadline_hides_no_breach(job, dana):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 25 * HOUR)
    assert clocks_of(job)[1].state == State.BREACHED
    assert Violation.objects.get(kind="resolution").breached_at == MONDAY + 24 * HOUR


def test_completing_releases_the_hold_and_does_not_count_it(job, dana, tess):
    bring(job, to=Status.IN_PROGRESS, by=tess.user)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 3 * HOUR)
    go(job, Status.COMPLETED, by=tess.user, after=40 * HOUR)
    resolution = clocks_of(job)[1]
    assert (resolution.state, resolution.wall_seconds, resolution.counted_seconds) == (State.MET, 144_000, 10_800)
    assert resolution.due_at == MONDAY + (24 + 37) * HOUR
    assert pauses_of(job) == [("hold", MONDAY + 3 * HOUR, MONDAY + 40 * HOUR)]


def test_cancelling_ends_the_hold_and_reinstating_begins_after_both(job, dana):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 1 * HOUR)
    go(job, Status.CANCELLED, by=dana, after=3 * HOUR)
    go(job, Status.CREATED, by=dana, after=10 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at) == (MONDAY + 11 * HOUR, MONDAY + 33 * HOUR)
    assert pauses_of(job) == [
        ("hold", MONDAY + 1 * HOUR, MONDAY + 3 * HOUR),
        ("cancelled", MONDAY + 3 * HOUR, MONDAY + 10 * HOUR),
    ]


def test_people_are_warned_once_however_often_a_job_at_risk_is_held(job, dana):
    ResolutionClock.objects.update(is_at_risk=True, warned_at=MONDAY)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 20 * HOUR)
    actions.release_job(job, by=dana, now=MONDAY + 21 * HOUR)
    resolution = clocks_of(job)[1]
    assert (resolution.is_at_risk, resolution.at_risk_at) == (True, MONDAY + 18 * HOUR)


def test_more_time_takes_the_warning_back(job, dana):
    ResponseClock.objects.update(is_at_risk=True, warned_at=MONDAY)
    actions.set_priority(job, Priority.LOW, by=dana, now=MONDAY + 3.5 * HOUR)
    response = clocks_of(job)[0]
    assert (response.is_at_risk, response.warned_at) == (False, None)


def test_a_hold_from_before_there_were_clocks_is_a_pause_once_it_is_released(job, dana):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    ClockPause.objects.all().delete()
    actions.release_job(job, by=dana, now=MONDAY + 3 * HOUR)
    assert pauses_of(job) == [("hold", MONDAY + HOUR, MONDAY + 3 * HOUR)]


# Another target -----------------------------------------------------------------------------------


def test_another_customers_policy_counts_from_the_creation_and_keeps_the_pause(job, dana, emergency):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 10 * MINUTE)
    actions.release_job(job, by=dana, now=MONDAY + 40 * MINUTE)
    customer = CustomerFactory(sla_policy=emergency)
    actions.edit_job(job, {"customer": customer}, by=dana, base_version=job.version, now=MONDAY + 50 * MINUTE)
    response, resolution = clocks_of(job)
    assert (response.policy, response.due_at) == (emergency, MONDAY + HOUR)
    assert resolution.due_at == MONDAY + 4.5 * HOUR


def test_another_type_brings_its_policy_and_a_customers_own_goes_first(job, dana, emergency):
    gas = JobTypeFactory(name="Gas leak", sla_policy=emergency)
    actions.edit_job(job, {"job_type": gas}, by=dana, base_version=job.version, now=MONDAY)
    assert clocks_of(job)[0].due_at == MONDAY + HOUR
    premium = CustomerFactory(sla_policy=SLAPolicy.objects.get(name="Premium"))
    actions.edit_job(job, {"customer": premium}, by=dana, base_version=job.version + 1, now=MONDAY)
    assert clocks_of(job)[0].due_at == MONDAY + 2 * HOUR


def test_what_is_decided_stays_under_the_target_that_decided_it(job, dana, tess):
    go(job, Status.EN_ROUTE, by=tess.user, after=2 * HOUR)
    actions.set_priority(job, Priority.URGENT, by=dana, now=MONDAY + 3 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.state, response.amount, resolution.due_at) == (State.MET, 4, MONDAY + 4 * HOUR)


def test_a_priority_without_targets_has_no_clocks_and_gets_them_back(job, dana):
    SLATarget.objects.filter(priority=Priority.LOW).update(response_amount=None, resolution_amount=None)
    actions.set_priority(job, Priority.LOW, by=dana, now=MONDAY + HOUR)
    assert clocks_of(job) == (None, None)
    actions.set_priority(job, Priority.HIGH, by=dana, now=MONDAY + 2 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at) == (MONDAY + 4 * HOUR, MONDAY + 24 * HOUR)


@pytest.mark.parametrize("turns_back", [False, True])
def test_a_response_target_that_comes_after_the_response_counts_when_somebody_set_off(job, dana, tess, turns_back):
    SLATarget.objects.filter(priority=Priority.LOW).update(response_amount=None)
    actions.set_priority(job, Priority.LOW, by=dana, now=MONDAY)
    go(job, Status.EN_ROUTE, by=tess.user, after=1 * HOUR)
    if turns_back:
        go(job, Status.ASSIGNED, by=tess.user, after=2 * HOUR)
    actions.set_priority(job, Priority.HIGH, by=dana, now=MONDAY + 9 * HOUR)
    response = clocks_of(job)[0]
    assert (response.state, response.ended_at, response.wall_seconds) == (State.MET, MONDAY + HOUR, 3600)


def test_a_setting_off_that_was_undone_meets_no_target_that_comes_later(job, dana):
    SLATarget.objects.filter(priority=Priority.LOW).update(response_amount=None)
    actions.set_priority(job, Priority.LOW, by=dana, now=MONDAY)
    go(job, Status.EN_ROUTE, by=dana, after=1 * HOUR)
    actions.undo_action(actions.last_to_undo(dana), by=dana, now=MONDAY + 2 * HOUR)
    actions.set_priority(job, Priority.HIGH, by=dana, now=MONDAY + 3 * HOUR)
    assert clocks_of(job)[0].state == State.RUNNING


def test_a_cancelled_job_with_another_priority_is_reinstated_with_its_targets(job, dana):
    go(job, Status.CANCELLED, by=dana, after=30 * MINUTE)
    edited = Job.objects.get(pk=job.pk)
    actions.edit_job(edited, {"priority": Priority.URGENT}, by=dana, base_version=edited.version, now=MONDAY + 9 * HOUR)
    assert {clock.state for clock in clocks_of(job)} == {State.STOPPED}
    go(job, Status.CREATED, by=dana, after=10 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at) == (MONDAY + 10.5 * HOUR, MONDAY + 13.5 * HOUR)


def test_who_edits_the_business_hours_changes_no_deadline_by_it(dana, tess):
    """Not even that of a job that goes on or is completed afterwards: only whoever says so does."""
    job = make_job(by=dana, priority=Priority.NORMAL, created_at=MONDAY, now=MONDAY)  # 3 business days
    actions.assign_job(job, tess, by=dana, now=MONDAY)
    due_at = clocks_of(job)[1].due_at
    calendar = BusinessCalendar.objects.get()
    calendar.opening_intervals.exclude(weekday=0).delete()
    bring(job, to=Status.IN_PROGRESS, by=tess.user)
    assert clocks_of(job)[1].due_at == due_at
    go(job, Status.COMPLETED, by=tess.user, at=due_at + MINUTE)
    assert (clocks_of(job)[1].state, clocks_of(job)[1].decided_at) == (State.BREACHED, due_at)


def test_a_calendar_that_never_opens_lets_nothing_run_out(dana):
    BusinessCalendar.objects.get().opening_intervals.all().delete()
    job = make_job(by=dana, priority=Priority.NORMAL, created_at=MONDAY, now=MONDAY)
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at, resolution.state) == (MONDAY + DAY, None, State.PAUSED)
    go(job, Status.CANCELLED, by=dana, after=HOUR)
    assert clocks_of(job)[1].state == State.STOPPED


def test_business_days_go_on_over_the_weekend(dana):
    friday = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # 17:30 in New York: the next opening is on Monday at 8
    job = make_job(by=dana, priority=Priority.NORMAL, created_at=friday, now=friday)
    assert clocks_of(job)[1].due_at == datetime(2026, 11, 26, 13, tzinfo=UTC)


# What is done, late, and taken back ---------------------------------------------------------------


def test_going_straight_to_work_is_a_response(job, tess):
    go(job, Status.IN_PROGRESS, by=tess.user, after=2 * HOUR)
    response = clocks_of(job)[0]
    assert (response.state, response.ended_at, response.technician) == (State.MET, MONDAY + 2 * HOUR, tess)


def test_setting_off_at_the_very_deadline_is_in_time(job, tess):
    go(job, Status.EN_ROUTE, by=tess.user, after=4 * HOUR)
    assert clocks_of(job)[0].state == State.MET


def test_setting_off_a_microsecond_later_is_not(job, tess):
    go(job, Status.EN_ROUTE, by=tess.user, at=MONDAY + 4 * HOUR + timedelta(microseconds=1))
    assert clocks_of(job)[0].state == State.BREACHED


def test_a_breach_stays_when_a_job_is_reopened_and_completed_again(job, dana, tess):
    bring(job, to=Status.IN_PROGRESS, by=tess.user)
    go(job, Status.COMPLETED, by=tess.user, after=30 * HOUR)
    go(job, Status.IN_PROGRESS, by=dana, after=40 * HOUR)
    resolution = clocks_of(job)[1]
    assert (resolution.state, resolution.ended_at, resolution.is_open) == (State.BREACHED, None, True)
    go(job, Status.COMPLETED, by=tess.user, after=41 * HOUR)
    resolution = clocks_of(job)[1]
    assert (resolution.decided_at, resolution.ended_at) == (MONDAY + 24 * HOUR, MONDAY + 41 * HOUR)
    assert (resolution.wall_seconds, resolution.counted_seconds) == (41 * 3600, 31 * 3600)
    assert Violation.objects.count() == 1


def test_a_job_that_is_reopened_and_then_late_is_a_violation(job, dana, tess):
    bring(job, to=Status.COMPLETED, by=tess.user)
    go(job, Status.IN_PROGRESS, by=dana, after=13 * HOUR)
    assert clocks_of(job)[1].due_at == MONDAY + 34 * HOUR
    go(job, Status.COMPLETED, by=tess.user, after=35 * HOUR)
    assert Violation.objects.get().breached_at == MONDAY + 34 * HOUR


def test_cancelling_in_time_leaves_nothing_to_count(job, dana):
    go(job, Status.CANCELLED, by=dana, after=1 * HOUR)
    assert [(clock.state, clock.decided_at, clock.ended_at) for clock in clocks_of(job)] == [
        (State.STOPPED, None, MONDAY + HOUR)
    ] * 2
    assert not Violation.objects.exists()


def test_cancelling_after_the_response_leaves_the_response_met(job, dana, tess):
    go(job, Status.EN_ROUTE, by=tess.user, after=1 * HOUR)
    go(job, Status.CANCELLED, by=dana, after=2 * HOUR)
    assert [clock.state for clock in clocks_of(job)] == [State.MET, State.STOPPED]


def test_cancelling_after_the_deadline_does_not_hide_the_breach_that_no_check_has_seen_yet(job, dana):
    go(job, Status.CANCELLED, by=dana, after=5 * HOUR)
    assert [clock.state for clock in clocks_of(job)] == [State.BREACHED, State.STOPPED]
    assert Violation.objects.get().breached_at == MONDAY + 4 * HOUR


def test_a_recorded_breach_outlives_the_job(job, dana):
    actions.check_sla(now=MONDAY + 4 * HOUR + MINUTE)
    go(job, Status.CANCELLED, by=dana, after=5 * HOUR)
    go(job, Status.CREATED, by=dana, after=6 * HOUR)
    response = clocks_of(job)[0]
    assert (response.state, response.decided_at, response.ended_at) == (State.BREACHED, MONDAY + 4 * HOUR, None)
    assert Violation.objects.count() == 1


def test_who_had_the_job_at_its_deadline_broke_the_target(job, dana, tess):
    """Not whoever helps out afterwards, nor whoever had it before."""
    rescuer = TechnicianFactory()
    actions.assign_job(job, rescuer, by=dana, now=MONDAY + 4 * HOUR + MINUTE)
    go(job, Status.EN_ROUTE, by=rescuer.user, after=4 * HOUR + 2 * MINUTE)
    assert Violation.objects.get().technician == clocks_of(job)[0].technician == tess


def test_nobody_broke_the_target_of_a_job_that_nobody_had(job, dana, tess):
    actions.unassign_job(job, by=dana, now=MONDAY + 3 * HOUR)
    actions.assign_job(job, tess, by=dana, now=MONDAY + 5 * HOUR)
    go(job, Status.EN_ROUTE, by=tess.user, after=5 * HOUR)
    assert Violation.objects.get().technician is None


# A phone that was offline -------------------------------------------------------------------------


def test_a_tap_that_comes_late_counts_when_it_was_made(job, tess):
    go(job, Status.EN_ROUTE, by=tess.user, after=6 * HOUR, happened_at=MONDAY + 3 * HOUR)
    response = clocks_of(job)[0]
    assert (response.state, response.ended_at) == (State.MET, MONDAY + 3 * HOUR)


def test_a_breach_that_was_recorded_before_the_tap_came_stays_and_says_when_it_was_done(job, tess):
    actions.check_sla(now=MONDAY + 4 * HOUR + MINUTE)
    go(job, Status.EN_ROUTE, by=tess.user, after=6 * HOUR, happened_at=MONDAY + 3 * HOUR)
    response = clocks_of(job)[0]
    assert (response.state, response.ended_at, response.wall_seconds) == (State.BREACHED, MONDAY + 3 * HOUR, 10_800)


def test_a_queue_of_taps_breaks_no_target_between_two_of_them(job, tess):
    for status, after in ON_THE_WAY:
        go(job, status, by=tess.user, after=30 * HOUR, happened_at=MONDAY + after)
    assert [clock.state for clock in clocks_of(job)] == [State.MET, State.MET]
    assert not Violation.objects.exists()


def test_a_completion_from_before_the_hold_takes_no_notice_of_it(job, dana, tess):
    bring(job, to=Status.IN_PROGRESS, by=tess.user)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 5 * HOUR)
    go(job, Status.COMPLETED, by=tess.user, after=6 * HOUR, happened_at=MONDAY + 4 * HOUR)
    resolution = clocks_of(job)[1]
    assert (resolution.counted_seconds, resolution.ended_at) == (4 * 3600, MONDAY + 4 * HOUR)
    assert pauses_of(job) == []


# Undo and redo ------------------------------------------------------------------------------------


def set_off(job, by):
    go(job, Status.EN_ROUTE, by=by, after=1 * HOUR)


def start_work(job, by):
    go(job, Status.IN_PROGRESS, by=by, after=1 * HOUR)


def complete(job, by):
    go(job, Status.COMPLETED, by=by, after=3 * HOUR)


def cancel(job, by):
    go(job, Status.CANCELLED, by=by, after=1 * HOUR)


def reinstate(job, by):
    go(job, Status.CREATED, by=by, after=2 * HOUR)


def reopen(job, by):
    go(job, Status.IN_PROGRESS, by=by, after=5 * HOUR)


def hold(job, by):
    actions.hold_job(job, "Parts", by=by, now=MONDAY + 1 * HOUR)


def release(job, by):
    actions.release_job(job, by=by, now=MONDAY + 2 * HOUR)


def raise_priority(job, by):
    actions.set_priority(job, Priority.NORMAL, by=by, now=MONDAY + 1 * HOUR)


def change_customer(job, by):
    customer = CustomerFactory(sla_policy=SLAPolicy.objects.get(name="Premium"))
    base_version = Job.objects.get(pk=job.pk).version
    actions.edit_job(job, {"customer": customer}, by=by, base_version=base_version, now=MONDAY + 1 * HOUR)


def turn_back(job, by):
    go(job, Status.ASSIGNED, by=by, after=90 * MINUTE)


def set_off_again(job, by):
    go(job, Status.EN_ROUTE, by=by, after=2 * HOUR)


def state_of(job):
    """All that the clocks say but for what reports read beside it."""
    names = ("state", "policy_id", "priority", "due_at", "at_risk_at", "ended_at", "decided_at")
    names += ("wall_seconds", "counted_seconds", "is_at_risk")
    return [{name: getattr(clock, name) for name in names} for clock in clocks_of(job)], pauses_of(job)


@pytest.mark.parametrize(
    "earlier, action",
    [
        ([], set_off),
        ([], start_work),
        ([start_work], complete),
        ([hold], cancel),
        ([], cancel),
        ([set_off], cancel),
        ([cancel], reinstate),
        ([start_work, complete], reopen),
        ([], hold),
        ([hold], release),
        ([], raise_priority),
        ([hold, release], raise_priority),
        ([], change_customer),
        ([set_off], turn_back),
        ([set_off, turn_back], set_off_again),
    ],
)
def test_what_is_undone_has_never_been_and_what_is_redone_is_as_it_was(job, dana, earlier, action):
    for step in earlier:
        step(job, dana)
    before = state_of(job)
    action(job, dana)
    after = state_of(job)
    for minutes, expected in ((7, before), (9, after), (11, before)):
        last = actions.last_to_redo(dana) if expected is after else actions.last_to_undo(dana)
        actions.undo_action(last, by=dana, now=MONDAY + 5 * HOUR + minutes * MINUTE)
        assert state_of(job) == expected


def test_a_job_whose_creation_is_undone_stops_its_clocks_and_redone_loses_no_time(dana):
    job = make_job(by=dana, priority=Priority.LOW, created_at=MONDAY, now=MONDAY)
    before = state_of(job)
    actions.undo_action(actions.last_to_undo(dana), by=dana, now=MONDAY + HOUR)
    assert [clock.ended_at for clock in clocks_of(job)] == [MONDAY + HOUR] * 2
    actions.undo_action(actions.last_to_redo(dana), by=dana, now=MONDAY + 2 * HOUR)
    assert state_of(job) == before


def test_a_breach_stays_even_where_what_made_it_is_undone(job, dana):
    """It was on people's screens, and what they wrote about it must not vanish."""
    actions.set_priority(job, Priority.URGENT, by=dana, now=MONDAY + 2 * HOUR)
    actions.undo_action(actions.last_to_undo(dana), by=dana, now=MONDAY + 2 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.state, resolution.due_at) == (State.BREACHED, MONDAY + 24 * HOUR)


# What it costs ------------------------------------------------------------------------------------


def become(job, **fields):
    changed = copy(job)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


@pytest.mark.parametrize(
    "was, becomes, queries",
    [
        ({"status": Status.CREATED}, {"status": Status.ASSIGNED}, 0),
        ({"status": Status.ASSIGNED}, {"status": Status.CREATED}, 0),
        ({"status": Status.EN_ROUTE}, {"status": Status.IN_PROGRESS}, 0),
        (
            {"status": Status.ASSIGNED},
            {"status": Status.EN_ROUTE, "en_route_at": MONDAY},
            3,
        ),  # pauses, clocks, one saved
        ({"status": Status.EN_ROUTE}, {"status": Status.ASSIGNED}, 2),  # nothing to save
        ({"status": Status.ASSIGNED}, {"status": Status.CANCELLED, "cancelled_at": MONDAY}, 4),
        ({}, {"priority": Priority.URGENT}, 6),  # the policies and their targets besides
        ({}, {"held_at": MONDAY, "hold_reason": "Parts"}, 6),  # does it stop the response?
    ],
)
def test_only_what_concerns_the_clocks_asks_for_them(job, was, becomes, queries, django_assert_num_queries):
    job = become(job, **was)
    with django_assert_num_queries(queries):
        keep_clocks(job, become(job, **becomes), at=MONDAY, now=MONDAY)


# New jobs -----------------------------------------------------------------------------------------


def test_a_job_that_is_entered_after_the_call_counts_from_the_call_and_the_check_finds_it_late(dana):
    job = make_job(by=dana, priority=Priority.HIGH, created_at=MONDAY - 5 * HOUR, now=MONDAY)
    response = clocks_of(job)[0]
    assert (response.state, response.due_at) == (State.RUNNING, MONDAY - HOUR)
    actions.check_sla(now=MONDAY)
    assert Violation.objects.get().breached_at == MONDAY - HOUR


def test_follow_ups_and_copies_have_clocks_of_their_own(job, dana):
    tomorrow = MONDAY + DAY
    for again in (
        actions.follow_up_job(job, by=dana, now=tomorrow),
        actions.duplicate_job(job, by=dana, now=tomorrow),
    ):
        assert [clock.started_at for clock in clocks_of(again)] == [tomorrow] * 2
    assert clocks_of(job)[0].started_at == MONDAY


def imported(site, **fields):
    return Job(
        customer=site.customer,
        site=site,
        job_type=JobTypeFactory(),
        priority=Priority.HIGH,
        created_at=MONDAY,
        **fields,
    )


def test_imported_jobs_have_the_clocks_of_their_customers(dana, emergency):
    sites = [SiteFactory(), SiteFactory(customer__sla_policy=emergency)]
    jobs = [imported(site, external_id=str(number)) for number, site in enumerate(sites)]
    actions.create_jobs(jobs, by=None, now=MONDAY + HOUR)
    assert [clocks_of(job)[0].due_at - MONDAY for job in jobs] == [4 * HOUR, 1 * HOUR]


def test_an_import_that_changes_the_priority_changes_the_deadlines(dana):
    jobs = [imported(SiteFactory(), external_id=str(number)) for number in range(2)]
    actions.create_jobs(jobs, by=None, now=MONDAY)
    changes = [(job, {"priority": Priority.LOW}) for job in Job.objects.select_related("site")]
    actions.update_created_jobs(changes, by=None, now=MONDAY + HOUR)
    assert [clocks_of(job)[0].due_at - MONDAY for job in jobs] == [48 * HOUR, 48 * HOUR]


def test_a_policy_without_targets_gives_no_clocks(dana):
    policy = SLAPolicy.objects.create(name="Nothing promised", calendar=BusinessCalendar.objects.get())
    job = make_job(by=dana, site=SiteFactory(customer__sla_policy=policy), created_at=MONDAY, now=MONDAY)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    assert clocks_of(job) == (None, None)


# What was over before -----------------------------------------------------------------------------


def test_history_in_bulk_is_what_the_actions_would_have_left(job, dana, tess):
    """With a hold, a second visit, and both targets broken."""
    go(job, Status.EN_ROUTE, by=tess.user, after=5 * HOUR)
    go(job, Status.IN_PROGRESS, by=tess.user, after=6 * HOUR)
    go(job, Status.ASSIGNED, by=tess.user, after=7 * HOUR)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + 8 * HOUR)
    actions.release_job(job, by=dana, now=MONDAY + 20 * HOUR)
    go(job, Status.EN_ROUTE, by=tess.user, after=50 * HOUR)
    go(job, Status.IN_PROGRESS, by=tess.user, after=51 * HOUR)
    job = go(job, Status.COMPLETED, by=tess.user, after=52 * HOUR)
    past = as_past(job)
    remember_jobs([past], now=MONDAY + 52 * HOUR)
    left_out = ("_state", "job_id", "id", "is_at_risk", "warned_at", "recorded_at")
    for name in ("response_clock", "resolution_clock", "billing"):
        one, other = (vars(getattr(Job.objects.get(pk=pk), name)) for pk in (job.pk, past.job.pk))
        assert {k: v for k, v in one.items() if k not in left_out} == {
            k: v for k, v in other.items() if k not in left_out
        }
    violations = Violation.objects.order_by("job", "kind").values_list("kind", "breached_at", "technician", "priority")
    assert list(violations[:2]) == list(violations[2:])
    assert BillingRecord.objects.count() == 2


def as_past(job):
    """The same job and its history, as if it had never been saved."""
    log = list(StatusChange.objects.filter(job=job))
    holds = list(ClockPause.objects.filter(job=job))
    job = Job.objects.select_related("site", "customer", "job_type", "technician").get(pk=job.pk)
    for row in (job, *log, *holds):
        row.pk, row._state.adding = None, True
    return PastJob(job, log, holds)
