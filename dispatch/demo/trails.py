"""Where the technicians have been today, as their phones would have reported it."""

import random
from datetime import datetime, timedelta
from itertools import pairwise

from dispatch.demo.roster import Shift
from dispatch.demo.trade import SILENT_GPS
from dispatch.models import DispatchSettings
from technicians.models import Position
from technicians.positions import DeviceFix, Fix, store_fixes

EVERY = timedelta(minutes=6)
SILENCE = timedelta(minutes=150)

Waypoint = tuple[datetime, tuple[float, float]]


def leave_trails(shifts: list[Shift], rng: random.Random, *, moment: datetime) -> None:
    rows, current = [], []
    for shift in shifts:
        until = moment - timedelta(seconds=rng.randrange(10, 200))
        if shift.worker.crew.first_name == SILENT_GPS:
            until -= SILENCE
        *trail, newest = _trail(_waypoints(shift), rng, until=until) or [None]
        rows += [_row(shift, fix) for fix in trail]
        if newest:
            current.append(DeviceFix(shift.worker.technician.pk, newest, Position.Source.PHONE))
    limit_m = DispatchSettings.load().accuracy_limit_m
    store_fixes(current, accuracy_limit_m=limit_m, now=moment, is_on_duty=True)
    Position.objects.bulk_create(rows, ignore_conflicts=True)


def _waypoints(shift: Shift) -> list[Waypoint]:
    technician = shift.worker.technician
    points = [(shift.begins_at, (technician.home_latitude, technician.home_longitude))]
    for stop in shift.stops:
        points += [(stop.leaves_at, stop.origin), (stop.arrives_at, stop.place), (stop.done_at, stop.place)]
    return sorted(points, key=lambda point: point[0])


def _trail(points: list[Waypoint], rng: random.Random, *, until: datetime) -> list[Fix]:
    fixes, instant = [], points[0][0]
    while instant < until:
        fixes.append(_fix(_where(points, instant), rng, instant))
        instant += EVERY
    if fixes:
        fixes.append(_fix(_where(points, until), rng, until))
    return fixes


def _where(points: list[Waypoint], instant: datetime) -> tuple[float, float]:
    """On the straight line between the waypoints around that instant."""
    for (before, origin), (after, target) in pairwise(points):
        if before <= instant < after:
            part = (instant - before) / (after - before)
            return origin[0] + (target[0] - origin[0]) * part, origin[1] + (target[1] - origin[1]) * part
    return points[-1][1]


def _fix(where: tuple[float, float], rng: random.Random, instant: datetime) -> Fix:
    return Fix(
        latitude=round(where[0] + rng.uniform(-0.0002, 0.0002), 6),
        longitude=round(where[1] + rng.uniform(-0.0002, 0.0002), 6),
        recorded_at=instant,
        accuracy_m=rng.randrange(4, 35),
    )


def _row(shift: Shift, fix: Fix) -> Position:
    return Position(
        technician=shift.worker.technician,
        recorded_at=fix.recorded_at,
        received_at=fix.recorded_at + timedelta(seconds=2),
        latitude=fix.latitude,
        longitude=fix.longitude,
        accuracy_m=fix.accuracy_m,
        source=Position.Source.PHONE,
    )
