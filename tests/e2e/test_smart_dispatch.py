"""Smart dispatch on the board: what is suggested is confirmed, what is automatic appears by itself."""

import pytest
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import AssignmentRule, Priority, Status, Suggestion
from tests.e2e.boards import DESK, fresh, in_lane, make_job, open_board, tomorrow
from tests.e2e.live import in_thread

pytestmark = [pytest.mark.browser, pytest.mark.interaction]
State = Suggestion.State


@pytest.fixture
def open_lanes(new_context, live_site, crew):
    def open_as(username, *, url=live_site.urls[0]):
        return open_board(new_context(viewport=DESK), url, username, f"/board/?day={tomorrow()}")

    return open_as


@pytest.fixture
def rule():
    def set_rule(mode):
        AssignmentRule.objects.update_or_create(priority=Priority.NORMAL, defaults={"mode": mode})

    return set_rule


@pytest.fixture
def suggest(dana, north, crew, rule):
    """A job of tomorrow for which somebody is suggested."""

    def make():
        rule("suggest")
        job = make_job(by=dana, zone=north)
        in_thread(actions.dispatch_new_job, job.pk)
        return job, Suggestion.objects.select_related("technician__user").get(job=job, state=State.OPEN)

    return make


def in_tray(page, job):
    return page.locator(f"#tray [data-job='{job.pk}']")


def test_one_click_confirms_a_suggestion_before_a_colleagues_eyes(open_lanes, live_site, suggest, dana):
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    job, suggestion = suggest()
    for screen in (page, colleague):  # it comes by itself
        expect(in_tray(screen, job)).to_contain_text(f"{suggestion.technician}")
    in_tray(page, job).get_by_role("button", name="Assign").click()
    done = page.locator(".toast").filter(has_text=f"{job.number} assigned to {suggestion.technician}")
    expect(done).to_be_visible()
    for screen in (page, colleague):
        expect(in_lane(screen, suggestion.technician, job)).to_be_visible()
        expect(in_tray(screen, job)).to_have_count(0)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.closed_by) == (State.CONFIRMED, dana)
    assert (fresh(job).status, fresh(job).planned_starts_at) == (Status.ASSIGNED, suggestion.starts_at)


def test_y_confirms_what_is_suggested_for_the_focused_job(open_lanes, suggest):
    job, suggestion = suggest()
    page = open_lanes("dana")
    in_tray(page, job).locator(".job-link").focus()
    page.keyboard.press("y")
    expect(in_lane(page, suggestion.technician, job)).to_be_visible()
    assert fresh(job).technician == suggestion.technician


def test_dismissed_suggestion_goes_from_every_board(open_lanes, live_site, suggest):
    job, suggestion = suggest()
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    in_tray(page, job).get_by_role("button", name="Dismiss").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Away on training")
    page.keyboard.press("Enter")
    for screen in (page, colleague):
        expect(in_tray(screen, job).locator("[data-suggestion]")).to_have_count(0)
        expect(in_tray(screen, job)).to_be_visible()
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.why_closed) == (State.DISMISSED, "Away on training")


def test_automatic_rule_assigns_a_new_job_by_itself(open_lanes, live_site, dana, north, crew, rule):
    rule("automatic")
    live_site.start_worker()
    page = open_lanes("omar")
    job = make_job(by=dana, zone=north)
    block = page.locator(f".lane [data-job='{job.pk}']").first
    expect(block).to_be_visible(timeout=20_000)
    job = fresh(job)
    expect(in_lane(page, job.technician, job)).to_be_visible()
    assert (job.status, job.technician in crew) == (Status.ASSIGNED, True)
    assert job.status_changes.last().note.startswith(f"Smart dispatch: {job.technician} ")
