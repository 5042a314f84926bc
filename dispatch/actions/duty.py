"""Being on duty."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused
from dispatch.models.jobs import ACTIVE
from technicians import attendance
from technicians.models import Technician


@transaction.atomic
def clock_in(technician: Technician, *, now: datetime | None = None) -> None:
    if attendance.clock_in(technician, now=now or timezone.now()):
        _publish_technician(technician)


@transaction.atomic
def clock_out(technician: Technician, *, now: datetime | None = None) -> None:
    """Refused while a job is under way: its time would go on running."""
    active = technician.jobs.filter(status__in=ACTIVE).first()
    if active:
        raise ActionRefused(f"Finish or interrupt {active.number} first: it is {active.get_status_display()}.", active)
    if attendance.clock_out(technician, now=now or timezone.now()):
        _publish_technician(technician)


def _publish_technician(technician: Technician) -> None:
    zone_ids = list(technician.zones.values_list("pk", flat=True)) or [None]
    groups = {realtime.user_group(technician.user_id), *map(realtime.zone_group, zone_ids)}
    realtime.publish("technician-changed", groups=groups, technician=technician.pk)
