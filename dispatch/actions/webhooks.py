"""The addresses that are told of events: who they are, their secrets, and sending again what did not arrive."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dispatch.actions.base import ActionRefused
from dispatch.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from dispatch.queueing import enqueue
from dispatch.webhooks import events
from dispatch.webhooks.addresses import AddressRefused, target_of

State = WebhookDelivery.State
MOST_WEBHOOKS = 20
TEST = "webhook.test"


def check_may_manage_webhooks(by) -> None:
    if not by.has_perm("dispatch.change_webhookendpoint"):
        raise PermissionDenied("Webhooks are an admin's to manage.")


@transaction.atomic
def add_webhook(
    url: str, *, kinds: Iterable[str] = (), description: str = "", by, now: datetime | None = None
) -> WebhookEndpoint:
    """Without `kinds` it is told of everything."""
    check_may_manage_webhooks(by)
    _check_address(url)
    if WebhookEndpoint.objects.count() >= MOST_WEBHOOKS:
        raise ActionRefused(f"There are {MOST_WEBHOOKS} webhooks. Delete one that is no longer used first.")
    events.forget_listeners()
    return WebhookEndpoint.objects.create(
        url=url,
        kinds=sorted(kinds),
        description=description,
        nonce=_new_nonce(),
        created_at=now or timezone.now(),
        created_by=by,
    )


@transaction.atomic
def edit_webhook(endpoint: WebhookEndpoint, *, url: str, kinds: Iterable[str], description: str, by) -> None:
    check_may_manage_webhooks(by)
    _check_address(url)
    fresh_start = {} if url == endpoint.url else {"failing_since": None, "rests_until": None}
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        url=url, kinds=sorted(kinds), description=description, **fresh_start
    )
    events.forget_listeners()


def _check_address(url: str) -> None:
    try:
        target_of(url)
    except AddressRefused as refused:
        raise ActionRefused(str(refused)) from None


def _new_nonce() -> str:
    return secrets.token_urlsafe(32)


@transaction.atomic
def roll_webhook_secret(endpoint: WebhookEndpoint, *, by, now: datetime | None = None) -> None:
    """The secret of before signs beside the new one for a day."""
    check_may_manage_webhooks(by)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        earlier_nonce=F("nonce"), nonce=_new_nonce(), rolled_at=now or timezone.now()
    )


@transaction.atomic
def start_webhook(endpoint: WebhookEndpoint, *, by) -> None:
    """From now on; what happened meanwhile was not kept for it."""
    check_may_manage_webhooks(by)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        is_active=True, stopped_at=None, failing_since=None, rests_until=None
    )
    events.forget_listeners()
    enqueue(events.DELIVER, endpoint.pk)


@transaction.atomic
def stop_webhook(endpoint: WebhookEndpoint, *, by) -> None:
    """What waits for it goes out when it is started again."""
    check_may_manage_webhooks(by)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_active=False)
    events.forget_listeners()


@transaction.atomic
def delete_webhook(endpoint: WebhookEndpoint, *, by) -> None:
    check_may_manage_webhooks(by)
    endpoint.delete()
    events.forget_listeners()


@transaction.atomic
def send_test_event(endpoint: WebhookEndpoint, *, by, now: datetime | None = None) -> WebhookDelivery:
    """To this address only, whatever it chose."""
    now = now or timezone.now()
    check_may_manage_webhooks(by)
    _check_is_active(endpoint)
    content = {"text": f"{by} sends this to see whether it arrives."}
    event = WebhookEvent.objects.create(kind=TEST, content=content, happened_at=now)
    delivery = WebhookDelivery.objects.create(endpoint=endpoint, event=event, due_at=now)
    _send_now(endpoint)
    return delivery


@transaction.atomic
def redeliver_webhook(delivery: WebhookDelivery, *, by, now: datetime | None = None) -> None:
    """Also what was delivered once: the receiver knows it by its id."""
    check_may_manage_webhooks(by)
    _check_is_active(delivery.endpoint)
    _queue_anew(WebhookDelivery.objects.filter(pk=delivery.pk), now=now)
    _send_now(delivery.endpoint)


@transaction.atomic
def redeliver_failed_webhooks(endpoint: WebhookEndpoint, *, by, now: datetime | None = None) -> int:
    check_may_manage_webhooks(by)
    _check_is_active(endpoint)
    queued = _queue_anew(endpoint.deliveries.filter(state=State.FAILED), now=now)
    _send_now(endpoint)
    return queued


def _check_is_active(endpoint: WebhookEndpoint) -> None:
    if not endpoint.is_active:
        raise ActionRefused("It is stopped. Start it first.")


def _queue_anew(deliveries, *, now: datetime | None) -> int:
    return deliveries.update(state=State.QUEUED, attempts=0, due_at=now or timezone.now(), delivered_at=None)


def _send_now(endpoint: WebhookEndpoint) -> None:
    """Even if it rests: somebody wants to see it."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(rests_until=None)
    enqueue(events.DELIVER, endpoint.pk)
