"""Bringing messages to customers, as notifications are delivered.

Whoever sends one takes it first, what a killed worker had taken is due again later, and what the queue has lost is
found by `deliver_due_to_customers`.
"""

import logging
import time
from datetime import datetime
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Final

from django.core.mail import send_mail
from django.db.models import F, Q
from django.utils import timezone

from dispatch import sms
from dispatch.actions.customer_links import PASSING
from dispatch.actions.deliver import (
    BUDGET_SECONDS,
    INTERVALS,
    MOST_ATTEMPTS,
    QUEUE_HAS_IT_FOR,
    TAKEN_FOR,
    TOO_LATE,
    Undeliverable,
)
from dispatch.customer_link.visit import Stage, stage_of
from dispatch.customer_link.words import letter_of, sentence_of, subject_of, text_message_of, when
from dispatch.models import CustomerDelivery, CustomerMessage

log = logging.getLogger(__name__)

Kind = CustomerDelivery.Kind
State = CustomerDelivery.State
# A message that is no longer true is not sent.
STILL_TRUE: Final = {
    Kind.COMING: (Stage.WAITING, Stage.ASSIGNED),
    Kind.EN_ROUTE: (Stage.EN_ROUTE,),
    Kind.LATE: (Stage.ASSIGNED, Stage.EN_ROUTE),
    Kind.CANCELLED: (Stage.CANCELLED,),
    Kind.DONE: (Stage.COMPLETED,),
}
ONLY_LOGGED: Final = "Only written to the log: no gateway for text messages is set up."


def deliver_to_customer(delivery_id: int, *, now: datetime | None = None) -> str:
    """Returns the state that it has now; empty if it was not due, or is no more."""
    now = now or timezone.now()
    waiting = CustomerDelivery.objects.filter(pk=delivery_id, state=State.QUEUED, due_at__lte=now)
    if not waiting.update(attempts=F("attempts") + 1, due_at=now + TAKEN_FOR):
        return ""
    facts = ("link__job__customer", "link__job__site", "link__job__job_type", "link__job__technician__user")
    delivery = CustomerDelivery.objects.select_related(*facts, "link__job__arrival").get(pk=delivery_id)
    try:
        _check(delivery, now=now)
        remark = _send(delivery, now=now)
    except (Undeliverable, sms.SmsRefused, SMTPRecipientsRefused) as error:
        return _settle(delivery, State.FAILED, error=str(error))
    except (SMTPException, OSError) as error:
        return _try_later(delivery, error, now=now)
    said_until = when(delivery.link.job, now=now)[1] if delivery.kind in PASSING else None
    return _settle(delivery, State.SENT, sent_at=now, said_until=said_until, error=remark)


def deliver_due_to_customers(*, now: datetime | None = None) -> int:
    """What is to be tried again, what had to wait, and what the queue has lost. Returns how many were taken."""
    now = now or timezone.now()
    waited = Q(due_at__gt=F("queued_at"))
    due = CustomerDelivery.objects.filter(waited | Q(due_at__lte=now - QUEUE_HAS_IT_FOR), state=State.QUEUED)
    begun, taken = time.monotonic(), 0
    for pk in list(due.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)[:500]):
        if time.monotonic() - begun > BUDGET_SECONDS:  # the rest is still due the next time
            break
        taken += bool(deliver_to_customer(pk, now=now))
    return taken


def _check(delivery: CustomerDelivery, *, now: datetime) -> None:
    link = delivery.link
    if link.revoked_at or link.expires_at <= now:
        raise Undeliverable("Not sent: the link does not work any more.")
    if now - delivery.queued_at > TOO_LATE or delivery.attempts > MOST_ATTEMPTS:
        raise Undeliverable("It was not sent in time, and is of no use any more.")
    if stage_of(link.job) not in STILL_TRUE.get(delivery.kind, Stage):
        raise Undeliverable("Not sent: something newer had happened.")


def _send(delivery: CustomerDelivery, *, now: datetime) -> str:
    """Returns what there is to remark."""
    link, wish = delivery.link, None
    if delivery.kind == Kind.ANSWER:
        wish = CustomerMessage.objects.get(pk=int(delivery.once_key.removeprefix("answer.")))
    sentence = sentence_of(delivery.kind, link.job, wish=wish, now=now)
    if delivery.channel == CustomerDelivery.Channel.SMS:
        gateway = sms.gateway()
        gateway.send(to=delivery.to, text=text_message_of(sentence, link))
        return "" if gateway.is_real else ONLY_LOGGED
    subject = " ".join(subject_of(delivery.kind, link.job, now=now).split())[:150]
    send_mail(subject, letter_of(sentence, link), None, [delivery.to])
    return ""


def _settle(delivery: CustomerDelivery, state: str, **values) -> str:
    values["error"] = values.get("error", "")[:200]
    CustomerDelivery.objects.filter(pk=delivery.pk, state=State.QUEUED).update(state=state, **values)
    return state


def _try_later(delivery: CustomerDelivery, error: Exception, *, now: datetime) -> str:
    said = str(error) or type(error).__name__
    if delivery.attempts >= MOST_ATTEMPTS:
        return _settle(delivery, State.FAILED, error=f"{said} (tried {delivery.attempts} times)")
    due_at = now + INTERVALS[delivery.attempts - 1]
    CustomerDelivery.objects.filter(pk=delivery.pk, state=State.QUEUED).update(due_at=due_at, error=said[:200])
    log.info("Message %s to a customer is tried again at %s: %s", delivery.pk, due_at, type(error).__name__)
    return State.QUEUED
