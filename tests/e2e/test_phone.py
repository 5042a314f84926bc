import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Status
from dispatch.templatetags.board import hours
from technicians import attendance
from tests.e2e.axe import objections
from tests.e2e.live import give_session, in_thread, log_in, log_in_by_form
from tests.factories import SiteFactory, make_job

pytestmark = pytest.mark.interaction

HERE = {"latitude": 40.11, "longitude": -75.12}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
MAY_LOCATE = {"geolocation": HERE, "permissions": ["geolocation"]}


@pytest.fixture
def job(omar, tess):
    site = SiteFactory(address="12 Harbor View", access_notes="Gate code 4471")
    return in_thread(make_job, Status.ASSIGNED, by=omar, technician=tess, site=site, description="No heat upstairs")


@pytest.fixture
def phone(new_context, live_site, job):
    """Tess's phone, which may be located."""
    page = new_context(**PHONE, **MAY_LOCATE).new_page()
    log_in_by_form(page, live_site.url, "tess")
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    return page


def step_button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def status_of(job):
    job.refresh_from_db()
    return job.status


def test_technician_works_through_a_job_and_the_position_goes_along(phone, job):
    for name, status in (("En route", "En Route"), ("Start work", "In Progress")):
        step_button(phone, name).click()
        expect(phone.locator(".now .status")).to_have_text(status)
    step_button(phone, "Complete").click()
    expect(phone.get_by_text("All done for today.")).to_be_visible()
    assert status_of(job) == Status.COMPLETED
    for change in job.status_changes.filter(actor=job.technician.user):
        assert (change.latitude, change.longitude) == (HERE["latitude"], HERE["longitude"])


def test_the_place_is_shared_from_the_first_tap_of_the_shift_to_the_last_and_the_page_says_so(phone, job, tess):
    sharing = phone.locator("[data-sharing]")
    expect(sharing).to_be_hidden()
    phone.locator(".phone-foot").get_by_role("button", name="Clock in").click()
    expect(sharing).to_contain_text("The office sees where you are")
    expect(sharing).to_contain_text("Last at")
    step_button(phone, "Break").click()
    expect(sharing).to_contain_text("does not see where you are during your break")
    step_button(phone, "End break").click()
    expect(sharing).to_contain_text("The office sees where you are")
    phone.locator("#day-head").get_by_text("On shift", exact=True).click()
    step_button(phone, "Clock out").click()
    expect(sharing).to_be_hidden()
    assert {each.source for each in tess.positions.all()} == {"phone"}


def test_a_script_that_comes_late_knows_of_the_shift(new_context, live_site, job, tess):
    in_thread(attendance.clock_in, tess, now=timezone.now() - timedelta(hours=1))
    page = new_context(**PHONE, **MAY_LOCATE).new_page()
    page.route("**/phone_place.js", lambda route: (page.wait_for_timeout(400), route.continue_()))
    give_session(page.context, live_site.url, tess.user)
    page.goto(f"{live_site.url}/my-day/")
    expect(page.locator("[data-sharing]")).to_contain_text("Last at")


def test_who_calls_out_sick_without_signal_is_not_sent_to_the_clock(phone, job, browser_errors):
    browser_errors.allow("ERR_INTERNET_DISCONNECTED|htmx:|WebSocket")
    clock_in = phone.locator(".phone-foot").get_by_role("button", name="Clock in")
    expect(clock_in).to_be_visible()
    phone.context.set_offline(True)
    phone.get_by_text("I am sick").click()
    phone.get_by_role("button", name="Call out sick for today").click()
    expect(phone.get_by_text("The office is told as soon as this is sent.")).to_be_visible()
    expect(clock_in).to_be_hidden()
    expect(phone.get_by_text("I am sick")).to_be_hidden()
    phone.context.set_offline(False)
    expect(phone.get_by_text("You are marked as sick today.")).to_be_visible()
    expect(clock_in).to_be_hidden()


