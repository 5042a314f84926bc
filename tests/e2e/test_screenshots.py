"""Pictures of every page on the demo's day, for people to look through: light and dark, desk and phone.

They go to screenshots/, or where TRUCKROLL_SCREENSHOTS says; README's picture is board-light-desk.png.
"""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from playwright.sync_api import expect

from dispatch.demo import DEMO_PASSWORD
from dispatch.models import Job, Status
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.looks]
FOLDER = Path(os.environ.get("TRUCKROLL_SCREENSHOTS", settings.BASE_DIR / "screenshots"))
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def demo_day(live_site):
    in_thread(call_command, "seed_demo", "--force", verbosity=0)
    FOLDER.mkdir(parents=True, exist_ok=True)


def pages() -> dict[str, tuple[str, str]]:
    """Name -> (who, path)."""
    job = Job.objects.filter(status=Status.IN_PROGRESS).first() or Job.objects.first()
    return {
        "new-job": ("dora", "/jobs/new/"),
        "job": ("dora", f"/jobs/{job.pk}/"),
        "edit-job": ("dora", f"/jobs/{job.pk}/edit/"),
        "site": ("dora", f"/sites/{job.site_id}/"),
        "assign": ("dora", f"/jobs/{job.pk}/assign/"),
        "calendar-week": ("dora", "/board/week/"),
        "calendar-month": ("dora", "/board/month/"),
        "technicians": ("dora", "/technicians/"),
        "finances": ("omar", "/reports/finances/"),
        "my-day": ("tess", "/my-day/"),
        "my-job": ("tess", f"/my-day/jobs/{Job.objects.filter(technician__user__username='tess').first().pk}/"),
        "settings": ("ada", "/admin/"),
        "zones": ("ada", "/admin/zones/servicezone/"),
    }


def test_every_page_is_drawn(new_context, live_site, demo_day):
    for theme in ("light", "dark"):
        for size, viewport in SIZES.items():
            draw_pages(lambda: new_context(viewport=viewport, color_scheme=theme), live_site.url, f"{theme}-{size}")  # noqa: B023


def draw_pages(new_window, url, suffix):
    windows = {}
    for who in ("dora", "omar", "tess", "ada"):
        windows[who] = new_window().new_page()
        log_in(windows[who], url, who, password=DEMO_PASSWORD)
    draw_board(windows["dora"], FOLDER / f"board-{suffix}.png")
    for name, (who, path) in pages().items():
        page = windows[who]
        page.goto(url + path)
        if name in ("new-job", "site"):
            page.wait_for_load_state("networkidle")  # the map's zones
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} scrolls sideways"
        page.screenshot(path=FOLDER / f"{name}-{suffix}.png", full_page=True)
    for page in windows.values():
        page.context.close()


def draw_board(page, path):
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    if page.viewport_size["width"] > 1000:
        page.locator("tr[data-job] .job-link").nth(5).click()
        expect(page.locator("#drawer h2")).to_be_visible()
        page.mouse.move(0, 0)
    page.screenshot(path=path)
