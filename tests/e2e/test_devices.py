"""Setting up an app in one scan: the page notices the first fix."""

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from technicians.models import Device, Position
from tests.e2e.axe import objections
from tests.e2e.live import in_thread, log_in, log_in_by_form

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


class TraccarClient:
    """Version 10: it keeps origin, path and id of the set-up link, and posts a form a fix."""

    def __init__(self, link: str):
        parts = urlsplit(link)
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        self.id = dict(parse_qsl(parts.query))["id"]

    def send(self, latitude: float, longitude: float) -> int:
        at = int(timezone.now().timestamp())
        form = {
            "id": self.id,
            "lat": latitude,
            "lon": longitude,
            "timestamp": at,
            "accuracy": 8,
            "speed": 0,
            "batt": 80,
        }
        request = Request(self.url, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})  # noqa: S310
        with urlopen(request) as answer:  # noqa: S310
            return answer.status


@pytest.fixture
def dispatcher(new_context, live_site, dana):
    page = new_context().new_page()
    log_in(page, live_site.url, "dana")
    return page


def test_the_page_goes_green_with_the_first_fix_and_the_board_shows_it(dispatcher, live_site, tess, new_context, omar):
    in_thread(actions.clock_in, tess, now=timezone.now() - timedelta(hours=1))
    board = new_context().new_page()
    log_in(board, live_site.url, "omar")
    board.goto(f"{live_site.url}/technicians/")
    row = board.locator(f"tr[data-technician='{tess.pk}'] .cell-position")
    expect(row).to_contain_text("No position")
    dispatcher.goto(f"{live_site.url}/technicians/{tess.pk}/devices/")
    dispatcher.get_by_role("button", name="Add Traccar Client").click()
    expect(dispatcher.locator(".qr-frame svg")).to_be_visible()
    progress = dispatcher.locator("#device-progress")
    expect(progress).to_contain_text("Waiting for the first fix")
    expect(dispatcher.locator("#live[data-state=live]")).to_be_visible()
    link = dispatcher.get_by_role("button", name="Copy the set-up link").get_attribute("data-copy")
    assert TraccarClient(link).send(40.11, -75.12) == 200
    expect(progress).to_contain_text("First fix received at")
    expect(progress.locator(".success")).to_be_visible()
    expect(row).to_contain_text("Just now")
    assert Position.objects.get().technician == tess
    assert Device.objects.get().first_fix_at


def test_technician_sets_up_their_own_phone_and_revokes_it(new_context, live_site, tess):
    page = new_context(**PHONE).new_page()
    log_in_by_form(page, live_site.url, "tess")
    page.locator(".duty summary").click()
    page.get_by_role("link", name="Track with an app").click()
    page.get_by_role("button", name="Add OwnTracks").click()
    link = page.get_by_role("link", name="Open in OwnTracks").get_attribute("href")
    assert re.fullmatch(r"owntracks:///config\?inline=[\w%]+", link)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name=re.compile("Revoke OwnTracks")).click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No app or tracker is set up.")).to_be_visible()
    assert Device.objects.get().revoked_by == tess.user


def test_a_track_is_shown_and_its_places_can_be_picked(dispatcher, live_site, tess):
    begin = timezone.now() - timedelta(minutes=30)
    where = [(minute, 40.05) for minute in range(0, 11, 2)] + [(14, 40.08), (18, 40.1)]
    Position.objects.bulk_create(
        Position(technician=tess, recorded_at=at, received_at=at, latitude=latitude, longitude=-75.1, source="osmand")
        for minute, latitude in where
        for at in [begin + timedelta(minutes=minute)]
    )
    dispatcher.goto(f"{live_site.url}/technicians/{tess.pk}/track/?day={timezone.localdate(begin)}")
    expect(dispatcher.locator("#track-map path.track-line")).to_be_attached()
    dispatcher.get_by_role("button", name=re.compile("Show on the map: Stayed")).click()
    expect(dispatcher.locator(".track-stay.is-chosen")).to_be_attached()
    assert tess.track_views.get().viewer.username == "dana"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_everyone(new_context, live_site, tess, omar, theme):
    at = timezone.now()
    Position.objects.create(technician=tess, recorded_at=at, received_at=at, latitude=40, longitude=-75, source="phone")
    page = new_context(**PHONE, color_scheme=theme).new_page()
    log_in(page, live_site.url, "tess")
    for path in (f"/technicians/{tess.pk}/devices/", "/my-day/track/"):
        page.goto(live_site.url + path)
        assert objections(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    page.goto(f"{live_site.url}/technicians/{tess.pk}/devices/")
    page.get_by_role("button", name="Add Traccar Client").click()
    expect(page.locator(".qr-frame svg")).to_be_visible()
    assert objections(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
