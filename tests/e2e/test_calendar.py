import re
from datetime import date

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, Status
from tests import factories
from tests.e2e.live import in_thread, log_in
from tests.factories import TechnicianFactory

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def dispatching(page, live_site, dana):
    log_in(page, live_site.url, "dana")
    return page


def open_calendar(page, live_site, name="calendar_week", query=""):
    page.goto(live_site.url + reverse(name) + query)
    expect(page.locator("[data-live-text]")).to_have_text("Live")


def is_at(page, days):
    """And takes keys: its scripts run."""
    expect(page.locator(".daynav .day")).to_have_text(days)
    expect(page.locator("[data-live-text]")).to_have_text("Live")


def make_job(*args, **fields):
    return in_thread(factories.make_job, *args, **fields)


def cell(page, technician, day: date):
    key = technician.pk if technician else "none"
    return page.locator(f'[data-drop-technician="{key}"][data-drop-day="{day}"]')


def test_keys_and_links_lead_from_week_to_week_and_to_the_month(dispatching, live_site, tess):
    page = dispatching
    open_calendar(page, live_site, query="?day=2037-11-18&priority=4")
    page.keyboard.press("ArrowRight")
    is_at(page, "23–29 Nov 2037")
    page.keyboard.press("ArrowLeft")
    is_at(page, "16–22 Nov 2037")
    page.get_by_role("link", name="Month").click()
    is_at(page, "November 2037")
    page.keyboard.press("ArrowRight")
    is_at(page, "December 2037")
    expect(page).to_have_url(re.compile("priority=4"))
    page.keyboard.press("t")
    expect(page.locator("[data-drop-day][aria-current=date]")).to_be_visible()
    page.locator("[data-drop-day][aria-current=date] a").click()
    expect(page).to_have_url(re.compile(rf"/board/\?.*day={timezone.localdate()}"))


def test_job_opens_by_keyboard_and_the_focus_returns(dispatching, live_site, omar, tess):
    page = dispatching
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    open_calendar(page, live_site)
    link = cell(page, tess, timezone.localdate()).locator(".job-link")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#job-drawer-{job.pk}")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer > *")).to_have_count(0)
    expect(link).to_be_focused()


def test_week_shows_what_others_change_and_stays_where_it_was(dispatching, live_site, omar, north, tess):
    page, today = dispatching, timezone.localdate()
    crew = in_thread(lambda: [TechnicianFactory(zones=[north]) for _ in range(24)])
    job, other = make_job(by=omar, zone=north), make_job(Status.ASSIGNED, by=omar, technician=crew[20])
    open_calendar(page, live_site)
    row = page.locator(f"#week-row-{crew[20].pk}")
    row.scroll_into_view_if_needed()
    row.locator(".job-link").focus()
    before = row.bounding_box()["y"]
    in_thread(actions.assign_job, job, crew[20], by=omar)
    expect(row.locator(f'[data-job="{job.pk}"]')).to_be_visible()
    expect(cell(page, crew[20], today).locator(".cell-load")).to_contain_text("2/8")
    expect(page.locator(f'#week-row-none [data-job="{job.pk}"]')).to_have_count(0)
    expect(page.locator('[data-tile="unassigned"] b')).to_have_text("0")
    expect(row.locator(f'[data-job="{other.pk}"] .job-link')).to_be_focused()
    page.evaluate("document.body.dispatchEvent(new CustomEvent('live-refresh'))")
    new = make_job(Status.ASSIGNED, by=omar, technician=crew[20])
    expect(row.locator(f'[data-job="{new.pk}"]')).to_be_visible()
    expect(row.locator(f'[data-job="{other.pk}"] .job-link')).to_be_focused()
    assert abs(row.bounding_box()["y"] - before) < 40
    assert Job.objects.get(pk=job.pk).technician_id == crew[20].pk


def test_month_counts_what_others_enter(dispatching, live_site, omar, north):
    page = dispatching
    open_calendar(page, live_site, "calendar_month")
    today = page.locator(f'[data-drop-day="{timezone.localdate()}"]')
    expect(today.locator(".unassigned")).to_have_count(0)
    make_job(by=omar, zone=north)
    expect(today.locator(".unassigned")).to_have_text("1 unassigned")
    expect(page.locator('[data-tile="unassigned"] b')).to_have_text("1")


def test_month_on_a_phone_begins_with_today(dispatching, live_site):
    dispatching.set_viewport_size({"width": 390, "height": 500})
    open_calendar(dispatching, live_site, "calendar_month")
    expect(dispatching.locator(f'[data-drop-day="{timezone.localdate()}"]')).to_be_in_viewport()
