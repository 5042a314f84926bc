"""Acknowledging violations in a browser, with a second one that watches."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Priority, Status
from sla.models import Violation
from tests.e2e.live import in_thread, log_in
from tests.factories import make_job

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def open_as(new_context, live_site):
    """A page of its own for a user, at a URL name; live. The second user sits on another process, if there is one."""
    urls = {"dana": live_site.urls[0], "omar": live_site.urls[-1]}

    def go(username, name, *args):
        page = new_context(base_url=urls[username]).new_page()
        log_in(page, urls[username], username)
        page.goto(reverse(name, args=args))
        expect(page.locator("[data-live-text]")).to_have_text("Live")
        return page

    return go


def late_job(**fields):
    """The response of a job of high priority was due an hour ago."""
    at = timezone.now() - timezone.timedelta(hours=5)
    job = make_job(priority=Priority.HIGH, created_at=at, now=at, **fields)
    actions.check_sla()
    return job


@pytest.fixture
def violation(dana, omar, north):
    return in_thread(late_job, by=omar, zone=north).violations.get()


def row(page, violation):
    return page.locator(f"#violation-row-{violation.pk}")


def test_dispatcher_acknowledges_one_and_the_manager_sees_it(open_as, violation):
    manager, page = open_as("omar", "violations"), open_as("dana", "violations")
    expect(row(manager, violation)).to_be_visible()
    row(page, violation).get_by_role("button", name="Acknowledge").click()
    note = page.locator("#dialog").get_by_role("textbox")
    expect(note).to_be_focused()
    note.fill("The van broke down")
    page.locator("#dialog").get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Nothing to acknowledge.")).to_be_visible()
    expect(manager.get_by_text("Nothing to acknowledge.")).to_be_visible()
    manager.get_by_role("link", name="History 1").click()
    expect(row(manager, violation)).to_contain_text("Dana")
    expect(row(manager, violation)).to_contain_text("The van broke down")
    assert Violation.objects.get().acknowledged_by.username == "dana"


def test_several_are_acknowledged_with_one_note_and_those_taken_meanwhile_are_named(
    open_as, omar, north, violation, browser_errors
):
    browser_errors.allow("409")
    others = [in_thread(late_job, by=omar, zone=north).violations.get() for _ in range(2)]
    page = open_as("dana", "violations")
    page.get_by_role("button", name="All on this page").click()
    page.get_by_role("button", name="Acknowledge chosen").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("3 violations")).to_be_visible()
    in_thread(actions.acknowledge_violations, [violation.pk], note="I know", by=omar)
    dialog.get_by_role("button", name="No technician free").click()
    expect(dialog.get_by_text("2 acknowledged, 1 already was")).to_be_visible()
    expect(dialog).to_contain_text(f"{violation.job.number} Response: Omar")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing to acknowledge.")).to_be_visible()
    notes = {one.pk: one.notes.get().text for one in (violation, *others)}
    assert list(notes.values()) == ["I know", "No technician free", "No technician free"]


def test_what_is_ticked_stays_so_while_others_work(open_as, omar, north, violation):
    other = in_thread(late_job, by=omar, zone=north).violations.get()
    page = open_as("dana", "violations")
    row(page, violation).get_by_role("checkbox").check()
    in_thread(actions.acknowledge_violations, [other.pk], by=omar)
    expect(row(page, other)).to_have_count(0)
    expect(row(page, violation).get_by_role("checkbox")).to_be_checked()


def test_live_clocks_follow_what_others_do(open_as, omar, tess, violation):
    page = open_as("dana", "sla")
    expect(page.locator("[data-figure=breached] b")).to_have_text("1")
    job = violation.job
    in_thread(actions.change_status, job, Status.ASSIGNED, technician=tess, by=omar)
    expect(page.locator("#breached")).to_contain_text("Tess")
    in_thread(actions.change_status, job, Status.EN_ROUTE, by=omar)
    expect(page.locator("[data-figure=breached] b")).to_have_text("0")
    expect(page.locator("[data-figure=unacknowledged] b")).to_have_text("1")


def test_a_note_appears_on_the_other_screen_and_the_one_being_written_stays(open_as, violation):
    manager, page = (open_as(name, "violation", violation.pk) for name in ("omar", "dana"))
    manager.get_by_placeholder("Add a note").fill("Half a sen")
    page.get_by_placeholder("Add a note").fill("The customer was called")
    manager.get_by_role("heading", name="What happened").click()  # the focus leaves the field, the words stay
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#violation-notes .log")).to_contain_text("The customer was called")
    expect(page.get_by_placeholder("Add a note")).to_have_value("")
    expect(manager.locator("#violation-notes .log")).to_contain_text("The customer was called")
    expect(manager.get_by_placeholder("Add a note")).to_have_value("Half a sen")
