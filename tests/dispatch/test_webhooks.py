"""Settings > Webhooks: what an admin sees and does there."""

import hashlib
import hmac
import html
import re
import time

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from dispatch.webhooks.sign import secret_of, signature
from tests.factories import make_job

URL = "https://erp.example.com/hooks"
State = WebhookDelivery.State


@pytest.fixture
def his(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def endpoint(ada):
    return actions.add_webhook(URL, by=ada)


def tried(delivery, *, state, status=None, error="", answer=""):
    now = timezone.now()
    WebhookAttempt.objects.create(
        delivery=delivery, tried_at=now, took_ms=12, status=status, error=error, answer=answer
    )
    WebhookDelivery.objects.filter(pk=delivery.pk).update(state=state, attempts=1)


def test_admin_adds_an_address_and_is_shown_its_secret(his, ada):
    answer = his.post(reverse("webhooks"), {"url": URL, "kinds": ["job.created", "sla.breached"]}, follow=True)
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.kinds, endpoint.created_by) == (URL, ["job.created", "sla.breached"], ada)
    assert secret_of(endpoint.nonce) in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret_of(endpoint.nonce) not in his.get(reverse("webhook", args=[endpoint.pk])).content.decode()


def test_code_on_the_page_knows_our_calls_from_others(his):
    [code] = re.findall(r'<pre class="code"[^>]*>(.*?)</pre>', his.get(reverse("webhooks")).content.decode(), re.S)
    body, now = b'{"id": "1"}', int(time.time())
    for secrets, at, is_ours in (
        (["s"], now, True),
        (["new", "s"], now, True),  # in the day after a roll
        (["x"], now, False),
        (["s"], now - 301, False),
    ):
        sent = {"Truckroll-Signature": signature(body, secrets=secrets, at=at)}
        known = {"hashlib": hashlib, "hmac": hmac, "time": time, "headers": sent, "secret": "s", "body": body}
        exec(html.unescape(code), known)  # noqa: S102
        assert known["is_ours"] is is_ours


def test_private_looking_addresses_are_refused_with_a_sentence(his):
    answer = his.post(reverse("webhooks"), {"url": "http://10.0.0.1/", "kinds": []})
    assert answer.status_code == 422
    assert "Only addresses that begin with https://" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_admin_changes_which_events_it_gets(his, endpoint):
    his.post(reverse("webhook", args=[endpoint.pk]), {"url": URL + "/2", "description": "ERP", "kinds": ["job.rated"]})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.kinds) == (URL + "/2", "ERP", ["job.rated"])


def test_a_new_secret_is_another_and_the_page_says_that_both_sign(his, endpoint):
    was = secret_of(endpoint.nonce)
    said = his.post(reverse("webhook_secret", args=[endpoint.pk])).content.decode()
    endpoint.refresh_from_db()
    assert was not in said and secret_of(endpoint.nonce) in said
    assert "Two secrets sign until" in his.get(reverse("webhook", args=[endpoint.pk])).content.decode()


def test_admin_sees_what_was_sent_and_what_came_back(his, endpoint, dana):
    job = make_job(by=dana)
    delivery = WebhookDelivery.objects.get()
    tried(delivery, state=State.FAILED, status=500, answer="<b>Boom</b>")
    page = his.get(reverse("webhook", args=[endpoint.pk])).content.decode()
    assert "job.created" in page and job.number in page and "▲ Failed" in page
    assert "500 &lt;b&gt;Boom&lt;/b&gt;" in page
    detail = his.get(reverse("webhook_delivery", args=[delivery.pk])).content.decode()
    assert str(delivery.event_id) in detail and "&quot;kind&quot;: &quot;job.created&quot;" in detail


def test_admin_sends_one_again_or_all_that_failed(his, endpoint, dana):
    for _ in range(3):
        make_job(by=dana)
    first, *_ = deliveries = list(WebhookDelivery.objects.order_by("pk"))
    for delivery in deliveries:
        tried(delivery, state=State.FAILED, error="No answer")
    his.post(reverse("redeliver_webhook", args=[first.pk]))
    first.refresh_from_db()
    assert (first.state, first.attempts) == (State.QUEUED, 0)
    his.post(reverse("redeliver_failed", args=[endpoint.pk]))
    assert not WebhookDelivery.objects.exclude(state=State.QUEUED).exists()


