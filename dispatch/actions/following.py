"""What follows from positions: moving markers, new predictions."""

from collections.abc import Collection
from datetime import datetime

from dispatch import realtime
from dispatch.actions.base import groups_of_technician, publish_arrivals
from technicians.models import Technician


def follow(technician_ids: Collection[int], *, now: datetime) -> None:
    """Tells the boards where these technicians are, and predicts their arrivals anew. Call it in a transaction."""
    for technician in Technician.objects.filter(pk__in=technician_ids).prefetch_related("zones"):
        realtime.publish(
            "technician-moved",
            groups=groups_of_technician(technician),
            technician=technician.pk,
            latitude=technician.latitude,
            longitude=technician.longitude,
            recorded_at=technician.position_at.isoformat(),
        )
    publish_arrivals(technician_ids, now=now)
