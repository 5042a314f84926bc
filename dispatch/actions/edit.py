"""Changing what a job is about, beside what others change at the same time."""

from copy import copy
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dispatch.actions.base import (
    ActionRefused,
    SkillNeed,
    actor_on,
    bump,
    check_may_dispatch,
    fresh,
    groups_of_job,
    log_edits,
    publish_job,
)
from dispatch.actions.clocks import keep_clocks
from dispatch.actions.customer_links import follow_visit
from dispatch.actions.journal import journalled
from dispatch.actions.zoning import locate_site
from dispatch.models import FieldChange, Job, JobNote, RequiredSkill
from dispatch.smart import suggestions
from dispatch.webhooks import events
from sla.policies import Policies


class EditConflict(ActionRefused):
    """Somebody changed the same fields meanwhile. `theirs` maps a field to (who, old, new)."""

    def __init__(self, theirs: dict[str, tuple[str, str, str]], job: Job):
        names = ", ".join(sorted({who for who, _, _ in theirs.values()}))
        super().__init__(f"{names} changed the same fields while you were editing.", job)
        self.theirs = theirs


@journalled
def edit_job(
    job: Job,
    changes: dict[str, object],
    *,
    by,
    base_version: int,
    skills: list[SkillNeed] | None = None,
    now: datetime | None = None,
) -> Job:
    """Saves the fields that the editor changed, beside what others changed meanwhile.

    `base_version` is the version that the editor was looking at: a field that someone else has changed since to
    another value raises EditConflict and nothing is saved. Editing with the newest version overwrites.
    """
    now = now or timezone.now()
    check_may_dispatch(by)
    job = Job.objects.get(pk=job.pk)
    groups_before = groups_of_job(job)
    was, policies = copy(job), Policies()
    if {"customer", "job_type"} & changes.keys():
        customer, job_type = changes.get("customer", job.customer), changes.get("job_type", job.job_type)
        changes = changes | {"sla_policy": policies.policy_for(customer=customer, job_type=job_type)}
    had = {name: getattr(job, name) for name in changes}
    before = {name: displayed(job, name) for name in changes}
    for name, value in changes.items():
        setattr(job, name, value)
    if "site" in changes:
        locate_site(job.site)
        job.zone_id = job.site.zone_id
    edited = {name: [before[name], displayed(job, name)] for name in changes if had[name] != getattr(job, name)}
    if skills is not None:
        edited |= replace_skills(job, skills)
    if not edited:
        return job
    if theirs := _changed_meanwhile(job, edited, since=base_version, by=by):
        raise EditConflict(theirs, Job.objects.get(pk=job.pk))
    read_version, job.version = job.version, job.version + 1
    values = {name: getattr(job, name) for name in changes if name in edited}
    if not Job.objects.filter(pk=job.pk, version=read_version).update(
        **values, zone_id=job.zone_id, version=F("version") + 1
    ):
        raise ActionRefused("Someone saved this job at the same moment. Try again.", fresh(job))
    log_edits([FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=edited)], now=now)
    keep_clocks(was, job, at=now, now=now, policies=policies)
    follow_visit(job, was=was, now=now)
    publish_job(job, also=groups_before, now=now)
    return job


def _changed_meanwhile(job, edited, *, since: int, by) -> dict[str, tuple[str, str, str]]:
    theirs = {}
    for change in job.field_changes.filter(version__gt=since).exclude(actor=by).select_related("actor"):
        for name, (old, new) in change.changes.items():
            if name in edited and edited[name][1] != new:
                theirs[name] = (str(change.actor or "The system"), old, new)
    return theirs


def displayed(job: Job, name: str) -> str:
    """A field's value as people read it, for the log and for comparing."""
    value = getattr(job, name)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    display = getattr(job, f"get_{name}_display", None)
    return display() if display else "" if value is None else str(value)


def replace_skills(job: Job, skills: list[SkillNeed]) -> dict[str, list[str]]:
    """Each changed skill under a name of its own, so that two editors conflict only over the same one."""
    had = _skill_levels(job)
    job.required_skills.all().delete()
    RequiredSkill.objects.bulk_create(RequiredSkill(job=job, skill_id=s.skill_id, level=s.level) for s in skills)
    has = _skill_levels(job)
    changed = sorted(name for name in had.keys() | has.keys() if had.get(name) != has.get(name))
    return {f"skill {name}": [had.get(name, ""), has.get(name, "")] for name in changed}


def _skill_levels(job: Job) -> dict[str, str]:
    return {need.skill.name: need.get_level_display() for need in job.required_skills.select_related("skill")}


@transaction.atomic
def add_note(job: Job, text: str, *, by, at: datetime | None = None, now: datetime | None = None) -> JobNote:
    """`at` is when it was written, if a phone was offline meanwhile."""
    job = fresh(job)
    actor_on(job, by)
    note = JobNote.objects.create(job=job, text=text, author=by, written_at=at or now or timezone.now())
    bump(job)
    events.tell_of_note(note, now=now or timezone.now())
    suggestions.keep_beside_note(job)
    publish_job(job, now=now)
    return note


@journalled
def hold_job(job: Job, reason: str, *, by, now: datetime | None = None) -> Job:
    check_may_dispatch(by)
    if not reason.strip():
        raise ActionRefused("Say why the job is on hold.", job)
    return _set_hold(job, held_at=now or timezone.now(), hold_reason=reason.strip(), by=by, now=now)


@journalled
def release_job(job: Job, *, by, now: datetime | None = None) -> Job:
    check_may_dispatch(by)
    return _set_hold(job, held_at=None, hold_reason="", by=by, now=now)


def _set_hold(job: Job, *, held_at, hold_reason: str, by, now) -> Job:
    now = now or timezone.now()
    was = fresh(job)
    open_now = Job.objects.open().filter(pk=job.pk, held_at__isnull=held_at is not None)
    if not open_now.update(held_at=held_at, hold_reason=hold_reason, version=F("version") + 1):
        current = fresh(job)
        state = f"already on hold: {current.hold_reason}" if current.is_on_hold else "not on hold"
        raise ActionRefused(f"{current.number} is {current.get_status_display()} and {state}.", current)
    job = fresh(job)
    changes = {"hold": [was.hold_reason, hold_reason]}
    log_edits([FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=changes)], now=now)
    keep_clocks(was, job, at=now, now=now)
    follow_visit(job, was=was, now=now)
    publish_job(job, now=now)
    return job
