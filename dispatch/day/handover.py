"""What becomes of the jobs of somebody who is away: loads the proposal that a dispatcher looks through and applies."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from dispatch.day.redistribution import Line, Task, share_out
from dispatch.models import Job, Status
from dispatch.models.jobs import ACTIVE
from dispatch.smart.candidates import Team
from dispatch.smart.facts import load_needs, needs_of, start_to_keep
from technicians.models import Technician, TimeOff

MOST_JOBS = 100  # for longer absences it is done week by week


@dataclass(frozen=True)
class Handover:
    technician: Technician
    first: date
    last: date
    lines: list[Line]
    under_way: list[Job]  # to be interrupted before anybody else can have them
    elsewhere: int  # in zones where this user does not dispatch
    left_out: int


def days_of(absence: TimeOff) -> tuple[date, date]:
    last = timezone.localdate(absence.ends_at - timedelta(microseconds=1))
    return timezone.localdate(absence.starts_at), last


def load_handover(absence: TimeOff, *, user, now: datetime) -> Handover:
    today = timezone.localdate(now)
    first, last = days_of(absence)
    first = max(first, today)
    affected = jobs_of_absence(absence, first=first, last=last, today=today)
    own = affected.dispatchable_by(user)
    jobs = list(own.with_board_info().in_route_order())
    waiting = [job for job in jobs if job.status == Status.ASSIGNED]
    lines = _propose(waiting[:MOST_JOBS], absence.technician, user=user, first=first, now=now)
    return Handover(
        technician=absence.technician,
        first=first,
        last=last,
        lines=lines,
        under_way=[job for job in jobs if job.status in ACTIVE],
        elsewhere=affected.count() - len(jobs),
        left_out=max(0, len(waiting) - MOST_JOBS),
    )


def jobs_of_absence(absence: TimeOff, *, first: date, last: date, today: date):
    """Their open jobs of those days; of today also what is overdue or has no day."""
    jobs = Job.objects.of(absence.technician).open()
    planned = jobs.on_days(first, last)
    return planned | jobs.for_dispatch_day(today, today=today) if first <= today <= last else planned


def _propose(jobs: list[Job], technician: Technician, *, user, first: date, now: datetime) -> list[Line]:
    load_needs(jobs)
    tasks = []
    for job in jobs:
        day, starts_at = max(job.scheduled_on or first, first), start_to_keep(job, now=now)
        needs = needs_of(job, day=day, starts_at=starts_at if job.scheduled_on == day else None, now=now)
        tasks.append(Task(job, needs))
    others = Technician.objects.exclude(pk=technician.pk)
    team = Team.load([task.needs.day for task in tasks] or [first], user=user, now=now, among=others)
    return share_out(tasks, team)
