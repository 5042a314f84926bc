"""Jobs that were over before this program knew of them, with their history: in bulk, as the actions would have left it.

Nothing is published and nobody is told.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from dispatch.actions.clocks import remember_clocks
from dispatch.billing import billing_of
from dispatch.models import BillingRecord, BillingSettings, FieldChange, Job, JobTypeSkill, RequiredSkill, StatusChange
from dispatch.service_levels.clock_history import RESPONDED
from sla.models import ClockPause
from sla.policies import Policies


@dataclass
class PastJob:
    """Not saved yet. `log` begins with its creation and ends with its completion; `holds` are over."""

    job: Job
    log: list[StatusChange]
    holds: list[ClockPause] = field(default_factory=list)
    changes: list[FieldChange] = field(default_factory=list)

    @property
    def responded_at(self) -> datetime:
        return next(row.happened_at for row in self.log if row.to_status in RESPONDED)


@transaction.atomic
def remember_jobs(past: Sequence[PastJob], *, policies: Policies | None = None, now: datetime) -> None:
    """The jobs know their site, type and technician. Their violations count as recorded `now`."""
    policies = policies or Policies()
    for one in past:
        one.job.zone_id = one.job.site.zone_id
        one.job.sla_policy = policies.policy_for(customer=one.job.customer, job_type=one.job.job_type)
    Job.objects.bulk_create([one.job for one in past], batch_size=500)
    for one in past:
        for row in (*one.log, *one.holds, *one.changes):
            row.job = one.job
    needs = defaultdict(list)
    for need in JobTypeSkill.objects.filter(job_type__in={one.job.job_type_id for one in past}):
        needs[need.job_type_id].append(need)
    RequiredSkill.objects.bulk_create(
        RequiredSkill(job=one.job, skill_id=need.skill_id, level=need.level)
        for one in past
        for need in needs[one.job.job_type_id]
    )
    for model, name in ((StatusChange, "log"), (ClockPause, "holds"), (FieldChange, "changes")):
        model.objects.bulk_create([row for one in past for row in getattr(one, name)], batch_size=500)
    settings = BillingSettings.load()
    BillingRecord.objects.bulk_create(
        [billing_of(one.job, ((row.to_status, row.happened_at) for row in one.log), settings) for one in past],
        batch_size=500,
    )
    remember_clocks([(one.job, one.responded_at, one.holds) for one in past], policies=policies, now=now)
