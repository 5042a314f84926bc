"""Two dispatchers with the same job open: what each changed stays, and nobody overwrites the other unknowingly."""

import pytest
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Priority, Status
from tests.e2e.boards import DESK, choose, fresh, in_list, make_job, open_board
from tests.e2e.live import in_thread

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def job(crew, omar, north):
    what = {"description": "No heat", "duration_minutes": 60, "priority": Priority.NORMAL}
    return make_job(Status.ASSIGNED, by=omar, zone=north, technician=crew[0], **what)


@pytest.fixture
def danas(new_context, live_site, job):
    return open_board(new_context(viewport=DESK), live_site.urls[0], "dana", f"/jobs/{job.pk}/")


@pytest.fixture
def omars(new_context, live_site, job):
    return open_board(new_context(viewport=DESK), live_site.urls[-1], "omar", f"/jobs/{job.pk}/")


def edit(page):
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_role("heading", name="Edit job")).to_be_visible()


def save(page, button="Save"):
    page.get_by_role("button", name=button, exact=True).click()


def test_different_fields_of_a_job_are_both_saved(danas, omars, job):
    edit(danas)
    edit(omars)
    danas.get_by_role("radio", name="Urgent").check()
    save(danas)
    expect(danas.locator("#job-content .priority")).to_have_text("Urgent")
    omars.get_by_label("Description").fill("No heat upstairs")
    omars.get_by_label("Duration").fill("90")
    save(omars)
    for page in (danas, omars):
        expect(page.locator("#job-content .priority")).to_have_text("Urgent")
        expect(page.locator("#job-content .description")).to_have_text("No heat upstairs")
    merged = fresh(job)
    assert (merged.priority, merged.description, merged.duration_minutes) == (4, "No heat upstairs", 90)
    assert list(job.field_changes.order_by("pk").values_list("actor__username", flat=True)) == ["dana", "omar"]


def test_the_same_field_shows_who_changed_it_before_it_is_overwritten(danas, omars, browser_errors, job):
    browser_errors.allow("409")
    edit(danas)
    edit(omars)
    danas.get_by_label("Description").fill("No heat upstairs")
    save(danas)
    expect(danas.locator("#job-content .description")).to_have_text("No heat upstairs")
    omars.get_by_label("Description").fill("Boiler is dead")
    omars.get_by_role("radio", name="High").check()
    save(omars)
    notice = omars.get_by_role("alert")
    expect(notice).to_contain_text("Dana changed the same fields while you were editing")
    expect(notice).to_contain_text("Dana changed description from “No heat” to “No heat upstairs”")
    expect(omars.get_by_label("Description")).to_have_value("Boiler is dead")
    kept = fresh(job)
    assert (kept.description, kept.priority) == ("No heat upstairs", Priority.NORMAL)
    save(omars, "Save mine anyway")
    for page in (danas, omars):
        expect(page.locator("#job-content .description")).to_have_text("Boiler is dead")
        expect(page.locator("#job-content .priority")).to_have_text("High")
    assert (fresh(job).description, fresh(job).priority) == ("Boiler is dead", Priority.HIGH)


def test_a_dialog_that_others_overtook_says_so_and_changes_nothing(
    new_context, live_site, browser_errors, crew, omar, job
):
    browser_errors.allow("409")
    page = open_board(new_context(viewport=DESK), live_site.urls[0], "dana", "/board/list/?day=all")
    choose(page, in_list(page, job), "Cancel job…")
    in_thread(actions.change_status, job, Status.IN_PROGRESS, by=crew[0].user)
    expect(in_list(page, job).locator(".status")).to_have_text("In Progress")  # behind the dialog
    page.get_by_role("button", name="No longer needed").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text("This has changed since you looked")
    expect(alert).to_contain_text("In Progress with Tess")
    assert fresh(job).status == Status.IN_PROGRESS
    page.get_by_role("button", name="No longer needed").click()
    expect(in_list(page, job).locator(".status")).to_have_text("Cancelled")
    assert fresh(job).status == Status.CANCELLED
