"""Predicted arrivals on a board that is open, without a reload."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Arrival, Job, Status
from technicians.models import Position
from technicians.positions import Fix
from tests import factories
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.interaction]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def board(page, live_site, dana):
    """Dana's list."""
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("board_list"))
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    return page


@pytest.fixture
def route(omar, tess, north):
    """Two jobs of Tess, the second planned for right after the first."""
    now = timezone.now()
    fields = {"by": omar, "technician": tess, "zone": north, "duration_minutes": 30}
    starts = (now + 60 * MINUTE, now + 92 * MINUTE)
    return [in_thread(factories.make_job, Status.ASSIGNED, planned_starts_at=at, **fields) for at in starts]


def test_dispatcher_sees_a_later_job_run_behind_when_an_earlier_one_gets_longer(board, route, omar):
    first, second = route
    row = board.locator(f"#job-row-{second.pk}")
    board.reload()
    expect(row).to_be_visible()
    expect(row.locator(".chip.late")).to_have_count(0)
    board.evaluate("document.body.dataset.untouched = 'yes'")
    version = Job.objects.get(pk=first.pk).version
    in_thread(actions.edit_job, first, {"duration_minutes": 120}, by=omar, base_version=version)
    expect(row.locator(".chip.late")).to_have_text(re.compile(r"▲ \+1 h \d\d late"))
    expect(board.locator("[data-tile=behind]")).to_have_text(re.compile(r"1\s+Running behind"))
    assert board.evaluate("document.body.dataset.untouched") == "yes"
    assert Arrival.objects.get(job=second).late_minutes > 60


def test_open_page_hears_where_a_technician_is_and_misses_nothing(board, tess):
    board.evaluate(
        """() => {
            const body = document.body;
            window.heard = [];
            body.addEventListener("technician-moved", (event) => {
                heard.push(event.detail);
                body.dataset.beats = "";
            });
            body.addEventListener("live-refresh", () => heard.push("refresh"));
            const beat = () => { if (heard.length) body.dataset.beats += "."; }; // each one says when it came
            new MutationObserver(beat).observe(
                document.querySelector("[data-live-indicator]"), { attributeFilter: ["title"] }
            );
        }"""
    )
    now = timezone.now()
    in_thread(actions.take_position, tess, Fix(40.15, -75.1, now), source=Position.Source.PHONE, now=now)
    # Four heartbeats would have told of a missed event.
    expect(board.locator("body")).to_have_attribute("data-beats", re.compile(r"^\.{4}"), timeout=15_000)
    [event] = board.evaluate("heard")
    assert (event["technician"], event["latitude"], event["longitude"]) == (tess.pk, 40.15, -75.1)
    assert event["recorded_at"] == now.isoformat()
