"""Bringing messages to customers, as notifications are delivered.

Whoever sends one takes it first, what a killed worker had taken is due again later, and what the queue has lost is
found by `deliver_due_to_customers`.
"""

from datetime import datetime, timedelta
from http.client import HTTPException
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Final

from django.core.mail import send_mail
from django.db.models import F, Q
from django.utils import timezone

from dispatch import sms
from dispatch.actions.customer_links import ASKED, IN_GOOD_TIME, SAYS_WHEN, SETTLES_IN, TOLD_FROM, good_time
from dispatch.actions.deliver import (
    MOST_ATTEMPTS,
    QUEUE_HAS_IT_FOR,
    TAKEN_FOR,
    TOO_LATE,
    Undeliverable,
    settle,
    take_each,
    try_later,
)
from dispatch.customer_link.visit import Stage, stage_of
from dispatch.customer_link.words import html_letter_of, letter_of, sentence_of, subject_of, text_message_of, when
from dispatch.models import CustomerDelivery, CustomerMessage

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
    if delivery.once_key.startswith(IN_GOOD_TIME) and (early := good_time(delivery.link.job, now=now)) > now:
        CustomerDelivery.objects.filter(pk=delivery_id).update(due_at=early, attempts=0)
        return State.QUEUED
    try:
        _check(delivery, now=now)
        remark = _send(delivery, now=now)
    except (Undeliverable, sms.SmsRefused, SMTPRecipientsRefused) as error:
        return settle(delivery, State.FAILED, error=str(error))
    except (SMTPException, HTTPException, OSError) as error:
        return try_later(delivery, error, now=now)
    except ValueError as error:  # an address that no mail can be sent to, or a gateway's URL that is none
        return settle(delivery, State.FAILED, error=str(error))
    said_until = when(delivery.link.job, now=now)[1] if delivery.kind in SAYS_WHEN else None
    return settle(delivery, State.SENT, sent_at=now, said_until=said_until, error=remark)


def deliver_due_to_customers(*, now: datetime | None = None) -> int:
    """What is to be tried again, what had to wait, and what the queue has lost. Returns how many were taken."""
    now = now or timezone.now()
    _bring_forward(now=now)
    waited = Q(due_at__gt=F("queued_at"))
    queued = CustomerDelivery.objects.filter(waited | Q(due_at__lte=now - QUEUE_HAS_IT_FOR), state=State.QUEUED)
    return take_each(queued, deliver_to_customer, now=now)


def _bring_forward(*, now: datetime) -> None:
    """What waits for the day before a visit that has been moved nearer meanwhile."""
    here = timezone.localtime(now)
    day = here.date() + timedelta(days=1 if here.time() >= TOLD_FROM else 0)
    waiting = CustomerDelivery.objects.filter(state=State.QUEUED, attempts=0, due_at__gt=now + SETTLES_IN)
    near = waiting.filter(once_key__startswith=IN_GOOD_TIME, link__job__scheduled_on__lte=day)
    near.update(due_at=now)


def _check(delivery: CustomerDelivery, *, now: datetime) -> None:
    link, job = delivery.link, delivery.link.job
    if link.revoked_at or link.expires_at <= now:
        raise Undeliverable("Not sent: the link does not work any more.")
    was_due_at = delivery.queued_at
    if delivery.once_key.startswith(IN_GOOD_TIME):
        was_due_at = max(was_due_at, good_time(job, now=now))
    if now - was_due_at > TOO_LATE or delivery.attempts > MOST_ATTEMPTS:
        raise Undeliverable("It was not sent in time, and is of no use any more.")
    if stage_of(job) == Stage.PAUSED and delivery.kind != Kind.ANSWER:
        raise Undeliverable("Not sent: the job was on hold.")
    if stage_of(job) not in STILL_TRUE.get(delivery.kind, Stage):
        raise Undeliverable("Not sent: something newer had happened.")
    is_over = delivery.kind == Kind.COMING and job.scheduled_on and job.scheduled_on < timezone.localdate(now)
    if is_over and not delivery.once_key.startswith(ASKED):
        raise Undeliverable("Not sent: the day of the visit was over.")
    customer = job.customer
    if delivery.to != (customer.email if delivery.channel == CustomerDelivery.Channel.EMAIL else customer.phone):
        raise Undeliverable("Not sent: the customer has another address by now.")


def _send(delivery: CustomerDelivery, *, now: datetime) -> str:
    """Returns what there is to remark."""
    link, wish = delivery.link, None
    if delivery.kind == Kind.ANSWER:
        wish = CustomerMessage.objects.get(pk=int(delivery.once_key.removeprefix("answer.")))
        is_taken_back = wish.wanted_starts_at != link.job.window_starts_at
        if wish.answer == CustomerMessage.Answer.ACCEPTED and is_taken_back:
            raise Undeliverable("Not sent: something newer had happened.")
    sentence = sentence_of(delivery.kind, link.job, wish=wish, now=now)
    if delivery.channel == CustomerDelivery.Channel.SMS:
        gateway = sms.gateway()
        gateway.send(to=delivery.to, text=text_message_of(sentence, link))
        return "" if gateway.is_real else ONLY_LOGGED
    subject = " ".join(subject_of(delivery.kind, link.job, now=now).split())[:150]
    html = html_letter_of(sentence, link)
    send_mail(subject, letter_of(sentence, link), None, [delivery.to], html_message=html)
    return ""
