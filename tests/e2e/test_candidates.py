"""Whom to send: the best match in two keystrokes, a call in the middle of the day, and matches while a job is entered."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, Priority, Status
from tests.e2e.boards import DESK, fresh, in_list, make_job, open_board
from tests.e2e.live import in_thread
from tests.factories import JobTypeFactory, TechnicianFactory

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def team(dana, omar, north, tess):
    """Tess and Uma are at work, whatever the hour; Uma lives nearer."""
    uma = TechnicianFactory(user__username="uma", zones=[north], home_latitude=40.09, home_longitude=-75.1)
    for technician in (tess, uma):
        in_thread(actions.clock_in, technician)
    return tess, uma


@pytest.fixture
def urgent(omar, north, team):
    return make_job(by=omar, zone=north, priority=Priority.URGENT, scheduled_on=timezone.localdate())


@pytest.fixture
def open_screens(new_context, live_site, team):
    """Dana's and a colleague's."""

    def open_both():
        wanted = zip(("dana", "omar"), (live_site.urls[0], live_site.urls[-1]), strict=True)
        return [open_board(new_context(viewport=DESK), url, name, "/board/list/?day=all") for name, url in wanted]

    return open_both


def busy_with(technician, *, by, zone):
    return make_job(Status.IN_PROGRESS, by=by, zone=zone, technician=technician, scheduled_on=timezone.localdate())


def open_dialog(page, job):
    in_list(page, job).locator(".job-link").focus()
    page.keyboard.press("a")
    return page.get_by_role("dialog")


def test_best_technician_is_two_keystrokes_away(open_screens, team, urgent):
    page, colleague = open_screens()
    dialog = open_dialog(page, urgent)
    expect(dialog.get_by_role("radio", name=re.compile("Uma"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(in_list(colleague, urgent)).to_contain_text("Uma")
    job = fresh(urgent)
    assert (job.status, job.technician) == (Status.ASSIGNED, team[1])
    assert job.planned_starts_at is not None


def test_filter_does_not_cost_a_keystroke(open_screens, team, urgent, north):
    for name in ("ann", "bea", "cleo", "dora", "edna", "fay", "gail", "hope", "iris", "jane", "kate", "lena"):
        TechnicianFactory(user__username=name, zones=[north])
    page, colleague = open_screens()
    dialog = open_dialog(page, urgent)
    expect(dialog.get_by_role("searchbox", name="Filter technicians")).to_be_focused()
    page.keyboard.press("Enter")
    expect(in_list(colleague, urgent)).to_contain_text("Uma")
    dialog = open_dialog(page, urgent)
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("tess")
    page.keyboard.press("Enter")
    expect(in_list(colleague, urgent)).to_contain_text("Tess")
    assert fresh(urgent).technician == team[0]


def test_call_now_interrupts_and_is_undone_with_one_key(open_screens, team, urgent, omar, north):
    _, uma = team
    current = busy_with(uma, by=omar, zone=north)
    page, colleague = open_screens()
    dialog = open_dialog(page, urgent)
    dialog.get_by_role("button", name="Call Uma now").press("Enter")
    expect(in_list(colleague, urgent)).to_contain_text("Uma")
    assert (fresh(urgent).technician, fresh(current).status) == (uma, Status.ASSIGNED)
    note = in_thread(lambda: current.status_changes.latest("pk").note)
    assert note == f"Called to urgent job {urgent.number}"
    page.keyboard.press("Control+z")
    expect(in_list(colleague, urgent).locator(".status")).to_have_text("Created")
    assert (fresh(urgent).technician, fresh(current).status) == (None, Status.IN_PROGRESS)


def test_call_after_the_current_job_waits_for_it(open_screens, team, urgent, omar, north):
    _, uma = team
    current = busy_with(uma, by=omar, zone=north)
    page, colleague = open_screens()
    dialog = open_dialog(page, urgent)
    dialog.get_by_role("button", name=f"Call Uma after job {current.number}").click()
    expect(in_list(colleague, urgent)).to_contain_text("Uma")
    assert fresh(current).status == Status.IN_PROGRESS
    assert fresh(urgent).planned_starts_at > fresh(current).started_at


def test_new_job_goes_to_the_best_match_without_the_mouse(open_screens, team, north):
    _, uma = team
    JobTypeFactory(name="Repair")
    page, _ = open_screens()
    page.keyboard.press("n")
    expect(page.get_by_label("Customer", exact=True)).to_be_focused()
    page.keyboard.type("Ann Lee")
    for label, text in (
        ("Address", "1 Ash St"),
        (re.compile("^Latitude"), "40.1"),
        (re.compile("^Longitude"), "-75.1"),
    ):
        page.get_by_label(label).focus()
        page.keyboard.type(text)
    page.get_by_label("Type").focus()
    page.keyboard.type("Rep")
    best = page.get_by_role("button", name="Choose Uma")
    expect(page.locator("#job-candidates .best-match").first).to_contain_text("min from home")
    best.focus()
    page.keyboard.press("Space")
    expect(best).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile("/board/"))
    job = in_thread(lambda: Job.objects.select_related("technician").get())
    assert (job.technician, job.planned_starts_at is None) == (uma, False)
