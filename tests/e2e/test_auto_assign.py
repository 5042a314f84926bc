"""Auto-Assign with a real worker, before a colleague's eyes."""

import pytest
from playwright.sync_api import expect

from dispatch.models import Status
from tests.e2e.boards import at, fresh, in_lane, make_job, open_board, tomorrow

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


def test_two_keys_give_out_all_that_nobody_has(live_site, new_context, dana, omar, crew, north):
    """Two jobs of the same hour go to two technicians; one that is unticked stays in the tray."""
    block = {"window_starts_at": at(9), "window_ends_at": at(9, 30), "duration_minutes": 120}
    both = [make_job(by=dana, zone=north, **block) for _ in range(2)]
    left = make_job(by=dana, zone=north, duration_minutes=30)
    live_site.start_worker()
    path = f"/board/?day={tomorrow().isoformat()}"
    colleague = open_board(new_context(), live_site.urls[-1], "omar", path)
    page = open_board(new_context(), live_site.url, "dana", path)

    page.keyboard.press("Shift+A")
    expect(page.get_by_role("dialog")).to_contain_text("3 jobs that nobody has")
    page.keyboard.press("Enter")
    proposal = page.get_by_role("table")
    expect(proposal).to_contain_text(left.number, timeout=30_000)
    expect(page.get_by_text("nothing that is ticked has changed yet")).to_be_visible()
    assert {fresh(job).status for job in both} == {Status.CREATED}

    page.get_by_label(f"Assign {left.number}").uncheck()
    page.get_by_role("button", name="Assign what is ticked").click()
    expect(page.get_by_text("2 jobs assigned")).to_be_visible()
    assert {fresh(job).technician for job in both} == set(crew)
    assert fresh(left).status == Status.CREATED
    for job in both:
        expect(in_lane(colleague, fresh(job).technician, job)).to_be_visible()
    expect(colleague.locator(f".tray [data-job='{left.pk}']")).to_be_visible()
