"""The lanes in a real browser: by mouse, by finger and by keyboard; the database and a colleague's screen must agree."""

import re
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import BoardAction, Job, Status
from dispatch.placement import Placement
from technicians.positions import Fix
from tests import factories
from tests.e2e.live import in_thread, log_in

pytestmark = pytest.mark.interaction
DESK = {"width": 1440, "height": 900}


def tomorrow():
    return timezone.localdate() + timedelta(days=1)


def at(hour, minute=0):
    """Tomorrow: on a day that has not begun, what is planned is what is drawn."""
    return timezone.make_aware(datetime.combine(tomorrow(), time(hour, minute)))


def make_job(*args, **fields):
    fields.setdefault("scheduled_on", tomorrow())
    return in_thread(factories.make_job, *args, **fields)


@pytest.fixture
def open_lanes(new_context, live_site):
    def open_as(username, *, url=live_site.urls[0], query="", **options):
        page = new_context(**({"viewport": DESK} | options)).new_page()
        log_in(page, url, username)
        page.goto(f"{url}/board/?day={tomorrow()}{query}")
        expect(page.locator("[data-live-text]")).to_have_text("Live")
        return page

    return open_as


def lane(page, technician):
    return page.locator(f"#lane-{technician.pk}")


def in_lane(page, technician, job):
    return lane(page, technician).locator(f"[data-job='{job.pk}']")


def point_in_lane(page, technician, hour):
    """Where that hour is on the technician's lane."""
    track = lane(page, technician).locator("[data-track]")
    box = track.bounding_box()
    first, last = map(int, track.get_attribute("data-drop-hours").split("-"))
    return box["x"] + (hour - first) / (last - first) * box["width"], box["y"] + box["height"] / 2


def drag(page, source, x, y, *, shift=False):
    box = source.bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2 + 4)
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(x, y, steps=6)
    expect(page.locator(".drop-preview .placement")).to_be_visible()


def fresh(job):
    return in_thread(lambda: Job.objects.select_related("technician__user").get(pk=job.pk))


def test_a_job_is_dragged_from_the_tray_to_a_lane_and_undone(open_lanes, live_site, crew, omar, north):
    tess, _ = crew
    job = make_job(by=omar, zone=north)
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    card = page.locator(f".tray-card[data-job='{job.pk}']")
    drag(page, card, *point_in_lane(page, tess, 10))
    expect(page.locator(".drop-preview")).to_contain_text("Nothing speaks against it")
    page.mouse.up()
    expect(in_lane(page, tess, job)).to_be_visible()
    expect(card).to_have_count(0)
    expect(in_lane(colleague, tess, job)).to_be_visible()
    placed = fresh(job)
    assert (placed.status, placed.technician) == (Status.ASSIGNED, tess)
    assert timezone.localtime(placed.planned_starts_at).hour in (9, 10)
    page.keyboard.press("Control+z")
    expect(card).to_be_visible()
    expect(in_lane(colleague, tess, job)).to_have_count(0)
    assert fresh(job).status == Status.CREATED
    page.keyboard.press("Control+Shift+z")
    expect(in_lane(colleague, tess, job)).to_be_visible()
    assert fresh(job).planned_starts_at == placed.planned_starts_at


def test_another_lane_keeps_the_time_unless_shift_asks_for_another(open_lanes, crew, omar, north):
    tess, uma = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(13, 30))
    page = open_lanes("dana")
    drag(page, in_lane(page, tess, job), *point_in_lane(page, uma, 10))
    page.mouse.up()
    expect(in_lane(page, uma, job)).to_contain_text("13:30")
    assert fresh(job).planned_starts_at == at(13, 30)
    drag(page, in_lane(page, uma, job), *point_in_lane(page, tess, 10), shift=True)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(in_lane(page, tess, job)).not_to_contain_text("13:30")
    assert timezone.localtime(fresh(job).planned_starts_at).hour in (9, 10)


