"""Jobs moved in the week and in the month, by mouse, keyboard and finger; a colleague's calendar follows."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Status
from tests.e2e.boards import DESK, PHONE, at, centre, fingers_of, fresh, make_job, open_board

pytestmark = [pytest.mark.browser, pytest.mark.interaction]


def next_monday():
    today = timezone.localdate()
    return today + timedelta(days=7 - today.weekday())


def day(number):
    """Of the next week."""
    return next_monday() + timedelta(days=number)


@pytest.fixture
def open_calendar(new_context, live_site, crew):
    def open_as(username, *, name="calendar_week", url=live_site.urls[0], **options):
        context = new_context(**({"viewport": DESK} | options))
        return open_board(context, url, username, f"{reverse(name)}?day={next_monday()}")

    return open_as


def cell(page, technician, of_day):
    key = technician.pk if technician else "none"
    return page.locator(f'[data-drop-technician="{key}"][data-drop-day="{of_day}"]')


def in_cell(page, technician, of_day, job):
    return cell(page, technician, of_day).locator(f'[data-job="{job.pk}"]')


def drag(page, source, target):
    source.hover()
    page.mouse.down()
    x, y = centre(target)
    page.mouse.move(x, y, steps=4)
    expect(page.locator(".drop-preview .placement")).to_be_visible()


def state_of(job):
    now = fresh(job)
    return now.technician, now.scheduled_on, now.planned_starts_at


@pytest.fixture
def planned(crew, omar, north):
    """With Tess on Monday at 10."""
    where = {"technician": crew[0], "zone": north, "scheduled_on": day(0)}
    return make_job(Status.ASSIGNED, by=omar, planned_starts_at=at(10, day=day(0)), **where)


def test_a_chip_of_the_week_goes_to_another_row_and_day_and_a_colleague_sees_it(
    open_calendar, live_site, crew, planned
):
    job, (tess, uma) = planned, crew
    page, colleague = open_calendar("dana"), open_calendar("omar", url=live_site.urls[-1])
    drag(page, in_cell(page, tess, day(0), job), cell(page, uma, day(2)))
    expect(page.locator(".drop-preview")).to_contain_text("Uma")
    page.mouse.up()
    for screen in (page, colleague):
        expect(in_cell(screen, uma, day(2), job)).to_contain_text("10:00")
        expect(in_cell(screen, tess, day(0), job)).to_have_count(0)
        expect(cell(screen, uma, day(2)).locator(".cell-load")).to_contain_text("1/8")
    assert state_of(job) == (uma, day(2), at(10, day=day(2)))
    in_cell(page, uma, day(2), job).locator(".job-link").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#drag-announcer")).to_contain_text("Nothing speaks against it")
    page.keyboard.press("Enter")
    expect(in_cell(colleague, uma, day(3), job)).to_be_visible()
    expect(in_cell(page, uma, day(3), job).locator(".job-link")).to_be_focused()
    assert state_of(job) == (uma, day(3), at(10, day=day(3)))
    for _ in range(2):
        page.keyboard.press("Control+z")
        expect(page.locator(".toast").last).to_contain_text("Undone")
    expect(in_cell(colleague, tess, day(0), job)).to_be_visible()
    assert state_of(job) == (tess, day(0), at(10, day=day(0)))


def test_an_unassigned_job_of_the_week_is_dragged_to_who_does_it_and_back(open_calendar, live_site, crew, omar, north):
    tess, _ = crew
    job = make_job(by=omar, zone=north, scheduled_on=day(0))
    page, colleague = open_calendar("dana"), open_calendar("omar", url=live_site.urls[-1])
    drag(page, in_cell(page, None, day(0), job), cell(page, tess, day(1)))
    page.mouse.up()
    expect(in_cell(colleague, tess, day(1), job)).to_be_visible()
    expect(colleague.locator('[data-tile="unassigned"] b')).to_have_text("0")
    assert state_of(job) == (tess, day(1), None)
    drag(page, in_cell(page, tess, day(1), job), cell(page, None, day(4)))
    expect(page.locator(".drop-preview")).to_contain_text("Back to the tray")
    page.mouse.up()
    expect(in_cell(colleague, None, day(4), job)).to_be_visible()
    assert state_of(job) == (None, day(4), None)
    assert fresh(job).status == Status.CREATED


def test_a_card_of_the_tray_goes_to_another_day_of_the_month_and_a_colleague_sees_it(
    open_calendar, live_site, omar, north
):
    job = make_job(by=omar, zone=north, scheduled_on=day(0))
    page = open_calendar("dana", name="calendar_month")
    colleague = open_calendar("omar", name="calendar_month", url=live_site.urls[-1])

    def unassigned(screen, of_day):
        return screen.locator(f"[data-drop-day='{of_day}'] .unassigned")

    card = page.locator(f".tray-card[data-job='{job.pk}']")
    drag(page, card, page.locator(f"[data-drop-day='{day(2)}']"))
    page.mouse.up()
    for screen in (page, colleague):
        expect(unassigned(screen, day(2))).to_have_text("1 unassigned")
        expect(unassigned(screen, day(0))).to_have_count(0)
    assert state_of(job) == (None, day(2), None)
    page.locator(".tray-card .job-link").focus()
    page.keyboard.press("Control+z")
    expect(unassigned(colleague, day(0))).to_have_text("1 unassigned")
    assert state_of(job) == (None, day(0), None)


def test_a_finger_moves_a_job_of_the_week_on_a_phone_and_opens_its_menu(open_calendar, live_site, crew, planned):
    job, (tess, uma) = planned, crew
    page = open_calendar("dana", viewport=PHONE, has_touch=True)
    colleague = open_calendar("omar", url=live_site.urls[-1])
    touch = fingers_of(page)
    chip, goal = in_cell(page, tess, day(0), job), cell(page, uma, day(0))
    goal.scroll_into_view_if_needed()
    start, end = centre(chip), centre(goal)
    touch("touchStart", start)
    expect(chip).to_have_class(re.compile("is-lifted"))
    for part in (0.3, 0.7, 1):
        touch("touchMove", (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part))
    expect(page.locator(".drop-preview")).to_contain_text("Uma")
    expect(page.locator(".drop-preview .placement")).to_be_visible()
    touch("touchEnd")
    expect(in_cell(colleague, uma, day(0), job)).to_contain_text("10:00")
    assert state_of(job) == (uma, day(0), at(10, day=day(0)))
    chip = in_cell(page, uma, day(0), job)
    expect(chip).to_be_visible()
    touch("touchStart", centre(chip))
    page.wait_for_function("begun => performance.now() - begun > 600", arg=page.evaluate("performance.now()"))
    touch("touchEnd")
    entry = page.get_by_role("menuitem", name="Move to another day")
    box = page.get_by_role("menu").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    entry.tap()
    page.get_by_label("Day", exact=True).fill(f"{day(1)}")
    page.get_by_role("button", name="Move", exact=True).tap()
    expect(in_cell(colleague, uma, day(1), job)).to_contain_text("10:00")
    assert state_of(job) == (uma, day(1), at(10, day=day(1)))
