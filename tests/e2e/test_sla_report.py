"""The SLA report's charts in a browser: by keyboard, without JavaScript, in either theme, on paper."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Priority, Status
from tests.e2e.live import in_thread, log_in
from tests.e2e.test_accessibility import check
from tests.factories import make_job

pytestmark = pytest.mark.browser
REPORT = reverse("sla_report")
HOUR = timedelta(hours=1)


@pytest.fixture
def history(dana, omar, tess, north):
    """Responses of three days: in time, in time and late, late. High: within 4 hours."""
    return in_thread(make_history, omar, tess, north)


def make_history(omar, tess, north):
    today = timezone.now()
    for days, takes in ((5, HOUR), (4, HOUR), (4, 5 * HOUR), (3, 30 * HOUR)):
        begin = today - timedelta(days=days)
        job = make_job(by=omar, zone=north, priority=Priority.HIGH, created_at=begin, now=begin)
        job = actions.change_status(job, Status.ASSIGNED, technician=tess, by=omar, now=begin)
        for status in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
            job = actions.change_status(job, status, by=omar, now=begin + takes)


def opened(new_context, live_site, **options):
    page = new_context(base_url=live_site.url, **options).new_page()
    log_in(page, live_site.url, "dana")
    page.goto(REPORT)
    return page


def trend_of(page):
    return page.locator("svg.chart").filter(has=page.locator("path.line")).first


@pytest.mark.interaction
def test_the_arrows_go_from_mark_to_mark_and_enter_shows_the_jobs(new_context, live_site, history):
    page = opened(new_context, live_site)
    marks = trend_of(page).locator("[data-mark]")
    expect(marks).to_have_count(3)
    expect(trend_of(page).locator("[tabindex='0']")).to_have_count(1)
    marks.first.focus()
    page.keyboard.press("ArrowLeft")
    expect(marks.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(marks.nth(1)).to_be_focused()
    expect(marks.nth(1)).to_have_accessible_name(re.compile("50 %, 1 of 2 met$"))
    page.keyboard.press("Tab")  # out of the chart, not to the next mark
    expect(trend_of(page).locator(":focus")).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(marks.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Met and breached response targets")).to_be_visible()
    expect(page.locator("table.behind tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page.get_by_role("heading", name="SLA compliance", exact=True)).to_be_visible()


@pytest.mark.interaction
def test_without_javascript_it_says_and_does_the_same(new_context, live_site, history):
    page = opened(new_context, live_site, java_script_enabled=False)
    marks = trend_of(page).locator("[data-mark]")
    expect(marks).to_have_count(3)
    page.locator("summary", has_text="Priority").click()
    page.get_by_label("High").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".chip", has_text="Priority: High")).to_be_visible()
    marks.first.click()
    expect(page.locator("table.behind tbody tr")).to_have_count(1)


@pytest.mark.looks
def test_the_charts_are_accessible_in_both_themes(new_context, live_site, history):
    page = opened(new_context, live_site, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    colours = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        colours.append([page.locator(f"svg .{part}").first.evaluate(PAINTED) for part in PARTS])
    assert all(light != dark for light, dark in zip(*colours, strict=True)), colours
    page.locator("summary", has_text="Technician").click()
    check(page, "report with a filter open")
    page.locator(".counts a").first.click()
    check(page, "jobs")


@pytest.mark.looks
def test_a_phone_has_room_for_it(new_context, live_site, history):
    page = opened(new_context, live_site, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    check(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


PARTS = ("line:not(.grid, .edge, .before)", "bar.met", "hatch-line", "grid", "up")
PAINTED = "element => { const { fill, stroke } = getComputedStyle(element); return `${fill} ${stroke}`; }"


@pytest.mark.looks
def test_paper_has_the_whole_tables_and_none_of_the_buttons(new_context, live_site, history):
    page = opened(new_context, live_site)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".report-form")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    tables = page.locator(".table-scroll:not(.wide)")
    assert tables.evaluate_all("all => all.every(one => one.scrollHeight <= one.clientHeight + 1)")
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
