"""Clocking in and out, and breaks in between."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Greatest

from technicians.models import Break, ClockRecord, Position, Technician


def clock_in(technician: Technician, *, now: datetime) -> bool:
    """False if the technician is on duty already: two taps make one record. No two stretches on duty overlap."""
    last = technician.clock_records.aggregate(last=Max("clocked_out_at"))["last"]
    try:
        with transaction.atomic():
            ClockRecord.objects.create(technician=technician, clocked_in_at=max(filter(None, (now, last))))
    except IntegrityError:
        return False
    return True


@transaction.atomic
def clock_out(technician: Technician, *, now: datetime, **why) -> bool:
    """False if the technician was not on duty. `why` are the record's fields that say who ended it."""
    record = technician.clock_records.select_for_update().filter(clocked_out_at=None).first()
    at = max(now, record.clocked_in_at) if record else now
    if record is None or not _is_open(record).update(clocked_out_at=at, **why):
        return False
    end_breaks_of([record.pk], at=at)
    forget_whereabouts([technician.pk])
    return True


@transaction.atomic
def correct_clock_out(technician: Technician, *, at: datetime) -> bool:
    """When they really left the newest stretch, which the system has ended for them. False if it has not."""
    record = technician.clock_records.select_for_update().order_by("-clocked_in_at").first()
    if record is None or not record.closed_by_system or at < record.clocked_in_at:
        return False
    ClockRecord.objects.filter(pk=record.pk).update(clocked_out_at=at, closed_by_system=False)
    end_breaks_of([record.pk], at=at)
    forget_whereabouts([technician.pk])
    return True


def is_on_duty(technician: Technician) -> bool:
    return technician.clock_records.filter(clocked_out_at=None).exists()


def is_on_break(technician: Technician) -> bool:
    return Break.objects.filter(clock_record__technician=technician, ended_at=None).exists()


def was_on_duty(technician: Technician, *, at: datetime) -> bool:
    not_over = Q(clocked_out_at=None) | Q(clocked_out_at__gte=at)
    return technician.clock_records.filter(not_over, clocked_in_at__lte=at).exists()


@transaction.atomic
def begin_break(technician: Technician, *, now: datetime) -> bool:
    """False if they are on a break already, or not on duty."""
    record = technician.clock_records.select_for_update().filter(clocked_out_at=None).first()
    if record is None:
        return False
    try:
        with transaction.atomic():
            last = record.breaks.aggregate(last=Max("ended_at"))["last"]
            began_at = max(filter(None, (now, record.clocked_in_at, last)))
            Break.objects.create(clock_record=record, began_at=began_at)
    except IntegrityError:
        return False
    return True


def end_break(technician: Technician, *, now: datetime) -> bool:
    """False if they were not on a break."""
    return bool(_end(Break.objects.filter(clock_record__technician=technician), at=now))


def end_breaks_of(record_ids: Iterable[int], *, at: datetime) -> None:
    """These stretches on duty are over: no break goes on beyond, and what began after that was none."""
    breaks = Break.objects.filter(clock_record__in=record_ids)
    breaks.filter(began_at__gt=at).delete()
    breaks.filter(ended_at__gt=at).update(ended_at=at)
    _end(breaks, at=at)


def forget_whereabouts(technician_ids: Iterable[int]) -> None:
    """Where they have been since they last clocked out: nobody's business, also if it is said only afterwards."""
    ids = list(technician_ids)
    records, positions = ClockRecord.objects.order_by("-clocked_in_at"), Position.objects.order_by("-recorded_at")
    left_at = records.values("clocked_out_at")
    since = Subquery(left_at.filter(technician=OuterRef("technician"))[:1])
    Position.objects.filter(technician__in=ids, recorded_at__gt=since).delete()
    last = positions.filter(technician=OuterRef("pk"))
    since = Subquery(left_at.filter(technician=OuterRef("pk"))[:1])
    Technician.objects.filter(pk__in=ids, position_at__gt=since).update(
        latitude=Subquery(last.values("latitude")[:1]),
        longitude=Subquery(last.values("longitude")[:1]),
        accuracy_m=Subquery(last.values("accuracy_m")[:1]),
        position_at=Subquery(last.values("recorded_at")[:1]),
    )


def _end(breaks, *, at: datetime) -> int:
    # A phone's clock may be behind: no break ends before it began.
    return breaks.filter(ended_at=None).update(ended_at=Greatest(F("began_at"), at))


def _is_open(record: ClockRecord):
    return ClockRecord.objects.filter(pk=record.pk, clocked_out_at=None)