def test_a_conflict_asks_shifts_and_remembers_the_answer(open_lanes, browser_errors, crew, omar, north):
    browser_errors.allow("409")
    tess, uma = crew
    later = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(10))
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=uma, planned_starts_at=at(9, 30))
    page = open_lanes("dana")
    drag(page, in_lane(page, uma, job), *point_in_lane(page, tess, 12))
    expect(page.locator(".drop-preview")).to_contain_text(f"Overlaps {later.number}")
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("all the same?")
    dialog.get_by_text("Answer the same").click()
    dialog.get_by_role("button", name="Shift the rest").click()
    expect(in_lane(page, tess, job)).to_be_visible()
    expect(in_lane(page, tess, later)).to_contain_text("10:30")
    assert fresh(later).planned_starts_at == at(10, 30)
    another = make_job(Status.ASSIGNED, by=omar, zone=north, technician=uma, planned_starts_at=at(10))
    expect(in_lane(page, uma, another)).to_be_visible()
    drag(page, in_lane(page, uma, another), *point_in_lane(page, tess, 12))
    expect(page.locator(".drop-preview")).to_contain_text("Overlaps")
    page.mouse.up()
    expect(in_lane(page, tess, another)).to_be_visible()
    expect(dialog).to_be_hidden()


def test_escape_and_a_drop_outside_change_nothing(open_lanes, crew, omar, north):
    tess, uma = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(11))
    version = fresh(job).version
    page = open_lanes("dana")
    drag(page, in_lane(page, tess, job), *point_in_lane(page, uma, 10))
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".drop-preview")).to_be_hidden()
    drag(page, in_lane(page, tess, job), *point_in_lane(page, uma, 10))
    page.mouse.move(500, 20)
    page.mouse.up()
    expect(page.locator(".is-lifted")).to_have_count(0)
    assert fresh(job).version == version


def test_a_click_anywhere_on_a_block_opens_the_job_and_moves_nothing(open_lanes, crew, omar, north):
    tess, _ = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(11))
    page = open_lanes("dana", viewport={"width": 1366, "height": 768})
    top = page.locator(".lanes").bounding_box()["y"]
    box = in_lane(page, tess, job).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 6)
    expect(page.locator(f"#job-drawer-{job.pk}")).to_be_visible()
    assert page.locator(".lanes").bounding_box()["y"] == top, "the tiles stay in one row"


def test_a_job_goes_back_to_the_tray(open_lanes, crew, omar, north):
    tess, _ = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(11))
    page = open_lanes("dana")
    drag(page, in_lane(page, tess, job), 120, 600)
    expect(page.locator(".drop-preview")).to_contain_text("Back to the tray")
    page.mouse.up()
    expect(page.locator(f".tray-card[data-job='{job.pk}']")).to_be_visible()
    assert fresh(job).status == Status.CREATED


def test_the_keyboard_alone_moves_a_job_between_lanes_and_times(open_lanes, live_site, crew, omar, north):
    tess, uma = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(11))
    page, colleague = open_lanes("dana"), open_lanes("omar", url=live_site.urls[-1])
    in_lane(page, tess, job).locator(".job-link").focus()
    page.keyboard.press("Space")
    expect(page.locator("#drag-announcer")).to_contain_text("picked up")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#drag-announcer")).to_contain_text("Uma")
    expect(page.locator("#drag-announcer")).to_contain_text("11:30")
    page.keyboard.press("Enter")
    expect(in_lane(page, uma, job)).to_contain_text("11:30")
    expect(in_lane(colleague, uma, job)).to_contain_text("11:30")
    moved = fresh(job)
    assert (moved.technician, moved.planned_starts_at) == (uma, at(11, 30))
    in_lane(page, uma, job).locator(".job-link").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(page.locator("#drag-announcer")).to_contain_text("stays where it was")
    assert fresh(job).planned_starts_at == at(11, 30)


def test_a_finger_that_rests_picks_a_job_up(open_lanes, crew, omar, north):
    tess, _ = crew
    job = make_job(by=omar, zone=north)
    page = open_lanes("dana", has_touch=True, viewport={"width": 1024, "height": 768})
    box = page.locator(f".tray-card[data-job='{job.pk}'] .tray-title").bounding_box()
    x, y = point_in_lane(page, tess, 14)
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in points]})

    start = (box["x"] + 20, box["y"] + 8)
    send("touchStart", start)
    expect(page.locator(".is-lifted")).to_have_count(1)
    for part in range(1, 6):
        send("touchMove", (start[0] + (x - start[0]) * part / 5, start[1] + (y - start[1]) * part / 5))
    expect(page.locator(".drop-preview .placement")).to_be_visible()
    send("touchEnd")
    expect(in_lane(page, tess, job)).to_be_visible()
    assert fresh(job).technician == tess


