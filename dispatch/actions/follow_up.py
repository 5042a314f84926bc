"""New jobs made from one that is there: the next visit, or the same again."""

from datetime import date, datetime

from django.db import transaction

from dispatch.actions.base import SkillNeed
from dispatch.actions.create import create_job
from dispatch.models import Job
from technicians.models import Technician


@transaction.atomic
def follow_up_job(
    job: Job,
    *,
    by,
    day: date | None = None,
    description: str = "",
    technician: Technician | None = None,
    now: datetime | None = None,
) -> Job:
    """Another visit for the same thing, linked to the first; `technician` gets it at once."""
    return _same_again(
        job,
        by=by,
        now=now,
        scheduled_on=day,
        description=description.strip() or f"Follow-up of {job.number}",
        technician=technician,
        follow_up_of=job,
        source=Job.Source.FOLLOW_UP,
    )


@transaction.atomic
def duplicate_job(job: Job, *, by, day: date | None = None, now: datetime | None = None) -> Job:
    """The same again for its own sake. No time block comes along: nobody has promised one for this visit."""
    return _same_again(job, by=by, now=now, scheduled_on=day, description=job.description)


def _same_again(job: Job, *, by, now: datetime | None, **fields) -> Job:
    needs = job.required_skills.all()
    return create_job(
        customer=job.customer,
        site=job.site,
        job_type=job.job_type,
        skills=[SkillNeed(need.skill_id, need.level) for need in needs],
        priority=job.priority,
        duration_minutes=job.duration_minutes,
        by=by,
        now=now,
        **fields,
    )
