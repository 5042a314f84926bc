"""Who is still clocked in long after their working day."""

from datetime import datetime, timedelta

from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone

from dispatch.models import DispatchSettings, Job, StatusChange
from dispatch.models.jobs import ACTIVE
from technicians.availability import forgotten_clock_out
from technicians.models import ClockRecord, OnCall


def on_duty_too_long(*, now: datetime, busy_only: bool = False) -> list[tuple[ClockRecord, datetime]]:
    """With when each must have left, whether a job is under way or not. Whoever is on call now is not among them."""
    after = timedelta(minutes=DispatchSettings.load().clock_out_after_minutes)
    zone, found = timezone.get_current_timezone(), []
    records = _open_records(now=now)
    if busy_only:
        records = records.filter(technician__in=Job.objects.filter(status__in=ACTIVE).values("technician"))
    for record in records:
        done = (record.last_done_at, record.last_break_began_at, record.last_break_ended_at)
        left_at = forgotten_clock_out(
            record.clocked_in_at,
            record.technician.working_hours.all(),
            last_active_at=max(filter(None, done), default=None),
            zone=zone,
            now=now,
            after=after,
        )
        if left_at:
            found.append((record, left_at))
    return found


def _open_records(*, now: datetime):
    on_call = OnCall.objects.filter(starts_at__lte=now, ends_at__gt=now)
    # Whoever tapped it: nobody left before their work was done.
    done = StatusChange.objects.filter(
        from_technician=OuterRef("technician"),
        from_status__in=ACTIVE,
        happened_at__range=(OuterRef("clocked_in_at"), now),
    )
    return (
        ClockRecord.objects.filter(clocked_out_at=None)
        .exclude(technician__in=on_call.values("technician"))
        .annotate(
            last_done_at=Subquery(done.order_by("-happened_at").values("happened_at")[:1]),
            last_break_began_at=Max("breaks__began_at"),
            last_break_ended_at=Max("breaks__ended_at"),
        )
        .order_by("technician")
        .select_related("technician")
        .prefetch_related("technician__working_hours")
    )
