"""How a customer's page says it."""

from datetime import date, datetime

from django import template
from django.utils import timezone

from dispatch.customer_link.expectation import Window
from dispatch.customer_link.visit import Stage, Visit
from dispatch.customer_link.words import NO_DAY, OVERDUE, clock, day_in_words, hours_in_words, wish_in_words
from dispatch.models import CustomerDelivery, CustomerMessage
from dispatch.templatetags.board import hours, moment

register = template.Library()
register.filter("wish", wish_in_words)
register.filter("clock", clock)

STAGE_NAMES = {
    Stage.WAITING: "Planned",
    Stage.PAUSED: "Paused",
    Stage.ASSIGNED: "Planned",
    Stage.EN_ROUTE: "On the way",
    Stage.IN_PROGRESS: "At work",
    Stage.COMPLETED: "Done",
    Stage.CANCELLED: "Cancelled",
}


@register.filter
def stage_name(visit: Visit) -> str:
    return STAGE_NAMES[visit.stage]


@register.filter
def headline(visit: Visit, now: datetime) -> str:
    """The one sentence for which people open the page."""
    if visit.stage == Stage.EN_ROUTE:
        return f"{visit.who} is on the way, expected {_when(visit, now=now)}."
    if visit.is_overdue and visit.stage != Stage.PAUSED:
        return OVERDUE
    if visit.stage == Stage.ASSIGNED:
        return f"{visit.who} is coming {_when(visit, now=now)}."
    if visit.stage == Stage.WAITING:
        return f"Somebody is coming {_when(visit, now=now)}. You will see here who."
    if visit.stage == Stage.IN_PROGRESS:
        since = f", since {clock(visit.started_at)}" if visit.started_at else ""
        return f"{visit.who} is at work at your place{since}."
    if visit.stage == Stage.COMPLETED:
        ended = f" at {clock(visit.completed_at)}" if visit.completed_at else ""
        return f"{visit.who} has finished{ended}. Thank you!"
    if visit.stage == Stage.PAUSED:
        return "Your visit is paused. We will get in touch with you about a new time."
    return "Your visit is cancelled."


def _when(visit: Visit, *, now: datetime) -> str:
    window = visit.expected or visit.promised
    if window:
        return f"{day_in_words(window.starts_at, now=now)} {hours_in_words(window)}"
    return day_in_words(visit.day, now=now) if visit.day else NO_DAY


@register.filter
def hours_of(window: Window) -> str:
    """“12:00–14:00”"""
    return f"{clock(window.starts_at)}–{clock(window.ends_at)}"


@register.filter
def wanted(wish: CustomerMessage) -> str:
    """“Friday, 21 November, 12:00–14:00”, as whoever asked for it reads it"""
    window = Window(wish.wanted_starts_at, wish.wanted_ends_at)
    return f"{long_day(timezone.localdate(window.starts_at))}, {hours_of(window)}"


@register.filter
def said_at(instant: datetime) -> str:
    """“21 Nov, 13:05”"""
    here = timezone.localtime(instant)
    return f"{here.day} {here:%b}, {clock(instant)}"


@register.filter
def long_day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B}"


@register.filter
def accepted_words(visit: Visit, message: CustomerMessage) -> str:
    """An accepted wish may have been overtaken by what came later."""
    is_still_so = visit.promised and visit.promised.starts_at == message.wanted_starts_at
    return "Your visit is at the time that you asked for." if is_still_so else "The time has changed since: see above."


@register.filter
def delivery_state(delivery: CustomerDelivery) -> str:
    """“E-mail: sent 21 Nov 13:05”"""
    channel = delivery.get_channel_display()
    if delivery.state == CustomerDelivery.State.SENT:
        return f"{channel}: sent {moment(delivery.sent_at)}"
    if delivery.state == CustomerDelivery.State.FAILED:
        return f"{channel}: not delivered"
    if delivery.attempts:
        tried = {1: "once", 2: "twice"}.get(delivery.attempts, f"{delivery.attempts} times")
        return f"{channel}: tried {tried}, again at {hours(delivery.due_at)}"
    is_today = timezone.localdate(delivery.due_at) == timezone.localdate()
    return f"{channel}: goes out {'at ' + hours(delivery.due_at) if is_today else moment(delivery.due_at)}"
