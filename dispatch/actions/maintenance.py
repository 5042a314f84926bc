"""Maintenance plans: making and changing them, pausing, and skipping single visits.

What a change of the plan does with its jobs is not journalled for undo, which could not take the plan back with them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import date, datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.assignment_rules import remember_change
from dispatch.actions.base import (
    ActionRefused,
    SkillNeed,
    check_may_dispatch_at,
    describe_state,
    groups_of_job,
    publish_jobs,
)
from dispatch.actions.edit import edit_job
from dispatch.actions.journal import board_action, unjournalled
from dispatch.actions.maintenance_visits import give_to_usual, make_visits_of
from dispatch.actions.status import change_status
from dispatch.maintenance.consequences import NOT_BEGUN, TIMES, Consequence, consequences_of
from dispatch.maintenance.rule import RuleError
from dispatch.models import Job, MaintenancePlan, MaintenanceVisit, Status

ASK_ABOUT_MADE: Final = "ask"
FOLLOW: Final = "follow"
STAY: Final = "stay"
# Beyond the rarest rule's next visit: who asks for more would have days counted for long.
FARTHEST: Final = timedelta(days=25 * 366)
COLUMNS: Final = (
    *("name", "customer", "site", "job_type", "description", "priority", "duration_minutes", "technician", "rule"),
    *("starts_on", "ends_on", "window_starts", "window_ends", "time_zone", "days_ahead", "is_active"),
)


class MadeAlready(ActionRefused):
    """There are visits that the change is about: whoever changes the plan says what becomes of them."""

    def __init__(self, consequences: list[Consequence]):
        super().__init__("Some visits of this plan are made already.")
        self.consequences = consequences


@transaction.atomic
def save_maintenance_plan(
    plan: MaintenancePlan,
    *,
    made: str = ASK_ABOUT_MADE,
    by,
    base_version: int | None = None,
    now: datetime | None = None,
) -> MaintenancePlan:
    """A new plan, or one with other values. Its next visits are made at once, the rest by a worker.

    `made` is what becomes of visits that were made and not begun: ask raises MadeAlready if it matters to any.
    `base_version` is the version that the editor was looking at.
    """
    now = now or timezone.now()
    _check_may_change(by, is_new=plan.pk is None)
    plan.customer = plan.site.customer
    check_may_dispatch_at(plan.site, by)
    _check_rule(plan)
    if plan.pk is None:
        plan.created_at, plan.created_by, plan.makes_from = now, by, plan.today(now=now)
        plan.save(force_insert=True)
        remember_change(plan, "Made the plan", by=by)
    else:
        plan = _change(plan, made=made, by=by, base_version=base_version, now=now)
    make_visits_of(plan, now=now)
    return plan


def set_maintenance_active(
    plan: MaintenancePlan, is_active: bool, *, made: str = ASK_ABOUT_MADE, by, now: datetime | None = None
) -> MaintenancePlan:
    """Pauses it, or lets it go on: of what would have been due meanwhile, nothing is made."""
    changed = copy(plan)
    changed.is_active = is_active
    return save_maintenance_plan(changed, made=made, by=by, base_version=plan.version, now=now)


def _check_may_change(by, *, is_new: bool = False) -> None:
    if not by.has_perm(f"dispatch.{'add' if is_new else 'change'}_maintenanceplan"):
        raise PermissionDenied("Only dispatchers may do this.")


def _check_rule(plan: MaintenancePlan) -> None:
    try:
        schedule = plan.schedule
    except RuleError as error:
        raise ActionRefused(str(error)) from None
    if not schedule.is_ever:
        raise ActionRefused("By this rule no visit would ever be due.")


def _locked(plan: MaintenancePlan, *, by) -> MaintenancePlan:
    """As it is stored; whoever changes it or makes its visits waits, so that none is made twice or left over."""
    plans = MaintenancePlan.objects.visible_to(by).select_for_update(of=("self",))
    found = plans.select_related("customer", "site", "job_type", "technician__user").filter(pk=plan.pk).first()
    if found is None:
        raise PermissionDenied("This plan is not in your zones.")
    check_may_dispatch_at(found.site, by)
    return found


def _change(plan: MaintenancePlan, *, made: str, by, base_version: int | None, now: datetime) -> MaintenancePlan:
    was = _locked(plan, by=by)
    if base_version is not None and base_version != was.version:
        raise ActionRefused(f"Somebody has changed “{was}” since you looked. Your changes are not saved.")
    changed = [name for name in COLUMNS if getattr(was, name) != getattr(plan, name)]
    if not changed:
        return was
    consequences = consequences_of(was, plan, now=now)
    if made == ASK_ABOUT_MADE and any(not one.why_not or one.changes for one in consequences):
        raise MadeAlready(consequences)
    plan.version = was.version + 1
    if set(changed) & set(TIMES):
        plan.makes_from = plan.today(now=now)
    plan.save(update_fields=[*changed, "version", "makes_from"])
    remember_change(plan, f"Changed {', '.join(name.replace('_', ' ') for name in changed)}", by=by)
    if made == FOLLOW:
        _carry_out(consequences, plan, by=by, now=now)
    return plan


@contextmanager
def _beside_the_journal(jobs: Iterable[Job], *, now: datetime) -> Iterator[None]:
    """Inside, nothing can be undone; the technicians are told all the same."""
    with board_action(by=None, now=now) as entry:
        entry.watch(jobs)  # together: rows are locked in one order for everybody
        with unjournalled(is_news=True):
            yield


def _carry_out(consequences: list[Consequence], plan: MaintenancePlan, *, by, now: datetime) -> None:
    groups = set().union(*(groups_of_job(one.job) for one in consequences))
    with _beside_the_journal([one.job for one in consequences], now=now), realtime.muted():
        for one in consequences:
            _follow(one, plan, by=by, now=now)
        give_to_usual([one.job for one in consequences if one.changes_hands], plan, now=now)
    jobs = Job.objects.select_related("technician__user").filter(pk__in=[one.job.pk for one in consequences])
    if jobs:
        publish_jobs(list(jobs), also=groups, now=now)


def _follow(one: Consequence, plan: MaintenancePlan, *, by, now: datetime) -> None:
    check_may_dispatch_at(one.job.site, by)  # somebody may have given the job another place
    if one.to is None:
        note = f"The maintenance plan “{plan}” was {'changed' if plan.is_active else 'paused'}"
        one.visit.delete()
        change_status(one.job, Status.CANCELLED, by=by, seen=one.job.seen, note=note, now=now)
        return
    if one.changes:
        needs = plan.job_type.required_skills.all() if "job_type" in one.changes else None
        skills = None if needs is None else [SkillNeed(need.skill_id, need.level) for need in needs]
        edit_job(one.job, one.changes, by=by, base_version=one.job.version, skills=skills, now=now)
    if one.is_moved:
        one.visit.due_on = one.to
        one.visit.save(update_fields=["due_on"])


# Single visits ------------------------------------------------------------------------------------


@transaction.atomic
def skip_visit(plan: MaintenancePlan, day: date, reason: str, *, by, now: datetime | None = None) -> MaintenanceVisit:
    """No visit on that day; a job that was made for it, and that nobody has begun, is cancelled."""
    now = now or timezone.now()
    _check_may_change(by)
    plan = _locked(plan, by=by)
    if not reason.strip():
        raise ActionRefused("Say why this visit is skipped.")
    visit = plan.visits.filter(due_on=day).select_related("job__technician__user", "skipped_by").first()
    if visit is None:
        if not plan.today(now=now) <= day <= plan.today(now=now) + FARTHEST or not plan.schedule.includes(day):
            raise ActionRefused("No visit is due on that day.")
        visit = MaintenanceVisit(plan=plan, due_on=day)
    elif visit.is_skipped:
        raise ActionRefused(f"{visit.skipped_by} has skipped this visit already: {visit.skip_reason}")
    _cancel_job_of(visit, reason.strip(), by=by, now=now)
    visit.skipped_at, visit.skipped_by, visit.skip_reason = now, by, reason.strip()
    visit.save()
    return visit


def _cancel_job_of(visit: MaintenanceVisit, reason: str, *, by, now: datetime) -> None:
    job = visit.job
    if job is None or job.status == Status.CANCELLED:
        return
    if job.status not in NOT_BEGUN:
        raise ActionRefused(f"{describe_state(job)}: this visit cannot be skipped any more.", job)
    check_may_dispatch_at(job.site, by)
    with _beside_the_journal([job], now=now):
        change_status(job, Status.CANCELLED, by=by, seen=job.seen, note=f"Visit skipped: {reason}", now=now)


@transaction.atomic
def unskip_visit(plan: MaintenancePlan, day: date, *, by, now: datetime | None = None) -> None:
    """The visit is due again: its job is taken up again, or made when it is time."""
    now = now or timezone.now()
    _check_may_change(by)
    plan = _locked(plan, by=by)
    visit = plan.visits.filter(due_on=day).exclude(skipped_at=None).select_related("job").first()
    if visit is None:
        raise ActionRefused("This visit is not skipped any more.")
    if day < plan.today(now=now):
        raise ActionRefused("That day is over.")
    if visit.job is None:
        visit.delete()
    else:
        visit.skipped_at, visit.skipped_by, visit.skip_reason = None, None, ""
        visit.save(update_fields=["skipped_at", "skipped_by", "skip_reason"])
        if visit.job.status == Status.CANCELLED:
            check_may_dispatch_at(visit.job.site, by)
            with _beside_the_journal([visit.job], now=now):
                job = change_status(visit.job, Status.CREATED, by=by, note="Not skipped any more", now=now)
                give_to_usual([job], plan, now=now)
    make_visits_of(plan, now=now)
