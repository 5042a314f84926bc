import re
import uuid
from urllib.parse import quote, urlencode

from django import template

from dispatch.models import Status
from dispatch.models.jobs import ACTIVE
from dispatch.workflow import Actor, Step, steps_from

register = template.Library()

FORWARD = (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED)


def _steps(job) -> list[Step]:
    steps = steps_from(job.status, actor=Actor.TECHNICIAN)
    return [step for step in steps if not (job.is_on_hold and step.to in ACTIVE)]


@register.filter
def next_step(job) -> Step | None:
    """What the large button does."""
    return next((step for step in _steps(job) if step.to in FORWARD), None)


@register.filter
def other_steps(job) -> list[Step]:
    usual = next_step(job)
    return [step for step in _steps(job) if step != usual]


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
