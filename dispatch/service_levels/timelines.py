"""Loads the drawn SLA clocks of one job; the number of queries is fixed."""

from datetime import datetime

from django.utils import timezone

from dispatch.models import Job, Status
from sla.clock import NeverDueError
from sla.models import CLOCKS, Clock, ClockPause
from sla.policies import Policies
from sla.timeline import Timeline, draw


def load_timelines(job: Job, *, now: datetime, kind: str = "") -> list[Timeline]:
    """Response and resolution, as far as there is a target; or the one of this kind."""
    names = [f"{model.kind}_clock" for model in CLOCKS if not kind or model.kind == kind]
    clocks = [clock for name in names if (clock := getattr(job, name, None))]
    pauses, policies = list(ClockPause.objects.filter(job=job)), Policies()
    for clock in clocks:
        clock.policy = policies.policy(clock.policy_id)
    return [drawn for clock in clocks if (drawn := _drawn(clock, job, pauses, policies, now=now))]


def _drawn(clock: Clock, job: Job, pauses: list[ClockPause], policies: Policies, *, now: datetime) -> Timeline | None:
    zone = timezone.get_current_timezone()
    try:
        return draw(clock, policies.clock(clock, pauses), pauses, until=_until(clock, job, now), zone=zone)
    except NeverDueError:  # its calendar has lost its opening hours since
        return None


def _until(clock: Clock, job: Job, now: datetime) -> datetime:
    """A breached clock of a cancelled job has no end of its own."""
    if clock.ended_at:
        return clock.ended_at
    return job.cancelled_at if job.status == Status.CANCELLED and job.cancelled_at else now
