"""What people are told of a target that is at risk or breached, in a sentence. Reads nothing that is not loaded."""

from datetime import datetime, timedelta

from django.utils import timezone

from dispatch.durations import span
from dispatch.models import Job, Status
from sla.models import Clock, Violation


def risk_of(clock: Clock, *, now: datetime) -> str:
    """“J-000123 for Acme: response within 4 hours is due at 14:05, in 58 min. Nobody has it.”"""
    due = f"is due {_when(clock.due_at, now=now)}, in {_length(clock.due_at - now)}"
    return f"{_promise(clock.job, clock.kind, clock)} {due}. {_who_has(clock.job)}"


def breach_of(violation: Violation, *, now: datetime) -> str:
    """“J-000123 for Acme: response within 4 hours was due at 14:05, 12 min ago. Tess Moreau has it.”"""
    job, clock = violation.job, getattr(violation.job, f"{violation.kind}_clock", None)
    due = f"was due {_when(violation.breached_at, now=now)}"
    if clock and clock.ended_at:
        how_late = f" and came {_length(clock.ended_at - violation.breached_at)} late"
    else:
        how_late = f", {_length(now - violation.breached_at)} ago"
    return f"{_promise(job, violation.kind, clock)} {due}{how_late}. {_who_had(violation)}"


def _promise(job: Job, kind: str, clock: Clock | None) -> str:
    within = f" within {clock.target_text}" if clock else ""
    return f"{job.number} for {job.customer}: {kind}{within}"


def _who_has(job: Job) -> str:
    return f"{job.technician} has it." if job.technician else "Nobody has it."


def _who_had(violation: Violation) -> str:
    """Whoever had it when it was due, and what has become of it since."""
    job, had = violation.job, violation.technician
    if job.status == Status.CANCELLED:
        return f"{had or 'Nobody'} had it; it is cancelled now."
    if job.status == Status.COMPLETED:
        return f"{had or 'Nobody'} had it; {job.technician} has completed it."
    if had == job.technician:
        return _who_has(job)
    return f"{had or 'Nobody'} had it, {job.technician or 'nobody'} has it now."


def _when(instant: datetime, *, now: datetime) -> str:
    local = timezone.localtime(instant)
    is_today = local.date() == timezone.localdate(now)
    return f"at {local:%H:%M}" if is_today else f"on {local:%a} {local.day} {local:%b} at {local:%H:%M}"


def _length(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    return span(minutes) if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
