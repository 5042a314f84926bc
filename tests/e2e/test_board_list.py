import re
from contextlib import contextmanager

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Job, JobNote, Status
from tests import factories
from tests.e2e.live import in_thread, log_in
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, TechnicianFactory

pytestmark = pytest.mark.interaction

BLOCKED = "ERR_FAILED|WebSocket connection|/events/"


@pytest.fixture
def board(page, live_site, dana):
    """Dana's list."""
    log_in(page, live_site.url, "dana")
    page.goto(live_site.url + reverse("board_list"))
    is_live(page)
    return page


def make_job(*args, **fields):
    return in_thread(factories.make_job, *args, **fields)


def is_live(page):
    expect(page.locator("[data-live-text]")).to_have_text("Live")


def row(page, job):
    return page.locator(f"#job-row-{job.pk}")


def open_drawer(page, job):
    row(page, job).locator(".job-link").click()
    expect(page.locator(f"#job-drawer-{job.pk}")).to_be_visible()


def focused(page) -> str:
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
    )


# Keys ---------------------------------------------------------------------------------------------


def test_slash_n_and_t_lead_to_search_new_job_and_today(board, omar):
    board.keyboard.press("/")
    expect(board.locator("#filters [name=q]")).to_be_focused()
    board.keyboard.type("n/t")
    expect(board.locator("#filters [name=q]")).to_have_value("n/t")
    board.goto(board.url.split("?")[0] + "?day=all")
    board.keyboard.press("t")
    expect(board).to_have_url(re.compile(r"/board/list/\??$"))
    board.keyboard.press("n")
    expect(board).to_have_url(re.compile("/jobs/new/$"))


def test_escape_closes_the_dialog_and_the_focus_returns(board, omar, tess):
    job = make_job(by=omar)
    assign = row(board, job).get_by_role("button", name=f"Assign {job.number}")
    show_new(board)
    assign.focus()
    board.keyboard.press("Enter")
    expect(board.locator("#dialog")).to_be_visible()
    expect(board.locator("#dialog input[type=radio]").first).to_be_focused()
    board.keyboard.press("Escape")
    expect(board.locator("#dialog")).to_be_hidden()
    expect(assign).to_be_focused()


def test_escape_closes_the_drawer_and_the_focus_returns(board, omar):
    job = make_job(by=omar)
    show_new(board)
    link = row(board, job).locator(".job-link")
    link.focus()
    board.keyboard.press("Enter")
    expect(board.locator(f"#job-drawer-{job.pk}")).to_be_focused()
    board.keyboard.press("Escape")
    expect(board.locator("#drawer > *")).to_have_count(0)
    expect(link).to_be_focused()


def test_escape_does_not_throw_a_note_away(board, omar):
    job = make_job(by=omar)
    show_new(board)
    open_drawer(board, job)
    board.locator(f"#note-{job.pk}").fill("Half a thought")
    board.keyboard.press("Escape")
    expect(board.locator(f"#note-{job.pk}")).to_have_value("Half a thought")


def test_keys_typed_in_a_dialog_stay_there(board, omar):
    job = make_job(by=omar)
    show_new(board)
    row(board, job).get_by_role("button", name=re.compile("change the status")).click()
    board.locator("#dialog [name=note]").fill("not now, thanks")
    board.keyboard.press("n")
    expect(board.locator("#dialog [name=note]")).to_have_value("not now, thanksn")


def test_job_is_assigned_by_keyboard_and_the_focus_stays_in_its_row(board, omar, tess):
    job = make_job(by=omar)
    show_new(board)
    row(board, job).get_by_role("button", name=f"Assign {job.number}").focus()
    board.keyboard.press("Enter")
    expect(board.locator("#dialog input[type=radio]")).to_be_focused()
    board.keyboard.press("Space")
    board.keyboard.press("Enter")
    expect(board.locator(".toast")).to_have_text(f"{job.number} assigned to Tess.")
    expect(row(board, job).locator(".status")).to_have_text("Assigned")
    expect(row(board, job).get_by_role("button", name=f"Tess: reassign {job.number}")).to_be_focused()


