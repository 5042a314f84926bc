"""Moving a job by its menu and the plain form, and what is asked where something speaks against it."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from dispatch.models import Status
from tests.e2e.boards import DESK, at, choose, fresh, in_lane, make_job, open_board, tomorrow

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def open_lanes(new_context, live_site, crew):
    def open_as(username, *, url=live_site.urls[0], day=None):
        return open_board(new_context(viewport=DESK), url, username, f"/board/?day={day or tomorrow()}")

    return open_as


@pytest.fixture
def planned(omar, north):
    """A job of an hour, with that technician tomorrow from that hour."""

    def plan(technician, hour, **more):
        where = {"technician": technician, "planned_starts_at": at(hour)}
        return make_job(Status.ASSIGNED, by=omar, zone=north, duration_minutes=60, **where, **more)

    return plan


def place(page, shown, **fields):
    """Fills in the form of a job that is shown: what is not given stays as the form has it."""
    choose(page, shown, "Move to another day or time…")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Technician")).to_be_focused()
    if "technician" in fields:
        dialog.get_by_label("Technician").select_option(label=str(fields["technician"]))
    for label, name in (("Day", "day"), ("Planned start", "at")):
        if name in fields:
            dialog.get_by_label(label).fill(fields[name])
    dialog.get_by_role("button", name="Move", exact=True).click()


def times_of(*jobs):
    return [fresh(job).planned_starts_at for job in jobs]


def test_the_form_gives_a_job_to_another_technician_and_day_at_its_time(open_lanes, live_site, crew, planned):
    tess, uma = crew
    job, next_day = planned(tess, 11), tomorrow() + timedelta(days=1)
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    place(page, in_lane(page, tess, job), technician=uma, at="14:30")
    expect(page.locator(".toast")).to_have_text(f"{job.number} is with Uma at 14:30.")
    for screen in (page, colleague):
        expect(in_lane(screen, uma, job)).to_contain_text("14:30")
    assert (fresh(job).technician, *times_of(job)) == (uma, at(14, 30))
    colleague.goto(colleague.url.replace(f"{tomorrow()}", f"{next_day}"))
    expect(colleague.locator("[data-live-text]")).to_have_text("Live")
    place(page, in_lane(page, uma, job), day=f"{next_day}")
    expect(in_lane(colleague, uma, job)).to_contain_text("14:30")
    expect(page.locator(f"main [data-job='{job.pk}']")).to_have_count(0)
    assert times_of(job) == [at(14, 30, day=next_day)]


def test_a_conflict_is_left_alone_or_done_anyway(open_lanes, live_site, browser_errors, crew, planned):
    browser_errors.allow("409")
    tess, uma = crew
    there, job = planned(tess, 10), planned(uma, 13)
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    version = fresh(job).version
    place(page, in_lane(page, uma, job), technician=tess, at="10:15")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text(f"Overlaps {there.number}")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert fresh(job).version == version
    place(page, in_lane(page, uma, job), technician=tess, at="10:15")
    dialog.get_by_role("button", name="Do it anyway").click()
    expect(dialog).to_be_hidden()
    expect(in_lane(colleague, tess, job)).to_have_attribute("data-planned", "10:15")
    assert times_of(there, job) == [at(10), at(10, 15)]


def test_shift_the_rest_is_remembered_for_the_tab(open_lanes, live_site, browser_errors, crew, planned):
    browser_errors.allow("409")
    tess, uma = crew
    rest, job, another = [planned(tess, 10), planned(tess, 11)], planned(uma, 13), planned(uma, 15)
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    place(page, in_lane(page, uma, job), technician=tess, at="10:00")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Answer the same until this tab is closed").check()
    dialog.get_by_role("button", name="Shift the rest").click()
    expect(in_lane(colleague, tess, job)).to_contain_text("10:00")
    for screen in (page, colleague):
        expect(in_lane(screen, tess, rest[0])).to_contain_text("11:00")
        expect(in_lane(screen, tess, rest[1])).to_contain_text("12:00")
    assert times_of(job, *rest) == [at(10), at(11), at(12)]
    place(page, in_lane(page, uma, another), technician=tess, at="10:00")
    expect(in_lane(colleague, tess, rest[1])).to_contain_text("13:00")
    expect(dialog).to_be_hidden()
    assert times_of(another, job, *rest) == [at(10), at(11), at(12), at(13)]


def test_what_is_pinned_asks_and_top_and_bottom_shift_the_others(open_lanes, live_site, browser_errors, crew, planned):
    browser_errors.allow("409")
    tess, _ = crew
    jobs = [planned(tess, hour) for hour in (9, 10, 11)]
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])

    def begins(job, clock):
        for screen in (page, colleague):
            expect(in_lane(screen, tess, job)).to_contain_text(clock)

    choose(page, in_lane(page, tess, jobs[2]), "Move to the top")
    begins(jobs[2], "09:00")
    begins(jobs[1], "11:00")
    assert times_of(*jobs) == [at(10), at(11), at(9)]
    choose(page, in_lane(page, tess, jobs[0]), "Move to the bottom")
    begins(jobs[0], "12:00")
    assert times_of(*jobs) == [at(12), at(11), at(9)]
    choose(page, in_lane(page, tess, jobs[0]), "Pin…")
    page.get_by_label("Its day and time").check()
    page.get_by_label("Its technician, Tess").check()
    page.get_by_role("button", name="Save").click()
    begins(jobs[0], "pinned")
    pinned = fresh(jobs[0])
    assert (pinned.is_time_pinned, pinned.is_technician_pinned) == (True, True)
    place(page, in_lane(page, tess, jobs[0]), at="15:00")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Pinned to its time")
    page.keyboard.press("Escape")
    choose(page, in_lane(page, tess, jobs[0]), "Pin…")
    page.get_by_label("Its day and time").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast").last).to_contain_text("pinned")
    expect(in_lane(colleague, tess, jobs[0])).to_contain_text("pinned")
    place(page, in_lane(page, tess, jobs[0]), at="15:00")
    begins(jobs[0], "15:00")
    assert times_of(jobs[0]) == [at(15)]
