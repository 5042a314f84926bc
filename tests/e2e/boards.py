"""What the tests of the board share: jobs, opened boards, and what a hand does there."""

from datetime import datetime, time, timedelta

from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Job
from tests import factories
from tests.e2e.live import in_thread, log_in

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def tomorrow():
    return timezone.localdate() + timedelta(days=1)


def at(hour, minute=0, *, day=None):
    """Tomorrow: on a day that has not begun, what is planned is what is drawn."""
    return timezone.make_aware(datetime.combine(day or tomorrow(), time(hour, minute)))


def make_job(*args, **fields) -> Job:
    fields.setdefault("scheduled_on", tomorrow())
    return in_thread(factories.make_job, *args, **fields)


def fresh(job) -> Job:
    return in_thread(lambda: Job.objects.select_related("technician__user").get(pk=job.pk))


def open_board(context, url, username, path):
    """A page of the board, logged in and live."""
    page = context.new_page()
    log_in(page, url, username)
    page.goto(url + path)
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    return page


def lane(page, technician):
    return page.locator(f"#lane-{technician.pk}")


def in_lane(page, technician, job):
    return lane(page, technician).locator(f"[data-job='{job.pk}']")


def in_list(page, job):
    return page.locator(f"#job-row-{job.pk}")


def choose(page, shown, entry):
    """An entry of the menu of a job that is shown somewhere, by right click."""
    shown.locator(".job-link").click(button="right")
    page.get_by_role("menu").get_by_role("menuitem", name=entry).click()
    expect(page.get_by_role("menu")).to_be_hidden()


def fingers_of(page):
    """Sends touches to the page: `touch("touchStart", (x, y))`."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *where):
        points = [{"x": x, "y": y} for x, y in where]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return touch


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
