"""Pictures of every page on the demo's day, for people to look through: light and dark, desk, tablet and phone.

They go to screenshots/, or where TRUCKROLL_SCREENSHOTS says; README's picture is lanes-light-desk.png.
"""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from playwright.sync_api import expect

from dispatch.demo import DEMO_PASSWORD
from dispatch.models import Job, MaintenancePlan, Status
from sla.models import Violation
from technicians.models import Technician
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.looks]
FOLDER = Path(os.environ.get("TRUCKROLL_SCREENSHOTS", settings.BASE_DIR / "screenshots"))
SIZES = {
    "desk": {"width": 1440, "height": 900},
    "tablet": {"width": 1024, "height": 768},
    "phone": {"width": 390, "height": 844},
}
BOARD = {"lanes", "list", "week", "month", "map"}  # these fill the window and scroll inside
FORMS = {
    "new-job",
    "edit-job",
    "site",
    "assign",
    "saved-views",
    "told-of",
    "rules",
    "auto-assign",
    "devices",
    "calendar-feed",
    "webhooks",
    "api-tokens",
    "api",
    "finances",
    "maintenance-edit",
    "violation",
    "sla-recalculations",
    "customer",
    "imports",
    "sla-report-jobs",
    "sla-report-week",
    "settings",
    "zones",
}  # of two sizes
WITH_A_MAP = {"map", "new-job", "site", "track"}  # these fetch what they draw


@pytest.fixture
def demo_day(live_site):
    in_thread(call_command, "seed_demo", "--force", verbosity=0)
    FOLDER.mkdir(parents=True, exist_ok=True)


def pages() -> dict[str, dict[str, str]]:
    """Who -> name -> path."""
    job = Job.objects.filter(status=Status.IN_PROGRESS).first() or Job.objects.first()
    tess = Technician.objects.get(user__username="tess")
    plan = MaintenancePlan.objects.filter(visits__skipped_at__isnull=False).first()
    return {
        "omar": {
            "lanes": "/board/",
            "list": "/board/list/",
            "week": "/board/week/",
            "month": "/board/month/",
            "map": "/board/map/",
            "dashboard": "/dashboard/",
            "morning-review": "/morning/",
            "close-out": "/close-out/",
            "job": f"/jobs/{job.pk}/",
            "new-job": "/jobs/new/",
            "edit-job": f"/jobs/{job.pk}/edit/",
            "site": f"/sites/{job.site_id}/",
            "assign": f"/jobs/{job.pk}/assign/",
            "technicians": "/technicians/",
            "day-sheets": "/technicians/day-sheets/",
            "day-sheet": f"/technicians/{tess.pk}/day-sheet/",
            "saved-views": "/views/",
            "notifications": "/notifications/",
            "told-of": "/account/notifications/",
            "rules": "/settings/auto-assignment/",
            "auto-assign": "/auto-assign/",
            "devices": f"/technicians/{tess.pk}/devices/",
            "calendar-feed": f"/technicians/{tess.pk}/calendar/",
            "track": f"/technicians/{tess.pk}/track/",
            "sla": "/sla/",
            "violations": "/sla/violations/",
            "violation": f"/sla/violations/{Violation.objects.first().pk}/",
            "sla-report": "/reports/sla/?period=quarter",
            "sla-report-jobs": "/reports/sla/jobs/?from=2000-01-01&to=2100-01-01&outcome=breached",
            "sla-report-week": "/reports/sla/week/",
            "finances": "/reports/finances/",
            "maintenance": "/maintenance/",
            "maintenance-plan": f"/maintenance/{plan.pk}/",
            "maintenance-edit": f"/maintenance/{plan.pk}/edit/",
            "customers": "/customers/",
            "customer": f"/customers/{job.customer_id}/",
            "visit": f"/jobs/{job.pk}/customer-link/preview/",
            "not-found": "/nowhere/",
        },
        "tess": {"my-day": "/my-day/", "my-job": f"/my-day/jobs/{tess.jobs.first().pk}/"},
        "ada": {
            "settings": "/admin/",
            "zones": "/admin/zones/servicezone/",
            "sla-recalculations": "/sla/recalculations/",
            "imports": "/imports/",
            "webhooks": "/settings/webhooks/",
            "api-tokens": "/settings/api/",
            "api": "/api/v1/docs/",
        },
    }


def test_every_page_is_drawn(new_context, live_site, demo_day, browser_errors):
    browser_errors.allow("404")
    for who, paths in pages().items():
        page = new_context(reduced_motion="reduce", base_url=live_site.url).new_page()
        log_in(page, live_site.url, who, password=DEMO_PASSWORD)
        for name, path in paths.items():
            page.goto(path)
            if name in WITH_A_MAP:
                page.wait_for_load_state("networkidle")
            draw(page, name)


def draw(page, name):
    for size, viewport in SIZES.items():
        if size == "tablet" and name in FORMS:
            continue
        page.set_viewport_size(viewport)
        if name == "lanes":
            draw_drawer(page, size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}, {size}: scrolls sideways"
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=FOLDER / f"{name}-{theme}-{size}.png", full_page=name not in BOARD)


def draw_drawer(page, size):
    """On a desk the lanes have a drawer beside them; on less it would cover them."""
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    if size == "desk":
        page.locator(".block.late.assigned .job-link, .block.assigned .job-link").first.click()
        expect(page.locator("#drawer h2")).to_be_visible()
        page.mouse.move(0, 0)
    elif page.locator("#drawer > *").count():
        page.locator("[data-close-drawer]").click()
