"""Roads on the board's map: asked for by a worker, drawn live, followed by whoever drives along them."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import arrivals
from dispatch.models import KnownLeg, Status
from tests.dispatch.board_page import at
from tests.e2e.live import LiveSite, in_thread, log_in
from tests.factories import SiteFactory, make_job
from tests.road_server import RoadServer

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def osrm(settings):
    server = RoadServer()
    settings.OSRM_URL = server.url
    yield server
    server.stop()


@pytest.fixture
def site(osrm, tmp_path, live_site, monkeypatch):
    """Servers and workers that know of the server for roads."""
    monkeypatch.setenv("OSRM_URL", osrm.url)
    found = LiveSite(tmp_path, processes_wanted=1)
    found.start_web()
    yield found
    found.stop()


@pytest.fixture
def jobs(omar, tess, north):
    """One at the far corner from the other: their road has a bend."""
    places = [(40.05, -75.15), (40.15, -75.05)]
    sites = [in_thread(SiteFactory, latitude=a, longitude=b) for a, b in places]
    return [
        in_thread(
            make_job,
            Status.ASSIGNED,
            by=omar,
            technician=tess,
            site=site,
            planned_starts_at=at(10 + 2 * number),
        )
        for number, site in enumerate(sites)
    ]


def line(turns: str) -> re.Pattern:
    """A path with so many further points: “{2}”."""
    return re.compile(rf"^M-?\d+ -?\d+(L-?\d+ -?\d+){turns}$")


def test_road_is_drawn_as_soon_as_a_worker_has_asked_for_it(new_context, site, osrm, dana, jobs, tess):
    page = new_context(viewport={"width": 1440, "height": 900}).new_page()
    log_in(page, site.url, "dana")
    page.goto(f"{site.url}/board/map/")
    route = page.locator("path.map-route").first
    expect(route).to_have_attribute("d", line("{2}"))  # straight from home to the one and the other
    in_thread(arrivals.refresh, [tess.pk], now=timezone.now())
    site.work_off()
    assert KnownLeg.objects.exclude(shape="").count() == 2
    expect(route).to_have_attribute("d", line("{4}"))  # around a corner each
    # Whoever is on the way has the rest of the road ahead.
    ahead = page.evaluate("MapRoads.rest([[0, 0], [1, 0], [1, 1], [2, 1]], [1.01, 0.5])")
    assert ahead == [[1.01, 0.5], [1, 1], [2, 1]]
