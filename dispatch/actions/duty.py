"""Being on duty: clocking in and out, breaks, and clocking out whoever forgot."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Case, DateTimeField, OuterRef, Subquery, Value, When, prefetch_related_objects
from django.utils import timezone

from dispatch import arrivals, realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch, groups_of_technician, name_for, publish_arrivals
from dispatch.actions.bulk import announce_jobs
from dispatch.models import Job
from dispatch.models.history import TOLD_LATER
from dispatch.models.jobs import ACTIVE
from dispatch.overtime import on_duty_too_long
from dispatch.webhooks import events
from technicians import attendance
from technicians.models import Break, ClockRecord, Technician

MOST_NAMED = 200  # more jobs than this are told of as a whole board


@transaction.atomic
def clock_in(technician: Technician, *, at: datetime | None = None, now: datetime | None = None) -> bool:
    """`at` is when they did, if a phone was offline meanwhile. False if they are on duty already."""
    now = now or timezone.now()
    if not attendance.clock_in(technician, now=at or now):
        return False
    _tell(technician, "clocked_in", at=at or now, now=now)
    return True


@transaction.atomic
def clock_out(technician: Technician, *, at: datetime | None = None, now: datetime | None = None) -> bool:
    """Refused while a job is under way: its time would go on running. False if they were not on duty.

    Who was clocked out as forgotten meanwhile, and says later when they really left, is believed.
    """
    now = now or timezone.now()
    _lock([technician.pk])
    _refuse_while_active(technician)
    is_told_later = at is not None and now - at >= TOLD_LATER
    is_corrected = is_told_later and attendance.correct_clock_out(technician, at=at)
    if not is_corrected and not attendance.clock_out(technician, now=at or now):
        return False
    _tell(technician, "clocked_out", at=at or now, now=now)
    return True


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
    if not attendance.clock_out(technician, now=at, closed_by=by, close_reason=reason.strip()):
        raise ActionRefused(f"{technician} has just clocked out.")
    _tell(technician, "clocked_out", at=at, now=now)


@transaction.atomic
def begin_break(technician: Technician, *, at: datetime | None = None, now: datetime | None = None) -> bool:
    """Refused while a job is under way: its time would go on running. False if they are on one already."""
    now = now or timezone.now()
    _lock([technician.pk])
    if not attendance.is_on_duty(technician):
        raise ActionRefused("Clock in first.")
    _refuse_while_active(technician)
    if not attendance.begin_break(technician, now=at or now):
        return False
    _tell(technician, "break_began", at=at or now, now=now)
    return True


@transaction.atomic
def end_break(technician: Technician, *, at: datetime | None = None, now: datetime | None = None) -> bool:
    now = now or timezone.now()
    if not attendance.end_break(technician, now=at or now):
        return False
    _tell(technician, "break_ended", at=at or now, now=now)
    return True


def end_break_for_work(technician_id: int | None, *, at: datetime, now: datetime) -> None:
    """Whoever sets out or begins is not on a break any more; the job's own event tells of it."""
    for technician in _lock([technician_id] if technician_id else []):
        if attendance.end_break(technician, now=at):
            events.tell_of_duty([(technician.pk, "break_ended", at)], now=now)


def _refuse_while_active(technician: Technician) -> None:
    active = technician.jobs.filter(status__in=ACTIVE).first()
    if active:
        raise ActionRefused(f"Finish or interrupt {active.number} first: it is {active.get_status_display()}.", active)


def _lock(technician_ids: Iterable[int]) -> list[Technician]:
    """Nobody begins a job at the moment at which a break begins or duty ends. In the order of all such locks."""
    locked = Technician.objects.filter(pk__in=technician_ids).select_for_update(no_key=True)
    return list(locked.order_by("pk"))


# Whoever forgot -----------------------------------------------------------------------------------


@transaction.atomic
def clock_out_forgotten(*, now: datetime | None = None) -> int:
    """Clocks out who is on duty long after their shift, with nothing under way, as of when they must have left.

    Whoever is on call now stays. Returns how many they were.
    """
    now = now or timezone.now()
    due = {record.pk: (record.technician_id, left_at) for record, left_at in on_duty_too_long(now=now)}
    technicians = _lock({technician_id for technician_id, _ in due.values()})
    active = Job.objects.filter(technician__in=technicians, status__in=ACTIVE)
    forgotten = ClockRecord.objects.filter(pk__in=due, clocked_out_at=None).exclude(
        technician__in=active.values("technician")
    )
    ids = list(forgotten.select_for_update().values_list("pk", flat=True))
    if not ids:
        return 0
    whens = (When(pk=pk, then=Value(due[pk][1], output_field=DateTimeField())) for pk in ids)
    ClockRecord.objects.filter(pk__in=ids).update(clocked_out_at=Case(*whens), closed_by_system=True)
    record_of_break = ClockRecord.objects.filter(pk=OuterRef("clock_record"))
    Break.objects.filter(clock_record__in=ids, ended_at=None).update(
        ended_at=Subquery(record_of_break.values("clocked_out_at"))
    )
    sent_home = {due[pk][0] for pk in ids}
    attendance.forget_whereabouts(sent_home)
    prefetch_related_objects(technicians, "zones")
    for technician in technicians:
        if technician.pk in sent_home:
            publish_technician(technician)
    publish_arrivals(sent_home, now=now)
    left = [(technician_id, "clocked_out", at) for pk, (technician_id, at) in due.items() if pk in ids]
    events.tell_of_duty(left, now=now)
    return len(ids)


# Telling of it ------------------------------------------------------------------------------------


def _tell(technician: Technician, what: str, *, at: datetime, now: datetime) -> None:
    publish_technician(technician)
    publish_arrivals([technician.pk], now=now)
    events.tell_of_duty([(technician.pk, what, at)], now=now)


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
