import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, Status
from technicians.models import Technician
from technicians.positions import Fix
from tests.e2e.live import in_thread, log_in
from tests.factories import SiteFactory, make_job

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def jobs(omar, dana, tess, north):
    def make(status, latitude, name):
        site = SiteFactory(latitude=latitude, longitude=-75.1)
        return make_job(status, by=omar, technician=tess, zone=north, site=site, description=name)

    where = {"latitude": 40.08, "longitude": -75.12, "position_at": timezone.now() - timedelta(minutes=5)}
    Technician.objects.filter(pk=tess.pk).update(**where)
    return [in_thread(make, Status.ASSIGNED, 40.05, "Boiler"), in_thread(make, Status.CREATED, 40.15, "Leak")]


@pytest.fixture
def board_map(new_context, live_site, dana, jobs):
    return open_map(new_context(viewport={"width": 1440, "height": 900}, has_touch=True), live_site)


def open_map(context, live_site, path="/board/map/"):
    page = context.new_page()
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + path)
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    expect(page.locator(".map-pin").first).to_be_visible()
    return page


def pin(page, job):
    return page.locator(f".map-pin[data-job='{job.pk}']")


def marker(page, technician):
    return page.locator(f".map-technician[data-technician='{technician.pk}']")


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Finger:
    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)

    def __call__(self, kind, *at):
        points = [{"x": x, "y": y} for x, y in at]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_pin_is_dropped_by_mouse_by_touch_and_by_keys(board_map, new_context, live_site, omar, jobs, tess):
    page, (boiler, leak) = board_map, jobs
    watching = new_context().new_page()
    log_in(watching, live_site.url, "omar")
    watching.goto(f"{live_site.url}/board/list/")
    row = watching.locator(f"#job-row-{leak.pk}")
    place = page.locator(".leaflet-map-pane").get_attribute("style")

    def has(status, name):
        expect(pin(page, leak)).to_have_attribute("data-status", status)
        expect(row).to_contain_text(name)
        assert Job.objects.get(pk=leak.pk).status == status

    pin(page, leak).hover()
    page.mouse.down()
    page.mouse.move(*centre(marker(page, tess)), steps=5)
    expect(page.locator(".drop-preview")).to_contain_text("Tess")
    in_thread(actions.unassign_job, boiler, by=omar)
    expect(watching.locator(f"#job-row-{boiler.pk}")).to_contain_text("Created")
    expect(pin(page, leak)).to_have_class(re.compile("is-lifted"))
    expect(pin(page, boiler)).to_have_attribute("data-status", "assigned")
    page.mouse.up()
    has("assigned", "Tess")
    expect(pin(page, boiler)).to_have_attribute("data-status", "created")
    finger = Finger(page)
    finger("touchStart", centre(pin(page, leak)))
    expect(pin(page, leak)).to_have_class(re.compile("is-lifted"))
    goal = centre(page.locator(".map-nobody"))
    finger("touchMove", (goal[0] - 40, goal[1]))
    finger("touchMove", goal)
    expect(page.locator(".drop-preview")).to_contain_text("tray")
    finger("touchEnd")
    has("created", "Created")
    expect(pin(page, leak)).not_to_have_class(re.compile("is-lifted"))
    pin(page, leak).locator("a").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(marker(page, tess)).to_have_class(re.compile("drop-here"))
    expect(page.locator("#drag-announcer")).to_contain_text("Tess")
    page.keyboard.press("Enter")
    has("assigned", "Tess")
    expect(pin(page, leak).locator("a")).to_be_focused()
    assert page.locator(".leaflet-map-pane").get_attribute("style") == place


