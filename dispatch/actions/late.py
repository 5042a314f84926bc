"""A technician says that they come later: what is predicted heeds it, and the dispatchers are told."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from dispatch.actions.base import ActionRefused, actor_on, bump, describe_state, fresh, publish_job
from dispatch.models import Job, Notification, RunningLate, Status
from dispatch.notices.notify import dispatchers_of, notify

NOT_THERE_YET = (Status.ASSIGNED, Status.EN_ROUTE)


@transaction.atomic
def say_late(job: Job, minutes: int, *, by, at: datetime | None = None, now: datetime | None = None) -> RunningLate:
    """So many minutes after they are due; if they are due already, from the moment at which they say it."""
    now = now or timezone.now()
    at = at or now
    job = fresh(job)
    actor_on(job, by)
    if job.status not in NOT_THERE_YET:
        raise ActionRefused(f"{describe_state(job)}: there is nothing to be late for.", job)
    arrives_at = max(due_at(job) or at, at) + timedelta(minutes=minutes)
    said = RunningLate.objects.create(
        job=job, technician=job.technician, minutes=minutes, arrives_at=arrives_at, said_at=at, received_at=now
    )
    bump(job)
    publish_job(job, now=now)
    when = f"{timezone.localtime(arrives_at):%H:%M}"
    text = f"{job.technician} comes {minutes} min late to {job.number} {job.title}, about {when}"
    notify(dispatchers_of(job.zone_id), Notification.Kind.RUNNING_LATE, text, job=job, now=now)
    return said


def due_at(job: Job) -> datetime | None:
    """When they mean to be there as things stand."""
    if job.planned_starts_at or job.prediction is None:
        return job.planned_starts_at or job.window_starts_at
    return job.prediction.arrives_at
