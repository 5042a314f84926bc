"""Giving a job to somebody as smart dispatch proposes it, and calling somebody to an urgent job."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch, describe_state, fresh, groups_of_job, publish_jobs
from dispatch.actions.journal import board_action
from dispatch.actions.place import ANYWAY, place_job
from dispatch.actions.status import assign_job, change_status
from dispatch.models import Job, Priority, Status
from dispatch.models.jobs import ACTIVE
from dispatch.placement import Placement, shifted_starts
from dispatch.smart.calling import When, call_start
from dispatch.smart.candidates import Team
from dispatch.smart.facts import booking_of, day_of, needs_of, start_to_keep
from technicians.attendance import is_on_duty
from technicians.models import Technician


def assign_as_proposed(
    job: Job,
    technician: Technician,
    *,
    starts_at: datetime | None,
    by,
    seen: str | None = None,
    now: datetime | None = None,
) -> Job:
    """With that start, unless the job has one that is to be kept, or was promised for a day that is over.

    An urgent job of today becomes the next of whoever is at work.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    is_promised_for_earlier = job.window_starts_at is not None and job.scheduled_on < today
    keeps = start_to_keep(job, now=now) or is_promised_for_earlier or technician.pk == job.technician_id
    if starts_at is None or keeps or timezone.localdate(starts_at) < today:
        return assign_job(job, technician, by=by, seen=seen, now=now)
    if job.priority == Priority.URGENT and day_of(job, now=now) == today and is_on_duty(technician):
        return call_to_job(job, technician, when=When.AFTER, by=by, seen=seen, now=now)
    placement = Placement(technician, day_of(job, now=now), starts_at)  # a shift may run past midnight
    return place_job(job, placement, by=by, on_conflict=ANYWAY, seen=seen, now=now)


@transaction.atomic
def call_to_job(
    job: Job,
    technician: Technician,
    *,
    when: When,
    by,
    seen: str | None = None,
    note: str = "",
    now: datetime | None = None,
) -> Job:
    """Makes the job the technician's next: now, which interrupts or turns back what is under way, or after it.

    What they were to begin before the end of the job is shifted behind it, but for pins and fixed appointments.
    """
    now = now or timezone.now()
    check_may_dispatch(by)
    with board_action(by=by, now=now, label=f"Called {technician} to {job.number}") as entry:
        entry.watch([job, *_route(job, technician, now=now)])  # together: rows are locked in one order for everybody
        job = fresh(job)
        route = list(_route(job, technician, now=now))
        _check(job, technician, route, when=when, by=by, seen=seen, now=now)
        team = Team.of_one(technician, timezone.localdate(now), now=now)
        needs = needs_of(job, day=timezone.localdate(now), starts_at=None, now=now)
        has = team.brought_by(technician, needs.day, besides=job)
        starts_at = call_start(needs, has, when=when, travel=team.travel, now=now)
        groups = groups_of_job(job)
        with realtime.muted():
            if when == When.NOW:
                _interrupt(route, job, by=by, now=now)
            moved = _make_room(route, job, technician, starts_at=starts_at, when=when, by=by, now=now)
            place_job(job, Placement(technician, needs.day, starts_at), by=by, on_conflict=ANYWAY, note=note, now=now)
        job = fresh(job)
        publish_jobs([job, *moved], also=groups, now=now)
    return job


def _route(job: Job, technician: Technician, *, now: datetime):
    """What is under way, and what they have still to begin today."""
    today = timezone.localdate(now)
    open_jobs = Job.objects.of(technician).exclude(pk=job.pk)
    waiting = open_jobs.filter(status=Status.ASSIGNED, scheduled_on=today)
    route = waiting | open_jobs.filter(status__in=ACTIVE)
    return route.select_related("technician__user", "job_type").in_route_order()


def _check(job: Job, technician: Technician, route: list[Job], *, when: When, by, seen: str | None, now) -> None:
    if seen is not None and seen != job.seen:
        raise ActionRefused(f"This has changed since you looked: {describe_state(job)} now.", job)
    if job.technician_id == technician.pk and job.status in ACTIVE:
        raise ActionRefused(f"{describe_state(job)} already.", job)
    if job.scheduled_on and job.scheduled_on > timezone.localdate(now):
        raise ActionRefused(f"{job.number} is planned for a later day.", job)
    current = _current(route)
    is_elsewhere = current and by and not Job.objects.dispatchable_by(by).filter(pk=current.pk).exists()
    if when == When.NOW and is_elsewhere:
        raise ActionRefused(
            f"{technician} is {current.get_status_display()} on a job in another zone; you may call them after it.", job
        )


def _current(route: list[Job]) -> Job | None:
    return next((stop for stop in route if stop.status in ACTIVE), None)


def _interrupt(route: list[Job], job: Job, *, by, now: datetime) -> None:
    if current := _current(route):
        change_status(current, Status.ASSIGNED, by=by, note=f"Called to urgent job {job.number}", now=now)


def _make_room(
    route: list[Job], job: Job, technician: Technician, *, starts_at: datetime, when: When, by, now: datetime
) -> list[Job]:
    """Returns what has changed on the way: the shifted stops, and the interrupted one in any case."""
    current, today = _current(route), timezone.localdate(now)
    own = Job.objects.all() if by is None else Job.objects.dispatchable_by(by)
    movable = own.filter(
        pk__in=[stop.pk for stop in route], is_time_pinned=False, is_fixed=False, scheduled_on=today
    ).values_list("pk", flat=True)
    allowed = set(movable) - ({current.pk} if current and when == When.AFTER else set())
    shifting = [stop for stop in route if stop.pk in allowed and stop.planned_starts_at]
    shifting.sort(key=lambda stop: (stop is not current, stop.planned_starts_at))  # whoever was interrupted goes on
    taken = [booked for stop in route if stop not in shifting and (booked := booking_of(stop, now=now))]
    ends_at = starts_at + timedelta(minutes=job.duration_minutes)
    moved = {}
    for pk, begins_at in shifted_starts(shifting, free_at=ends_at, taken=taken).items():
        placement = Placement(technician, today, begins_at)
        moved[pk] = place_job(fresh(Job(pk=pk)), placement, by=by, on_conflict=ANYWAY, now=now)
    if when == When.NOW and current:
        moved[current.pk] = fresh(current)
    return list(moved.values())
