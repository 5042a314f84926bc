"""Web Push, against a push service on loopback: what it gets, who is allowed to be one, and what its answers mean."""

import time
from datetime import timedelta

import http_ece
import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import reverse
from django.utils import timezone

from config.vapid import P256_ORDER, new_private_key
from dispatch import actions
from dispatch.actions.deliver import TAKEN_FOR
from dispatch.checks import check_push_key
from dispatch.models import Delivery, Notification, PushSubscription
from dispatch.notices import push
from dispatch.notices.notify import Kind, notify
from tests.push_service import Browser, PushService, claims_of, unb64
from tests.threads import at_the_same_time

KEY = "OIJSkGHhgCo3-DD-veUjW8tyTrZ2pU_KfG-9flVTYpg"
APPLE = "https://web.push.apple.com/QGyyb"


@pytest.fixture
def service(tmp_path, settings, monkeypatch):
    service = PushService(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(service.certificate))
    settings.VAPID_PRIVATE_KEY = KEY
    settings.VAPID_SUBJECT = "mailto:office@example.com"
    settings.PUSH_HOSTS = [service.host]
    yield service
    service.stop()


@pytest.fixture
def subscriber():
    return Browser()


@pytest.fixture
def device(service, subscriber, tess):
    return actions.subscribe(endpoint=service.endpoint(), **subscriber.keys, device="Chrome on Android", by=tess.user)


def tell_tess(tess, **more):
    notify([tess.user], Kind.ASSIGNED, "J-000042 Boiler repair, 12 Ash St, today 13:00", **more)
    return Delivery.objects.get()


def test_the_device_gets_the_message_encrypted_for_it_alone(service, subscriber, device, tess):
    delivery = tell_tess(tess)
    assert actions.deliver(delivery.pk) == "sent"
    [(path, headers, body)] = service.received
    assert path == "/push/device"
    assert headers["content-encoding"] == "aes128gcm"
    assert (headers["ttl"], headers["urgency"]) == (str(push.KEPT_SECONDS), "high")
    assert b"Boiler" not in body
    notice = Notification.objects.get()
    assert subscriber.read(body) == {
        "id": str(notice.pk),
        "title": "New job",
        "text": "J-000042 Boiler repair, 12 Ash St, today 13:00",
        "url": f"/notifications/{notice.pk}/",
    }
    with pytest.raises(http_ece.ECEException):
        Browser().read(body)


def test_the_push_service_can_verify_who_sends(service, device, tess):
    actions.deliver(tell_tess(tess).pk)
    claims = claims_of(service.received[0][1]["authorization"])
    assert claims["aud"] == f"https://{service.host}"
    assert claims["sub"] == "mailto:office@example.com"
    assert time.time() < claims["exp"] <= time.time() + 24 * 60 * 60
    assert claims["key"] == push.public_key()


def test_a_delivery_that_runs_twice_sends_once(service, device, tess):
    delivery = tell_tess(tess)
    assert [actions.deliver(delivery.pk), actions.deliver(delivery.pk)] == ["sent", ""]
    assert len(service.received) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 1, "")
    assert delivery.sent_at


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_once(service, device, tess):
    delivery = tell_tess(tess)
    outcomes = at_the_same_time(*[lambda: actions.deliver(delivery.pk)] * 2)
    assert sorted(outcomes) == ["", "sent"]
    assert len(service.received) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_has_gone_is_forgotten(service, device, tess, status):
    delivery, service.status = tell_tess(tess), status
    assert actions.deliver(delivery.pk) == "gone"
    assert not PushSubscription.objects.exists()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.subscription_id) == ("gone", None)
    assert str(status) in delivery.error


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_push_service_in_trouble_is_asked_again_later(service, subscriber, device, tess, status):
    now = timezone.now()
    delivery, service.status = tell_tess(tess, now=now), status
    assert actions.deliver(delivery.pk, now=now) == "queued"
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.due_at) == (1, now + timedelta(seconds=30))
    assert str(status) in delivery.error
    assert actions.deliver_due(now=now + timedelta(seconds=29)) == 0
    service.status = 201
    assert actions.deliver_due(now=now + timedelta(seconds=31)) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)


def test_it_gives_up_after_five_attempts_and_says_why(service, device, tess):
    now = timezone.now()
    delivery, service.status = tell_tess(tess, now=now), 503
    for minutes in range(0, 200, 40):
        actions.deliver_due(now=now + timedelta(minutes=1 + minutes))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, len(service.received)) == ("failed", 5, 5)
    assert delivery.error == "The push service answered 503 (tried 5 times)"


@pytest.mark.parametrize("status", [301, 307, 400, 403, 413])
def test_a_refusal_and_a_redirect_are_final(service, device, tess, status):
    delivery, service.status = tell_tess(tess), status
    assert actions.deliver(delivery.pk) == "failed"
    assert len(service.received) == 1  # no redirect was followed
    assert PushSubscription.objects.exists()


def test_a_push_service_that_cannot_be_reached_is_asked_again(service, device, tess):
    delivery = tell_tess(tess)
    service.stop()
    assert actions.deliver(delivery.pk) == "queued"
    delivery.refresh_from_db()
    assert delivery.error.startswith("127.0.0.1 cannot be reached")


def test_what_the_queue_has_lost_is_found_again(service, device, tess):
    now = timezone.now()
    tell_tess(tess, now=now)
    assert actions.deliver_due(now=now + timedelta(seconds=20)) == 0  # the queue may still have it
    assert actions.deliver_due(now=now + timedelta(minutes=1)) == 1
    assert len(service.received) == 1


def test_what_a_killed_worker_had_taken_is_sent_after_all(service, device, tess):
    now = timezone.now()
    delivery = tell_tess(tess, now=now)
    taken = Delivery.objects.filter(pk=delivery.pk)
    taken.update(attempts=1, due_at=now + TAKEN_FOR)
    assert actions.deliver(delivery.pk, now=now) == ""
    assert actions.deliver_due(now=now + timedelta(minutes=3)) == 1


def test_old_news_is_not_sent(service, device, tess):
    now = timezone.now()
    delivery = tell_tess(tess, now=now - timedelta(hours=7))
    assert actions.deliver(delivery.pk, now=now) == "failed"
    assert not service.received


def test_whoever_has_left_is_told_nothing(service, device, tess):
    delivery = tell_tess(tess)
    type(tess.user).objects.filter(pk=tess.user_id).update(is_active=False)
    assert actions.deliver(delivery.pk) == "failed"
    assert not service.received
    tess.user.refresh_from_db()
    assert notify([tess.user], Kind.ASSIGNED, "x") == []


def test_a_device_removed_meanwhile_gets_nothing(service, device, tess):
    delivery = tell_tess(tess)
    actions.unsubscribe(by=tess.user, pk=device.pk)
    assert actions.deliver(delivery.pk) == "gone"
    assert not service.received


def test_every_device_of_a_person_is_told(service, subscriber, device, tess):
    actions.subscribe(endpoint=service.endpoint("tablet"), **subscriber.keys, device="", by=tess.user)
    notify([tess.user], Kind.ASSIGNED, "x")
    assert [actions.deliver(pk) for pk in Delivery.objects.values_list("pk", flat=True)] == ["sent", "sent"]
    assert {path for path, _, _ in service.received} == {"/push/device", "/push/tablet"}


# Who is a push service ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://wns2-par02p.notify.windows.com/w/?token=x",
        "https://web.push.apple.com:443/QGyyb",
        "https://push.example.com/x",
        "https://push.example.org:8443/x",
    ],
)
def test_known_push_services_are_known(settings, endpoint):
    settings.PUSH_HOSTS = ["push.example.com", "push.example.org:8443"]
    assert push.is_push_service(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://127.0.0.1/x",
        "https://localhost:6379/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://evilnotify.windows.com/x",
        "https://notify.windows.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://fcm.googleapis.com:22/x",
        "https://fcm.googleapis.com:99999999/x",
        "https://push.example.org/x",
        "https://[::1]/x",
        "https://[/x",
        "file:///etc/passwd",
        "fcm.googleapis.com",
        "",
    ],
)
def test_nobody_else_is_connected_to(settings, endpoint):
    settings.PUSH_HOSTS = ["push.example.org:8443"]
    assert not push.is_push_service(endpoint)


def test_an_endpoint_that_is_no_longer_allowed_is_not_connected_to(service, device, tess, settings):
    delivery, settings.PUSH_HOSTS = tell_tess(tess), []
    assert actions.deliver(delivery.pk) == "failed"
    assert not service.received


