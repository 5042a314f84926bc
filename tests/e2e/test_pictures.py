"""Photos and a signature from a phone without signal, and what the dispatcher sees of them."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from dispatch.models import Status
from tests import picture_files as files
from tests.e2e.boards import DESK
from tests.e2e.live import in_thread, log_in, log_in_by_form
from tests.factories import keep_photo, make_job

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def job(omar, tess, north):
    return in_thread(make_job, Status.IN_PROGRESS, by=omar, technician=tess, zone=north, description="No heat upstairs")


@pytest.fixture
def phone(new_context, live_site, job):
    page = new_context(**PHONE, permissions=[]).new_page()
    log_in_by_form(page, live_site.url, "tess")
    page.goto(live_site.url + reverse("phone_job", args=[job.pk]))
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    return page


def camera(width=3000, height=2000):
    return {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": files.photo(width, height)}


def sign_by_hand(page):
    page.locator("canvas").scroll_into_view_if_needed()
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    for x, y in ((90, 20), (140, 80), (200, 30), (260, 70)):
        page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.up()


def pictures_of(job):
    return in_thread(lambda: list(job.pictures.order_by("kind", "taken_at").values_list("kind", "name", "width")))


def test_pictures_taken_without_signal_arrive_once_and_the_dispatcher_sees_them(
    phone, new_context, live_site, dana, job, browser_errors
):
    browser_errors.allow("ERR_INTERNET_DISCONNECTED")
    desk = new_context(viewport=DESK).new_page()
    log_in(desk, live_site.url, "dana")
    desk.goto(live_site.url + reverse("job", args=[job.pk]))
    expect(desk.locator("#job-pictures-" + str(job.pk))).to_contain_text("None yet.")

    phone.context.set_offline(True)
    phone.get_by_label("Caption for the next photo").fill("Rusted valve")
    phone.locator("[data-photo-file=camera]").set_input_files(camera())
    waiting = phone.locator("[data-waiting-pictures] li")
    expect(waiting).to_contain_text(["Rusted valve · Waiting to be sent"])
    phone.locator("[data-photo-file=gallery]").set_input_files([camera(80, 60), camera(60, 80)])
    expect(waiting).to_have_count(3)

    phone.get_by_role("button", name="Signature").click()
    phone.get_by_role("button", name="Save signature").click()
    expect(phone.get_by_role("alert").get_by_text("Type the name of who signs.")).to_be_visible()
    phone.get_by_label("Name of who signs").fill("Mia Wong")
    sign_by_hand(phone)
    phone.get_by_role("button", name="Save signature").click()
    expect(waiting).to_have_count(4)
    assert pictures_of(job) == []

    phone.context.set_offline(False)
    shown = phone.locator("#phone-job .gallery a[data-picture]")
    expect(shown).to_have_count(4)
    expect(waiting).to_have_count(0)
    found = pictures_of(job)
    assert sorted((kind, name) for kind, name, _ in found) == [
        ("photo", ""),
        ("photo", ""),
        ("photo", "Rusted valve"),
        ("signature", "Mia Wong"),
    ]
    assert ("photo", "Rusted valve", 1600) in found
    expect(desk.locator(".gallery a[data-picture]")).to_have_count(4)
    expect(desk.locator(".gallery")).to_contain_text("Signed by Mia Wong")


def test_a_name_typed_on_the_keyboard_stands_for_a_signature(phone, job):
    phone.get_by_role("button", name="Signature").press("Enter")
    phone.keyboard.type("Mia Wong")
    phone.get_by_role("button", name="Use typed name").press("Enter")
    expect(phone.get_by_role("img", name="Signature: Mia Wong")).to_be_visible()
    phone.get_by_role("button", name="Save signature").press("Enter")
    expect(phone.locator("[data-gallery] .signed")).to_contain_text("Signed by Mia Wong")
    expect(phone.get_by_role("button", name="Signature")).to_have_attribute("aria-expanded", "false")
    assert [name for _, name, _ in pictures_of(job)] == ["Mia Wong"]


def test_a_file_that_is_no_photo_is_told_at_once(phone, job):
    page = {"name": "bill.jpg", "mimeType": "image/jpeg", "buffer": b"<html>"}
    phone.locator("[data-photo-file=gallery]").set_input_files([page])
    expect(phone.get_by_role("status").get_by_text("bill.jpg cannot be opened as a photo.")).to_be_visible()
    assert pictures_of(job) == []


def test_dispatcher_looks_through_the_pictures_with_the_keyboard(new_context, live_site, dana, job):
    for name in ("First", "Second"):
        in_thread(keep_photo, job, name=name)
    desk = new_context(viewport=DESK).new_page()
    log_in(desk, live_site.url, "dana")
    desk.goto(live_site.url + reverse("job", args=[job.pk]))
    first = desk.get_by_role("link", name="First")
    first.press("Enter")
    viewer = desk.get_by_role("dialog", name="Pictures")
    expect(viewer).to_contain_text("1 of 2")
    desk.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("Second")
    expect(viewer.get_by_role("button", name="Next picture")).to_be_disabled()
    expect(viewer.get_by_role("img")).to_have_js_property("naturalWidth", 80)
    desk.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(first).to_be_focused()
