from datetime import datetime

from django import template

from dispatch.board.countdown import Countdown

register = template.Library()


@register.inclusion_tag("dispatch/_sla_chip.html")
def sla_chip(job, now: datetime) -> dict:
    """How long the job's next SLA deadline is away; nothing where none is."""
    clock = job.next_clock
    return {"countdown": clock and Countdown.of(clock, now=now)}
