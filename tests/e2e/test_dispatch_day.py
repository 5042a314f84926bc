"""A dispatch day in three browsers: who dispatches, who drives, and who watches."""

import re
import time

import pytest
from playwright.sync_api import expect

from dispatch.models import Customer, Job, Status
from tests.e2e.live import in_thread, log_in, log_in_by_form
from tests.factories import JobTypeFactory, TechnicianFactory, make_job

pytestmark = pytest.mark.browser
HOME = {"latitude": 40.1, "longitude": -75.1, "accuracy": 12}


@pytest.fixture
def day(dana, omar, north, tess):
    """Dana dispatches, Omar watches on another web process where there are two, Tess drives."""
    JobTypeFactory(name="Furnace repair")
    return dana, omar, tess


def open_board(new_context, url, username):
    page = new_context(viewport={"width": 1440, "height": 900}).new_page()
    log_in(page, url, username)
    page.goto(f"{url}/board/list/")
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    return page


def create_job(page, url):
    page.goto(f"{url}/jobs/new/")
    page.get_by_label("Customer", exact=True).fill("Rivera Family")
    page.get_by_label(re.compile("^Phone")).fill("555-0142")
    page.get_by_label("Address").fill("118 Ash St")
    page.get_by_label(re.compile("^Latitude")).fill("40.11")
    page.get_by_label(re.compile("^Longitude")).fill("-75.11")
    page.get_by_label(re.compile("^Longitude")).press("Tab")
    expect(page.get_by_text("Zone: North")).to_be_visible()
    page.get_by_label("Type").select_option(label="Furnace repair")
    page.get_by_label("Urgent").check()
    page.get_by_label(re.compile("^Description")).fill("No heat, infant in home")
    page.get_by_role("button", name="Save job", exact=True).first.click()
    expect(page).to_have_url(re.compile("/board/"))
    page.goto(f"{url}/board/list/")


def assign(page, number, technician):
    page.get_by_role("button", name=f"Assign {number}").click()
    page.get_by_role("dialog").get_by_text(technician, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def show_new_job(page, job):
    """It announces itself; had its event come late, a heartbeat would have brought it."""
    row = page.locator(f"#job-row-{job.pk}")
    announced = page.get_by_role("button", name="1 new job: show")
    expect(announced.or_(row)).to_be_visible()
    if announced.is_visible():
        announced.click()
    expect(row).to_contain_text("No heat, infant in home")


def shows_within_a_second(page, job, label) -> float:
    started = time.monotonic()
    expect(page.locator(f"#job-row-{job.pk} .status")).to_have_text(label, timeout=1000)
    return time.monotonic() - started


def test_dispatch_day_from_call_to_completion(new_context, live_site, day):
    first, second = live_site.urls[0], live_site.urls[-1]
    dana_page = open_board(new_context, first, "dana")
    omar_page = open_board(new_context, second, "omar")
    phone = new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, geolocation=HOME, permissions=["geolocation"]
    ).new_page()
    log_in_by_form(phone, second, "tess")
    phone.get_by_role("button", name="Clock in").last.click()
    expect(phone.locator("#day-head").get_by_text("On shift", exact=True)).to_be_visible()

    create_job(dana_page, first)
    job = Job.objects.get()
    assert (job.customer.name, job.zone.name, job.get_priority_display()) == ("Rivera Family", "North", "Urgent")
    show_new_job(omar_page, job)

    assign(dana_page, job.number, "Tess")
    shows_within_a_second(omar_page, job, "Assigned")
    expect(phone.get_by_role("heading", name="No heat, infant in home")).to_be_visible(timeout=2000)

    for button, label in (("En route", "En Route"), ("Start work", "In Progress"), ("Complete", "Completed")):
        phone.get_by_role("button", name=re.compile(button)).first.tap()
        shows_within_a_second(omar_page, job, label)
        shows_within_a_second(dana_page, job, label)

    omar_page.locator(f"#job-row-{job.pk} .job-link").click()
    log = omar_page.locator("#drawer .log").last
    expect(log.locator("li")).to_have_count(5)
    expect(log).to_contain_text("Completed by Tess (technician)")
    expect(log).to_contain_text("at 40.10000, -75.10000")
    changes = list(job.status_changes.select_related("actor"))
    assert [change.to_status for change in changes] == ["created", "assigned", "en_route", "in_progress", "completed"]
    assert [change.actor.username for change in changes] == ["dana", "dana", "tess", "tess", "tess"]
    for change in changes[2:]:
        assert (change.latitude, change.longitude, change.actor_kind) == (40.1, -75.1, "technician")
        assert change.position_age_seconds is not None
        assert change.happened_at <= change.received_at


def test_second_dispatcher_is_told_who_was_faster(new_context, live_site, day, north, browser_errors):
    dana, _, tess = day
    browser_errors.allow("409")
    other = TechnicianFactory(user__username="wei", zones=tess.zones.all())
    job = in_thread(make_job, by=dana, zone=north)
    dana_page = open_board(new_context, live_site.urls[0], "dana")
    omar_page = open_board(new_context, live_site.urls[-1], "omar")
    omar_page.get_by_role("button", name=f"Assign {job.number}").click()
    expect(omar_page.get_by_role("dialog")).to_be_visible()
    assign(dana_page, job.number, "Tess")
    omar_page.get_by_role("dialog").get_by_text("Wei", exact=True).click()
    omar_page.get_by_role("dialog").get_by_role("button", name="Assign", exact=True).click()
    expect(omar_page.get_by_role("alert")).to_contain_text(f"{job.number} is Assigned to Tess now")
    job.refresh_from_db()
    assert job.technician == tess
    assert other.jobs.count() == 0


@pytest.mark.expects_error_logs
def test_boards_are_right_again_after_redis_was_killed(new_context, live_site, day, north, redis_server):
    dana, _, _tess = day
    jobs = [in_thread(make_job, by=dana, zone=north) for _ in range(2)]
    dana_page = open_board(new_context, live_site.urls[0], "dana")
    omar_page = open_board(new_context, live_site.urls[-1], "omar")
    redis_server.kill()
    for page in (dana_page, omar_page):
        expect(page.locator("#live")).to_have_attribute("data-state", "polling", timeout=10_000)
        expect(page.locator("#live")).to_contain_text("Not live")
    assign(dana_page, jobs[0].number, "Tess")  # no request fails
    expect(omar_page.locator(f"#job-row-{jobs[0].pk} .status")).to_have_text("Assigned", timeout=10_000)
    redis_server.start()
    returned = time.monotonic()
    for page in (dana_page, omar_page):
        expect(page.locator("#live[data-state=live]")).to_be_visible(timeout=15_000)
    assign(dana_page, jobs[1].number, "Tess")
    expect(omar_page.locator(f"#job-row-{jobs[1].pk} .status")).to_have_text("Assigned", timeout=5000)
    assert time.monotonic() - returned < 15
    assert set(Job.objects.values_list("status", flat=True)) == {Status.ASSIGNED}
    assert Customer.objects.count() == 2
