"""The board by keyboard alone: palette, help, from job to job, saved views and columns."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from dispatch.models import SavedView, User
from tests import factories
from tests.e2e.live import in_thread, log_in
from tests.factories import CustomerFactory, SiteFactory

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


@pytest.fixture
def jobs(omar, north):
    """Three of today, by their priority."""
    site = SiteFactory(customer=CustomerFactory(name="Bea Brook"), latitude=40.1, longitude=-75.1)
    return [
        in_thread(factories.make_job, by=omar, site=site, zone=north, priority=priority, description=words)
        for priority, words in ((4, "No heat"), (3, "Leak"), (1, "Dripping tap"))
    ]


@pytest.fixture
def board(page, live_site, jobs, dana):
    """Dana's list, on which nothing is touched with a mouse."""
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("board_list"))
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    return page


def open_palette(page):
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Job, customer")).to_be_focused()


def active(page):
    return page.locator("#palette [aria-selected=true]")


def test_job_and_command_are_found_and_opened_from_the_palette(board, jobs):
    open_palette(board)
    board.keyboard.type("leak")
    board.keyboard.press("Enter")
    expect(board.locator(f"#job-drawer-{jobs[1].pk}")).to_be_focused()
    expect(board.locator("#palette")).to_be_hidden()
    open_palette(board)
    expect(active(board)).to_contain_text("Leak")
    board.keyboard.press("ArrowDown")
    expect(active(board)).to_contain_text("Today")
    board.keyboard.press("ArrowUp")
    board.keyboard.press("ArrowUp")
    expect(active(board)).not_to_contain_text("Today")
    board.keyboard.type("dark")
    expect(active(board)).to_have_text("Dark theme")
    board.keyboard.press("Enter")
    expect(board.locator("html")).to_have_attribute("data-theme", "dark")
    assert User.objects.get(username="dana").theme == "dark"
    expect(board.locator("[data-live-text]")).to_have_text("Live")
    board.wait_for_load_state("networkidle")
    board.goto(board.url.replace(reverse("board_list"), reverse("technicians")))
    open_palette(board)
    board.keyboard.type(jobs[0].number)
    board.keyboard.press("Enter")
    expect(board).to_have_url(re.compile(reverse("job", args=[jobs[0].pk])))


def test_palette_closes_and_the_focus_returns(board, jobs):
    board.keyboard.press("j")
    first = board.locator(f"#job-row-{jobs[0].pk} .job-link")
    expect(first).to_be_focused()
    open_palette(board)
    board.keyboard.press("Escape")
    expect(board.locator("#palette")).to_be_hidden()
    expect(first).to_be_focused()


def test_j_and_k_go_from_job_to_job_g_to_a_page_and_question_mark_helps(board, jobs):
    links = [board.locator(f"#job-row-{job.pk} .job-link") for job in jobs]
    for key, number in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("k", 0), ("k", 0), ("j", 1)):
        board.keyboard.press(key)
        expect(links[number]).to_be_focused()
    board.keyboard.press("?")
    expect(board.get_by_role("heading", name="Keyboard")).to_be_visible()
    board.keyboard.press("j")
    board.keyboard.press("Escape")
    expect(board.locator("#dialog")).to_be_hidden()
    expect(links[1]).to_be_focused()
    board.keyboard.press("ArrowRight")
    expect(board).to_have_url(re.compile(r"day=\d{4}-"))
    board.keyboard.press("/")
    board.keyboard.type("gd?j")
    expect(board.locator("[name=q]").first).to_have_value("gd?j")
    board.keyboard.press("Tab")
    for letter, name in (("c", "calendar_week"), ("d", "dashboard"), ("b", "board"), ("l", "board_list")):
        board.keyboard.press("g")
        board.keyboard.press(letter)
        expect(board).to_have_url(re.compile(rf"{reverse(name)}$"))
        board.wait_for_load_state()  # with the scripts that know the keys


def test_view_is_saved_named_and_found_again(board, jobs):
    board.goto(board.url + "?priority=4&day=all")
    open_palette(board)
    board.keyboard.type("save view")
    board.keyboard.press("Enter")
    expect(board.locator("#dialog [name=name]")).to_be_focused()
    board.keyboard.type("Burning")
    board.keyboard.press("Enter")
    expect(board.locator(".toast")).to_have_text("View “Burning” is saved.")
    view = SavedView.objects.get()
    assert (view.user.username, view.page, view.query) == ("dana", "board_list", "priority=4")
    board.get_by_text("Views ▾").press("Enter")
    board.locator("#saved-views").get_by_role("link", name=re.compile("Burning")).press("Enter")
    expect(board).to_have_url(re.compile(r"/board/list/\?priority=4$"))
    expect(board.locator("tr[data-job]")).to_have_count(1)


def test_column_goes_and_comes_back_and_stays_as_chosen(board, jobs):
    head = board.get_by_role("columnheader", name="Zone")
    expect(head).to_be_visible()
    board.get_by_text("Display ▾").press("Enter")
    zone = board.get_by_role("checkbox", name="Zone")
    zone.focus()
    with board.expect_response(re.compile("/account/columns/")):
        board.keyboard.press("Space")
    expect(head).to_be_hidden()
    expect(board.locator(f"#job-row-{jobs[0].pk} [data-column=zone]")).to_be_hidden()
    assert User.objects.get(username="dana").hidden_columns == ["zone"]
    board.reload()
    expect(head).to_be_hidden()
