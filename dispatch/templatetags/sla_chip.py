from datetime import datetime

from django import template

from dispatch.board.countdown import Countdown

register = template.Library()


@register.inclusion_tag("dispatch/_sla_chip.html")
def sla_chip(job, now: datetime, *, is_in_column: bool = False) -> dict:
    """How long the job's next SLA deadline is away; nothing where none is. In a column of a table which one it is
    stands below."""
    clock = job.next_clock
    return {"countdown": clock and Countdown.of(clock, now=now), "is_in_column": is_in_column}
