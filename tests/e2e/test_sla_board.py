"""Countdowns on the board: by the server's clock, across a deadline, and as others change the job."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Job, Priority
from tests.e2e.boards import fresh, in_list, make_job, open_board
from tests.e2e.live import in_thread, log_in

pytestmark = pytest.mark.interaction

OFFLINE = "ERR_INTERNET_DISCONNECTED|WebSocket connection|/events/|sendError"
LIST = reverse("board_list")


def urgent_job(by, *, minutes_left, **fields):
    """Its response is due in an hour from its creation, at risk from 45 minutes on."""
    now = timezone.now()
    created_at = now - timedelta(minutes=60 - minutes_left)
    today = timezone.localdate()
    return make_job(by=by, priority=Priority.URGENT, created_at=created_at, scheduled_on=today, **fields)


def says(chip, state, text):
    expect(chip).to_have_attribute("data-state", state)
    expect(chip.locator("[data-sla-time]")).to_have_text(text)


def test_a_countdown_goes_across_the_deadline_without_the_server(new_context, live_site, omar, browser_errors):
    browser_errors.allow(OFFLINE)
    job = urgent_job(omar, minutes_left=20)
    context = new_context()
    page = context.new_page()
    page.clock.install()
    log_in(page, live_site.url, "omar")
    page.goto(live_site.url + LIST)
    chip = in_list(page, job).locator(".chip.sla")
    says(chip, "running", re.compile("^(20|19) min$"))
    context.set_offline(True)
    page.clock.fast_forward("08:00")
    says(chip, "at-risk", re.compile("^1[12] min$"))
    expect(chip).to_contain_text(", at risk")
    page.clock.fast_forward("12:00")
    says(chip, "breached", re.compile("^(<1|1) min over$"))
    expect(chip).to_contain_text(", missed")
    assert chip.evaluate("chip => chip.closest('[aria-live], [role=status]')") is None, "nobody is told each minute"
    # The browser's clock is twenty minutes ahead now; whatever the server answers next puts it right.
    context.set_offline(False)
    page.locator("body").evaluate("body => body.dispatchEvent(new CustomEvent('live-refresh'))")
    says(chip, "running", re.compile("^(20|19) min$"))


def test_a_clock_that_is_days_wrong_does_not_lie(new_context, live_site, omar):
    job = urgent_job(omar, minutes_left=10)
    page = new_context().new_page()
    page.clock.install(time=timezone.now() + timedelta(days=3))
    log_in(page, live_site.url, "omar")
    page.goto(live_site.url + LIST)
    says(in_list(page, job).locator(".chip.sla"), "at-risk", re.compile("^(10|9) min$"))


def test_another_priority_changes_the_countdown_on_everybodys_board(new_context, live_site, omar, dana, north):
    job = urgent_job(omar, minutes_left=10, zone=north)
    hers = open_board(new_context(), live_site.urls[-1], "dana", LIST)
    his = open_board(new_context(), live_site.url, "omar", LIST)
    chip = in_list(hers, job).locator(".chip.sla")
    says(chip, "at-risk", re.compile("^(10|9) min$"))
    in_list(his, job).locator(".job-link").click(button="right")
    his.get_by_role("menuitemradio", name="High").click()
    for page in (his, hers):
        says(in_list(page, job).locator(".chip.sla"), "running", re.compile("^3 h (09|10)$"))
    assert fresh(job).priority == Priority.HIGH
    left = in_thread(lambda: Job.objects.with_board_info().get(pk=job.pk).response_due_at - timezone.now())
    assert timedelta(hours=3) < left < timedelta(hours=3, minutes=11)


def test_the_map_is_coloured_by_what_is_used_of_the_target(new_context, live_site, omar, north):
    job = urgent_job(omar, minutes_left=10, zone=north)
    page = open_board(new_context(), live_site.url, "omar", reverse("map"))
    pin = page.locator(f".map-pin[data-job='{job.pk}']")
    expect(pin).to_have_attribute("data-sla", "at-risk")
    expect(pin.locator("span")).to_have_text("○")
    page.get_by_role("link", name="By SLA").click()
    expect(pin.locator("span")).to_have_text(re.compile("^8[345]$"))
    expect(page).to_have_url(re.compile("colour=sla"))
    expect(pin.locator(".job-link")).to_contain_text(re.compile(r"response due in (10|9) min, 8\d % used"))
    page.reload()
    expect(pin.locator("span")).to_have_text(re.compile("^8[345]$"))