# Subscribing --------------------------------------------------------------------------------------


@pytest.fixture
def phone(client, tess, settings):
    settings.VAPID_PRIVATE_KEY = KEY
    client.force_login(tess.user)
    return client


def subscribe(client, subscriber, **changes):
    data = {"endpoint": APPLE, "device": "Safari on iPhone"} | subscriber.keys | changes
    return client.post(reverse("add_push_device"), data)


def test_technician_adds_the_phone_and_removes_it(phone, subscriber, tess):
    assert subscribe(phone, subscriber).status_code == 204
    assert subscribe(phone, subscriber).status_code == 204
    device = PushSubscription.objects.get()
    assert (device.user, device.endpoint, device.device) == (tess.user, APPLE, "Safari on iPhone")
    assert phone.post(reverse("remove_this_device"), {"endpoint": APPLE}).status_code == 204
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://169.254.169.254/"},
        {"endpoint": APPLE + "x" * 600},
        {"endpoint": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "BP" + "A" * 85},  # a point that is not on the curve
        {"p256dh": "ü" * 20},
        {"auth": "short"},
        {"auth": "*" * 22},
    ],
)
def test_a_subscription_that_cannot_be_used_is_refused(phone, subscriber, changes):
    assert subscribe(phone, subscriber, **changes).status_code == 422
    assert not PushSubscription.objects.exists()


def test_a_shared_phone_tells_whoever_asked_last(phone, subscriber, tess, tom, client):
    subscribe(phone, subscriber)
    client.force_login(tom.user)
    subscribe(client, subscriber)
    assert PushSubscription.objects.get().user == tom.user


def test_nobody_removes_a_device_of_somebody_else(phone, subscriber, tom, client):
    subscribe(phone, subscriber)
    device = PushSubscription.objects.get()
    client.force_login(tom.user)
    client.post(reverse("remove_push_device", args=[device.pk]))
    client.post(reverse("remove_this_device"), {"endpoint": APPLE})
    assert PushSubscription.objects.filter(pk=device.pk).exists()


def test_the_oldest_of_too_many_devices_goes(phone, subscriber):
    for number in range(12):
        subscribe(phone, subscriber, endpoint=f"{APPLE}{number}")
    kept = set(PushSubscription.objects.values_list("endpoint", flat=True))
    assert kept == {f"{APPLE}{number}" for number in range(2, 12)}


def test_without_a_key_push_is_off_and_the_page_says_so(phone, subscriber, tess, settings):
    settings.VAPID_PRIVATE_KEY = ""
    assert subscribe(phone, subscriber).status_code == 422
    tess.user.push_subscriptions.create(endpoint=APPLE, **subscriber.keys)
    notify([tess.user], Kind.ASSIGNED, "x")
    assert not Delivery.objects.exists()
    assert b"Push is not set up on this server" in phone.get(reverse("notification_preferences")).content


def test_new_keys_are_keys_of_the_curve(settings, capsys):
    call_command("make_vapid_key")
    name, _, key = capsys.readouterr().out.strip().partition("=")
    assert name == "VAPID_PRIVATE_KEY"
    for text in (key, new_private_key()):
        assert 0 < int.from_bytes(unb64(text)) < P256_ORDER
        settings.VAPID_PRIVATE_KEY = text
        assert len(unb64(push.public_key())) == 65


def test_the_service_worker_may_handle_the_whole_site(client):
    response = client.get("/service-worker.js")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert "no-cache" in response["Cache-Control"]
    assert b"showNotification" in response.content


@pytest.mark.parametrize("text", ["nonsense", "A" * 43, "//8" * 15, "-----BEGIN PRIVATE KEY-----"])
def test_a_key_that_cannot_be_read_is_told_at_the_start_and_push_is_off(text, settings, client, tess):
    settings.VAPID_PRIVATE_KEY = text
    with pytest.raises(SystemCheckError, match="make_vapid_key"):
        call_command("check")
    client.force_login(tess.user)
    for name in ("phone", "notification_preferences"):
        page = client.get(reverse(name))
        assert (page.status_code, page.context["push_key"]) == (200, "")


@pytest.mark.parametrize("text", ["", KEY])
def test_nothing_is_wrong_with_a_good_key_or_none(text, settings):
    settings.VAPID_PRIVATE_KEY = text
    assert check_push_key(None) == []