def test_job_is_entered_by_keyboard_alone(board, omar):
    JobTypeFactory(name="Repair", default_duration_minutes=90)
    customer = CustomerFactory(name="Bea Brook", phone="412 555 0100")
    SiteFactory(customer=customer, address="12 Quince Lane")
    press = board.keyboard.press
    press("n")
    board.wait_for_url("**/jobs/new/")
    expect(board.locator("[name=customer-name]")).to_be_focused()
    board.keyboard.type("quin")
    found = board.get_by_role("button", name=re.compile("Bea Brook"))
    expect(found).to_be_visible()
    press("Tab")
    expect(found).to_be_focused()
    press("Enter")
    expect(board.get_by_role("radio", name="12 Quince Lane")).to_be_checked()
    expect(board.get_by_role("radio", name="12 Quince Lane")).to_be_focused()
    press("Tab")
    board.keyboard.type("Rep")
    expect(board.locator("[name=duration_minutes]")).to_have_value("90")
    press("Tab")
    press("ArrowDown")
    press("Tab")
    board.keyboard.type("No heat upstairs")
    press("Control+Enter")
    expect(board).to_have_url(re.compile("/board/$"))  # the lanes, with the new job in the tray
    expect(board.locator(".tray")).to_contain_text("No heat upstairs")
    job = Job.objects.get()
    assert (job.customer, job.site.address, job.duration_minutes) == (customer, "12 Quince Lane", 90)
    assert (job.title, job.get_priority_display()) == ("No heat upstairs", "High")


def test_focus_is_not_lost_when_a_found_customer_is_chosen(board):
    SiteFactory(customer=CustomerFactory(name="Bea Brook"))
    board.keyboard.press("n")
    board.wait_for_url("**/jobs/new/")
    expect(board.locator("[name=customer-name]")).to_be_focused()
    board.keyboard.type("bea")
    board.get_by_role("button", name=re.compile("Bea Brook")).press("Enter")
    expect(board.locator("[name=site]:checked")).to_be_focused()


# Filters ------------------------------------------------------------------------------------------


def test_filter_applies_when_its_menu_closes(board, omar):
    urgent, low = make_job(by=omar, priority=4), make_job(by=omar, priority=1)
    board.reload()
    board.get_by_text("Priority ▾").click()
    board.get_by_role("checkbox", name="Urgent").check()
    assert "priority" not in board.url
    board.locator("h1").dispatch_event("click")
    expect(board).to_have_url(re.compile(r"/board/list/\?priority=4$"))
    expect(row(board, urgent)).to_be_visible()
    expect(row(board, low)).to_have_count(0)


def test_on_a_phone_the_filters_come_from_one_button(board, omar, north):
    make_job(by=omar)
    board.set_viewport_size({"width": 390, "height": 844})
    assert board.locator(".toolbar").bounding_box()["height"] < 90
    board.get_by_role("button", name="Filters").click()
    board.locator(".filters summary", has_text="Priority").click()
    board.locator(".filters").get_by_label("Urgent").check()
    board.get_by_role("button", name="Apply").click()
    expect(board).to_have_url(re.compile(r"priority=4"))
    expect(board.get_by_role("button", name="Filters 1")).to_be_visible()
    board.keyboard.press("/")
    expect(board.locator("#filters [name=q]")).to_be_focused()


def test_filter_menu_closed_without_a_change_does_nothing(board, omar):
    make_job(by=omar)
    board.evaluate("window.isSamePage = true")
    board.get_by_text("Zone ▾").click()
    board.keyboard.press("Escape")
    expect(board.locator("details[open]")).to_have_count(0)
    assert board.evaluate("window.isSamePage")


def test_long_list_of_candidates_is_narrowed_by_typing(board, omar, north):
    for name in ("ann", "bea", "cleo", "dora", "edna", "fay", "gail", "hope", "iris", "jane", "kate", "lena", "maud"):
        TechnicianFactory(user__username=name, zones=[north])
    job = make_job(by=omar)
    show_new(board)
    row(board, job).get_by_role("button", name=f"Assign {job.number}").click()
    filtering = board.get_by_role("searchbox", name="Filter technicians")
    expect(filtering).to_be_focused()
    board.keyboard.type("cle")
    expect(board.locator(".candidate:visible")).to_have_count(1)
    expect(board.get_by_role("radio", name=re.compile("Cleo"))).to_be_checked()
    board.keyboard.press("Enter")
    expect(row(board, job)).to_contain_text("Cleo")


def test_few_candidates_need_no_filter(board, omar, tess):
    job = make_job(by=omar)
    show_new(board)
    row(board, job).get_by_role("button", name=f"Assign {job.number}").click()
    expect(board.locator(".candidate")).to_have_count(1)
    expect(board.locator("[data-candidate-filter]")).to_have_count(0)


# Live ---------------------------------------------------------------------------------------------


def show_new(page):
    page.locator("[data-show-new]").click()
    expect(page.locator("#new-jobs")).to_be_hidden()


def test_new_job_announces_itself_on_another_board_and_enters_on_click(board, omar, north, south):
    make_job(by=omar, zone=south)
    job = make_job(by=omar, zone=north)
    expect(board.locator("#new-jobs")).to_have_text("1 new job: show")
    expect(row(board, job)).to_have_count(0)
    expect(board.locator("[data-tile=unassigned] b")).to_have_text("1")
    show_new(board)
    expect(row(board, job)).to_be_visible()