def test_test_event_goes_to_this_address_whatever_it_chose(his, endpoint, ada):
    other = actions.add_webhook(URL + "/other", by=ada)
    his.post(reverse("webhook", args=[endpoint.pk]), {"url": URL, "kinds": ["job.rated"]})
    his.post(reverse("test_webhook", args=[endpoint.pk]))
    assert [row.event.kind for row in endpoint.deliveries.all()] == ["webhook.test"]
    assert not other.deliveries.exists()


def test_stopped_webhook_takes_no_test_event_and_says_so(his, endpoint):
    his.post(reverse("switch_webhook", args=[endpoint.pk]), {"active": ""})
    answer = his.post(reverse("test_webhook", args=[endpoint.pk]), follow=True)
    assert "It is stopped. Start it first." in answer.content.decode()
    his.post(reverse("switch_webhook", args=[endpoint.pk]), {"active": "on"})
    endpoint.refresh_from_db()
    assert endpoint.is_active


def test_given_up_address_says_so_until_it_is_started(his, endpoint):
    WebhookEndpoint.objects.update(is_active=False, stopped_at=timezone.now())
    assert "Given up on" in his.get(reverse("webhooks")).content.decode()
    his.post(reverse("switch_webhook", args=[endpoint.pk]), {"active": "on"})
    assert "Given up on" not in his.get(reverse("webhooks")).content.decode()


def test_deleting_takes_its_log_along(his, endpoint, dana):
    make_job(by=dana)
    his.post(reverse("delete_webhook", args=[endpoint.pk]))
    assert not WebhookEndpoint.objects.exists() and not WebhookDelivery.objects.exists()


def test_the_log_is_paged_and_filtered(his, endpoint, dana, monkeypatch):
    monkeypatch.setattr("dispatch.views.webhooks.SHOWN", 2)
    jobs = [make_job(by=dana) for _ in range(3)]
    oldest, *_ = WebhookDelivery.objects.order_by("pk")
    tried(oldest, state=State.DELIVERED, status=200)
    url = reverse("webhook", args=[endpoint.pk])
    first = his.get(url).content.decode()
    assert jobs[2].number in first and jobs[1].number in first and jobs[0].number not in first
    before = WebhookDelivery.objects.order_by("-pk")[1].pk
    assert f"before={before}" in first
    assert jobs[0].number in his.get(url, {"before": before}).content.decode()
    delivered = his.get(url, {"state": "delivered"}).content.decode()
    assert jobs[0].number in delivered and jobs[2].number not in delivered
    for odd in ({"before": "x"}, {"before": "9" * 40}, {"state": "\x00"}, {"before": "²"}):
        assert his.get(url, odd).status_code == 200


def test_the_fragment_is_the_pages(his, endpoint, dana):
    make_job(by=dana)
    page = his.get(reverse("webhook", args=[endpoint.pk])).content.decode()
    fragment = his.get(reverse("webhook_deliveries", args=[endpoint.pk])).content.decode()
    assert 'id="webhook-deliveries"' in fragment and 'hx-trigger="every 3s"' in fragment
    assert "<html" not in fragment and "data-delivery" in page


def test_as_many_queries_for_fifty_deliveries_as_for_five(his, ada, dana, django_assert_max_num_queries):
    endpoint = actions.add_webhook(URL, by=ada)
    urls = [reverse("webhook", args=[endpoint.pk]), reverse("webhooks")]
    numbers = []
    for count in (5, 45):
        for _ in range(count):
            tried_job = make_job(by=dana)
            tried(WebhookDelivery.objects.get(event__job=tried_job), state=State.FAILED, status=500)
        for url in urls:
            with django_assert_max_num_queries(20) as asked:
                his.get(url)
            numbers.append(len(asked))
    assert numbers[:2] == numbers[2:]


def test_admins_choose_whether_they_are_told_of_a_stopped_webhook(his, client, omar):
    page = reverse("notification_preferences")
    assert "A webhook has stopped working" in his.get(page).content.decode()
    client.force_login(omar)
    assert "A webhook has stopped working" not in client.get(page).content.decode()


def test_a_corrected_address_is_tried_at_once(his, endpoint):
    soon = timezone.now() + timezone.timedelta(minutes=10)
    WebhookEndpoint.objects.update(failing_since=timezone.now(), rests_until=soon)
    his.post(reverse("webhook", args=[endpoint.pk]), {"url": URL, "description": "The same", "kinds": []})
    endpoint.refresh_from_db()
    assert endpoint.rests_until
    his.post(reverse("webhook", args=[endpoint.pk]), {"url": URL + "/right", "kinds": []})
    endpoint.refresh_from_db()
    assert endpoint.rests_until is None and endpoint.failing_since is None
