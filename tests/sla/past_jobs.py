"""Completed jobs of the past, by the bulk action."""

from datetime import datetime, timedelta

from django.utils import timezone

from dispatch.actions import PastJob, remember_jobs
from dispatch.models import Job, Priority, Status, StatusChange
from tests.factories import JobTypeFactory, SiteFactory

HOUR = timedelta(hours=1)


def past_job(
    technician, *, created_at: datetime, responded_after: float = 1, done_after: float = 2, **fields
) -> PastJob:
    """High: response in 4 hours, resolution in 24. `*_after` in hours from the creation."""
    site = fields.pop("site", None) or SiteFactory()
    responded_at, done_at = created_at + responded_after * HOUR, created_at + done_after * HOUR
    job = Job(
        **{"customer": site.customer, "job_type": JobTypeFactory(), "priority": Priority.HIGH} | fields,
        site=site,
        technician=technician,
        status=Status.COMPLETED,
        scheduled_on=timezone.localdate(created_at),
        created_at=created_at,
        assigned_at=created_at,
        started_at=responded_at,
        completed_at=done_at,
    )
    way = [
        ("", Status.CREATED, created_at),
        (Status.CREATED, Status.ASSIGNED, created_at),
        (Status.ASSIGNED, Status.IN_PROGRESS, responded_at),
        (Status.IN_PROGRESS, Status.COMPLETED, done_at),
    ]
    log = [
        StatusChange(
            from_status=was,
            to_status=to,
            to_technician=None if to == Status.CREATED else technician,
            happened_at=at,
            received_at=at,
            actor_kind=StatusChange.Actor.SYSTEM,
        )
        for was, to, at in way
    ]
    return PastJob(job, log)


def remember(*past: PastJob, now: datetime) -> list[Job]:
    remember_jobs(past, now=now)
    return [one.job for one in past]
