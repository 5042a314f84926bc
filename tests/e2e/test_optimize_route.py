"""The six steps of Optimize Route, by keys, by mouse and by finger, before a colleague's eyes."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, Plan, Status
from tests.e2e.boards import PHONE, at, centre, fingers_of, in_lane, make_job, open_board, tomorrow
from tests.e2e.live import in_thread, log_in
from tests.e2e.test_accessibility import check
from tests.factories import SiteFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def jobs(dana, crew, north):
    """Four on one road, planned back and forth: far, near, farther, in between."""
    tess, _ = crew
    tess.home_latitude, tess.home_longitude = 40.02, -75.18
    tess.save()

    def make(hour, east):
        site = in_thread(SiteFactory, latitude=40.02, longitude=-75.18 + east / 100)
        given = {"technician": tess, "site": site, "planned_starts_at": at(hour), "duration_minutes": 30}
        return make_job(Status.ASSIGNED, by=dana, description=f"Stop {east}", **given)

    return [make(9 + number, east) for number, east in enumerate((10, 2, 14, 6))]


@pytest.fixture
def best(jobs):
    far, near, farther, between = jobs
    return [near, between, far, farther]


@pytest.fixture
def proposed(jobs, dana, crew):
    def propose():
        asked = {"by": dana, "with_unassigned": False}
        plan = actions.ask_for_plan(Plan.Kind.ROUTE, tomorrow(), [crew[0]], **asked)
        return actions.work_out_plan(plan.pk)

    return in_thread(propose)


def planned_order(jobs) -> list[Job]:
    return in_thread(lambda: list(Job.objects.filter(pk__in=[job.pk for job in jobs]).order_by("planned_starts_at")))


def listed(page) -> list[int]:
    rows = page.locator("[data-route-order] > [data-stop]")
    return [int(pk) for pk in rows.evaluate_all("rows => rows.map((row) => row.dataset.stop)")]


def stop(page, job):
    return page.locator(f"[data-route-order] > [data-stop='{job.pk}']")


def expect_order(page, jobs):
    for number, job in enumerate(jobs):
        expect(page.locator("[data-route-order] > li").nth(number)).to_have_attribute("data-stop", str(job.pk))


def stored_order(plan) -> list[int]:
    return [stop["job"] for stop in in_thread(Plan.objects.get, pk=plan.pk).result["routes"][0]["stops"]]


@pytest.mark.interaction
def test_four_keys_from_the_board_to_the_applied_route_and_one_takes_it_back(
    live_site, new_context, omar, crew, jobs, best
):
    tess, _ = crew
    live_site.start_worker()
    path = f"/board/?day={tomorrow().isoformat()}"
    colleague = open_board(new_context(), live_site.urls[-1], "omar", path)
    page = open_board(new_context(), live_site.url, "dana", path)

    in_lane(page, tess, jobs[0]).locator(".job-link").focus()
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Tess")).to_be_visible()
    expect(page.get_by_role("button", name="Optimize")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#route-plan")).to_be_visible(timeout=30_000)
    expect_order(page, best)
    expect(page.locator(".plan-headline")).to_contain_text("Saves")
    expect(page.locator(".plan-pin", has_text="4")).to_have_attribute("data-pin", str(best[3].pk))
    assert planned_order(jobs) == jobs, "nothing changes before it is applied"

    page.keyboard.press("a")
    expect(page.get_by_role("status").filter(has_text="has been told")).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("The route is applied.")
    assert planned_order(jobs) == best
    moved = in_lane(colleague, tess, best[1]).locator(".block-line")
    expect(moved).not_to_contain_text("12:00")

    page.keyboard.press("Control+z")
    expect(page.get_by_text("Taken back")).to_be_visible()
    assert planned_order(jobs) == jobs
    expect(moved).to_contain_text("12:00")


@pytest.mark.interaction
def test_a_stop_dragged_by_its_grip_brings_the_new_times_along(live_site, new_context, proposed, best):
    page = new_context().new_page()
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("plan", args=[proposed.pk]))
    expect_order(page, best)
    first, last = stop(page, best[0]), stop(page, best[3])
    was = last.locator(".stop-when b").text_content()
    x, y = centre(first.locator("[data-grip]"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=3)
    expect(first).to_have_class("route-stop is-movable is-lifted")
    page.mouse.move(x, last.bounding_box()["y"] + last.bounding_box()["height"] - 4, steps=5)
    with page.expect_response("**/order/") as answer:
        page.mouse.up()
    assert answer.value.status == 200
    moved = [*best[1:], best[0]]
    expect_order(page, moved)
    expect(last.locator(".stop-when b")).not_to_have_text(was)
    expect(page.locator(".plan-pin", has_text="4")).to_have_attribute("data-pin", str(best[0].pk))
    assert stored_order(proposed) == [job.pk for job in moved]

    page.keyboard.press("Control+z")
    expect_order(page, best)
    expect(page.locator("[data-undo-move]")).to_be_hidden()
    assert stored_order(proposed) == [job.pk for job in best]


@pytest.mark.interaction
def test_stops_are_moved_by_keys_and_by_buttons_and_that_is_said(live_site, new_context, proposed, jobs, best):
    page = new_context().new_page()
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("plan", args=[proposed.pk]))
    link = stop(page, best[2]).locator(".job-link")
    link.focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")  # not waiting for the answer to the first
    moved = [best[2], best[0], best[1], best[3]]
    expect(page.get_by_role("status").filter(has_text="is stop 1 of 4")).to_be_attached()
    expect(link).to_be_focused()
    expect_order(page, moved)
    button = stop(page, best[2]).get_by_role("button", name="later")
    button.click()
    moved = [best[0], best[2], best[1], best[3]]
    expect(page.get_by_role("status").filter(has_text="is stop 2 of 4")).to_be_attached()
    expect(button).to_be_focused()
    expect_order(page, moved)

    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("The route is applied.")
    assert planned_order(jobs) == moved


@pytest.mark.interaction
def test_on_a_phone_a_finger_moves_a_stop_and_what_changed_meanwhile_is_said(
    live_site, new_context, omar, proposed, best, browser_errors
):
    browser_errors.allow("409")
    page = new_context(viewport=PHONE, has_touch=True).new_page()
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("plan", args=[proposed.pk]))
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    touch = fingers_of(page)
    stop(page, best[1]).scroll_into_view_if_needed()
    page.evaluate("document.querySelectorAll('[data-grip]')[0].scrollIntoView({ block: 'center' })")
    x, y = centre(stop(page, best[0]).locator("[data-grip]"))
    touch("touchStart", (x, y))
    touch("touchMove", (x, y + 12))
    touch("touchMove", (x, y + stop(page, best[1]).bounding_box()["height"] * 0.7))
    with page.expect_response("**/order/"):
        touch("touchEnd")
    expect_order(page, [best[1], best[0], *best[2:]])

    in_thread(actions.change_status, best[3], Status.CANCELLED, by=omar, note="Moved away")
    expect(page.get_by_text(f"{best[3].number} was cancelled by Omar")).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    expect(page.get_by_role("button", name="Work it out again")).to_be_visible()


@pytest.mark.looks
@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_pages_of_a_route_are_accessible(live_site, new_context, crew, proposed, best, size):
    page = new_context(viewport=size, reduced_motion="reduce").new_page()
    log_in(page, live_site.url, "dana")
    page.goto(f"{live_site.url}{reverse('optimize_route', args=[crew[0].pk])}?day={tomorrow()}")
    expect(page.locator(".plan-pin").first).to_be_visible()
    check(page, "the day")
    page.goto(live_site.url + reverse("plan", args=[proposed.pk]))
    expect(page.locator(".plan-pin").first).to_be_visible()
    check(page, "the proposal")
    page.locator("[data-move='1']").first.click()
    expect(page.get_by_text("Changed by hand")).to_be_visible()
    page.locator("[data-stop] .job-link").first.click()
    expect(page.locator("#drawer > *")).to_be_visible()
    check(page, "changed by hand, with the drawer")
