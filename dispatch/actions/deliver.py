"""Bringing notifications to people: push and e-mail. Each delivery is sent once, and tried again if need be.

Whoever sends one takes it first, by a conditional update that puts it off for a while: of two who run at once the other
finds nothing to do, and what a killed worker had taken is due again later. The intervals are kept in the database, not
in Redis: what Redis lost is found again by `deliver_due`.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Final

from django.core.mail import send_mail
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from dispatch.actions.day_plan import day_of, email_day
from dispatch.actions.sla_report import email_sla_report, week_of
from dispatch.models import CustomerDelivery, Delivery, Notification, PushSubscription
from dispatch.notices import push
from dispatch.notices.notify import Channel, Kind, headline_of
from technicians.models import Technician

log = logging.getLogger(__name__)

State = Delivery.State
INTERVALS: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
MOST_ATTEMPTS: Final = len(INTERVALS) + 1
TAKEN_FOR: Final = timedelta(minutes=2)  # longer than sending can take
QUEUE_HAS_IT_FOR: Final = timedelta(seconds=45)  # so long nobody thinks that the queue has lost it
TOO_LATE: Final = timedelta(hours=6)
BUDGET_SECONDS: Final = 45


class Undeliverable(Exception):
    """And trying again would not help."""


def deliver(delivery_id: int, *, now: datetime | None = None) -> str:
    """Returns the state that it has now; empty if it was not due, or is no more."""
    now = now or timezone.now()
    waiting = Delivery.objects.filter(pk=delivery_id, state=State.QUEUED, due_at__lte=now)
    if not waiting.update(attempts=F("attempts") + 1, due_at=now + TAKEN_FOR):
        return ""
    delivery = Delivery.objects.select_related("notification__recipient", "notification__job").get(pk=delivery_id)
    try:
        _send(delivery, now=now)
    except push.SubscriptionGone as gone:
        PushSubscription.objects.filter(pk=delivery.subscription_id).delete()
        return settle(delivery, State.GONE, error=str(gone))
    except (Undeliverable, push.PushRefused, SMTPRecipientsRefused) as error:
        return settle(delivery, State.FAILED, error=str(error))
    except (push.PushDelayed, SMTPException, OSError) as error:
        return try_later(delivery, error, now=now)
    return settle(delivery, State.SENT, sent_at=now)


def deliver_due(*, now: datetime | None = None) -> int:
    """What is to be tried again, and what the queue has lost. Returns how many were taken."""
    now = now or timezone.now()
    lost = Q(attempts__gt=0) | Q(due_at__lte=now - QUEUE_HAS_IT_FOR)
    return take_each(Delivery.objects.filter(lost, state=State.QUEUED), deliver, now=now)


def _send(delivery: Delivery, *, now: datetime) -> None:
    notice = delivery.notification
    if now - delivery.queued_at > TOO_LATE or delivery.attempts > MOST_ATTEMPTS:
        raise Undeliverable("It was not sent in time, and is of no use any more.")
    if not notice.recipient.is_active:
        raise Undeliverable(f"{notice.recipient}'s account is not active any more.")
    if delivery.channel == Channel.PUSH:
        _push(delivery, notice)
    else:
        _email(notice)


def _push(delivery: Delivery, notice: Notification) -> None:
    subscription = PushSubscription.objects.filter(pk=delivery.subscription_id, user=notice.recipient).first()
    if subscription is None:
        raise push.SubscriptionGone("The device was removed.")
    push.send(
        endpoint=subscription.endpoint,
        p256dh=subscription.p256dh,
        auth=subscription.auth,
        message={
            "id": str(notice.pk),
            "title": headline_of(notice.kind),
            "text": notice.text,
            "url": reverse("open_notice", args=[notice.pk]),
        },
    )


def _email(notice: Notification) -> None:
    person = notice.recipient
    if not person.email:
        raise Undeliverable(f"No e-mail address of {person} is known.")
    if notice.kind == Kind.DAY_SENT:
        technician = Technician.objects.select_related("user").get(user=person)
        if not email_day(technician, day_of(notice)):
            raise Undeliverable("There was nothing left in that day.")
        return
    if notice.kind == Kind.SLA_REPORT:
        email_sla_report(person, week_of(notice))
        return
    send_mail(
        " ".join(f"{headline_of(notice.kind)}: {notice.text}".split())[:150],
        f"Hello {person.short_name},\n\n{notice.text}\n\nWhat you get by e-mail is yours to choose in Truckroll, "
        "under Notifications.\n",
        None,
        [person.email],
    )


# As for messages to customers ------------------------------------------------------------------------


def take_each(queued: QuerySet, take: Callable[..., str], *, now: datetime) -> int:
    """Those of `queued` that are due, oldest first, while there is time. The rest is still due the next time."""
    begun, taken = time.monotonic(), 0
    for pk in list(queued.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)[:500]):
        if time.monotonic() - begun > BUDGET_SECONDS:
            break
        taken += bool(take(pk, now=now))
    return taken


def settle(delivery: Delivery | CustomerDelivery, state: str, **values) -> str:
    values["error"] = values.get("error", "")[:200]
    _queued(delivery).update(state=state, **values)
    return state


def try_later(delivery: Delivery | CustomerDelivery, error: Exception, *, now: datetime) -> str:
    said = str(error) or type(error).__name__
    if delivery.attempts >= MOST_ATTEMPTS:
        return settle(delivery, State.FAILED, error=f"{said} (tried {delivery.attempts} times)")
    due_at = now + INTERVALS[delivery.attempts - 1]
    _queued(delivery).update(due_at=due_at, error=said[:200])
    # What a server said may name whom it was for.
    log.info("%s %s is tried again at %s: %s", type(delivery).__name__, delivery.pk, due_at, type(error).__name__)
    return State.QUEUED


def _queued(delivery: Delivery | CustomerDelivery) -> QuerySet:
    return type(delivery).objects.filter(pk=delivery.pk, state=State.QUEUED)
