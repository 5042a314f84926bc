"""An urgent job into a route: chosen with the keyboard, seen at once by the colleague, undone."""

import re
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Priority, Status
from tests.e2e.boards import DESK, fresh, in_list, make_job, open_board
from tests.factories import SiteFactory

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def tomorrow():
    return timezone.localdate() + timedelta(days=1)


@pytest.fixture
def full_day(crew, omar, north, tomorrow):
    """Tess has a morning without a gap along one road."""
    tess, _uma = crew
    jobs = []
    for hour, east in ((9, 2), (10, 6), (11, 10)):
        starts_at = timezone.make_aware(datetime.combine(tomorrow, time(hour)))
        site = SiteFactory(latitude=40.02, longitude=-75.18 + east / 100)
        given = {"scheduled_on": tomorrow, "planned_starts_at": starts_at, "duration_minutes": 50}
        jobs.append(make_job(Status.ASSIGNED, by=omar, technician=tess, site=site, **given))
    return jobs


def test_dispatcher_inserts_an_urgent_job_and_takes_it_back(new_context, live_site, crew, full_day, omar, tomorrow):
    site = SiteFactory(latitude=40.02, longitude=-75.14)
    urgent = make_job(by=omar, site=site, priority=Priority.URGENT, scheduled_on=tomorrow, duration_minutes=30)
    page, colleague = (
        open_board(new_context(viewport=DESK), url, name, f"/board/list/?day={tomorrow}")
        for name, url in zip(("dana", "omar"), (live_site.urls[0], live_site.urls[-1]), strict=True)
    )
    in_list(page, urgent).locator(".job-link").click()
    page.locator("#drawer").get_by_role("link", name="Insert into a route").click()
    dialog = page.get_by_role("dialog")
    best = dialog.get_by_role("radio", name=re.compile("Costs least"))
    expect(best).to_be_focused()
    chosen = int(best.get_attribute("value").partition(":")[0])
    page.keyboard.press("Enter")
    name = next(str(technician) for technician in crew if technician.pk == chosen)
    expect(in_list(colleague, urgent)).to_contain_text(name)
    job = fresh(urgent)
    assert (job.technician_id, job.status) == (chosen, Status.ASSIGNED)
    assert job.planned_starts_at is not None
    page.get_by_role("button", name="Undo").click()
    expect(in_list(colleague, urgent)).not_to_contain_text(name)
    assert fresh(urgent).status == Status.CREATED
    assert [fresh(stop).planned_starts_at for stop in full_day] == [stop.planned_starts_at for stop in full_day]
