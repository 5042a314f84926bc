"""Another SLA target: the question whether open jobs follow, a real worker, and a dispatcher who looks on."""

import pytest
from playwright.sync_api import expect

from dispatch.models import Priority
from sla.models import ClockRecalculation, ResponseClock
from tests.e2e.boards import in_list, make_job, open_board, tomorrow
from tests.e2e.live import in_thread, log_in

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


def test_open_jobs_follow_another_target_on_everybodys_board(live_site, new_context, ada, dana, north):
    job = make_job(by=dana, zone=north, priority=Priority.HIGH)
    urgent = make_job(by=dana, zone=north, priority=Priority.URGENT)
    live_site.start_worker()
    board = open_board(new_context(), live_site.urls[-1], "dana", f"/board/list/?day={tomorrow().isoformat()}")
    chip = in_list(board, job).locator(".chip.sla")
    expect(chip).to_contain_text("3 h")  # of four
    page = new_context().new_page()
    log_in(page, live_site.url, "ada")

    page.goto(f"{live_site.url}/admin/sla/slapolicy/")
    page.get_by_role("link", name="Standard").click()
    page.locator("[name=targets-1-response_amount]").fill("2")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("1 open job has deadlines")).to_be_visible()
    assert in_thread(lambda: ResponseClock.objects.get(pk=job.pk).amount) == 4
    page.get_by_role("button", name="They follow").click()
    expect(page.locator(".results dd")).to_have_text(["2", "1", "0"], timeout=30_000)
    expect(chip).to_contain_text("1 h")

    clocks = in_thread(lambda: dict(ResponseClock.objects.values_list("pk", "amount")))
    assert clocks == {job.pk: 2, urgent.pk: 1}
    assert in_thread(lambda: ClockRecalculation.objects.get().asked_by) == ada
