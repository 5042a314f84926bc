"""Whose phone is silent: on duty, something has been sending their position, and nothing comes any more.

A phone that only sends a position with each tap is not expected to send one in between. During a break nothing is kept.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Subquery

from technicians.models import Break, ClockRecord, Device, Position, Technician

LATELY = timedelta(hours=12)  # a shift, also one past midnight


def with_tracker(technicians, *, now: datetime):
    """`has_tracker`: a device that has sent before, or lately fixes that no tap sent. And the breaks of this shift."""
    devices = Device.objects.active().filter(technician=OuterRef("pk"), first_fix_at__isnull=False)
    lately = Position.objects.filter(technician=OuterRef("pk"), recorded_at__gte=now - LATELY)
    tracked = Exists(devices) | Exists(lately.exclude(source=Position.Source.PHONE))
    breaks = Break.objects.filter(clock_record__technician=OuterRef("pk"), clock_record__clocked_out_at=None)
    ended = breaks.filter(ended_at__isnull=False).order_by("-ended_at").values("ended_at")[:1]
    paused = Exists(breaks.filter(ended_at=None))
    return technicians.annotate(has_tracker=tracked, is_paused=paused, paused_until=Subquery(ended))


def on_duty_and_tracked(technicians, *, now: datetime):
    """As `silent_since` needs them."""
    on_duty = ClockRecord.objects.filter(clocked_out_at=None)
    found = with_tracker(technicians, now=now).filter(has_tracker=True, clock_records__in=on_duty)
    return found.select_related("user").prefetch_related(
        "zones", Prefetch("clock_records", on_duty, to_attr="attended")
    )


def silent_since(technician: Technician, *, now: datetime, after: timedelta) -> datetime | None:
    """When it was last heard, if that is too long ago. `attended` are today's clock records."""
    began = next((record.clocked_in_at for record in technician.attended if record.clocked_out_at is None), None)
    if began is None or not technician.has_tracker or technician.is_paused:
        return None
    heard = max(filter(None, (began, technician.position_at, technician.paused_until)))
    return heard if now - heard >= after else None
