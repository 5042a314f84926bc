"""What is typed goes where the work is: into the dialog that opened, on from the job that is open."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Job
from tests import factories
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def jobs(omar, north):
    return [in_thread(factories.make_job, by=omar, zone=north) for _ in range(3)]


@pytest.fixture
def board(page, live_site, dana, jobs):
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("board_list"))
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    return page


def link(page, job):
    return page.locator(f"#job-row-{job.pk} .job-link")


def test_reason_of_a_hold_is_typed_at_once(board, jobs):
    link(board, jobs[0]).focus()
    board.keyboard.press("h")
    expect(board.locator("#dialog input[name=reason]")).to_be_focused()
    board.keyboard.type("Waiting for parts")
    board.keyboard.press("Enter")
    expect(board.locator("#dialog")).to_be_hidden()
    expect(board.locator(f"#job-row-{jobs[0].pk}")).to_contain_text("On hold")
    assert Job.objects.get(pk=jobs[0].pk).hold_reason == "Waiting for parts"


def test_enter_moves_several_jobs_to_the_day_that_was_typed(board, jobs):
    for job in jobs[:2]:
        link(board, job).focus()
        board.keyboard.press("x")
    board.locator("#bulk-bar [value=reschedule]").click()
    day = timezone.localdate() + timezone.timedelta(days=7)
    board.locator("#dialog [name=day]").fill(f"{day}")
    board.keyboard.press("Enter")
    expect(board.locator("#dialog h2")).to_contain_text("2 ")
    assert {Job.objects.get(pk=job.pk).scheduled_on for job in jobs[:2]} == {day}


def test_j_goes_on_from_the_job_that_is_open(board, jobs):
    rows = board.locator("#job-rows .job-link")
    rows.nth(1).click()
    expect(board.locator("#drawer > *")).to_be_focused()
    board.keyboard.press("j")
    expect(rows.nth(2)).to_be_focused()


def test_note_that_was_added_leaves_the_focus_at_the_next_one(board, jobs):
    link(board, jobs[0]).click()
    note = board.locator(f"#note-{jobs[0].pk}")
    note.fill("Key is under the mat")
    board.get_by_role("button", name="Add note").click()
    expect(board.locator("#drawer .log").first).to_contain_text("Key is under the mat")
    expect(note).to_be_focused()
