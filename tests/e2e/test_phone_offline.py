"""Whatever happens to the network, the server and the page: the status log is what was tapped, once each, in order."""

import os
import re
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from config import processes
from dispatch import actions
from dispatch.models import Status
from tests import picture_files
from tests.e2e.live import give_session, in_thread
from tests.factories import make_job

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
QUICK = "self.PHONE_TIMES = { settleMs: 80, retryMs: 100 };"
WRONG_CLOCK = """
  const RightDate = Date;
  window.clockIsOffBy = %d;
  Date = class extends RightDate {
    constructor(...given) { given.length ? super(...given) : super(Date.now()); }
    static now() { return RightDate.now() + window.clockIsOffBy; }
  };
"""
FULL_FOR_THE_FIRST = """
  const add = IDBObjectStore.prototype.add;
  let isFull = true;
  IDBObjectStore.prototype.add = function (value) {
    if (isFull) {
      isFull = false;
      throw new DOMException("Full", "QuotaExceededError");
    }
    return add.call(this, value);
  };
"""
OTHERS_ANSWER_FIRST = """([path, statuses]) => {
  Object.defineProperty(ServiceWorkerRegistration.prototype, "sync", { value: undefined }); // it would send them itself
  const real = window.fetch;
  window.othersHaveAnswered = () => !statuses.length;
  window.fetch = (url, options) => {
    if (!statuses.length || !String(url).endsWith(path)) return real(url, options);
    return Promise.resolve(new Response("<html>Welcome to our guests' network</html>", { status: statuses.shift() }));
  };
}"""
SOON = """async (is) => {
  for (let tries = 0; tries < 80; tries += 1) {
    const pages = await (await caches.open("truckroll-day-1")).keys();
    const kept = [...(await caches.keys()), ...pages.map((request) => new URL(request.url).pathname)];
    if (kept.includes(is.kept) && !kept.includes(is.gone)) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}"""
DONE = ["en_route", "in_progress", "completed"]


@pytest.fixture
def job(omar, tess):
    """Assigned two hours ago."""

    def make():
        then = timezone.now() - timedelta(hours=2)
        return actions.assign_job(make_job(by=omar, now=then, description="No heat"), tess, by=omar, now=then)

    return in_thread(make)


@pytest.fixture
def open_day(new_context, live_site, job, tess, browser_errors):
    """Tess's day in a phone of its own, or in another tab of one, kept there for when there is no signal."""
    browser_errors.allow(
        "ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|htmx:(sendError|responseError|afterRequest)|WebSocket"
    )

    def open_day(phone=None, script=""):
        if phone is None:
            phone = new_context(**PHONE)
            phone.add_init_script(QUICK + script)
            give_session(phone, live_site.url, tess.user)
        page = phone.new_page()
        page.goto(f"{live_site.url}/my-day/")
        expect(page.locator("[data-phone-root][data-is-kept]")).to_be_visible()
        return page

    return open_day


def tap(page, *names):
    for name in names:
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_enabled()
        button.click()
        expect(button).to_be_hidden()


def log_of(job):
    return list(job.status_changes.order_by("pk").values_list("to_status", flat=True))[2:]


def expect_all_sent(page):
    expect(page.locator("[data-phone-root][data-waiting='0']")).to_be_visible()
    expect(page.locator("#phone-bar")).to_be_hidden()


def test_network_is_cut_in_the_middle_of_a_job(open_day, job):
    page = open_day()
    tap(page, "En route")
    expect_all_sent(page)
    page.context.set_offline(True)
    tap(page, "Start work")
    expect(page.locator("#phone-bar")).to_contain_text(
        re.compile(r"No signal · as of \d\d:\d\d · 1 tap waits to be sent")
    )
    page.reload()
    expect(page.locator(".now .status")).to_have_text("In Progress")
    page.get_by_role("link", name="Details").click()
    page.get_by_label("New note").fill("Boiler drained")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("[data-waiting-notes]")).to_contain_text("waiting to be sent")
    tap(page, "Complete")
    assert log_of(job) == ["en_route"]
    tapped = timezone.now()
    page.context.set_offline(False)
    expect_all_sent(page)
    expect(page.locator(".notes").first).to_contain_text("Boiler drained")
    assert log_of(job) == DONE
    assert job.notes.count() == 1
    assert job.status_changes.last().happened_at <= tapped


