"""Told at once: the bell and the toast on an open page, and push by the worker to a device whose page is closed."""

import json
import re
from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Delivery, Notification, PushSubscription
from dispatch.notices.notify import Kind, notify
from tests.e2e.axe import objections
from tests.e2e.live import in_thread, log_in, log_in_by_form
from tests.factories import SiteFactory, make_job
from tests.push_service import Browser, PushService

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
FCM = "https://fcm.googleapis.com/fcm/send/a-device"


@pytest.fixture
def job(omar, crew):
    site = SiteFactory(address="12 Harbor View", latitude=40.1, longitude=-75.1)
    tomorrow = timezone.localdate() + timedelta(days=1)  # at any hour there is time for it
    plan = {"scheduled_on": tomorrow, "planned_starts_at": timezone.make_aware(datetime.combine(tomorrow, time(10)))}
    return in_thread(make_job, by=omar, site=site, description="No heat upstairs", **plan)


@pytest.fixture
def phone(new_context, live_site, crew):
    """Tess's, with her day open."""
    page = new_context(**PHONE).new_page()
    log_in_by_form(page, live_site.url, "tess")
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    return page


def assign_to_tess(new_context, live_site, job):
    """Dana does it, on another process where there are two."""
    page = new_context().new_page()
    log_in(page, live_site.urls[-1], "dana")
    page.goto(live_site.urls[-1] + reverse("place_job", args=[job.pk]))
    page.get_by_label("Technician", exact=True).select_option(label="Tess")
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="Move").click()
    assert answer.value.ok, answer.value.text()
    return page


def test_technicians_open_page_says_at_once_what_she_was_assigned(new_context, live_site, phone, job):
    second = phone.context.new_page()
    second.goto(live_site.url + reverse("notifications"))
    dispatcher = assign_to_tess(new_context, live_site, job)
    toast = phone.locator(".notice-toast")
    expect(toast).to_contain_text("New job")
    expect(toast.get_by_role("link")).to_have_text(re.compile("No heat upstairs, 12 Harbor View, .* 10:00"))
    bell = phone.locator("[data-bell]")
    expect(bell).to_have_accessible_name("Notifications 1 unread")
    expect(second.locator(".notice-row.is-unread")).to_have_count(1)
    bell.click()
    panel = phone.get_by_role("dialog", name="Notifications")
    expect(panel.locator(".notice-row")).to_have_count(1)
    assert objections(phone) == []
    panel.get_by_role("button", name="Mark all as read").click()
    expect(bell).to_have_accessible_name("Notifications")
    expect(second.locator(".notice-row.is-unread")).to_have_count(0)  # her other page hears of it too
    panel.locator(".notice-row a").click()
    expect(phone.get_by_role("heading", name="No heat upstairs")).to_be_visible()
    assert Notification.objects.get(kind=Kind.ASSIGNED).read_at
    # The dispatcher is not told of her own doing.
    expect(dispatcher.locator("[data-bell]")).to_have_accessible_name("Notifications")


def test_bell_is_worked_by_keyboard_and_gives_the_focus_back(new_context, live_site, dana):
    in_thread(notify, [dana], Kind.STUCK, "Ben gets no nearer")
    page = new_context().new_page()
    log_in_by_form(page, live_site.url, "dana")
    bell = page.locator("[data-bell]")
    bell.focus()
    page.keyboard.press("Enter")
    expect(bell).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(bell).to_have_attribute("aria-expanded", "false")
    expect(bell).to_be_focused()
    page.keyboard.press(" ")
    page.get_by_role("button", name="Mark as read: Ben gets no nearer").click()
    expect(bell).to_have_accessible_name("Notifications")
    bell.click()
    expect(bell).to_have_attribute("aria-expanded", "false")
    assert Notification.objects.get().read_at


def test_worker_pushes_to_a_device_whose_page_is_closed(new_context, live_site, job, crew, tmp_path, monkeypatch):
    tess, service, device = crew[0], PushService(tmp_path), Browser()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(service.certificate))
    monkeypatch.setenv("PUSH_HOSTS", service.host)
    PushSubscription.objects.create(user=tess.user, endpoint=service.endpoint(), **device.keys)
    try:
        assign_to_tess(new_context, live_site, job)
        live_site.work_off()
    finally:
        service.stop()
    [(_, _, body)] = service.received
    message = device.read(body)
    assert message["title"] == "New job"
    assert "12 Harbor View" in message["text"]
    assert Delivery.objects.get(notification__recipient=tess.user).state == Delivery.State.SENT
    page = new_context(**PHONE).new_page()
    log_in(page, live_site.url, "tess")
    page.goto(live_site.url + message["url"])
    expect(page.get_by_role("heading", name="No heat upstairs")).to_be_visible()


def test_service_worker_shows_a_push_and_opens_it(new_context, live_site, crew):
    context = new_context(**PHONE, permissions=["notifications"])
    page = context.new_page()
    log_in_by_form(page, live_site.url, "tess")
    registrations = []
    session = context.new_cdp_session(page)
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)")
    page.evaluate(
        "new Promise((done) => { const look = () => navigator.serviceWorker.controller ? done() : setTimeout(look, 50); look(); })"
    )
    message = {"id": "7", "title": "New job", "text": "No heat upstairs, 12 Harbor View", "url": "/notifications/7/"}
    target = {"origin": live_site.url, "registrationId": registrations[-1]["registrationId"]}
    session.send("ServiceWorker.deliverPushMessage", target | {"data": json.dumps(message)})
    [worker] = context.service_workers
    shown, opened = worker.evaluate(
        """async () => {
            const urls = [];
            self.clients.openWindow = async (url) => { urls.push(url); };
            let notification;
            for (const until = Date.now() + 8000; !notification; ) {
                if (Date.now() > until) throw new Error("No notification was shown.");
                await new Promise((done) => setTimeout(done, 50));
                [notification] = await self.registration.getNotifications();
            }
            self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
            return [[notification.title, notification.body, notification.tag], urls];
        }"""
    )
    assert shown == ["New job", "No heat upstairs, 12 Harbor View", "truckroll-7"]
    assert opened == [f"{live_site.url}/notifications/7/"]


def test_technician_adds_her_phone_with_one_click(new_context, live_site, crew):
    """Headless Chromium reaches no push service, so the subscription itself is made up."""
    context = new_context(**PHONE, permissions=["notifications"])
    keys = Browser().keys
    made = json.dumps({"endpoint": FCM, "keys": keys})
    context.add_init_script(
        f"const made = {made};"
        """
        let current = null;
        const unsubscribe = async () => { current = null; return true; };
        PushManager.prototype.getSubscription = async () => current;
        PushManager.prototype.subscribe = async () =>
            (current = { endpoint: made.endpoint, unsubscribe, toJSON: () => made });
        """
    )
    page = context.new_page()
    log_in_by_form(page, live_site.url, "tess")
    expect(page.get_by_role("button", name="Notify me on this device")).to_be_visible()
    assert not PushSubscription.objects.exists()  # nothing before it is asked for
    page.get_by_role("button", name="Notify me on this device").click()
    expect(page.get_by_role("button", name="Stop on this device")).to_be_visible()
    device = PushSubscription.objects.get()
    assert (device.user, device.endpoint, device.p256dh) == (crew[0].user, FCM, keys["p256dh"])
    assert device.device
    page.get_by_role("button", name="Stop on this device").click()
    expect(page.get_by_role("button", name="Notify me on this device")).to_be_visible()
    assert not PushSubscription.objects.exists()
