"""What the actions make of a job's clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch import actions
from dispatch.models import Job, Priority, Status
from sla.models import Clock, Violation
from tests.factories import make_job

State = Clock.State
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York
HOUR = timedelta(hours=1)


@pytest.fixture
def job(dana, tess):
    """High: response in 4 hours, resolution in 24."""
    return make_job(by=dana, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)


def clocks_of(job):
    job = Job.objects.select_related("response_clock", "resolution_clock").get(pk=job.pk)
    return job.response_clock, job.resolution_clock


def go(job, to, *, by, at, **more):
    return actions.change_status(job, to, by=by, now=at, **more)


def test_a_new_job_has_until_its_targets(job):
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at) == (MONDAY + 4 * HOUR, MONDAY + 24 * HOUR)
    assert response.at_risk_at == MONDAY + 3 * HOUR


def test_setting_off_ends_the_response_and_completing_the_resolution(job, dana, tess):
    go(job, Status.ASSIGNED, by=dana, technician=tess, at=MONDAY + HOUR)
    go(job, Status.EN_ROUTE, by=tess.user, at=MONDAY + 2 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.state, response.decided_at, response.wall_seconds) == (State.MET, MONDAY + 2 * HOUR, 7200)
    assert (response.technician, resolution.state) == (tess, State.RUNNING)
    go(job, Status.IN_PROGRESS, by=tess.user, at=MONDAY + 3 * HOUR)
    go(job, Status.COMPLETED, by=tess.user, at=MONDAY + 30 * HOUR)
    response, resolution = clocks_of(job)
    assert response.ended_at == MONDAY + 2 * HOUR
    assert (resolution.state, resolution.decided_at, resolution.ended_at) == (
        State.BREACHED,
        MONDAY + 24 * HOUR,
        MONDAY + 30 * HOUR,
    )
    violation = Violation.objects.get()
    assert (violation.kind, violation.technician, violation.breached_at) == ("resolution", tess, MONDAY + 24 * HOUR)


def test_a_hold_moves_the_resolution_only(job, dana):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    response, resolution = clocks_of(job)
    assert (response.state, resolution.state, resolution.due_at) == (State.RUNNING, State.PAUSED, None)
    actions.release_job(job, by=dana, now=MONDAY + 3 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at) == (MONDAY + 4 * HOUR, MONDAY + 26 * HOUR)


def test_another_priority_counts_from_the_creation_and_keeps_the_pause(job, dana):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    actions.release_job(job, by=dana, now=MONDAY + 2 * HOUR)
    actions.set_priority(job, Priority.URGENT, by=dana, now=MONDAY + 2 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.state, response.decided_at) == (State.BREACHED, MONDAY + HOUR)
    assert resolution.due_at == MONDAY + 5 * HOUR


def test_what_was_done_and_undone_does_not_count(job, dana, tess):
    go(job, Status.ASSIGNED, by=dana, technician=tess, at=MONDAY)
    go(job, Status.EN_ROUTE, by=dana, at=MONDAY + HOUR)
    actions.undo_action(actions.last_to_undo(dana), by=dana, now=MONDAY + HOUR)
    response, _ = clocks_of(job)
    assert (response.state, response.ended_at) == (State.RUNNING, None)


def test_turning_back_leaves_the_response_met(job, dana, tess):
    go(job, Status.ASSIGNED, by=dana, technician=tess, at=MONDAY)
    go(job, Status.EN_ROUTE, by=tess.user, at=MONDAY + HOUR)
    go(job, Status.ASSIGNED, by=tess.user, at=MONDAY + 2 * HOUR)
    assert clocks_of(job)[0].state == State.MET


def test_cancelling_stops_both_and_reinstating_goes_on_without_that_time(job, dana):
    actions.change_status(job, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + HOUR)
    assert {clock.state for clock in clocks_of(job)} == {State.STOPPED}
    go(job, Status.CREATED, by=dana, at=MONDAY + 3 * HOUR)
    response, resolution = clocks_of(job)
    assert (response.due_at, resolution.due_at) == (MONDAY + 6 * HOUR, MONDAY + 26 * HOUR)


def test_reopening_leaves_out_the_time_for_which_it_was_done(job, dana, tess):
    go(job, Status.ASSIGNED, by=dana, technician=tess, at=MONDAY)
    go(job, Status.IN_PROGRESS, by=tess.user, at=MONDAY + HOUR)
    go(job, Status.COMPLETED, by=tess.user, at=MONDAY + 2 * HOUR)
    go(job, Status.IN_PROGRESS, by=dana, at=MONDAY + 12 * HOUR, note="Leaks again")
    response, resolution = clocks_of(job)
    assert (response.state, response.ended_at) == (State.MET, MONDAY + HOUR)
    assert (resolution.state, resolution.due_at, resolution.ended_at) == (State.RUNNING, MONDAY + 34 * HOUR, None)