def test_markers_move_and_change_in_place(board_map, omar, jobs, tess):
    page, leak = board_map, jobs[1]
    tess_marker = marker(page, tess)
    expect(tess_marker).to_contain_text("5 min")
    pin(page, leak).locator("a").focus()
    page.evaluate("pk => { document.querySelector(`.map-pin[data-job='${pk}']`).isSame = true; }", leak.pk)
    before = tess_marker.bounding_box()
    fix = Fix(latitude=40.082, longitude=-75.1, recorded_at=timezone.now())
    assert in_thread(actions.take_position, tess, fix, source="gateway")
    expect(tess_marker).to_contain_text("just now")
    expect(tess_marker).not_to_have_class(re.compile("is-gliding"))
    assert tess_marker.bounding_box()["x"] > before["x"] + 40
    with page.expect_response(re.compile(rf"/board/map/data/.*ids=([^&]*2C)?{leak.pk}\b")):
        in_thread(actions.assign_job, leak, tess, by=omar)
    expect(pin(page, leak)).to_have_attribute("data-status", "assigned")
    expect(page.locator(f".map-row[data-drop-technician='{tess.pk}']")).to_contain_text("2 stops")
    expect(page.locator("[data-tile=unassigned] b")).to_have_text("0")
    assert page.evaluate("document.activeElement.parentElement.isSame")


def test_dispatcher_selects_an_area_with_mouse_and_finger_and_all_in_view_by_keys(board_map, jobs):
    page, finger = board_map, Finger(board_map)
    chosen = page.locator("#bulk-bar [name=jobs]")
    page.keyboard.press("l")
    x, y = centre(pin(page, jobs[0]))
    page.mouse.move(x - 40, y - 20)
    page.mouse.down()
    for at in [(x + 40, y - 20), (x, y + 30)]:
        page.mouse.move(*at)
    page.mouse.up()
    expect(chosen).to_have_value(str(jobs[0].pk))
    page.keyboard.press("l")
    x, y = centre(pin(page, jobs[1]))
    finger("touchStart", (x - 40, y - 20))
    for at in [(x + 40, y - 20), (x + 10, y + 50), (x - 30, y + 30)]:
        finger("touchMove", at)
    finger("touchEnd")
    expect(page.locator("[data-selected-count]")).to_have_text("1 selected")
    expect(chosen).to_have_value(str(jobs[1].pk))
    expect(pin(page, jobs[1])).to_have_class(re.compile("is-selected"))
    expect(page.locator("[data-map-area]")).to_have_attribute("aria-pressed", "false")
    page.locator("[data-map-select-all]").press("Enter")
    expect(page.locator("[data-selected-count]")).to_have_text("2 selected")
    page.get_by_role("checkbox", name="Select Boiler").press("Space")
    expect(page.locator("[data-selected-count]")).to_have_text("1 selected")


def test_jobs_at_one_address_are_listed_and_open_from_there(board_map, omar, jobs):
    page, (boiler, _) = board_map, jobs
    made = in_thread(lambda: [make_job(by=omar, site=boiler.site, zone=boiler.zone, priority=4) for _ in range(3)])
    heap = page.get_by_role("button", name="4 jobs at one place, 3 urgent: list them")
    heap.press("Enter")
    rows = page.locator(".leaflet-popup .map-row")
    expect(rows).to_have_count(4)
    expect(rows.first.locator("a")).to_be_focused()
    in_thread(actions.change_status, made[0], Status.CANCELLED, by=omar, note="Called off")
    expect(rows.filter(has_text="cancelled")).to_have_count(1)
    rows.last.click(button="right")
    expect(page.locator("#job-menu [role=menuitem]").first).to_be_visible()
    page.keyboard.press("Escape")
    rows.first.locator("a").press("Enter")
    expect(page.locator("#drawer > [data-job]")).to_be_visible()


def test_one_technicians_route_is_picked_out_and_filters_narrow(board_map, omar, jobs, tess):
    page = board_map
    in_thread(actions.assign_job, jobs[1], tess, by=omar)
    row = page.locator(f".map-row[data-drop-technician='{tess.pk}'] button")
    expect(row).to_contain_text("2 stops")
    row.press("Enter")
    expect(page.locator(f"[data-technician-panel='{tess.pk}']")).to_contain_text("Boiler")
    expect(page.locator(".map-route.is-chosen")).to_have_count(1)
    page.get_by_role("button", name="Close").click()
    expect(row).to_be_focused()
    expect(page.locator(".map-route.is-chosen")).to_have_count(0)
    page.goto(re.sub(r"\?.*", "", page.url) + "?status=created")
    expect(page.locator(".map-panel")).to_contain_text("Jobs in view (0)")