def test_a_changed_job_moves_in_its_lane_and_keeps_scroll_and_focus(open_lanes, crew, omar, north):
    tess, uma = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(9))
    page = open_lanes("dana", query="&zoom=hour")
    page.locator("#lanes").evaluate("lanes => { lanes.scrollLeft = 300 }")
    in_lane(page, tess, job).locator(".job-link").evaluate("link => link.focus({ preventScroll: true })")
    in_thread(actions.assign_job, job, uma, by=omar)
    expect(in_lane(page, uma, job)).to_have_count(1)
    expect(in_lane(page, uma, job).locator(".job-link")).to_be_focused()
    assert page.locator("#lanes").evaluate("lanes => lanes.scrollLeft") == 300


def test_tray_tabs_count_and_show_what_waits(open_lanes, crew, omar, north):
    held = make_job(by=omar, zone=north)
    in_thread(actions.hold_job, held, "Waits for a part", by=omar)
    unlocated = make_job(by=omar)
    page = open_lanes("dana")
    page.get_by_role("link", name=re.compile("^Hold 1")).click()
    expect(page.locator(f".tray-card[data-job='{held.pk}']")).to_contain_text("Waits for a part")
    page.get_by_role("link", name=re.compile("^Alerts")).click()
    expect(page.locator(f".tray-card[data-job='{unlocated.pk}']")).to_contain_text("No location")
    assert "tray=alerts" in page.url


def test_refused_undo_says_why(open_lanes, browser_errors, crew, dana, north):
    browser_errors.allow("409")
    tess, _ = crew
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9))
    page = open_lanes("dana")
    in_thread(actions.change_status, job, Status.EN_ROUTE, by=tess.user)
    expect(in_lane(page, tess, job)).to_have_class(re.compile("en_route"))
    page.keyboard.press("Control+z")
    expect(page.locator("#toasts")).to_contain_text("is En Route with Tess now")
    page.get_by_role("link", name="Recent actions").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Assigned {job.number} to Tess")
    assert in_thread(lambda: BoardAction.objects.filter(is_undo=True).count()) == 0


def test_a_job_after_hours_makes_room_for_itself(open_lanes, crew, omar, north):
    tess, _ = crew
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(11))
    page = open_lanes("dana")
    expect(page.locator("#lanes")).to_have_attribute("data-axis", "8-17")
    in_thread(actions.place_job, job, Placement(tess, tomorrow(), at(19)), by=omar, on_conflict=actions.ANYWAY)
    expect(page.locator("#lanes")).to_have_attribute("data-axis", "8-20")
    expect(in_lane(page, tess, job)).to_be_visible()


def test_who_clocks_in_and_out_comes_and_goes_where_off_shift_is_hidden(open_lanes, crew):
    tess, uma = crew
    page, elsewhere = open_lanes("dana", query="&day=&off=hide"), open_lanes("dana", query=f"&technician={uma.pk}")
    expect(lane(page, tess)).to_have_count(0)
    in_thread(actions.clock_in, tess)
    expect(lane(page, tess)).to_be_visible()
    in_thread(actions.clock_out, tess)
    expect(lane(page, tess)).to_have_count(0)
    expect(elsewhere.locator("[data-lane]")).to_have_count(1)


def test_the_age_of_a_position_follows_the_technician(open_lanes, crew, north):
    tess, _ = crew
    now = timezone.now()
    in_thread(actions.take_position, tess, Fix(40.1, -75.1, now - timedelta(minutes=9)), source="phone", now=now)
    page = open_lanes("dana")
    page.goto(page.url.split("?")[0])
    age = lane(page, tess).locator(".age")
    expect(age).to_have_text("9 min")
    now = timezone.now()
    in_thread(actions.take_position, tess, Fix(40.11, -75.11, now), source="phone", now=now)
    expect(age).to_have_text("just now")


def test_the_lane_of_who_is_off_shift_stays_in_its_place(open_lanes, crew):
    page = open_lanes("dana", query="&day=")
    above, below = (lane(page, technician).bounding_box() for technician in crew)
    assert below["y"] >= above["y"] + above["height"] - 1
