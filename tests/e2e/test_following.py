"""Two browsers follow a technician: the marker moves, the arrival is suggested and taken."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, Status
from technicians.models import Position
from technicians.positions import Fix
from tests.e2e.live import in_thread, log_in
from tests.factories import SiteFactory, make_job

pytestmark = pytest.mark.interaction
SITE = (40.1, -75.1)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def job(omar, tess, north):
    """Tess is on her way to it."""
    began = timezone.now() - timedelta(minutes=10)
    in_thread(actions.clock_in, tess, now=began)
    site = SiteFactory(latitude=SITE[0], longitude=SITE[1])
    job = in_thread(make_job, Status.ASSIGNED, by=omar, technician=tess, site=site)
    send(tess, 40.13, ago=9)
    return in_thread(actions.change_status, job, Status.EN_ROUTE, by=tess.user, now=began + timedelta(minutes=1))


def send(technician, latitude, *, ago):
    """A fix of some minutes ago, as her device sends it."""
    at = timezone.now() - timedelta(minutes=ago)
    fix = Fix(latitude, SITE[1], at, 10)
    assert in_thread(actions.take_position, technician, fix, source=Position.Source.OSMAND, now=at)


def open_page(new_context, live_site, user, path, **options):
    page = new_context(**options).new_page()
    log_in(page, live_site.url, user)
    page.goto(f"{live_site.url}{path}")
    return page


def test_fix_moves_the_marker_and_the_age_on_boards_that_are_open(new_context, live_site, job, tess, dana):
    map_page = open_page(new_context, live_site, "dana", "/board/map/", reduced_motion="reduce")
    lanes = open_page(new_context, live_site, "omar", "/board/")
    marker = map_page.locator(f".map-technician[data-technician='{tess.pk}']")
    age = lanes.locator(f"#lane-{tess.pk} .age")
    expect(marker).to_contain_text("9 min")
    expect(age).to_have_text("9 min")
    for page in (map_page, lanes):
        expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")
        page.evaluate("document.body.dataset.untouched = 'yes'")
    before = marker.bounding_box()
    send(tess, 40.115, ago=0)
    expect(marker).to_contain_text("just now")
    expect(age).to_have_text("just now")
    assert marker.bounding_box()["y"] > before["y"] + 40
    assert {page.evaluate("document.body.dataset.untouched") for page in (map_page, lanes)} == {"yes"}


def test_technician_takes_the_arrival_that_the_board_sees_too(new_context, live_site, job, tess, dana):
    phone = open_page(new_context, live_site, "tess", "/my-day/", **PHONE)
    board = open_page(new_context, live_site, "dana", "/board/")
    block = board.locator(f"#lanes [data-job='{job.pk}']")
    expect(block).to_be_visible()
    hint = phone.locator("[data-phone-hint]")
    expect(hint).to_have_count(0)
    send(tess, SITE[0], ago=2)
    send(tess, SITE[0], ago=1)
    expect(hint).to_contain_text("You seem to have arrived")
    expect(block.locator(".block-hint")).to_have_text(re.compile(r"arrived \d\d:\d\d\?"))
    hint.get_by_role("button", name="Yes, start work").tap()
    expect(hint).to_have_count(0)
    expect(block).to_have_class(re.compile("in_progress"))
    expect(block.locator(".block-hint")).to_have_count(0)
    assert in_thread(Job.objects.get, pk=job.pk).status == Status.IN_PROGRESS


def test_dispatcher_marks_on_site_and_the_phone_follows(new_context, live_site, job, tess, dana):
    send(tess, SITE[0], ago=3)
    send(tess, SITE[0], ago=2)
    phone = open_page(new_context, live_site, "tess", "/my-day/", **PHONE)
    board = open_page(new_context, live_site, "dana", "/board/")
    expect(phone.locator("[data-phone-hint]")).to_be_visible()
    board.locator(f"#lanes [data-job='{job.pk}'] .job-link").press("Enter")
    board.locator("#drawer").get_by_role("button", name="Mark on site").press("Enter")
    expect(board.locator("#drawer .status").first).to_have_text("In Progress")
    expect(board.locator("[data-site-hint]")).to_have_count(0)
    expect(phone.locator("[data-phone-hint]")).to_have_count(0)
    change = in_thread(lambda: job.status_changes.select_related("actor").latest("pk"))
    assert (change.to_status, change.actor) == (Status.IN_PROGRESS, dana)
