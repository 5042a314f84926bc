"""Open jobs follow the rules as they are now, when somebody says so."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch import actions
from dispatch.actions import recalculation as recalculating
from dispatch.actions.clock_cases import has_to_be_asked, preview
from dispatch.models import FieldChange, Job, Priority, Status
from sla.models import (
    CLOCKS,
    Clock,
    ClockPause,
    ClockRecalculation,
    Holiday,
    ResolutionClock,
    ResponseClock,
    SLAPolicy,
    Violation,
)
from tests.e2e.live import database_url
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, make_job
from tests.threads import at_the_same_time

State = Clock.State
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York
HOUR = timedelta(hours=1)


@pytest.fixture
def standard(db):
    return SLAPolicy.objects.get(name="Standard")


@pytest.fixture
def premium(db):
    return SLAPolicy.objects.get(name="Premium")


@pytest.fixture
def job(dana):
    """High: response in 4 hours, resolution in 24."""
    return job_of(dana)


def job_of(by, **fields):
    return make_job(**{"by": by, "priority": Priority.HIGH, "created_at": MONDAY, "now": MONDAY, **fields})


def promise(policy, priority=Priority.HIGH, **target):
    policy.targets.filter(priority=priority).update(**target)


def recalculate(*, now=MONDAY, by=None, **scope):
    asked = actions.ask_for_recalculation(ClockRecalculation(**scope), by=by, now=now)
    return actions.work_out_recalculation(asked.pk, now=now)


def clocks_of(job):
    job = Job.objects.select_related("response_clock", "resolution_clock").get(pk=job.pk)
    return getattr(job, "response_clock", None), getattr(job, "resolution_clock", None)


def counts(recalculation):
    return recalculation.done, recalculation.changed, recalculation.breached


# What follows -------------------------------------------------------------------------------------


def test_editing_a_policy_changes_nothing_until_somebody_says_so(job, standard):
    promise(standard, response_amount=2)
    assert clocks_of(job)[0].due_at == MONDAY + 4 * HOUR
    done = recalculate(policy=standard)
    assert clocks_of(job)[0].due_at == MONDAY + 2 * HOUR
    assert (done.state, counts(done)) == ("done", (1, 1, 0))
    assert done.result_text == "1 job, 1 with other deadlines, 0 breached"


def test_run_twice_it_changes_nothing_more(job, standard):
    promise(standard, response_amount=2)
    recalculate(policy=standard)
    before = Job.objects.get(pk=job.pk).version, *clocks_of(job)
    done = recalculate(policy=standard)
    assert counts(done) == (1, 0, 0)
    assert (Job.objects.get(pk=job.pk).version, *clocks_of(job)) == before
    assert FieldChange.objects.filter(job=job).count() == 1


def test_the_job_s_log_says_who_changed_which_deadline(job, ada, standard):
    promise(standard, response_amount=2)
    recalculate(policy=standard, by=ada)
    change = FieldChange.objects.get(job=job)
    assert (change.actor, change.changes) == (ada, {"response deadline": ["2026-11-16 14:00", "2026-11-16 12:00"]})
    assert change.version == Job.objects.get(pk=job.pk).version == job.version + 1


def test_a_tighter_target_that_is_over_already_is_broken_at_its_own_deadline(job, standard):
    promise(standard, response_amount=1)
    done = recalculate(policy=standard, now=MONDAY + 2 * HOUR)
    response, _ = clocks_of(job)
    assert (response.state, response.decided_at) == (State.BREACHED, MONDAY + HOUR)
    violation = Violation.objects.get()
    assert (violation.kind, violation.breached_at) == ("response", MONDAY + HOUR)
    assert counts(done) == (1, 1, 1)


def test_a_breach_stays_though_the_target_is_wider_now(job, dana, standard):
    promise(standard, response_amount=1)
    recalculate(policy=standard, now=MONDAY + 2 * HOUR)
    promise(standard, response_amount=40)
    done = recalculate(policy=standard, now=MONDAY + 3 * HOUR)
    assert clocks_of(job)[0].state == State.BREACHED
    assert counts(done) == (1, 0, 0)


def test_what_is_met_stays_met(job, dana, tess, standard):
    actions.change_status(job, Status.ASSIGNED, by=dana, technician=tess, now=MONDAY + HOUR)
    actions.change_status(job, Status.EN_ROUTE, by=dana, now=MONDAY + 3 * HOUR)
    promise(standard, response_amount=1)
    done = recalculate(policy=standard, now=MONDAY + 3 * HOUR)
    assert (clocks_of(job)[0].state, done.breached) == (State.MET, 0)


def test_pauses_are_kept(job, dana, standard):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    actions.release_job(job, by=dana, now=MONDAY + 3 * HOUR)
    promise(standard, resolution_amount=12)
    recalculate(policy=standard, now=MONDAY + 3 * HOUR)
    assert clocks_of(job)[1].due_at == MONDAY + 14 * HOUR


def test_a_job_on_hold_stays_paused_with_its_new_target(job, dana, standard):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    promise(standard, resolution_amount=12)
    assert recalculate(policy=standard).changed == 1
    resolution = clocks_of(job)[1]
    assert (resolution.state, resolution.amount) == (State.PAUSED, 12)
    actions.release_job(job, by=dana, now=MONDAY + 2 * HOUR)
    assert clocks_of(job)[1].due_at == MONDAY + 13 * HOUR


def test_a_target_that_is_taken_away_takes_its_clock_with_it(job, standard):
    promise(standard, response_amount=None)
    assert recalculate(policy=standard).changed == 1
    assert clocks_of(job)[0] is None


def test_a_target_that_is_given_makes_a_clock_which_knows_the_response(job, dana, tess, standard):
    promise(standard, response_amount=None)
    recalculate(policy=standard)
    actions.change_status(job, Status.ASSIGNED, by=dana, technician=tess, now=MONDAY + HOUR)
    actions.change_status(job, Status.EN_ROUTE, by=dana, now=MONDAY + 2 * HOUR)
    actions.change_status(job, Status.ASSIGNED, by=dana, now=MONDAY + 3 * HOUR)  # turned back
    promise(standard, response_amount=4)
    recalculate(policy=standard, now=MONDAY + 9 * HOUR)
    response, _ = clocks_of(job)
    assert (response.state, response.ended_at) == (State.MET, MONDAY + 2 * HOUR)


def test_a_holiday_moves_what_is_due_on_business_days(dana, standard):
    job = job_of(dana, priority=Priority.NORMAL)  # resolution in 3 business days
    assert clocks_of(job)[1].due_at == MONDAY + timedelta(days=3)
    Holiday.objects.create(calendar=standard.calendar, date_on="2026-11-18", name="Works outing")
    assert recalculate(calendar=standard.calendar).changed == 1
    assert clocks_of(job)[1].due_at == MONDAY + timedelta(days=4)


def test_a_hold_counts_for_the_response_too_once_the_policy_says_so(job, dana, standard):
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    SLAPolicy.objects.filter(pk=standard.pk).update(hold_pauses_response=True)
    recalculate(policy=standard, now=MONDAY + 2 * HOUR)
    assert clocks_of(job)[0].state == State.PAUSED


# Whose jobs ---------------------------------------------------------------------------------------


def test_a_customer_who_is_given_another_policy_takes_the_open_jobs_along(dana, premium):
    mine, other = job_of(dana), job_of(dana)
    mine.customer.sla_policy = premium
    mine.customer.save()
    done = recalculate(customer=mine.customer)
    assert clocks_of(mine)[0].due_at == MONDAY + 2 * HOUR
    assert clocks_of(other)[0].due_at == MONDAY + 4 * HOUR
    assert (done.done, Job.objects.get(pk=mine.pk).sla_policy) == (1, premium)
    assert FieldChange.objects.get(job=mine).changes["SLA policy"] == ["Standard", "Premium"]


def test_a_job_type_s_policy_gives_way_to_the_customer_s(dana, standard, premium):
    customer = CustomerFactory(sla_policy=standard)
    theirs = job_of(dana, site=SiteFactory(customer=customer))
    ordinary = job_of(dana)
    job_type = JobTypeFactory()
    job_type.sla_policy = premium
    job_type.save()
    done = recalculate(job_type=job_type)
    assert counts(done) == (2, 1, 0)
    assert clocks_of(theirs)[0].due_at == MONDAY + 4 * HOUR
    assert clocks_of(ordinary)[0].due_at == MONDAY + 2 * HOUR


def test_jobs_without_a_policy_of_their_own_follow_another_default(job, standard, premium):
    SLAPolicy.objects.filter(pk=standard.pk).update(is_default=False)
    SLAPolicy.objects.filter(pk=premium.pk).update(is_default=True)
    assert recalculate(policy=premium).changed == 1
    assert Job.objects.get(pk=job.pk).sla_policy == premium


def test_jobs_of_other_policies_are_left_alone(dana, standard, premium):
    theirs = job_of(dana, site=SiteFactory(customer=CustomerFactory(sla_policy=premium)))
    job_of(dana)
    promise(premium, response_amount=1)
    assert recalculate(policy=standard).done == 1
    assert clocks_of(theirs)[0].due_at == MONDAY + 2 * HOUR


def test_closed_jobs_are_left_alone(job, dana, standard):
    actions.change_status(job, Status.CANCELLED, by=dana, note="Called off", now=MONDAY)
    promise(standard, response_amount=1)
    assert recalculate().done == 0


# Jobs from before there were clocks ---------------------------------------------------------------


@pytest.fixture
def without_clocks():
    def forget(*jobs):
        for model in (*CLOCKS, ClockPause, Violation):
            model.objects.filter(job__in=jobs).delete()
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(sla_policy=None)

    return forget


def figures_of(job):
    names = ["policy_id", "amount", "unit", "state", "due_at", "at_risk_at", "ended_at", "decided_at", "wall_seconds"]
    return [[getattr(clock, name) for name in [*names, "counted_seconds"]] for clock in clocks_of(job)]


def test_jobs_without_clocks_are_given_those_that_they_would_have_had(dana, tess, tom, without_clocks):
    _, held, resumed, begun, turned_back, reinstated, reopened = jobs = [job_of(dana) for _ in range(7)]
    actions.hold_job(held, "Parts", by=dana, now=MONDAY + HOUR)
    actions.hold_job(resumed, "Parts", by=dana, now=MONDAY + HOUR)
    actions.release_job(resumed, by=dana, now=MONDAY + 2 * HOUR)
    for job, technician in ((begun, tess), (turned_back, tom)):
        actions.change_status(job, Status.ASSIGNED, by=dana, technician=technician, now=MONDAY + HOUR)
        actions.change_status(job, Status.EN_ROUTE, by=dana, now=MONDAY + 2 * HOUR)
    actions.change_status(turned_back, Status.ASSIGNED, by=dana, now=MONDAY + 3 * HOUR)
    actions.change_status(reinstated, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + HOUR)
    actions.change_status(reinstated, Status.CREATED, by=dana, now=MONDAY + 2 * HOUR)
    for step, hours in ((Status.ASSIGNED, 1), (Status.IN_PROGRESS, 1), (Status.COMPLETED, 2)):
        whom = tom if step == Status.ASSIGNED else None
        actions.change_status(reopened, step, by=dana, technician=whom, now=MONDAY + hours * HOUR)
    actions.change_status(reopened, Status.IN_PROGRESS, by=dana, note="Leaks again", now=MONDAY + 3 * HOUR)
    had = [figures_of(job) for job in jobs]
    pauses = set(ClockPause.objects.values_list("job", "cause", "reason", "starts_at", "ends_at"))
    without_clocks(*jobs)
    done = recalculate(now=MONDAY + 3 * HOUR)
    for job, clocks in zip(jobs, had, strict=True):
        assert figures_of(job) == clocks
    assert set(ClockPause.objects.values_list("job", "cause", "reason", "starts_at", "ends_at")) == pauses
    assert counts(done) == (7, 7, 0)
    assert counts(recalculate(now=MONDAY + 3 * HOUR)) == (7, 0, 0)


def test_a_hold_and_a_setting_off_that_were_undone_have_never_been(dana, tess, job, without_clocks):
    actions.change_status(job, Status.ASSIGNED, by=dana, technician=tess, now=MONDAY)
    actions.change_status(job, Status.EN_ROUTE, by=dana, now=MONDAY + HOUR)
    actions.undo_action(actions.last_to_undo(dana), by=dana, now=MONDAY + HOUR)
    without_clocks(job)
    recalculate(now=MONDAY + HOUR)
    assert (clocks_of(job)[0].state, clocks_of(job)[0].ended_at) == (State.RUNNING, None)


# Before it is decided -----------------------------------------------------------------------------


def test_the_preview_says_what_the_recalculation_does(dana, standard):
    jobs = [job_of(dana, created_at=MONDAY - hours * HOUR) for hours in (0, 2, 3)]
    job_of(dana, priority=Priority.LOW)
    promise(standard, response_amount=1)
    seen = preview(ClockRecalculation(policy=standard), now=MONDAY)
    assert (seen.jobs, seen.breaches, seen.total, seen.is_whole) == (3, 2, 4, True)
    assert {one.job for one in seen.shown} == set(jobs)
    assert not Violation.objects.exists()
    assert counts(recalculate(policy=standard)) == (4, 3, 2)
    assert preview(ClockRecalculation(policy=standard), now=MONDAY).jobs == 0


def test_nobody_is_asked_about_what_changes_nothing(job, standard):
    assert not has_to_be_asked(ClockRecalculation(policy=standard), now=MONDAY)
    promise(standard, response_amount=2)
    assert has_to_be_asked(ClockRecalculation(policy=standard), now=MONDAY)


def test_of_very_many_jobs_only_the_first_are_looked_at(dana, standard, monkeypatch):
    monkeypatch.setattr("dispatch.actions.clock_cases.LOOKED_AT", 2)
    for _ in range(3):
        job_of(dana)
    seen = preview(ClockRecalculation(policy=standard), now=MONDAY)
    assert (seen.jobs, seen.looked_at, seen.total, seen.is_whole) == (0, 2, 3, False)
    assert has_to_be_asked(ClockRecalculation(policy=standard), now=MONDAY)


# Workers ------------------------------------------------------------------------------------------


def test_dispatchers_and_managers_may_not_ask(job, dana, omar, standard):
    for user in (dana, omar):
        with pytest.raises(PermissionDenied):
            recalculate(policy=standard, by=user)


def test_asking_again_while_it_waits_is_one_and_the_same(ada, standard):
    first, again, other = (
        actions.ask_for_recalculation(ClockRecalculation(policy=policy), by=ada)
        for policy in (standard, standard, None)
    )
    assert first.pk == again.pk != other.pk


def test_whoever_goes_on_begins_where_the_last_batch_ended(dana, standard, monkeypatch):
    monkeypatch.setattr(recalculating, "BATCH", 2)
    jobs = [job_of(dana) for _ in range(5)]
    promise(standard, response_amount=2)
    asked = actions.ask_for_recalculation(ClockRecalculation(), by=None, now=MONDAY)
    part = actions.work_out_recalculation(asked.pk, seconds=0, now=MONDAY)
    assert (part.state, counts(part), part.total, part.done_percent) == ("running", (2, 2, 0), 5, 40)
    assert actions.sweep_recalculations(now=MONDAY + timedelta(seconds=30)) == 0
    assert actions.sweep_recalculations(now=MONDAY + timedelta(minutes=3)) == 1
    done = actions.work_out_recalculation(asked.pk, now=MONDAY)
    assert (done.state, counts(done), done.done_percent) == ("done", (5, 5, 0), 100)
    assert {clocks_of(job)[0].due_at for job in jobs} == {MONDAY + 2 * HOUR}
    assert actions.sweep_recalculations(now=MONDAY + timedelta(minutes=9)) == 0


def test_jobs_that_are_closed_meanwhile_do_not_end_it(dana, standard, monkeypatch):
    monkeypatch.setattr(recalculating, "BATCH", 1)
    gone, job = job_of(dana), job_of(dana)
    promise(standard, response_amount=2)
    asked = actions.ask_for_recalculation(ClockRecalculation(), by=None, now=MONDAY)
    monkeypatch.setattr(recalculating, "_locked", lambda ids: list(Job.objects.filter(pk__in=ids).exclude(pk=gone.pk)))
    assert counts(actions.work_out_recalculation(asked.pk, now=MONDAY)) == (1, 1, 0)
    assert clocks_of(job)[0].due_at == MONDAY + 2 * HOUR


@pytest.mark.expects_error_logs
def test_one_that_breaks_off_keeps_whole_batches_and_can_go_on(dana, ada, standard, monkeypatch):
    monkeypatch.setattr(recalculating, "BATCH", 1)
    first, second = job_of(dana), job_of(dana)
    promise(standard, response_amount=2)
    asked = actions.ask_for_recalculation(ClockRecalculation(), by=ada, now=MONDAY)
    with monkeypatch.context() as broken:
        broken.setattr(
            recalculating, "_save_jobs", lambda outcomes, **_: 1 / 0 if outcomes[0][0].job == second else None
        )
        with pytest.raises(ZeroDivisionError):
            actions.work_out_recalculation(asked.pk, now=MONDAY)
    asked.refresh_from_db()
    assert (asked.state, asked.done) == ("failed", 1)
    assert "division by zero" in asked.error
    assert [clocks_of(job)[0].due_at for job in (first, second)] == [MONDAY + 2 * HOUR, MONDAY + 4 * HOUR]
    actions.go_on_with_recalculation(asked, by=ada)
    assert counts(actions.work_out_recalculation(asked.pk, now=MONDAY)) == (2, 2, 0)
    with pytest.raises(actions.ActionRefused):
        actions.go_on_with_recalculation(asked, by=ada)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.postgres
def test_two_workers_at_once_share_the_jobs(dana, standard, monkeypatch):
    monkeypatch.setattr(recalculating, "BATCH", 3)
    jobs = [job_of(dana) for _ in range(20)]
    promise(standard, response_amount=1)
    asked = actions.ask_for_recalculation(ClockRecalculation(), by=None, now=MONDAY)

    def work():
        return actions.work_out_recalculation(asked.pk, now=MONDAY + 2 * HOUR)

    at_the_same_time(work, work)
    asked.refresh_from_db()
    assert (asked.state, counts(asked)) == ("done", (20, 20, 20))
    assert Violation.objects.count() == FieldChange.objects.filter(job__in=jobs).count() == 20


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.postgres
def test_a_hold_at_the_same_moment_is_not_lost(dana, standard):
    promise(standard, resolution_amount=12)
    jobs = [job_of(dana) for _ in range(5)]
    for job in jobs:
        asked = actions.ask_for_recalculation(ClockRecalculation(customer=job.customer), by=None, now=MONDAY)
        outcomes = at_the_same_time(
            partial(actions.work_out_recalculation, asked.pk, now=MONDAY + HOUR),
            partial(actions.hold_job, job, "Parts", by=dana, now=MONDAY + HOUR),
        )
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        resolution = clocks_of(job)[1]
        assert (resolution.state, resolution.amount) == (State.PAUSED, 12)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.postgres
def test_a_killed_worker_leaves_whole_batches_which_the_next_one_goes_on_from(dana, standard):
    site, job_type = SiteFactory(), JobTypeFactory()
    fields = {"customer": site.customer, "site": site, "job_type": job_type, "priority": Priority.HIGH}
    now = timezone.now()
    actions.create_jobs([Job(created_at=now - 2 * HOUR, **fields) for _ in range(1000)], by=dana, now=now)
    promise(standard, response_amount=1)
    env = os.environ | {"DATABASE_URL": database_url(), "SECRET_KEY": settings.SECRET_KEY}
    command = [sys.executable, "manage.py", "recompute_sla"]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, stdout=subprocess.DEVNULL) as process:
        while not ClockRecalculation.objects.filter(done__gt=0).exists():
            assert process.poll() is None
        process.kill()
    left = ClockRecalculation.objects.get()
    assert left.state == "running"
    assert Violation.objects.count() == left.breached == left.done < 1000
    assert actions.sweep_recalculations(now=timezone.now() + timedelta(minutes=3)) == 1
    done = actions.work_out_recalculation(left.pk, seconds=None)
    assert (done.state, counts(done)) == ("done", (1000, 1000, 1000))
    assert Violation.objects.count() == FieldChange.objects.count() == 1000


def test_boards_hear_of_each_batch_once(dana, standard, monkeypatch, django_capture_on_commit_callbacks):
    heard = []
    monkeypatch.setattr("dispatch.realtime._publish_now", lambda event, groups, payload: heard.append((event, payload)))
    jobs = [job_of(dana) for _ in range(3)]
    promise(standard, response_amount=2)
    with django_capture_on_commit_callbacks(execute=True):
        asked = actions.ask_for_recalculation(ClockRecalculation(), by=None, now=MONDAY)
        actions.work_out_recalculation(asked.pk, now=MONDAY)
    assert [event for event in heard if event[0] == "job-changed"] == [
        ("job-changed", {"jobs": sorted(job.pk for job in jobs)})
    ]


@pytest.mark.parametrize("hours", [0, 3], ids=["in time", "breached"])
def test_a_batch_takes_as_many_queries_for_five_jobs_as_for_fifty(dana, standard, hours):
    def queries(amount):
        promise(standard, response_amount=amount)
        asked = actions.ask_for_recalculation(ClockRecalculation(), by=None, now=MONDAY)
        with CaptureQueriesContext(connection) as captured:
            actions.work_out_recalculation(asked.pk, now=MONDAY + hours * HOUR)
        return len(captured)

    for _ in range(5):
        job_of(dana)
    few = queries(2)
    for _ in range(45):
        job_of(dana)
    assert queries(1) == few


# The command --------------------------------------------------------------------------------------


def run_command(*args):
    out = StringIO()
    call_command("recompute_sla", *args, stdout=out)
    return out.getvalue().strip()


def test_command_gives_clocks_to_the_jobs_of_an_older_release(dana, without_clocks):
    jobs = [make_job(by=dana, priority=Priority.HIGH) for _ in range(2)]
    without_clocks(*jobs)
    assert run_command() == "2 jobs, 2 with other deadlines, 0 breached"
    assert ResponseClock.objects.count() == ResolutionClock.objects.count() == 2
    assert run_command() == "2 jobs, 0 with other deadlines, 0 breached"


def test_command_takes_one_policy_by_its_name(dana, standard):
    make_job(by=dana, priority=Priority.HIGH)
    promise(standard, response_amount=2)
    assert run_command("--policy", "premium") == "0 jobs, 0 with other deadlines, 0 breached"
    assert run_command("--policy", "standard") == "1 job, 1 with other deadlines, 0 breached"


def test_command_knows_no_other_names(db):
    with pytest.raises(CommandError, match="There are: Emergency, Premium, Standard"):
        run_command("--policy", "Gold")
