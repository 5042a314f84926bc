"""New jobs."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch.actions.base import (
    SkillNeed,
    check_may_dispatch,
    check_may_dispatch_at,
    kind_of_dispatcher,
    log_change,
    publish_job,
)
from dispatch.actions.call import assign_as_proposed
from dispatch.actions.clocks import start_clocks
from dispatch.actions.journal import board_action
from dispatch.actions.zoning import locate_site
from dispatch.models import Customer, Job, JobType, RequiredSkill, Site
from dispatch.smart import suggestions
from sla.policies import Policies
from technicians.models import Technician


@transaction.atomic
def create_job(
    *,
    customer: Customer,
    site: Site,
    job_type: JobType,
    by,
    technician: Technician | None = None,
    proposed_start: datetime | None = None,
    skills: list[SkillNeed] | None = None,
    now: datetime | None = None,
    **fields,
) -> Job:
    """`fields` are further fields of Job. Without `skills` the job type's are required, without a duration its default.

    The zone is found from the site's coordinates. Without a technician the rule of its priority decides; with one and
    a proposed start it is assigned as in the dialog.
    """
    now = now or timezone.now()
    check_may_dispatch(by)
    locate_site(site)
    check_may_dispatch_at(site, by)
    policies = Policies()
    fields.setdefault("duration_minutes", job_type.default_duration_minutes)
    job = Job.objects.create(
        customer=customer,
        site=site,
        zone_id=site.zone_id,
        job_type=job_type,
        sla_policy=policies.policy_for(customer=customer, job_type=job_type),
        created_by=by,
        **{"created_at": now, **fields},
    )
    if skills is None:
        skills = [SkillNeed(need.skill_id, need.level) for need in job_type.required_skills.all()]
    RequiredSkill.objects.bulk_create(RequiredSkill(job=job, skill_id=s.skill_id, level=s.level) for s in skills)
    log_change(
        job, from_status="", from_technician_id=None, by=by, actor=kind_of_dispatcher(by), at=job.created_at, now=now
    )
    start_clocks([job], policies=policies, now=now)
    publish_job(job, event="job-created", now=now)
    if technician is None:
        suggestions.ask_for([job.pk])
    with board_action(by=by, now=now, label=f"Created {job.number}") as entry:
        entry.created(job)
        return assign_as_proposed(job, technician, starts_at=proposed_start, by=by, now=now) if technician else job
