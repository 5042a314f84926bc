"""Several jobs at once and the menu of one, by mouse, by keyboard and by touch."""

import re

import pytest
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import BoardAction, Job, Priority, Status
from tests import factories
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def jobs(omar, north):
    return [in_thread(factories.make_job, by=omar, zone=north) for _ in range(4)]


@pytest.fixture
def board(page, live_site, dana, jobs):
    """Dana's list, with the jobs on it."""
    return list_of(page, live_site, "dana")


def list_of(page, live_site, username):
    log_in(page, live_site.url, username)
    page.goto(f"{live_site.url}/board/list/")
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    return page


def row(page, job):
    return page.locator(f"#job-row-{job.pk}")


def count_is(page, text):
    expect(page.locator("[data-selected-count]")).to_have_text(text)


def now_is(job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_range_is_assigned_at_once_and_another_board_shows_it(board, new_context, live_site, omar, tess, jobs):
    watching = list_of(new_context().new_page(), live_site, "omar")
    row(board, jobs[0]).click(modifiers=["Control"])
    expect(board.locator("#drawer > *")).to_have_count(0)
    row(board, jobs[2]).click(modifiers=["Shift"])
    count_is(board, "3 selected")
    row(board, jobs[1]).locator("[data-select-job]").click()
    count_is(board, "2 selected")
    board.get_by_role("button", name="Assign…", exact=True).last.click()
    board.get_by_role("radio", name=re.compile("Tess")).check()
    board.get_by_role("button", name="Assign", exact=True).click()
    expect(board.locator("#dialog h2")).to_have_text("2 assigned")
    for job in (jobs[0], jobs[2]):
        expect(row(watching, job)).to_contain_text("Tess")
    assert [now_is(job).status for job in jobs[:3]] == [Status.ASSIGNED, Status.CREATED, Status.ASSIGNED]
    assert BoardAction.objects.filter(done_by__username="dana").count() == 1


def test_selection_survives_live_changes_and_keeps_what_was_refused(board, omar, tess, jobs):
    begun = in_thread(actions.assign_job, jobs[0], tess, by=omar)
    board.locator("[data-select-page]").check()
    count_is(board, "4 selected")
    in_thread(actions.change_status, begun, Status.EN_ROUTE, by=omar)
    expect(row(board, begun).locator(".status")).to_have_text("En Route")
    expect(row(board, begun)).to_have_attribute("aria-selected", "true")
    expect(row(board, begun).locator("[data-select-job]")).to_be_checked()
    board.get_by_role("button", name="Unassign…").click()
    board.get_by_role("button", name="Unassign", exact=True).click()
    expect(board.locator("#dialog")).to_contain_text(f"{begun.number} is En Route with Tess")
    board.keyboard.press("Escape")
    count_is(board, "4 selected")
    board.evaluate(f"document.body.dispatchEvent(new CustomEvent('select-jobs', {{detail: {{jobs: [{begun.pk}]}}}}))")
    count_is(board, "1 selected")
    board.keyboard.press("Escape")
    count_is(board, "Nothing selected")
    assert now_is(begun).status == Status.EN_ROUTE


def test_menu_and_keys_need_no_mouse(board, jobs, tess):
    job, press = jobs[1], board.keyboard.press
    link = row(board, job).locator(".job-link")
    link.focus()
    press("Shift+F10")
    expect(board.get_by_role("menuitem", name="Assign…")).to_be_focused()
    press("u")
    expect(board.get_by_role("menuitemradio", name="Urgent")).to_be_focused()
    press("ArrowDown")
    expect(board.get_by_role("menuitemradio", name="High")).to_be_focused()
    press("Enter")
    expect(row(board, job).locator(".priority")).to_have_text("High")
    expect(board.get_by_role("menu")).to_be_hidden()
    expect(row(board, job).locator(".job-link")).to_be_focused()
    press("4")
    expect(row(board, job).locator(".priority")).to_have_text("Urgent")
    press("x")
    count_is(board, "1 selected")
    press("Control+a")
    count_is(board, "4 selected")
    press("h")
    board.get_by_label("Why is it on hold?").fill("1 part is missing")
    press("Enter")
    expect(row(board, job)).to_contain_text("On hold")
    expect(board.get_by_label("Why is it on hold?")).to_be_hidden()
    press("Delete")
    expect(board.get_by_label("Reason")).to_be_focused()
    board.get_by_role("button", name="Customer cancelled").click()
    expect(row(board, job).locator(".status")).to_have_text("Cancelled")
    held = now_is(job)
    assert (held.priority, held.status) == (Priority.URGENT, Status.CANCELLED)


def test_right_click_opens_the_menu_inside_the_window_and_follows_up(board, jobs):
    box = row(board, jobs[3]).bounding_box()
    board.mouse.click(box["x"] + box["width"] - 200, box["y"] + 5, button="right")
    menu = board.get_by_role("menu")
    expect(menu).to_be_visible()
    at, size = menu.bounding_box(), board.viewport_size
    assert at["y"] + at["height"] <= size["height"]
    assert at["x"] + at["width"] <= size["width"]
    board.get_by_role("menuitem", name="Follow-up…").click()
    board.get_by_label("Description").fill("Fit the fan")
    board.get_by_role("button", name="Create follow-up").click()
    expect(board.locator(".toast")).to_contain_text(f"follows up {jobs[3].number}")
    assert Job.objects.get(description="Fit the fan").follow_up_of == jobs[3]


def test_finger_that_rests_on_a_job_opens_its_menu(new_context, live_site, dana, omar, tess, jobs):
    in_thread(actions.assign_job, jobs[0], tess, by=omar)
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    list_of(page, live_site, "dana")
    box = row(page, jobs[0]).locator(".job-link").bounding_box()
    finger = page.context.new_cdp_session(page)
    points = [{"x": box["x"] + 20, "y": box["y"] + 8}]
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    expect(page.get_by_role("menu")).to_be_visible()
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.get_by_role("menuitem", name="Unassign").tap()
    expect(page.locator(".toast")).to_have_text(f"{jobs[0].number} is Created.")
    expect(page.locator("#drawer > *")).to_have_count(0)
    assert now_is(jobs[0]).technician is None
