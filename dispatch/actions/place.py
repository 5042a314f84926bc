"""Putting a job somewhere: to a technician, a day, a time, or back into the tray. What a drop on the board does."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import (
    ActionRefused,
    check_may_dispatch,
    describe_state,
    fresh,
    groups_of_job,
    log_edits,
    publish_jobs,
)
from dispatch.actions.edit import displayed
from dispatch.actions.journal import board_action
from dispatch.actions.status import assign_job, unassign_job
from dispatch.models import FieldChange, Job, Status
from dispatch.placement import Outcome, Placement, Verdict, block_on, judge, shifted_starts
from dispatch.smart.facts import booking_of
from technicians.models import Technician

ASK: Final = "ask"
SHIFT: Final = "shift"
ANYWAY: Final = "anyway"


class PlacementConflict(ActionRefused):
    """Something speaks against it; the dispatcher may insist."""

    def __init__(self, verdict: Verdict, job: Job):
        super().__init__("; ".join(objection.text for objection in verdict.objections), job)
        self.verdict = verdict


@transaction.atomic
def place_job(
    job: Job,
    placement: Placement,
    *,
    by,
    on_conflict: str = ASK,
    seen: str | None = None,
    base_version: int | None = None,
    note: str = "",
    now: datetime | None = None,
) -> Job:
    """`on_conflict`: ask raises PlacementConflict, shift moves the later stops along, anyway does it all the same.

    `seen` and `base_version` are Job.seen and Job.version as `by` saw them: another technician or status since then is
    refused, another time is asked about. `note` goes into the status log of who gets the job, or loses it.

    A job that goes to another day takes its time block along. With nobody to do it, it waits in the tray of its day.
    """
    now = now or timezone.now()
    check_may_dispatch(by)
    later = _later_stops(job, placement, by=by) if on_conflict == SHIFT else []
    with board_action(by=by, now=now) as entry:
        entry.watch([job, *later])  # together: rows are locked in one order for everybody
        job = fresh(job)
        if seen is not None and seen != job.seen:
            raise ActionRefused(f"This has changed since you looked: {describe_state(job)} now.", job)
        verdict = _checked(job, placement, on_conflict=on_conflict, by=by, base_version=base_version, now=now)
        if on_conflict == SHIFT:
            later = _later_stops(job, placement, by=by).filter(pk__in=[stop.pk for stop in later])
            placement = _after_the_earlier_ones(placement, verdict)
        groups = groups_of_job(job)
        with realtime.muted():
            _set_times(job, times_of(job, placement), by=by, now=now)
            _hand_over(job, placement.technician, by=by, note=note, now=now)
            shifted = _shift(list(later), job, placement, by=by, now=now)
        job = fresh(job)
        publish_jobs([job, *shifted], also=groups, now=now)
    return job


def _checked(
    job: Job, placement: Placement, *, on_conflict: str, by, base_version: int | None, now: datetime
) -> Verdict:
    verdict = judge(job, placement, by=by, base_version=base_version, now=now)
    if verdict.outcome == Outcome.REFUSED:
        raise ActionRefused(verdict.refusal, job)
    if verdict.outcome == Outcome.ASK and on_conflict == ASK:
        raise PlacementConflict(verdict, job)
    return verdict


def times_of(job: Job, placement: Placement) -> dict[str, object]:
    values: dict[str, object] = {"scheduled_on": placement.day, "planned_starts_at": placement.starts_at}
    if placement.day and job.scheduled_on != placement.day and (block := block_on(job, placement.day)):
        values |= {"window_starts_at": block[0], "window_ends_at": block[1]}
    return values


def _set_times(job: Job, values: dict[str, object], *, by, now: datetime) -> None:
    before = {name: displayed(job, name) for name in values}
    changed = {name: value for name, value in values.items() if getattr(job, name) != value}
    if not changed:
        return
    unchanged = Job.objects.filter(pk=job.pk, version=job.version)
    if not unchanged.update(**changed, route_position=None, version=F("version") + 1):
        raise ActionRefused("Someone changed this at the same moment. Try again.", fresh(job))
    current = fresh(job)
    edited = {name: [before[name], displayed(current, name)] for name in changed}
    log_edits([FieldChange(job=job, version=current.version, changed_at=now, actor=by, changes=edited)], now=now)


def _hand_over(job: Job, technician: Technician | None, *, by, note: str, now: datetime) -> None:
    if technician is None and job.status != Status.CREATED:
        unassign_job(job, by=by, note=note, now=now)
    elif technician and technician.pk != job.technician_id:
        assign_job(job, technician, by=by, note=note, now=now)


def _after_the_earlier_ones(placement: Placement, verdict: Verdict) -> Placement:
    """Who begins earlier is not pushed aside: the job itself begins when they end."""
    earlier = [booked.ends_at for booked in verdict.overlaps if booked.starts_at < placement.starts_at]
    return replace(placement, starts_at=max(earlier, default=placement.starts_at))


def _later_stops(job: Job, placement: Placement, *, by):
    """The technician's stops from there on that may be moved: not in zones where `by` does not dispatch."""
    if placement.technician is None or placement.starts_at is None:
        return Job.objects.none()
    stops = Job.objects.of(placement.technician).on_days(placement.day, placement.day).exclude(pk=job.pk)
    waiting = stops.filter(status=Status.ASSIGNED, is_time_pinned=False, is_fixed=False)
    later = waiting.filter(planned_starts_at__gte=placement.starts_at).in_route_order()
    return later if by is None else later.dispatchable_by(by)


def _shift(later: list[Job], job: Job, placement: Placement, *, by, now: datetime) -> list[Job]:
    """As far as they are in the way."""
    if not later:
        return []
    ends_at = placement.starts_at + timedelta(minutes=job.duration_minutes)
    others = Job.objects.of(placement.technician).on_days(placement.day, placement.day)
    staying = others.exclude(status=Status.CANCELLED).exclude(pk__in=[job.pk, *(stop.pk for stop in later)])
    taken = [booking for other in staying if (booking := booking_of(other))]
    moved = []
    for pk, starts_at in shifted_starts(later, free_at=ends_at, taken=taken).items():
        other = fresh(Job(pk=pk))
        _set_times(other, {"planned_starts_at": starts_at}, by=by, now=now)
        moved.append(fresh(other))
    return moved
