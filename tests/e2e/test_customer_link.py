"""A customer at the door: what they see without logging in, live, and what of it reaches the dispatcher's screen."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.customer_link.door import token_of
from dispatch.models import CustomerMessage, Rating, Status
from technicians.models import ClockRecord, Position
from technicians.positions import Fix
from tests.e2e.axe import objections
from tests.e2e.live import in_thread, log_in
from tests.factories import CustomerFactory, SiteFactory, make_job

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def job(dana, crew):
    tess, _ = crew
    customer = CustomerFactory(name="Rivera", email="rivera@example.com")
    site = SiteFactory(customer=customer, address="118 Ash St", latitude=40.1, longitude=-75.1)
    ClockRecord.objects.create(technician=tess, clocked_in_at=timezone.now() - timedelta(hours=1))
    job = in_thread(make_job, Status.ASSIGNED, by=dana, technician=tess, site=site)
    in_thread(actions.send_link, job, by=dana)
    return job


def open_visit(new_context, live_site, job, **options):
    page = new_context(**(PHONE | options)).new_page()
    page.goto(f"{live_site.url}/visit/{token_of(job.customer_links.get())}/")
    return page


def open_job(new_context, live_site, job):
    page = new_context().new_page()
    log_in(page, live_site.urls[-1], "dana")
    page.goto(f"{live_site.urls[-1]}/jobs/{job.pk}/")
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    return page


def headline(page):
    return page.locator("#visit-headline")


def test_customer_follows_the_visit_without_reloading_and_ends_with_stars(new_context, live_site, job, dana, crew):
    page = open_visit(new_context, live_site, job)
    expect(headline(page)).to_contain_text("Tess is coming")
    expect(page.locator("[data-live-word]")).to_have_text(" · live")
    in_thread(actions.change_status, job, Status.EN_ROUTE, by=dana)
    expect(headline(page)).to_contain_text("Tess is on the way")
    expect(page.locator("[data-sketch]")).to_have_count(0)
    here = Fix(latitude=40.15, longitude=-75.15, recorded_at=timezone.now(), accuracy_m=10)
    in_thread(actions.take_position, crew[0], here, source=Position.Source.PHONE)
    expect(page.locator("[data-sketch]")).to_be_visible()
    assert objections(page) == []
    in_thread(actions.change_status, job, Status.IN_PROGRESS, by=dana)
    expect(headline(page)).to_contain_text("at work at your place")
    expect(page.locator("[data-sketch]")).to_have_count(0)
    in_thread(actions.change_status, job, Status.COMPLETED, by=dana)
    expect(page.get_by_role("heading", name="How was it?")).to_be_visible()
    page.locator("label[for=stars-3]").click()
    expect(page.locator("#stars-3")).to_be_checked()
    page.keyboard.press("ArrowRight")
    page.get_by_label("A word about it").fill("Quick and tidy")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="You gave 4 of 5")).to_be_visible()
    assert Rating.objects.values_list("stars", "comment").get() == (4, "Quick and tidy")


def test_what_is_being_typed_survives_the_news(new_context, live_site, job, dana):
    page = open_visit(new_context, live_site, job)
    text = page.get_by_label("Tess and our office will read this")
    text.fill("Gate 4711")
    expect(page.locator("[data-live-word]")).to_have_text(" · live")
    in_thread(actions.change_status, job, Status.EN_ROUTE, by=dana)
    expect(headline(page)).to_contain_text("on the way")
    expect(text).to_have_value("Gate 4711")
    office = open_job(new_context, live_site, job)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#visit-said")).to_contain_text("Gate 4711")
    expect(office.locator(".contact")).to_contain_text("Gate 4711")
    assert CustomerMessage.objects.values_list("kind", "text").get() == ("access", "Gate 4711")


def test_customer_without_scripts_asks_for_another_time_and_dispatcher_takes_it(new_context, live_site, job):
    office = open_job(new_context, live_site, job)
    page = open_visit(new_context, live_site, job, java_script_enabled=False)
    page.get_by_text("Ask for another time").click()
    day = timezone.localdate() + timedelta(days=3)
    page.get_by_label("Day", exact=True).fill(day.isoformat())
    page.get_by_label("From").fill("10:00")
    page.get_by_label("Until").fill("12:00")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#visit-said")).to_contain_text("Until then the time above stands.")
    wish = office.locator(".wish")
    expect(wish).to_contain_text("10:00–12:00")
    wish.get_by_role("button", name="Accept…").click()
    office.get_by_role("button", name="Accept", exact=True).click()
    expect(wish).to_have_count(0)
    job.refresh_from_db()
    assert (job.scheduled_on, timezone.localtime(job.window_starts_at).hour) == (day, 10)
    page.reload()
    expect(page.locator("#visit-said")).to_contain_text("Your visit is at the time that you asked for.")
