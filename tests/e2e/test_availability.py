import pytest
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Status
from technicians.models import Break
from tests.e2e.live import in_thread, log_in, log_in_by_form
from tests.factories import make_job

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def test_break_taken_on_the_phone_shows_on_a_board_that_is_open(new_context, live_site, crew, omar, north):
    tess, _ = crew
    in_thread(make_job, Status.ASSIGNED, by=omar, technician=tess, zone=north)
    in_thread(actions.clock_in, tess)
    board, phone = new_context().new_page(), new_context(**PHONE).new_page()
    log_in(board, live_site.urls[-1], "dana")
    board.goto(f"{live_site.urls[-1]}/board/")
    expect(board.locator("#live[data-state=live]")).to_be_visible()
    lane = board.locator(f"#lane-{tess.pk}")
    expect(lane.locator(".lane-detail")).to_contain_text("Available")
    log_in_by_form(phone, live_site.url, "tess")
    button = phone.get_by_role("button", name="Break", exact=True).bounding_box()
    for _ in range(3):  # the taps after the first do not end it
        phone.touchscreen.tap(button["x"] + 30, button["y"] + 20)
    expect(phone.locator(".pause:visible")).to_contain_text("On break")
    expect(lane.locator(".lane-detail")).to_contain_text("On break since")
    assert in_thread(lambda: list(Break.objects.values_list("clock_record__technician", "ended_at"))) == [
        (tess.pk, None)
    ]
    phone.get_by_role("button", name="End break").click()
    expect(lane.locator(".lane-detail")).to_contain_text("Available")
    assert in_thread(Break.objects.get).ended_at is not None