def test_server_is_stopped_and_started_and_the_page_killed_meanwhile(open_day, live_site, job):
    page = open_day()
    phone = page.context
    processes.stop(live_site.web)
    live_site.web.clear()
    tap(page, "En route", "Start work")
    page.close()
    page = phone.new_page()
    page.goto(f"{live_site.url}/my-day/")
    expect(page.locator(".now .status")).to_have_text("In Progress")
    expect(page.locator("#phone-bar")).to_contain_text("2 taps wait to be sent")
    tap(page, "Complete")
    page.close()
    assert log_of(job) == []
    live_site.start_web()
    page = phone.new_page()
    page.goto(f"{live_site.url}/my-day/")
    expect_all_sent(page)
    assert log_of(job) == DONE


def test_browser_is_killed_with_taps_unsent(playwright, browser_type_launch_args, tmp_path, live_site, job, tess):
    def open_browser():
        phone = playwright.chromium.launch_persistent_context(tmp_path, **browser_type_launch_args, **PHONE)
        phone.add_init_script(QUICK)
        page = phone.pages[0]
        give_session(phone, live_site.url, tess.user)
        page.goto(f"{live_site.url}/my-day/")
        expect(page.locator("[data-phone-root][data-is-kept]")).to_be_visible()
        return page

    page = open_browser()
    page.context.set_offline(True)
    tap(page, "En route", "Start work")
    expect(page.locator("[data-phone-root][data-waiting='2']")).to_be_visible()
    kill_browser_of(tmp_path)
    assert log_of(job) == []
    page = open_browser()
    expect_all_sent(page)
    assert log_of(job) == DONE[:2]
    page.context.close()


