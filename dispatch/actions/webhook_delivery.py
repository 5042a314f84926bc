"""Bringing events to other systems: each at least once, in the order of each job, over three days if need be.

Whoever sends one takes it first, by a conditional update that puts it off for a while: of two who run at once the other
takes the next, and what a killed worker had taken is due again later. A receiver that does not answer rests, however
much waits for it; one that has taken nothing for days is stopped, and the admins are told.

For one job a later event waits while an earlier one is still being tried, but for no more than `IN_ORDER_ATTEMPTS`:
one that a receiver never takes must not hold up everything else. The job's version says which is newer.
"""

import json
import logging
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from dispatch.models import User, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from dispatch.notices.notify import Kind, notify
from dispatch.queueing import enqueue_each
from dispatch.webhooks import events
from dispatch.webhooks.post import Answer, post
from dispatch.webhooks.sign import secrets_of, signature
from zones import access

log = logging.getLogger(__name__)

State = WebhookDelivery.State
INTERVALS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, *(hours * 3600 for hours in (1, 2, 4, 8, *[12] * 5)))
)
MOST_ATTEMPTS: Final = len(INTERVALS) + 1
IN_ORDER_ATTEMPTS: Final = 5  # within three quarters of an hour
STOPPED_AFTER: Final = timedelta(days=3)
SHORTEST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=15)
TAKEN_FOR: Final = timedelta(minutes=2)  # longer than a call can take
QUEUE_HAS_IT_FOR: Final = timedelta(seconds=45)  # so long nobody thinks that the queue has lost it
BUDGET_SECONDS: Final = 45
ASKED_TO_WAIT: Final = (429, 503)
OVERLOADED: Final = (408, 425, 429)  # and every 5xx
GONE: Final = 410


def deliver_webhooks(endpoint_id: int, *, now: datetime | None = None) -> int:
    """What is due to one address, one after the other. Returns how many were tried."""
    begun, start, tried = time.monotonic(), now or timezone.now(), 0
    while (elapsed := time.monotonic() - begun) < BUDGET_SECONDS:
        at = start + timedelta(seconds=elapsed)
        delivery = _take_next(endpoint_id, at=at)
        if delivery is None:
            break
        _try(delivery, at=at)
        tried += 1
    return tried


def deliver_due_webhooks(*, now: datetime | None = None) -> int:
    """What is to be tried again, and what the queue has lost. Returns to how many addresses."""
    now = now or timezone.now()
    lost = Q(attempts__gt=0) | Q(due_at__lte=now - QUEUE_HAS_IT_FOR)
    waiting = WebhookDelivery.objects.filter(lost, state=State.QUEUED, due_at__lte=now, endpoint=OuterRef("pk"))
    ids = list(_awake(now).filter(Exists(waiting)).values_list("pk", flat=True))
    enqueue_each(events.DELIVER, [(pk,) for pk in ids])
    return len(ids)


def _awake(at: datetime) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(Q(rests_until=None) | Q(rests_until__lte=at), is_active=True)


def _take_next(endpoint_id: int, *, at: datetime) -> WebhookDelivery | None:
    if not _awake(at).filter(pk=endpoint_id).exists():
        return None
    earlier = WebhookDelivery.objects.filter(
        endpoint=endpoint_id,
        event__job=OuterRef("event__job"),
        pk__lt=OuterRef("pk"),
        state=State.QUEUED,
        attempts__lt=IN_ORDER_ATTEMPTS,
    )
    due = WebhookDelivery.objects.filter(~Exists(earlier), endpoint=endpoint_id, state=State.QUEUED, due_at__lte=at)
    for pk in list(due.order_by("pk").values_list("pk", flat=True)[:5]):
        mine = WebhookDelivery.objects.filter(pk=pk, state=State.QUEUED, due_at__lte=at)
        if mine.update(attempts=F("attempts") + 1, due_at=at + TAKEN_FOR):
            return WebhookDelivery.objects.select_related("endpoint", "event").get(pk=pk)
    return None


def _try(delivery: WebhookDelivery, *, at: datetime) -> None:
    body = body_of(delivery.event)
    seconds = int(at.timestamp())
    answer = post(
        delivery.endpoint.url,
        body,
        {
            "Content-Type": "application/json",
            "User-Agent": "Truckroll-Webhooks/1",
            "Truckroll-Event": delivery.event.kind,
            "Truckroll-Event-Id": str(delivery.event_id),
            "Truckroll-Delivery": str(delivery.pk),
            "Truckroll-Signature": signature(body, secrets=secrets_of(delivery.endpoint, now=at), at=seconds),
        },
    )
    _settle(delivery, answer, at=at)


def body_of(event: WebhookEvent) -> bytes:
    """The same bytes at every attempt."""
    told = {
        "id": str(event.pk),
        "kind": event.kind,
        "happened_at": event.happened_at.isoformat(),
        "content": event.content,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


@transaction.atomic
def _settle(delivery: WebhookDelivery, answer: Answer, *, at: datetime) -> None:
    endpoints = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    if not endpoints.select_for_update(no_key=True).exists():  # deleted while it was called
        return
    WebhookAttempt.objects.create(
        delivery=delivery,
        tried_at=at,
        took_ms=answer.took_ms,
        status=answer.status,
        error=answer.error[:300],
        answer=answer.text,
    )
    queued = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.QUEUED)
    if answer.is_taken:
        queued.update(state=State.DELIVERED, delivered_at=at)
        endpoints.exclude(failing_since=None, rests_until=None).update(failing_since=None, rests_until=None)
        return
    if delivery.attempts >= MOST_ATTEMPTS:
        queued.update(state=State.FAILED)
    else:
        queued.update(due_at=at + max(INTERVALS[delivery.attempts - 1], _asked_to_wait(answer)))
    endpoints.update(failing_since=Coalesce("failing_since", at))
    since = endpoints.values_list("failing_since", flat=True).get()
    if answer.status == GONE or at - since >= STOPPED_AFTER:
        _give_up(delivery.endpoint, answer, at=at)
    elif answer.status is None or answer.status >= 500 or answer.status in OVERLOADED:
        rest = min(max((at - since) / 4, SHORTEST_REST), LONGEST_REST)
        endpoints.update(rests_until=at + max(rest, _asked_to_wait(answer)))
    log.info("Webhook delivery %s: %s", delivery.pk, answer.status or answer.error)


def _asked_to_wait(answer: Answer) -> timedelta:
    is_asked = answer.status in ASKED_TO_WAIT and answer.retry_after.isascii() and answer.retry_after.isdigit()
    seconds = int(answer.retry_after[:6]) if is_asked else 0
    return min(timedelta(seconds=seconds), timedelta(hours=1))


def _give_up(endpoint: WebhookEndpoint, answer: Answer, *, at: datetime) -> None:
    """What still waited for it counts as failed: whoever starts it again can have all of it sent again."""
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True).update(is_active=False, stopped_at=at):
        return
    events.forget_listeners()
    endpoint.deliveries.filter(state=State.QUEUED).update(state=State.FAILED)
    why = (
        "it answered 410 Gone"
        if answer.status == GONE
        else f"it has taken nothing for days ({answer.status or answer.error})"
    )
    notify(
        User.objects.filter(access.may_by_group("change_webhookendpoint"), is_active=True).order_by("pk"),
        Kind.WEBHOOK_STOPPED,
        f"Nothing is sent to {endpoint.url[:150]} any more: {why}.",
        url=reverse("webhook", args=[endpoint.pk]),
        now=at,
    )
