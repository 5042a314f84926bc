"""Being on duty."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch import arrivals, realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch, groups_of_technician, name_for, publish_arrivals
from dispatch.actions.bulk import announce_jobs
from dispatch.models.jobs import ACTIVE
from technicians import attendance
from technicians.models import Technician

MOST_NAMED = 200  # more jobs than this are told of as a whole board


@transaction.atomic
def clock_in(technician: Technician, *, now: datetime | None = None) -> None:
    now = now or timezone.now()
    if attendance.clock_in(technician, now=now):
        publish_technician(technician)
        publish_arrivals([technician.pk], now=now)


@transaction.atomic
def clock_out(technician: Technician, *, now: datetime | None = None) -> None:
    """Refused while a job is under way: its time would go on running."""
    now = now or timezone.now()
    active = technician.jobs.filter(status__in=ACTIVE).first()
    if active:
        raise ActionRefused(f"Finish or interrupt {active.number} first: it is {active.get_status_display()}.", active)
    if attendance.clock_out(technician, now=now):
        publish_technician(technician)
        publish_arrivals([technician.pk], now=now)


@transaction.atomic
def clock_out_for(technician: Technician, *, at: datetime, reason: str, by, now: datetime | None = None) -> None:
    """In their place, because they forgot: who did it, and why, stays with the record."""
    now = now or timezone.now()
    check_may_dispatch(by)
    record = technician.clock_records.filter(clocked_out_at=None).first()
    if record is None:
        raise ActionRefused(f"{technician} is not clocked in.")
    active = technician.jobs.filter(status__in=ACTIVE).first()
    if active:
        name = name_for(by, active)
        raise ActionRefused(f"Finish or interrupt {name} first: it is {active.get_status_display()}.", active)
    if not record.clocked_in_at <= at <= now:
        since = timezone.localtime(record.clocked_in_at)
        raise ActionRefused(f"Give a time between {since:%d %b %H:%M}, when they clocked in, and now.")
    if not reason.strip():
        raise ActionRefused("Say why you clock them out.")
    open_still = technician.clock_records.filter(pk=record.pk, clocked_out_at=None)
    if not open_still.update(clocked_out_at=at, closed_by=by, close_reason=reason.strip()):
        raise ActionRefused(f"{technician} has just clocked out.")
    publish_technician(technician)
    publish_arrivals([technician.pk], now=now)


def publish_technician(technician: Technician) -> None:
    groups = {realtime.user_group(technician.user_id), *groups_of_technician(technician)}
    realtime.publish("technician-changed", groups=groups, technician=technician.pk)


def predict_arrivals(*, now: datetime | None = None, is_today_only: bool = True) -> int:
    """The clock moves on and nobody has done anything: today's arrivals anew. Returns how many are shown otherwise.

    Later days change without an action only where administrators change working hours, homes or places.
    """
    now = now or timezone.now()
    changed = arrivals.refresh_everyone(now=now, until=timezone.localdate(now) if is_today_only else None)
    zone_ids = set(changed.values())
    if len(changed) > MOST_NAMED:
        announce_jobs(zone_ids)
    elif changed:
        realtime.publish("job-changed", groups=set(map(realtime.zone_group, zone_ids)), jobs=sorted(changed))
    return len(changed)