def test_an_answer_for_a_row_that_left_meanwhile_is_asked_again(board, omar, tess):
    job, other = make_job(by=omar), make_job(by=omar)
    held = []
    board.goto(board.url.split("?")[0] + "?status=created")
    is_live(board)
    board.route("**/board/rows/**", lambda route: held.append(route), times=1)
    with board.expect_request("**/board/rows/**"):
        in_thread(actions.assign_job, job, tess, by=omar)
    board.evaluate("document.body.dispatchEvent(new CustomEvent('live-refresh'))")
    expect(row(board, job)).to_have_count(0)
    with board.expect_response(lambda response: "present=&" in f"{response.url}&"):
        held[0].continue_()
    expect(row(board, other)).to_be_visible()


def test_what_one_takes_back_comes_back_into_the_list_at_once(board, omar, dana, tess, north):
    job, other = make_job(by=omar, zone=north), make_job(by=omar, zone=north)
    board.goto(board.url + "?status=created")
    is_live(board)
    in_thread(actions.assign_job, job, tess, by=dana)
    expect(row(board, job)).to_have_count(0)
    board.keyboard.press("Control+z")
    expect(row(board, job)).to_be_visible()
    expect(row(board, other)).to_be_visible()


def test_row_changes_by_itself_and_leaves_when_the_filter_excludes_it(board, omar, tess, north):
    job = make_job(by=omar, zone=north)
    board.goto(board.url + "?status=created")
    expect(row(board, job)).to_be_visible()
    is_live(board)
    in_thread(actions.assign_job, job, tess, by=omar)
    expect(row(board, job)).to_have_count(0)
    expect(board.locator("[data-tile=assigned] b")).to_have_text("1")


@pytest.fixture
def typing_a_note(board, omar, north):
    """Dana is in the middle of a word while Omar puts the job on hold."""
    job = make_job(by=omar, zone=north)
    board.reload()
    is_live(board)
    return job


def change_it_elsewhere(job, omar):
    in_thread(actions.hold_job, job, "Waiting for parts", by=omar)


def test_drawer_refreshes_and_keeps_the_note_being_typed(board, omar, typing_a_note):
    job = typing_a_note
    open_drawer(board, job)
    note_survives(board, job, omar, within=f"#job-drawer-{job.pk}")


def test_job_page_refreshes_and_keeps_the_note_being_typed(board, live_site, omar, typing_a_note):
    job = typing_a_note
    board.goto(live_site.url + reverse("job", args=[job.pk]))
    is_live(board)
    note_survives(board, job, omar, within="#job-content")


def note_survives(page, job, omar, within):
    note = page.locator(f"#note-{job.pk}")
    note.press_sequentially("Key is under ")
    change_it_elsewhere(job, omar)
    expect(page.locator(within)).to_contain_text("On hold: Waiting for parts")
    expect(note).to_be_focused()
    page.keyboard.type("the mat")
    expect(note).to_have_value("Key is under the mat")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(f"#job-notes-{job.pk} .log")).to_contain_text("Key is under the mat")
    expect(page.locator(f"#note-{job.pk}")).to_have_value("")
    assert JobNote.objects.get().text == "Key is under the mat"


def test_note_kept_through_a_reload_of_everything(board, typing_a_note):
    job = typing_a_note
    open_drawer(board, job)
    board.locator(f"#note-{job.pk}").fill("Half a thought")
    with board.expect_response(re.compile("/drawer/")):
        board.evaluate("document.body.dispatchEvent(new CustomEvent('live-refresh'))")
    expect(board.locator(f"#note-{job.pk}")).to_have_value("Half a thought")


@contextmanager
def blocked(page, *patterns):
    for pattern in patterns:
        if pattern == "/ws/":
            page.route_web_socket(re.compile(pattern), lambda socket: socket.close(code=1011))
        else:
            page.route(re.compile(pattern), lambda route: route.abort())
    yield


def test_without_websockets_events_still_arrive(page, live_site, dana, omar, north, browser_errors):
    browser_errors.allow(BLOCKED)
    with blocked(page, "/ws/"):
        log_in(page, live_site.url, "dana")
        page.goto(live_site.url + reverse("board_list"))
        is_live(page)
        job = make_job(by=omar, zone=north)
        expect(page.locator("#new-jobs")).to_have_text("1 new job: show")
        show_new(page)
        expect(row(page, job)).to_be_visible()


def test_without_any_stream_the_board_says_so_and_asks_every_few_seconds(
    page, live_site, dana, omar, north, browser_errors
):
    browser_errors.allow(BLOCKED)
    with blocked(page, "/ws/", "/events/"):
        log_in(page, live_site.url, "dana")
        page.goto(live_site.url + reverse("board_list"))
        expect(page.locator("[data-live-text]")).to_have_text("Not live: checking every few seconds")
        job = make_job(Status.ASSIGNED, by=omar, zone=north)
        expect(row(page, job)).to_be_visible(timeout=20_000)
