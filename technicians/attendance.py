"""Clocking in and out."""

from datetime import datetime

from django.db import IntegrityError, transaction

from technicians.models import ClockRecord, Technician


def clock_in(technician: Technician, *, now: datetime) -> bool:
    """False if the technician is on duty already: two taps make one record."""
    try:
        with transaction.atomic():
            ClockRecord.objects.create(technician=technician, clocked_in_at=now)
    except IntegrityError:
        return False
    return True


def clock_out(technician: Technician, *, now: datetime) -> bool:
    """False if the technician was not on duty."""
    return bool(technician.clock_records.filter(clocked_out_at=None).update(clocked_out_at=now))


def is_on_duty(technician: Technician) -> bool:
    return technician.clock_records.filter(clocked_out_at=None).exists()
