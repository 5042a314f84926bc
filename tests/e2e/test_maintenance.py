"""A maintenance plan in a browser: put together with its preview, a visit skipped, a second screen that follows."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import MaintenancePlan, MaintenanceVisit, Status
from tests.e2e.live import in_thread, log_in
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, make_plan

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def open_as(new_context, live_site):
    """A page of its own for a user. The second user sits on another process, if there is one."""
    urls = {"dana": live_site.urls[0], "omar": live_site.urls[-1]}

    def go(username, name, *args):
        page = new_context(base_url=urls[username]).new_page()
        log_in(page, urls[username], username)
        page.goto(reverse(name, args=args))
        return page

    return go


def test_a_plan_is_put_together_with_its_next_visits_beside_it(open_as, dana, north):
    site = SiteFactory(customer=CustomerFactory(name="Keystone Bakery"), latitude=40.1, longitude=-75.1)
    in_thread(actions.locate_site, site)
    JobTypeFactory(name="Oven check")
    page = open_as("dana", "new_maintenance_plan")
    preview = page.locator("#maintenance-preview")
    page.get_by_label("Place").fill("keystone")
    page.get_by_label("Place").press("Enter")
    page.get_by_role("radio", name="Keystone Bakery").check()
    page.get_by_label("Name").fill("Ovens")
    page.get_by_label("Type", exact=True).select_option("Oven check")
    page.get_by_label("Every", exact=True).fill("3")
    expect(preview).to_contain_text("Every 3 months on")
    page.get_by_role("radio", name="the", exact=True).check()
    page.get_by_label("Which").select_option("first")
    page.get_by_label("Weekday").select_option("Monday")
    expect(preview).to_contain_text("Every 3 months on the first Monday")
    expect(preview.locator("li")).to_have_count(12)
    expect(page.get_by_role("group", name="On these days of the week")).to_be_hidden()
    page.get_by_role("radio", name="Weeks").check()
    expect(page.get_by_role("group", name="On these days of the week")).to_be_visible()
    page.get_by_role("radio", name="Months").check()
    page.get_by_role("button", name="Save plan").first.click()
    expect(page.get_by_role("heading", name="Ovens")).to_be_visible()
    plan = MaintenancePlan.objects.get()
    assert (plan.rule, plan.site) == ("FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", site)


def test_a_month_is_left_out_by_naming_it_alone(open_as, dana):
    page = open_as("dana", "new_maintenance_plan")
    page.get_by_text("Only in some months").click()
    page.get_by_role("checkbox", name="August").check()
    page.get_by_role("button", name="All but these").click()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(11)
    expect(page.locator("#maintenance-preview")).to_contain_text("but not in August")


def test_a_skipped_visit_is_so_on_the_second_screen_too(open_as, dana, omar, north):
    plan = in_thread(make_plan, by=omar, zone=north, rule="FREQ=DAILY", days_ahead=3)
    page, other = open_as("dana", "maintenance_plan", plan.pk), open_as("omar", "maintenance_plan", plan.pk)
    for screen in (page, other):
        expect(screen.locator("[data-live-text]")).to_have_text("Live")
    page.get_by_role("button", name="Skip").nth(1).click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_label("Why is this visit skipped?")).to_be_visible()
    dialog.get_by_role("button", name="Closed on that day").click()
    expect(dialog).to_be_hidden()
    for screen in (page, other):
        expect(screen.get_by_text("Closed on that day")).to_be_visible()
    visit = MaintenanceVisit.objects.exclude(skipped_at=None).select_related("job").get()
    assert (visit.skipped_by, visit.job.status) == (dana, Status.CANCELLED)
    page.get_by_role("button", name="Do not skip").click()
    expect(page.get_by_text("is due again")).to_be_visible()
    expect(other.get_by_text("Closed on that day")).to_be_hidden()
    visit.job.refresh_from_db()
    assert visit.job.status == Status.CREATED
