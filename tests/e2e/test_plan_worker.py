"""Route plans with real workers: what becomes of one whose worker is killed, whose time is over, whom nobody watches."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.actions import plans
from dispatch.models import Job, Plan, Status
from tests.e2e.boards import at, make_job, tomorrow
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.interaction]

State = Plan.State


@pytest.fixture
def jobs(dana, north):
    return [make_job(by=dana, zone=north, planned_starts_at=at(9 + n), duration_minutes=30) for n in range(4)]


def ask(crew, dana, *, seconds=60) -> Plan:
    return in_thread(actions.ask_for_plan, Plan.Kind.DAY, tomorrow(), crew, by=dana, seconds=seconds)


def wait_for(plan: Plan, *states: str, seconds: float = 60) -> Plan:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = in_thread(Plan.objects.get, pk=plan.pk)
        if found.state in states and (found.state != State.RUNNING or found.step.startswith("Looking for")):
            return found
        time.sleep(0.1)
    raise AssertionError(f"The plan is {found.state}, {found.step}, {found.error}")


def horse_of(worker) -> int:
    """The process that the worker has forked for the task."""
    children = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children").read_text().split()
    return int(children[0])


@pytest.mark.expects_error_logs
def test_plan_whose_process_is_killed_has_failed_at_once_and_nothing_is_applied(live_site, dana, crew, jobs):
    worker = live_site.start_worker()
    plan = ask(crew, dana)
    wait_for(plan, State.RUNNING)
    os.kill(horse_of(worker), signal.SIGKILL)
    failed = wait_for(plan, State.FAILED, seconds=20)
    assert "Nothing was changed: work it out again" in failed.error
    assert set(in_thread(lambda: list(Job.objects.values_list("status", flat=True)))) == {Status.CREATED}
    again = in_thread(actions.recompute_plan, failed, by=dana)
    in_thread(Plan.objects.filter(pk=again.pk).update, seconds=1)
    wait_for(again, State.RUNNING, State.PROPOSED)


@pytest.mark.expects_error_logs
def test_plan_whose_worker_is_killed_is_found_by_the_sweep(live_site, dana, crew, jobs):
    worker = live_site.start_worker()
    plan = ask(crew, dana)
    wait_for(plan, State.RUNNING)
    horse = horse_of(worker)
    os.kill(worker.process.pid, signal.SIGKILL)
    _wait_until_gone(horse)
    assert in_thread(Plan.objects.get, pk=plan.pk).state == State.RUNNING, "nobody is left who could say so"
    assert in_thread(actions.sweep_plans, now=timezone.now() + plans.SILENT_AFTER) == 1
    assert "Nothing was changed" in in_thread(Plan.objects.get, pk=plan.pk).error


def _wait_until_gone(pid: int) -> None:
    """With its worker, and whatever it was working with."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            if "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                time.sleep(0.05)
                continue
        return
    raise AssertionError(f"{pid} goes on.")


def test_stopped_plan_is_proposed_as_far_as_it_got(live_site, dana, crew, jobs):
    live_site.start_worker()
    plan = ask(crew, dana)
    wait_for(plan, State.RUNNING)
    in_thread(actions.cancel_plan, plan, by=dana)
    stopped = wait_for(plan, State.PROPOSED, seconds=15)
    assert "Stopped early" in stopped.notice
    in_thread(actions.apply_plan, stopped, by=dana)
    assert set(in_thread(lambda: list(Job.objects.values_list("status", flat=True)))) == {Status.ASSIGNED}


@pytest.mark.expects_error_logs
def test_plan_that_takes_far_too_long_is_broken_off(live_site, dana, crew, jobs, monkeypatch):
    monkeypatch.setattr(plans, "SPARE_SECONDS", -56)
    live_site.start_worker()
    plan = ask(crew, dana)
    failed = wait_for(plan, State.FAILED)
    assert "far longer than it may" in failed.error


def test_plan_goes_on_when_the_browser_is_closed(live_site, new_context, dana, crew, jobs):
    live_site.start_worker()
    context = new_context()
    page = context.new_page()
    log_in(page, live_site.url, "dana")
    plan = ask(crew, dana, seconds=4)
    page.goto(f"{live_site.url}/plans/{plan.pk}/")
    expect(page.locator("#plan-progress")).to_be_visible()
    own = context.storage_state()
    context.close()
    wait_for(plan, State.PROPOSED)
    page = new_context(storage_state=own).new_page()
    page.goto(f"{live_site.url}/plans/{plan.pk}/")
    expect(page.locator("main")).to_contain_text(jobs[0].number)