def test_a_phone_that_may_not_be_located_still_works(new_context, live_site, job):
    page = new_context(**PHONE, permissions=[]).new_page()
    log_in_by_form(page, live_site.url, "tess")
    step_button(page, "En route").click()
    expect(page.locator(".now .status")).to_have_text("En Route")
    assert job.status_changes.last().latitude is None


def test_a_double_tap_takes_one_step(phone, job):
    button = step_button(phone, "En route").bounding_box()
    where = {"x": button["x"] + 100, "y": button["y"] + 30}
    for _ in range(5):
        phone.touchscreen.tap(**where)
        phone.wait_for_timeout(60)
    expect(phone.locator(".now .status")).to_have_text("En Route")
    expect(step_button(phone, "Start work")).to_be_enabled()
    assert status_of(job) == Status.EN_ROUTE


def test_a_new_job_appears_by_itself_and_is_marked(phone, job, omar, tess):
    other = in_thread(make_job, Status.ASSIGNED, by=omar, technician=tess, description="Leaking tap")
    row = phone.locator(f".job-row[data-job='{other.pk}']")
    expect(row).to_contain_text("Leaking tap")
    expect(row.locator("[data-mark]")).to_have_text("New")
    expect(phone.get_by_text("Since you last looked: 1 new.")).to_be_visible()
    row.click()
    expect(phone.get_by_role("heading", name="Leaking tap")).to_be_visible()
    phone.get_by_role("link", name="Back to my day").click()
    expect(row.locator("[data-mark]")).to_be_hidden()


def test_a_job_moved_while_the_page_was_closed_is_marked(phone, live_site, job, omar):
    expect(phone.locator(".now").locator("[data-mark]")).to_be_hidden()
    context = phone.context
    phone.close()
    at = timezone.now().replace(microsecond=0)
    changes = {"window_starts_at": at, "window_ends_at": at + timedelta(hours=2)}
    in_thread(actions.edit_job, job, changes, by=omar, base_version=job.version)
    again = context.new_page()
    again.goto(f"{live_site.url}/my-day/")
    expect(again.locator(".now").locator("[data-mark]")).to_have_text(re.compile(r"^Block \d\d:\d\d–\d\d:\d\d$"))
    expect(again.get_by_text("Since you last looked: 1 changed.")).to_be_visible()
    again.get_by_role("button", name="OK, seen").click()
    expect(again.locator(".now").locator("[data-mark]")).to_be_hidden()
    job.refresh_from_db()
    in_thread(type(job.site).objects.filter(pk=job.site_id).update, address="9 Quay Street")
    later = {"window_ends_at": at + timedelta(hours=3), "priority": 4}
    in_thread(actions.edit_job, job, later, by=omar, base_version=job.version)
    blocks = "–".join(hours(each) for each in changes.values()), f"{hours(at)}–{hours(at + timedelta(hours=3))}"
    said = f"Block {blocks[0]} → {blocks[1]} · Other address · Priority Urgent"
    expect(again.locator(".now").locator("[data-mark]")).to_have_text(said)


def test_a_job_taken_away_disappears_and_is_named(phone, job, omar, tom):
    in_thread(actions.assign_job, job, tom, by=omar)
    expect(phone.get_by_text("No jobs for today.")).to_be_visible()
    told = phone.get_by_text(f"{job.number} No heat upstairs is no longer in your day")
    expect(told).to_be_visible()
    phone.get_by_role("button", name="OK, seen").click()
    expect(told).to_be_hidden()


def test_an_open_job_that_is_taken_away_says_so(phone, job, omar, tom, browser_errors):
    browser_errors.allow("404")
    phone.get_by_role("link", name="Details").click()
    expect(phone.locator("#live[data-state=live]")).to_be_visible()
    in_thread(actions.assign_job, job, tom, by=omar)
    expect(phone.get_by_text("This job is no longer yours.")).to_be_visible()
    expect(step_button(phone, "En route")).to_be_hidden()


