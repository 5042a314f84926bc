"""Dashboard, morning review and close-out in a browser, with a second one that watches."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, Status
from technicians import attendance
from tests.e2e.live import in_thread, log_in
from tests.factories import TechnicianFactory, make_job

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def open_as(new_context, live_site):
    """A page of its own for a user, at a URL name; live."""

    def go(username, name):
        page = new_context(base_url=live_site.url).new_page()
        log_in(page, live_site.url, username)
        page.goto(reverse(name))
        expect(page.locator("[data-live-text]")).to_have_text("Live")
        return page

    return go


@pytest.fixture
def sue(north):
    return TechnicianFactory(user__username="sue", zones=[north])


def tab_to(page, locator):
    """With the keyboard alone."""
    for _ in range(80):
        if locator.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("The keyboard does not get there.")


def test_dispatcher_hands_over_the_jobs_of_a_sick_technician_by_keyboard(open_as, dana, omar, north, tess, sue):
    jobs = [in_thread(make_job, Status.ASSIGNED, by=omar, technician=tess, zone=north) for _ in range(2)]
    board = open_as("omar", "board_list")
    page = open_as("dana", "morning_review")
    tab_to(page, page.get_by_role("link", name="Tess called out sick"))
    page.keyboard.press("Enter")
    button = page.locator("#dialog").get_by_role("button", name="Mark sick")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/time-off/\d+/jobs/$"))
    expect(page.get_by_text("nothing has changed yet")).to_be_visible()
    assert set(Job.objects.values_list("technician", flat=True)) == {tess.pk}
    choice = page.get_by_label(f"{jobs[1].number} to whom")
    tab_to(page, choice)
    page.keyboard.press("ArrowUp")
    expect(choice).to_have_value("none")
    tab_to(page, page.get_by_role("button", name="Apply"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 jobs handed over.")).to_be_visible()
    expect(board.locator(f"#job-row-{jobs[0].pk} .cell-technician")).to_contain_text("Sue")
    expect(board.locator(f"#job-row-{jobs[1].pk} .cell-technician")).to_contain_text("Assign…")
    assert list(Job.objects.order_by("pk").values_list("technician", flat=True)) == [sue.pk, None]


def test_dashboard_follows_what_others_do_and_keeps_the_focus(open_as, dana, omar, north, tess):
    job = in_thread(make_job, by=omar, zone=north, priority=4)
    page = open_as("dana", "dashboard")
    expect(page.locator("[data-figure=unassigned] b")).to_have_text("1")
    expect(page.locator(f"li[data-job='{job.pk}']")).to_contain_text("Urgent and unassigned")
    page.locator("[data-figure=completed]").focus()
    in_thread(actions.assign_job, job, tess, by=omar)
    expect(page.locator("[data-figure=unassigned] b")).to_have_text("0")
    expect(page.get_by_text("Nothing needs a decision right now.")).to_be_visible()
    expect(page.locator("[data-figure=completed]")).to_be_focused()


def test_dispatcher_assigns_from_the_dashboard_and_takes_it_back(open_as, dana, omar, north, tess):
    job = in_thread(make_job, by=omar, zone=north, priority=4)
    page = open_as("dana", "dashboard")
    page.get_by_role("link", name=f"Assign {job.number}").click()
    page.locator("#dialog").get_by_text("Tess", exact=True).click()
    page.locator("#dialog").get_by_role("button", name="Assign").click()
    expect(page.get_by_text("Nothing needs a decision right now.")).to_be_visible()
    job.refresh_from_db()
    assert job.technician == tess
    page.get_by_role("button", name=f"Undo: Assigned {job.number} to Tess").click()
    expect(page.locator(f"li[data-job='{job.pk}']")).to_contain_text("Urgent and unassigned")
    job.refresh_from_db()
    assert job.technician is None


def test_dispatcher_closes_the_day(open_as, dana, omar, north, tess):
    for _ in range(3):
        in_thread(make_job, by=omar, zone=north)
    attendance.clock_in(tess, now=timezone.now() - timezone.timedelta(hours=8))
    page = open_as("dana", "close_out")
    expect(page.locator("#waiting-jobs > li")).to_have_count(3)
    page.get_by_role("button", name="All", exact=True).click()
    page.locator("#several-move").click()
    expect(page.get_by_text("No job of this day is waiting any more.")).to_be_visible()
    page.get_by_role("link", name="Clock out Tess").click()
    page.locator("#dialog").get_by_role("button", name="Clock out").click()
    expect(page.get_by_text("The day is closed.")).to_be_visible()
    tomorrow = timezone.localdate() + timezone.timedelta(days=1)
    assert set(Job.objects.values_list("scheduled_on", flat=True)) == {tomorrow}
    assert not attendance.is_on_duty(tess)
