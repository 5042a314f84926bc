import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import quote, urlencode

from django import template
from django.utils import timezone

from dispatch.models import Status
from dispatch.models.jobs import ACTIVE
from dispatch.templatetags.board import hours, moment, short_day
from dispatch.workflow import Actor, Step, steps_from

register = template.Library()

FORWARD = (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED)
OWN = (Status.ASSIGNED, Status.EN_ROUTE, Status.IN_PROGRESS)  # from which technicians take steps


@dataclass(frozen=True)
class StepAhead:
    """A step from a status that the job has, or has on a phone whose taps are not sent yet."""

    when: str
    seen: str
    is_now: bool
    step: Step


def _steps(job, status: str) -> list[Step]:
    steps = steps_from(status, actor=Actor.TECHNICIAN)
    return [step for step in steps if not (job.is_on_hold and step.to in ACTIVE)]


def _next_step(job, status: str) -> Step | None:
    return next((step for step in _steps(job, status) if step.to in FORWARD), None)


def _ahead(job, status: str, step: Step) -> StepAhead:
    return StepAhead(status, f"{status}.{job.technician_id or ''}", job.status == status, step)


@register.filter
def next_steps(job) -> list[StepAhead]:
    """What the large button does: now, and after the taps that come before it."""
    steps = [(status, _next_step(job, status)) for status in OWN if job.is_open]
    return [_ahead(job, status, step) for status, step in steps if step]


@register.filter
def next_step(job) -> StepAhead | None:
    return next((ahead for ahead in next_steps(job) if ahead.is_now), None)


@register.filter
def other_steps(job) -> list[StepAhead]:
    return [
        _ahead(job, status, step)
        for status in OWN
        if job.is_open
        for step in _steps(job, status)
        if step != _next_step(job, status)
    ]


@register.filter
def epoch_ms(instant: datetime) -> int:
    """As JavaScript counts."""
    return int(instant.timestamp() * 1000)


@register.filter
def when(instant: datetime, now: datetime) -> str:
    """“13:05” if that is today, else “21 Nov 13:05”."""
    is_today = timezone.localdate(instant) == timezone.localdate(now)
    return hours(instant) if is_today else moment(instant)


@register.filter
def sick_until(ends_at: datetime, now: datetime) -> str:
    """“today”, “until Tue 24 Nov”; with the hour where it does not end with the day."""
    local = timezone.localtime(ends_at)
    is_whole_day = local.time() == time.min
    last = local.date() - timedelta(days=is_whole_day)
    if last == timezone.localdate(now):
        return "today" if is_whole_day else f"until {local:%H:%M}"
    return f"until {short_day(last)}" + ("" if is_whole_day else f" {local:%H:%M}")


@register.simple_tag
def status_words() -> str:
    """How each status is called, for pages that go on without the server."""
    return json.dumps(dict(Status.choices))


@register.simple_tag
def new_tap_id() -> str:
    """A form sent twice carries the same one, so that it counts once."""
    return str(uuid.uuid4())


@register.filter
def tel_link(phone: str) -> str:
    return "tel:" + re.sub(r"[^\d+*#,]", "", phone)


@register.filter
def map_link(site) -> str:
    """Directions in the browser or the maps app."""
    target = f"{site.latitude},{site.longitude}" if site.has_location else site.address
    return "https://www.google.com/maps/dir/?" + urlencode({"api": 1, "destination": target})


@register.filter
def geo_link(site) -> str:
    """RFC 5870, with the `q` by which Android's map apps label the place or look the address up."""
    if not site.has_location:
        return f"geo:0,0?q={quote(site.address)}"
    where = f"{site.latitude},{site.longitude}"
    return f"geo:{where}?q={where}({quote(site.address)})"
