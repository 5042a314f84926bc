"""What a dispatcher arranges for themselves: saved views, columns, density. It is there wherever they log in."""

import re

import pytest
from playwright.sync_api import expect

from dispatch.models import SavedView, User
from tests.e2e.boards import DESK, in_list, make_job, open_board

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def jobs(crew, omar, north, south):
    """An urgent one in North, a quiet one in North, an urgent one in South."""
    return [make_job(by=omar, zone=zone, priority=priority) for zone, priority in ((north, 4), (north, 1), (south, 4))]


@pytest.fixture
def open_list(new_context, live_site, jobs):
    def open_as(username, *, process=0):
        return open_board(new_context(viewport=DESK), live_site.urls[process], username, "/board/list/?day=all")

    return open_as


def open_views(page):
    page.locator("summary", has_text="Views").click()
    return page.locator("#saved-views")


def change_view(page, name):
    open_views(page).get_by_role("button", name=f"Rename or delete {name}").click()
    return page.get_by_role("dialog")


def test_a_view_is_saved_opened_elsewhere_renamed_and_deleted(open_list, live_site, jobs):
    page, laptop, omars = open_list("dana"), open_list("dana", process=-1), open_list("omar", process=-1)
    page.goto(page.url + "&priority=4")
    open_views(page).get_by_role("button", name="Save this view…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Burning")
    dialog.get_by_label(re.compile("Keep the day")).check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_have_text("View “Burning” is saved.")
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("Burning", "day=all&priority=4")
    laptop.reload()
    open_views(laptop).get_by_role("link", name=re.compile("Burning")).click()
    expect(laptop).to_have_url(re.compile(r"/board/list/\?day=all&priority=4$"))
    expect(laptop.locator("tr[data-job]")).to_have_count(1)
    address = laptop.url
    omars.goto(address)  # by the link, with the filters but not the limits of who made it
    expect(omars.locator("tr[data-job]")).to_have_count(2)
    expect(open_views(omars)).to_contain_text("None yet")
    change_view(laptop, "Burning").get_by_label("Name").fill("On fire")
    laptop.get_by_role("button", name="Rename", exact=True).click()
    expect(laptop.locator("#saved-views")).to_contain_text("On fire")
    assert SavedView.objects.get().name == "On fire"
    page.goto(address)
    expect(in_list(page, jobs[0])).to_be_visible()
    change_view(page, "On fire").get_by_role("button", name="Delete the view").click()
    expect(page.locator("#saved-views")).to_contain_text("None yet")
    assert not SavedView.objects.exists()
    laptop.reload()
    expect(open_views(laptop)).not_to_contain_text("On fire")


def test_columns_and_density_stay_and_are_the_same_in_another_browser(open_list, jobs):
    page, laptop, omars = open_list("dana"), open_list("dana", process=-1), open_list("omar", process=-1)
    head = "th[data-column={}]".format
    page.locator("summary", has_text="Display").click()
    for column in ("Zone", "Skills"):
        with page.expect_response(re.compile("/account/columns/")):
            page.get_by_role("checkbox", name=column, exact=True).uncheck()
        expect(page.locator(head(column.lower()))).to_be_hidden()
    roomy = in_list(page, jobs[0]).bounding_box()["height"]
    page.get_by_role("button", name="Compact").click()
    expect(page.locator("body")).to_have_attribute("data-density", "compact")
    expect(page).to_have_url(re.compile(r"/board/list/\?day=all$"))
    assert in_list(page, jobs[0]).bounding_box()["height"] < roomy
    for screen in (page, laptop):
        screen.reload()
        expect(screen.locator("body")).to_have_attribute("data-density", "compact")
        for column in ("zone", "skills"):
            expect(screen.locator(head(column))).to_be_hidden()
            expect(in_list(screen, jobs[0]).locator(f"[data-column={column}]")).to_be_hidden()
        expect(screen.locator(head("customer"))).to_be_visible()
    dana = User.objects.get(username="dana")
    assert (dana.density, sorted(dana.hidden_columns)) == ("compact", ["skills", "zone"])
    omars.reload()
    expect(omars.locator(head("zone"))).to_be_visible()
    expect(omars.locator("body")).to_have_attribute("data-density", "comfortable")
    laptop.locator("summary", has_text="Display").click()
    with laptop.expect_response(re.compile("/account/columns/")):
        laptop.get_by_role("checkbox", name="Zone", exact=True).check()
    page.reload()
    expect(page.locator(head("zone"))).to_be_visible()
