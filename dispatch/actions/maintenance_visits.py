"""Making the jobs of maintenance plans, some days ahead. May run twice and in two places at once: none comes twice."""

import logging
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, publish_jobs
from dispatch.actions.create import create_job
from dispatch.actions.journal import board_action
from dispatch.actions.status import assign_job
from dispatch.maintenance.due import days_to_make
from dispatch.models import Job, MaintenancePlan, MaintenanceVisit
from dispatch.queueing import enqueue
from dispatch.smart import suggestions
from dispatch.smart.candidates import Team
from dispatch.smart.eligibility import reasons_against
from dispatch.smart.facts import day_of, needs_of, start_to_keep

log = logging.getLogger(__name__)

TASK: Final = "dispatch.tasks.make_maintenance_visits"
AT_ONCE: Final = 25  # visits in a transaction
LOOKED_BACK: Final = timedelta(days=400)  # for visits of days that are over


def make_maintenance_visits(*, now: datetime | None = None) -> int:
    """Of all active plans, as far ahead as each says. Returns how many were made."""
    now = now or timezone.now()
    return sum(_make_whatever_else_fails(pk, now=now) for pk in _lacking(now=now))


def _make_whatever_else_fails(plan_id: int, *, now: datetime) -> int:
    try:
        return _make_all_of(plan_id, now=now)
    except Exception:  # the visits of the plans after it are due all the same
        log.exception("Maintenance plan %s makes no visits", plan_id)
        return 0


def make_visits_of(plan: MaintenancePlan, *, now: datetime) -> None:
    """The next ones. Those of a plan that looks far ahead are left to a worker, so that nobody waits for hundreds."""
    if _make_next_of(plan.pk, now=now) == AT_ONCE:
        enqueue(TASK)


def _lacking(*, now: datetime) -> list[int]:
    """The plans to which something is to be made, looked up in two queries however many there are."""
    known = defaultdict(set)
    since = now.date() - LOOKED_BACK
    for plan_id, day in MaintenanceVisit.objects.filter(due_on__gte=since).values_list("plan_id", "due_on"):
        known[plan_id].add(day)
    plans = MaintenancePlan.objects.active().order_by("pk")
    return [plan.pk for plan in plans.iterator() if _days(plan, known[plan.pk], now=now)]


def _days(plan: MaintenancePlan, known: set[date], *, now: datetime) -> list[date]:
    """A plan that is broken, by a time zone that has been abolished for one, must not stop the others."""
    try:
        today = plan.today(now=now)
        return days_to_make(plan.schedule, since=plan.makes_from, today=today, ahead=plan.days_ahead, known=known)
    except (LookupError, ValueError, OSError) as error:
        log.error("Maintenance plan %s makes no visits: %s", plan.pk, error)
        return []


def _make_all_of(plan_id: int, *, now: datetime) -> int:
    total, made = 0, AT_ONCE
    while made == AT_ONCE:
        made = _make_next_of(plan_id, now=now)
        total += made
    return total


def _make_next_of(plan_id: int, *, now: datetime) -> int:
    try:
        return _make_some_of(plan_id, now=now)
    except ActionRefused as refused:
        log.error("Maintenance plan %s makes no visits: %s", plan_id, refused.reason)
        return 0


@transaction.atomic
def _make_some_of(plan_id: int, *, now: datetime) -> int:
    """Whoever has the plan's row makes its visits; who comes at the same time leaves it to them."""
    plans = MaintenancePlan.objects.active().select_for_update(of=("self",), skip_locked=True)
    plan = plans.select_related("customer", "site", "job_type", "technician__user").filter(pk=plan_id).first()
    if plan is None:
        return 0
    days = _days(plan, set(plan.visits.values_list("due_on", flat=True)), now=now)[:AT_ONCE]
    with board_action(by=None, now=now), realtime.muted():
        jobs = [_make(plan, day, now=now) for day in days]
        give_to_usual(jobs, plan, now=now)
    if jobs:
        jobs = list(Job.objects.select_related("technician__user").filter(pk__in=[job.pk for job in jobs]))
        publish_jobs(jobs, event="job-created", now=now)
        suggestions.ask_for_imported([job for job in jobs if job.technician_id is None], now=now)
    return len(days)


def _make(plan: MaintenancePlan, day: date, *, now: datetime) -> Job:
    job = create_job(
        customer=plan.customer,
        site=plan.site,
        job_type=plan.job_type,
        description=plan.description or plan.name,
        priority=plan.priority,
        duration_minutes=plan.duration_minutes,
        source=Job.Source.PLAN,
        by=None,
        now=now,
        **plan.times_on(day),
    )
    MaintenanceVisit.objects.create(plan=plan, due_on=day, job=job, made_at=now)
    return job


def give_to_usual(jobs: list[Job], plan: MaintenancePlan, *, now: datetime) -> None:
    """To the plan's usual technician where nothing speaks against it that day; else the job says what does."""
    technician = plan.technician
    if technician is None or not jobs:
        return
    found = Job.objects.with_board_info().filter(pk__in=[job.pk for job in jobs])
    jobs = {job: day_of(job, now=now) for job in found}
    has_place = technician.is_active and technician.user.is_active
    team = Team.load(set(jobs.values()), user=None, now=now, among=type(technician).objects.filter(pk=technician.pk))
    for job, day in jobs.items():
        why = "no longer active"
        if has_place:
            needs = needs_of(job, day=day, starts_at=start_to_keep(job, now=now), now=now)
            why = "; ".join(objection.text for objection in reasons_against(needs, team.brought_by(technician, day)))
        if not why:
            assign_job(job, technician, by=None, note=f"Usual technician of “{plan}”", now=now)
        else:
            Job.objects.filter(pk=job.pk).update(why_unassigned=f"{technician} usually does this. {why}."[:300])
