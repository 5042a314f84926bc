"""Many jobs at once, as an import brings them. Nothing is published here but by `announce_jobs`: one event for all."""

from collections.abc import Iterable
from copy import copy
from datetime import datetime

from django.db import transaction
from django.db.models import F

from dispatch import realtime
from dispatch.actions.base import check_may_dispatch, kind_of_dispatcher, log_edits
from dispatch.actions.clocks import keep_clocks, start_clocks
from dispatch.actions.customer_links import follow_visit
from dispatch.actions.edit import displayed
from dispatch.models import FieldChange, Job, RequiredSkill, Status, StatusChange
from dispatch.smart import suggestions
from dispatch.webhooks import events
from sla.policies import Policies


@transaction.atomic
def create_jobs(jobs: list[Job], *, by, now: datetime) -> None:
    """Saves new jobs as Created, with the skills of their types and their first log rows.

    Their sites know their zones already. The rules of their priorities decide about those of today and tomorrow.
    """
    check_may_dispatch(by)
    policies = Policies()
    for job in jobs:
        job.status, job.created_by = Status.CREATED, by
        job.zone_id = job.site.zone_id
        job.sla_policy = policies.policy_for(customer=job.customer, job_type=job.job_type)
    Job.objects.bulk_create(jobs)
    start_clocks(jobs, policies=policies, now=now)
    RequiredSkill.objects.bulk_create(
        RequiredSkill(job=job, skill_id=need.skill_id, level=need.level)
        for job in jobs
        for need in job.job_type.required_skills.all()
    )
    rows = StatusChange.objects.bulk_create(
        StatusChange(
            job=job,
            to_status=job.status,
            happened_at=job.created_at,
            received_at=now,
            actor_kind=kind_of_dispatcher(by),
            actor=by,
        )
        for job in jobs
    )
    events.tell_of_log(rows, now=now)
    suggestions.ask_for_imported(jobs, now=now)


@transaction.atomic
def update_created_jobs(changes: Iterable[tuple[Job, dict[str, object]]], *, by, now: datetime) -> set[int]:
    """Sets the fields of each job that is still Created and as it was read; returns the ids of those that were."""
    check_may_dispatch(by)
    policies = Policies()
    log = []
    for job, values in changes:
        was = copy(job)
        if {"customer", "job_type"} & values.keys():
            customer, job_type = values.get("customer", job.customer), values.get("job_type", job.job_type)
            values = values | {"sla_policy": policies.policy_for(customer=customer, job_type=job_type)}
        before = {name: displayed(job, name) for name in values}
        was_at = _coordinates(job)
        for name, value in values.items():
            setattr(job, name, value)
        job.zone_id = job.site.zone_id
        unchanged = Job.objects.filter(pk=job.pk, version=job.version, status=Status.CREATED)
        if not unchanged.update(**values, zone_id=job.zone_id, version=F("version") + 1):
            continue
        job.version += 1
        edited = {name: [before[name], displayed(job, name)] for name in values}
        if was_at != _coordinates(job):
            edited["location"] = [was_at, _coordinates(job)]
        keep_clocks(was, job, at=now, now=now, policies=policies)
        follow_visit(job, was=was, now=now)
        log.append(FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=edited))
    log_edits(log, now=now)
    return {change.job_id for change in log}


def _coordinates(job: Job) -> str:
    return f"{job.site.latitude:.5f}, {job.site.longitude:.5f}" if job.site.has_location else "no location"


def announce_jobs(zone_ids: Iterable[int | None]) -> None:
    """Tells the boards of these zones (None: of jobs in no zone) that many jobs have changed."""
    if groups := {realtime.zone_group(zone_id) for zone_id in zone_ids}:
        realtime.publish("board-changed", groups=groups)
