"""Taking a position fix: check it, store it, make it the technician's current one if it is the newest."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from technicians.models import Position, Technician

MAX_FUTURE = timedelta(minutes=2)  # clocks of phones differ a little
MAX_AGE = timedelta(days=2)


@dataclass(frozen=True)
class Fix:
    """WGS 84 degrees; accuracy is the radius in metres within which the device is 68 % sure to be."""

    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy_m: float | None = None


def is_plausible(fix: Fix, *, now: datetime) -> bool:
    on_globe = -90 <= fix.latitude <= 90 and -180 <= fix.longitude <= 180
    null_island = fix.latitude == 0 and fix.longitude == 0  # what broken receivers send
    return on_globe and not null_island and now - MAX_AGE <= fix.recorded_at <= now + MAX_FUTURE


def take_fix(technician: Technician, fix: Fix, *, source: str, now: datetime) -> bool:
    """Stores the fix; False if it is implausible or known already. An older one never replaces a newer one."""
    if not is_plausible(fix, now=now):
        return False
    _, is_new = Position.objects.get_or_create(
        technician=technician,
        recorded_at=fix.recorded_at,
        defaults={
            "received_at": now,
            "latitude": fix.latitude,
            "longitude": fix.longitude,
            "accuracy_m": fix.accuracy_m,
            "source": source,
        },
    )
    Technician.objects.filter(Q(position_at=None) | Q(position_at__lt=fix.recorded_at), pk=technician.pk).update(
        latitude=fix.latitude, longitude=fix.longitude, accuracy_m=fix.accuracy_m, position_at=fix.recorded_at
    )
    return is_new


def fix_at(technician: Technician, instant: datetime) -> Fix | None:
    """Where the technician was last known to be then; a tap may be older than the current position."""
    newest = technician
    if technician.position_at and technician.position_at > instant + MAX_FUTURE:
        newest = technician.positions.filter(recorded_at__lte=instant).order_by("-recorded_at").first()
    if newest is None or newest.latitude is None:
        return None
    recorded_at = newest.recorded_at if isinstance(newest, Position) else newest.position_at
    return Fix(newest.latitude, newest.longitude, recorded_at, newest.accuracy_m)


def forget_positions(*, before: datetime) -> int:
    """Deletes the history received before that instant; the current position stays on the technician."""
    return Position.objects.filter(received_at__lt=before).delete()[0]
