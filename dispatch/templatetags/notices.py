from django import template
from django.utils import timezone

from dispatch.models import Delivery, Notification
from dispatch.notices.notify import Channel, headline_of

register = template.Library()


@register.filter
def headline(kind: str) -> str:
    """“New job”, what stands above the sentence of a notification."""
    return headline_of(kind)


@register.filter
def told(delivery: Delivery) -> str:
    """“Push to Chrome on Android: sent 13:05”, “E-mail: failed, the mail server ...”"""
    where = "E-mail"
    if delivery.channel == Channel.PUSH:
        device = delivery.subscription.device if delivery.subscription else ""
        where = f"Push to {device}" if device else "Push"
    why = f", {delivery.error}" if delivery.error else ""
    if delivery.state == Delivery.State.SENT:
        return f"{where}: sent {timezone.localtime(delivery.sent_at):%H:%M}"
    if delivery.state == Delivery.State.GONE:
        return f"{where}: the device no longer takes it"
    if delivery.state == Delivery.State.FAILED:
        return f"{where}: failed{why}"
    return f"{where}: trying again{why}" if delivery.attempts else f"{where}: on its way"


@register.filter
def read_count(told: list[Notification]) -> int:
    return sum(notice.read_at is not None for notice in told)


@register.filter
def has_failed(told: list[Notification]) -> bool:
    """Whether somebody was not reached on some channel."""
    return any(one.state == Delivery.State.FAILED for notice in told for one in notice.deliveries.all())
