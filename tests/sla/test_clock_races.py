"""Two people change the same job in the same moment: its clocks agree with what became of it."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch import actions
from dispatch.models import Job, Priority, Status
from sla.models import Clock, ClockPause, Violation
from sla.policies import Policies
from tests.factories import TechnicianFactory, UserFactory, make_job
from tests.threads import at_the_same_time, winners_and_losers

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
State = Clock.State
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def job(dana):
    """High, and somebody is on it for an hour."""
    worker = TechnicianFactory()
    job = make_job(by=dana, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    job = actions.assign_job(job, worker, by=dana, now=MONDAY)
    return actions.change_status(job, Status.IN_PROGRESS, by=worker.user, now=MONDAY + HOUR)


def change(job, to, by, *, after):
    actions.change_status(job, to, by=by, note="Because", now=MONDAY + after)


def complete(job, by):
    change(job, Status.COMPLETED, by, after=3 * HOUR)


def complete_late(job, by):
    change(job, Status.COMPLETED, by, after=25 * HOUR)


def cancel(job, by):
    change(job, Status.CANCELLED, by, after=3 * HOUR)


def interrupt(job, by):
    change(job, Status.ASSIGNED, by, after=3 * HOUR)


def hold(job, by):
    actions.hold_job(job, "Parts", by=by, now=MONDAY + 3 * HOUR)


def raise_priority(job, by):
    actions.set_priority(job, Priority.URGENT, by=by, now=MONDAY + 3 * HOUR)


def edit(job, by):
    actions.edit_job(job, {"priority": Priority.LOW}, by=by, base_version=job.version, now=MONDAY + 3 * HOUR)


def check(job, by):
    actions.check_sla(now=MONDAY + 25 * HOUR)


@pytest.mark.parametrize(
    "one, other",
    [
        (hold, complete),
        (hold, hold),
        (complete, cancel),
        (raise_priority, complete),
        (raise_priority, edit),
        (interrupt, hold),
        (check, complete_late),
        (check, hold),
    ],
)
def test_the_clocks_agree_with_what_became_of_the_job(job, north, one, other):
    users = [UserFactory(role="dispatcher") for _ in range(2)]
    outcomes = at_the_same_time(lambda: one(job, users[0]), lambda: other(job, users[1]))
    winners, losers = winners_and_losers(outcomes)
    assert winners
    assert all(isinstance(loser, actions.ActionRefused) for loser in losers)
    assert_in_line(job)


def assert_in_line(job):
    job = Job.objects.select_related("response_clock", "resolution_clock").get(pk=job.pk)
    pauses, policies = list(ClockPause.objects.filter(job=job)), Policies()
    assert sum(pause.ends_at is None for pause in pauses) == job.is_on_hold
    assert job.response_clock.state == State.MET
    clock = job.resolution_clock
    due_at = policies.clock(clock, pauses).due_at
    assert Violation.objects.filter(kind="resolution").count() == (clock.state == State.BREACHED)
    if clock.state == State.BREACHED:
        assert clock.decided_at == MONDAY + clock.amount * HOUR
    else:
        assert clock.due_at == due_at
        assert clock.priority == job.priority or clock.state == State.MET  # decided before it was raised
        assert clock.state == {
            Status.COMPLETED: State.MET,
            Status.CANCELLED: State.STOPPED,
        }.get(job.status, State.PAUSED if job.is_on_hold else State.RUNNING)
    if job.status == Status.COMPLETED:
        assert clock.ended_at == job.completed_at