def kill_browser_of(profile):
    """As a phone without memory does: nothing can be written any more."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"--user-data-dir={profile}".encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("wrong_by, is_put_right", [(HOUR, False), (-HOUR, False), (DAY, False), (-DAY, True)])
def test_phones_clock_is_wrong(open_day, job, wrong_by, is_put_right):
    page = open_day(script=WRONG_CLOCK % (wrong_by / timedelta(milliseconds=1)))
    page.context.set_offline(True)
    before = timezone.now()
    tap(page, "En route", "Start work")
    after = timezone.now()
    if is_put_right:
        page.evaluate("window.clockIsOffBy = 0")
    page.context.set_offline(False)
    expect_all_sent(page)
    assert log_of(job) == DONE[:2]
    happened = list(job.status_changes.order_by("pk").values_list("happened_at", flat=True))[2:]
    slack = timedelta(seconds=10)
    assert [at for at in happened if not before - slack <= at <= after + slack] == []
    assert happened == sorted(happened)
    assert all(abs(tapped.tapped_at - tapped.happened_at - wrong_by) < slack for tapped in job.taps.all())


def test_two_tabs_and_another_phone_of_one_technician(open_day, job):
    first, other_phone = open_day(), open_day()
    second = open_day(first.context)
    first.context.set_offline(True)
    other_phone.context.set_offline(True)
    tap(first, "En route")
    expect(second.locator(".now .status")).to_have_text("En Route")
    tap(second, "Start work")
    tap(other_phone, "En route", "Start work", "Complete")
    first.context.set_offline(False)
    expect_all_sent(first)
    expect_all_sent(second)
    assert log_of(job) == DONE[:2]
    other_phone.context.set_offline(False)
    expect_all_sent(other_phone)
    assert log_of(job) == DONE
    expect(first.get_by_text("All done for today.")).to_be_visible()


def test_refused_tap_is_shown_with_a_way_out_and_logging_out_asks(open_day, job, omar):
    page = open_day()
    page.context.set_offline(True)
    tap(page, "En route")
    page.get_by_label("Account of").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="1 tap is not sent yet")).to_be_visible()
    page.get_by_role("button", name="Stay logged in").click()
    in_thread(actions.hold_job, job, "Part is missing", by=omar)
    page.context.set_offline(False)
    refused = page.locator(".outcome.is-refused")
    expect(refused).to_contain_text("Part is missing")
    expect(refused).to_contain_text("Now it is Assigned")
    refused.get_by_role("button", name="Write to the dispatcher").click()
    page.get_by_label("Note on the job").fill("I am there already")
    page.get_by_role("button", name="Send note").click()
    expect(refused).to_have_count(0)
    expect_all_sent(page)
    assert job.notes.get().text == "I am there already"
    job.refresh_from_db()
    assert job.status == Status.ASSIGNED


# What stands between phone and server answers in its place, or the phone itself has no room ----------


def test_answers_that_are_not_the_servers_refuse_nothing(open_day, job):
    page = open_day()
    page.evaluate(OTHERS_ANSWER_FIRST, ["/taps/", [500, 502, 404, 400, 200]])
    tap(page, "En route", "Start work", "Complete")
    try_until_others_have_answered(page)
    expect_all_sent(page)
    expect(page.locator(".outcome")).to_have_count(0)
    assert log_of(job) == DONE


def test_tap_is_sent_again_by_itself_until_the_server_has_it(open_day, job):
    page = open_day()
    page.evaluate(OTHERS_ANSWER_FIRST, ["/taps/", [502, 503, 502]])
    tap(page, "En route")
    expect_all_sent(page)
    assert log_of(job) == ["en_route"]


def try_until_others_have_answered(page):
    """Without waiting for the next try."""
    page.wait_for_function("() => dispatchEvent(new Event('online')) && othersHaveAnswered()", polling=200)


def test_picture_that_does_not_get_through_is_told_and_can_be_sent_again(open_day, job):
    page = open_day()
    page.get_by_role("link", name="Details").click()
    page.evaluate(OTHERS_ANSWER_FIRST, ["/pictures/", [502] + 6 * [403]])
    photo = {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": picture_files.photo(80, 60)}
    page.locator("[data-photo-file=gallery]").set_input_files([photo])
    try_until_others_have_answered(page)
    refused = page.locator(".outcome.is-refused")
    expect(refused).to_contain_text("The server does not take this picture (error 403).")
    refused.get_by_role("button", name="Send it again").click()
    expect(page.locator("#phone-job .gallery a[data-picture]")).to_have_count(1)
    expect(refused).to_have_count(0)


def test_phone_without_room_for_one_tap_keeps_the_order(open_day, job):
    page = open_day(script=FULL_FOR_THE_FIRST)
    page.context.set_offline(True)
    tap(page, "En route", "Start work")
    page.reload()
    expect(page.locator(".now .status")).to_have_text("In Progress")
    page.context.set_offline(False)
    expect_all_sent(page)
    assert log_of(job) == DONE[:2]


def test_who_is_shut_out_keeps_their_taps_and_finds_no_day_until_the_account_is_back(
    open_day, job, tess, browser_errors
):
    browser_errors.allow("Failed to load resource|Response Status Error Code 403")
    page = open_day()
    path = f"/my-day/jobs/{job.pk}/"
    assert page.evaluate(SOON, {"kept": path, "gone": ""})
    account = type(tess.user).objects.filter(pk=tess.user_id)
    page.context.set_offline(True)
    tap(page, "En route")
    in_thread(account.update, is_active=False)
    page.context.set_offline(False)
    expect(page.locator("[data-kept-taps]")).to_contain_text("1 tap is kept on this phone.")
    assert page.evaluate(SOON, {"kept": "/my-day/offline/", "gone": path})
    page.context.set_offline(True)
    page.goto(page.url)
    expect(page.get_by_text("This page is not on your phone.")).to_be_visible()
    in_thread(account.update, is_active=True)
    page.context.set_offline(False)
    page.goto(page.url)
    expect_all_sent(page)
    assert log_of(job) == DONE[:1]


def test_scripts_of_the_former_version_stay_until_the_day_is_kept_with_the_new_ones(open_day):
    page = open_day()
    page.evaluate("caches.open('truckroll-assets-former')")
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.unregister())")
    page.reload()
    assert page.evaluate(SOON, {"kept": "/my-day/", "gone": "truckroll-assets-former"})
