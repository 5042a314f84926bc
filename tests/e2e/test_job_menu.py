"""What the menu of a job does, told to a colleague's screen; and the keys that do the same."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Job, Priority, Status
from tests.e2e.boards import DESK, at, choose, fresh, in_lane, in_list, make_job, open_board, tomorrow

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def open_list(new_context, live_site, crew):
    def open_as(username, *, url=live_site.urls[0], query="?day=all"):
        return open_board(new_context(viewport=DESK), url, username, f"/board/list/{query}")

    return open_as


def give_reason(page, reason, button):
    page.get_by_role("dialog").get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def last_note(job):
    return job.status_changes.latest("pk").note


def test_begun_work_is_interrupted_and_completed_work_reopened_with_a_reason(
    open_list, live_site, browser_errors, crew, omar, north
):
    browser_errors.allow("422")
    tess, _ = crew
    today = {"by": omar, "zone": north, "scheduled_on": timezone.localdate()}
    begun, finished = make_job(Status.IN_PROGRESS, technician=tess, **today), make_job("completed", **today)
    page, colleague = open_list("dana"), open_list("omar", url=live_site.urls[-1])
    in_list(colleague, begun).locator(".job-link").click()
    choose(page, in_list(page, begun), "Interrupt…")
    page.get_by_role("button", name="Interrupt job").click()
    expect(page.get_by_role("dialog")).to_contain_text("Give a reason.")
    give_reason(page, "The valve must be ordered", "Interrupt job")
    for screen in (page, colleague):
        expect(in_list(screen, begun).locator(".status")).to_have_text("Assigned")
    expect(colleague.locator("#drawer .log").first).to_contain_text("The valve must be ordered")
    assert (fresh(begun).status, last_note(begun)) == (Status.ASSIGNED, "The valve must be ordered")
    choose(page, in_list(page, finished), "Reopen…")
    page.get_by_role("button", name="Completed by mistake").click()
    expect(in_list(colleague, finished).locator(".status")).to_have_text("In Progress")
    assert (fresh(finished).status, last_note(finished)) == (Status.IN_PROGRESS, "Completed by mistake")


def test_a_job_waits_goes_on_and_is_cancelled_with_a_reason(open_list, live_site, crew, omar, north):
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=crew[0])
    page, colleague = open_list("dana"), open_list("omar", url=live_site.urls[-1])
    choose(page, in_list(page, job), "Hold…")
    page.get_by_label("Why is it on hold?").fill("Waits for a part")
    page.get_by_role("button", name="Put on hold").click()
    mark = in_list(colleague, job).get_by_text("On hold")
    expect(mark).to_have_attribute("title", "Waits for a part")
    assert fresh(job).hold_reason == "Waits for a part"
    choose(page, in_list(page, job), "Release")
    expect(mark).to_have_count(0)
    assert not fresh(job).is_on_hold
    choose(page, in_list(page, job), "Cancel job…")
    give_reason(page, "Sold the house", "Cancel job")
    for screen in (page, colleague):
        expect(in_list(screen, job).locator(".status")).to_have_text("Cancelled")
    assert (fresh(job).status, last_note(job)) == (Status.CANCELLED, "Sold the house")


def test_another_visit_and_a_copy_appear_on_the_lanes_of_their_day(
    open_list, new_context, live_site, crew, omar, north
):
    tess, _ = crew
    job = make_job(Status.COMPLETED, by=omar, zone=north, technician=tess, scheduled_on=timezone.localdate())
    page = open_list("dana")
    lanes = open_board(new_context(viewport=DESK), live_site.urls[-1], "omar", f"/board/?day={tomorrow()}")
    choose(page, in_list(page, job), "Follow-up…")
    page.get_by_role("dialog").get_by_label("Day").fill(f"{tomorrow()}")
    page.get_by_label("Description").fill("Fit the fan")
    page.get_by_label("Assign it to Tess again").check()
    page.get_by_role("button", name="Create follow-up").click()
    expect(page.locator(".toast")).to_contain_text(f"follows up {job.number}")
    follow_up = Job.objects.get(description="Fit the fan")
    expect(in_lane(lanes, tess, follow_up)).to_be_visible()
    assert (follow_up.follow_up_of, follow_up.technician, follow_up.scheduled_on) == (job, tess, tomorrow())
    choose(page, in_list(page, job), "Duplicate…")
    page.get_by_role("dialog").get_by_label("Day").fill(f"{tomorrow()}")
    page.get_by_role("button", name="Create duplicate").click()
    expect(page.locator(".toast").last).to_contain_text(f"is the same as {job.number}")
    copy = Job.objects.latest("pk")
    expect(lanes.locator(f".tray-card[data-job='{copy.pk}']")).to_contain_text(copy.title)
    assert (copy.site, copy.status, copy.scheduled_on) == (job.site, Status.CREATED, tomorrow())


def test_the_keys_of_a_job_need_no_mouse_on_the_lanes(new_context, live_site, crew, omar, north):
    """As the help lists them: priority, assign, hold, release, cancel, undo."""
    tess, uma = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(11))
    path = f"/board/?day={tomorrow()}"
    page = open_board(new_context(viewport=DESK), live_site.urls[0], "dana", path)
    colleague = open_board(new_context(viewport=DESK), live_site.urls[-1], "omar", path)
    press, block = page.keyboard.press, in_lane(colleague, tess, job)
    in_lane(page, tess, job).locator(".job-link").focus()
    for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT):
        press(str(priority.value))
        expect(block).to_contain_class(f"p{priority.value}")
        expect(in_lane(page, tess, job)).to_contain_class(f"p{priority.value}")
        assert fresh(job).priority == priority
    press("h")
    page.get_by_label("Why is it on hold?").press_sequentially("Nobody answers")
    press("Enter")
    expect(block).to_contain_text("hold")
    assert fresh(job).hold_reason == "Nobody answers"
    expect(in_lane(page, tess, job).locator(".job-link")).to_be_focused()
    press("h")
    expect(page.get_by_role("dialog").get_by_role("button", name="Release")).to_be_focused()
    press("Enter")
    expect(block).not_to_contain_text("hold")
    assert not fresh(job).is_on_hold
    expect(in_lane(page, tess, job).locator(".job-link")).to_be_focused()
    press("a")
    page.get_by_role("radio", name="Uma").focus()
    press("Space")
    press("Enter")
    expect(in_lane(colleague, uma, job)).to_contain_text("11:00")
    assert fresh(job).technician == uma
    expect(in_lane(page, uma, job).locator(".job-link")).to_be_focused()
    press("Delete")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Sold the house")
    press("Enter")
    for screen in (page, colleague):
        expect(screen.locator(f".block[data-job='{job.pk}']")).to_have_count(0)
    assert (fresh(job).status, last_note(job)) == (Status.CANCELLED, "Sold the house")
    press("Control+z")
    expect(in_lane(colleague, uma, job)).to_be_visible()
    assert fresh(job).status == Status.ASSIGNED


def test_the_keys_reach_the_job_whose_drawer_is_open(open_list, live_site, crew, omar, north):
    jobs = [make_job(by=omar, zone=north, scheduled_on=tomorrow() + timedelta(days=n)) for n in range(2)]
    page, colleague = open_list("dana"), open_list("omar", url=live_site.urls[-1])
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer > *")).to_be_focused()
    job = jobs[1]
    page.keyboard.press("4")
    expect(page.locator("#drawer .priority")).to_have_text("Urgent")
    expect(in_list(colleague, job).locator(".priority")).to_have_text("Urgent")
    page.keyboard.press("a")
    page.get_by_role("radio", name="Tess").press("Space")
    page.keyboard.press("Enter")
    expect(in_list(colleague, job)).to_contain_text("Tess")
    assert (fresh(job).priority, fresh(job).technician) == (Priority.URGENT, crew[0])
    assert fresh(jobs[0]).technician is None


def test_what_is_pressed_in_quick_succession_is_all_done(open_list, live_site, crew, omar, north):
    jobs = [make_job(by=omar, zone=north, priority=Priority.NORMAL) for _ in range(3)]
    page, colleague = open_list("dana"), open_list("omar", url=live_site.urls[-1])
    in_list(page, jobs[0]).locator(".job-link").focus()
    for key in ("4", "j", "3", "j", "1"):
        page.keyboard.press(key)
    for job, priority in zip(jobs, ("Urgent", "High", "Low"), strict=True):
        for screen in (page, colleague):
            expect(in_list(screen, job).locator(".priority")).to_have_text(priority)
    assert [fresh(job).priority for job in jobs] == [Priority.URGENT, Priority.HIGH, Priority.LOW]
