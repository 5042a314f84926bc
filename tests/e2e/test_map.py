import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Status
from technicians.models import Technician
from tests.e2e.live import in_thread, log_in
from tests.factories import SiteFactory, make_job

pytestmark = pytest.mark.browser


@pytest.fixture
def jobs(omar, dana, tess):
    def make(status, latitude, name):
        site = SiteFactory(latitude=latitude, longitude=-75.1)
        return make_job(status, by=omar, technician=tess, site=site, description=name)

    where = {"latitude": 40.08, "longitude": -75.12, "position_at": timezone.now()}
    Technician.objects.filter(pk=tess.pk).update(**where)
    return [in_thread(make, Status.ASSIGNED, 40.05, "Boiler"), in_thread(make, Status.CREATED, 40.15, "Leak")]


@pytest.fixture
def board_map(new_context, live_site, dana, jobs):
    page = new_context(viewport={"width": 1440, "height": 900}, base_url=live_site.url).new_page()
    log_in(page, live_site.url, "dana")
    page.goto("/board/map/")
    expect(page.locator(".map-pin")).to_have_count(2)
    return page


def test_dispatcher_opens_a_job_and_a_technician_by_click_and_by_key(board_map, jobs, tess):
    board_map.locator(f".map-pin[data-job='{jobs[0].pk}']").click()
    expect(board_map.locator(f"#job-drawer-{jobs[0].pk}")).to_be_visible()
    board_map.locator(f".map-technician[data-drop-technician='{tess.pk}']").press("Enter")
    expect(board_map.locator(f"[data-technician-panel='{tess.pk}']")).to_contain_text("Boiler")


def test_filters_narrow_the_pins(board_map, jobs):
    board_map.goto("/board/map/?status=created")
    expect(board_map.locator(".map-pin")).to_have_count(1)
    expect(board_map.locator(f".map-pin[data-drag-job='{jobs[1].pk}']")).to_be_visible()


def test_dispatcher_sees_a_technician_move(board_map, tess):
    marker = board_map.locator(f".map-technician[data-technician='{tess.pk}']")
    before = marker.bounding_box()
    board_map.evaluate(
        "detail => document.body.dispatchEvent(new CustomEvent('technician-moved', { detail }))",
        {
            "technician": tess.pk,
            "latitude": 40.12,
            "longitude": -75.12,
            "recorded_at": timezone.now().isoformat(),
        },
    )
    expect(marker).to_contain_text("just now")
    assert marker.bounding_box()["y"] < before["y"] - 20


def test_jobs_in_a_drawn_area_are_told(board_map, jobs):
    board_map.evaluate("document.body.addEventListener('select-jobs', e => { window.told = e.detail.jobs; })")
    board_map.keyboard.press("l")
    box = board_map.locator(f".map-pin[data-job='{jobs[1].pk}']").bounding_box()
    board_map.mouse.move(box["x"] - 60, box["y"] - 15)
    board_map.mouse.down()
    board_map.mouse.move(box["x"] + 60, box["y"] + 60, steps=4)
    board_map.mouse.up()
    board_map.wait_for_function("window.told")
    assert board_map.evaluate("window.told") == [jobs[1].pk]
