"""An agenda as iCalendar (RFC 5545): stable UIDs, a SEQUENCE that grows with each change, times in UTC."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from django.urls import reverse
from icalendar import Calendar, Event

from config.tokens import derived_token
from dispatch.calendar_feed.agenda import Entry
from technicians.models import Technician

REFRESHED_EVERY: Final = timedelta(minutes=15)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def calendar_of(technician: Technician, agenda: Iterable[Entry], *, base_url: str) -> bytes:
    """The same bytes as long as nothing changes."""
    calendar = Calendar()
    calendar.add("prodid", "-//Truckroll//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Truckroll: {technician}")
    calendar.add("refresh-interval", REFRESHED_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for entry in agenda:
        calendar.add_component(_event(entry, technician, base_url=base_url))
    return calendar.to_ical()


def _event(entry: Entry, technician: Technician, *, base_url: str) -> Event:
    job, event = entry.job, Event()
    changed_at = entry.changed_at.replace(microsecond=0)
    event.add("uid", uid_of(job.pk, technician))
    event.add("dtstamp", _utc(changed_at))  # without a METHOD both mean the same
    event.add("last-modified", _utc(changed_at))
    event.add("sequence", job.version)
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    event.add("dtstart", _utc(entry.starts))
    event.add("dtend", _utc(entry.ends))
    if not entry.is_theirs:
        event.add("summary", f"{job.number} is not yours any more")
        event.add("transp", "TRANSPARENT")
        return event
    event.add("summary", _printable(f"{job.number} {job.job_type}, {job.customer}"))
    event.add("location", _printable(job.site.address))
    event.add("description", _printable(_description(entry)))
    event.add("url", base_url + reverse("phone_job", args=[job.pk]))
    if job.site.has_location:
        event.add("geo", (job.site.latitude, job.site.longitude))
    if entry.is_cancelled:
        event.add("transp", "TRANSPARENT")
    return event


def _description(entry: Entry) -> str:
    job = entry.job
    lines = [f"{job.get_status_display()}, {job.get_priority_display()} priority"]
    if job.is_on_hold:
        lines.append(f"On hold: {job.hold_reason}")
    if job.description:
        lines.append(job.description)
    return "\n".join(lines)


def _printable(text: str) -> str:
    """Without control characters, which iCalendar forbids: one in one job, and a strict program reads no calendar."""
    return _CONTROL.sub("", text)


def uid_of(job_id: int, technician: Technician) -> str:
    """Of this job in this technician's calendar: somebody may look at two in one program."""
    return (
        f"job-{job_id}-{technician.pk}@{sha256(derived_token('calendar', 'uid').encode()).hexdigest()[:12]}.truckroll"
    )


def _utc(moment):
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment
