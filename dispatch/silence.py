"""Whose phone is silent: on duty, something has been sending their position, and nothing comes any more.

A phone that only sends a position with each tap is not expected to send one in between.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch

from technicians.models import ClockRecord, Device, Position, Technician

LATELY = timedelta(hours=12)  # a shift, also one past midnight


def with_tracker(technicians, *, now: datetime):
    """`has_tracker`: a device that has sent before, or lately fixes that no tap sent."""
    devices = Device.objects.active().filter(technician=OuterRef("pk"), first_fix_at__isnull=False)
    lately = Position.objects.filter(technician=OuterRef("pk"), recorded_at__gte=now - LATELY)
    tracked = Exists(devices) | Exists(lately.exclude(source=Position.Source.PHONE))
    return technicians.annotate(has_tracker=tracked)


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
    if began is None or not technician.has_tracker:
        return None
    heard = max(began, technician.position_at) if technician.position_at else began
    return heard if now - heard >= after else None
