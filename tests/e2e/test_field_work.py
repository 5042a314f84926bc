import pytest
from playwright.sync_api import expect

from dispatch.models import Status
from tests.e2e.live import in_thread, log_in_by_form
from tests.factories import SiteFactory, make_job

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def job(omar, tess):
    site = SiteFactory(address="12 Harbor View")
    job = in_thread(make_job, Status.IN_PROGRESS, by=omar, technician=tess, site=site, description="No heat upstairs")
    in_thread(job.job_type.checklist.create, text="Gas shut-off tested", is_required=True)
    return job


def test_technician_checks_and_notes_material_without_signal_before_completing(
    new_context, live_site, job, tess, browser_errors
):
    browser_errors.allow("ERR_INTERNET_DISCONNECTED")
    context = new_context(**PHONE)
    page = context.new_page()
    log_in_by_form(page, live_site.url, "tess")
    page.get_by_role("button", name="Complete", exact=True).click()
    expect(page.locator("[data-checks-open]")).to_contain_text("Check first: Gas shut-off tested.")
    page.get_by_role("link", name="Open the checklist").click()
    item = page.get_by_role("button", name="Gas shut-off tested")
    expect(item).to_have_attribute("aria-pressed", "false")
    context.set_offline(True)
    item.click()
    expect(item).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Add material").click()
    page.get_by_label("What", exact=True).fill("Flame sensor")
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("[data-waiting-uses]")).to_contain_text("2 Flame sensor")
    page.get_by_role("button", name="Complete", exact=True).click()
    expect(page.locator(".now .status")).to_have_text("Completed")
    context.set_offline(False)
    expect(page.locator("[data-use]")).to_contain_text("2 Flame sensor", timeout=15_000)
    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert (job.checks.get().is_done, str(job.material_uses.get())) == (True, "2 Flame sensor")