def test_a_note_being_typed_survives_what_others_change(phone, job, omar):
    phone.get_by_role("link", name="Details").click()
    note = phone.get_by_label("New note")
    note.fill("The filter is")
    in_thread(actions.add_note, job, "Customer called again", by=omar)
    expect(phone.get_by_text("This job has changed meanwhile.")).to_be_visible()
    note.press_sequentially(" odd-sized")
    phone.get_by_role("button", name="Add note").click()
    notes = phone.locator(".notes:not([data-waiting-notes])")
    expect(notes).to_contain_text("The filter is odd-sized")
    expect(notes).to_contain_text("Customer called again")
    expect(note).to_have_value("")


def test_beside_half_a_note_ones_own_taps_are_no_news_and_shown_once(phone, job):
    phone.get_by_role("link", name="Details").click()
    expect(phone.locator("#live[data-state=live]")).to_be_visible()
    phone.get_by_label("New note").fill("The filter is")
    phone.get_by_text("Add material").click()
    phone.get_by_label("What", exact=True).fill("Valve")
    phone.get_by_role("button", name="Add", exact=True).click()
    expect(phone.locator("[data-use]")).to_contain_text("1 Valve")
    expect(phone.locator("[data-waiting-uses]")).to_be_hidden()
    expect(phone.get_by_label("New note")).to_have_value("The filter is")
    phone.wait_for_timeout(1500)  # the news of it comes by the live connection too
    expect(phone.locator("#phone-stale")).to_be_hidden()


def test_signal_that_is_back_shows_beside_half_a_note(phone, job, browser_errors):
    browser_errors.allow("ERR_INTERNET_DISCONNECTED")
    phone.get_by_role("link", name="Details").click()
    phone.get_by_label("New note").fill("The filter is")
    phone.context.set_offline(True)
    expect(phone.get_by_text("No signal")).to_be_visible()
    phone.context.set_offline(False)
    expect(phone.get_by_text("No signal")).to_be_hidden()
    expect(phone.get_by_label("New note")).to_have_value("The filter is")


def test_a_tap_on_a_job_cancelled_meanwhile_is_kept_and_the_truth_shown(phone, job, omar):
    phone.get_by_role("link", name="Details").click()
    phone.get_by_label("New note").fill("Keeps the page as it is")
    in_thread(actions.change_status, job, Status.CANCELLED, by=omar, note="Called off")
    step_button(phone, "En route").click()
    kept = phone.locator(".outcome")
    expect(kept).to_contain_text("Given to the dispatcher as a note")
    expect(phone.locator(".now .status")).to_have_text("Cancelled")
    expect(step_button(phone, "En route")).to_be_hidden()
    expect(phone.get_by_label("New note")).to_have_value("Keeps the page as it is")
    kept.get_by_role("button", name="OK").click()
    expect(kept).to_have_count(0)
    assert "Tapped En Route" in job.notes.get().text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_phone_pages_can_be_used_by_everyone(new_context, live_site, job, theme):
    page = new_context(**PHONE, color_scheme=theme).new_page()
    log_in(page, live_site.url, "tess")
    for path in ("/my-day/", f"/my-day/jobs/{job.pk}/"):
        page.goto(live_site.url + path)
        assert objections(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]


def test_an_open_menu_stays_open_when_the_office_changes_the_day(phone, job, dana):
    phone.locator("#day-head").get_by_text("Off shift", exact=True).click()
    expect(phone.locator("#shift-menu")).to_have_attribute("open", "")
    job.refresh_from_db()
    in_thread(actions.edit_job, job, {"description": "No heat downstairs"}, by=dana, base_version=job.version)
    expect(phone.locator(".now h2")).to_have_text("No heat downstairs")
    expect(phone.locator("#shift-menu")).to_have_attribute("open", "")
