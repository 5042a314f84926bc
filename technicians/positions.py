"""Taking position fixes: check them, store them, make the newest one the technician's current one."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from django.db import connection, transaction
from django.db.models import Q

from technicians.fixes import MAX_AGE, MAX_FUTURE, MAX_SPEED_MS, Fix, is_plausible, sieve
from technicians.models import ClockRecord, Position, Technician

__all__ = ["MAX_FUTURE", "DeviceFix", "Fix", "fix_at", "forget_positions", "is_plausible", "store_fixes"]

FORGET_AT_ONCE = 5000  # rows: deleting more in one statement would hold up those who write
MOVE = """
WITH fresh (id, latitude, longitude, accuracy_m, position_at) AS (VALUES {rows})
UPDATE technicians_technician SET
    latitude = fresh.latitude, longitude = fresh.longitude,
    accuracy_m = CAST(fresh.accuracy_m AS double precision), position_at = fresh.position_at
FROM fresh
WHERE technicians_technician.id = fresh.id
    AND (technicians_technician.position_at IS NULL OR technicians_technician.position_at < fresh.position_at)
"""


@dataclass(frozen=True)
class DeviceFix:
    technician_id: int
    fix: Fix
    source: str


@transaction.atomic
def store_fixes(
    fixes: Iterable[DeviceFix],
    *,
    accuracy_limit_m: float,
    speed_limit_ms: float = MAX_SPEED_MS,
    now: datetime,
    is_on_duty: bool = False,
) -> set[int]:
    """Many people's fixes in a constant number of statements. Returns the ids of those who have moved.

    Only what was recorded while its technician was clocked in and not on a break is kept, whenever it arrives: the
    rest is private.
    `is_on_duty` says that all of it was, as far as the caller knows better than the records.
    """
    given = defaultdict(list)
    for one in fixes:
        given[one.technician_id].append(one)
    people = _locked(given)
    duty = None if is_on_duty else _stretches_on_duty(people, now=now)
    rows, newest = [], {}
    for pk, technician in people.items():
        source_of = {one.fix: one.source for one in given[pk]}
        worked = [fix for fix in source_of if duty is None or _is_within(duty[pk], fix.recorded_at)]
        limits = {"accuracy_limit_m": accuracy_limit_m, "speed_limit_ms": speed_limit_ms}
        kept = sieve(worked, previous=_current(technician), **limits, now=now)
        rows += [_row(DeviceFix(pk, fix, source_of[fix]), now=now) for fix in kept.history]
        if kept.newest:
            newest[pk] = kept.newest
    Position.objects.bulk_create(rows, ignore_conflicts=True)
    _move(newest)
    return set(newest)


def _locked(ids: Iterable[int]) -> dict[int, Technician]:
    """In the order of their ids, so that two processes with the same people never wait for each other in a ring."""
    people = Technician.objects.active().filter(pk__in=list(ids)).order_by("pk")
    people = people.only("latitude", "longitude", "accuracy_m", "position_at")
    return {technician.pk: technician for technician in people.select_for_update(of=("self",), no_key=True)}


def _stretches_on_duty(ids: Collection[int], *, now: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
    """Between the breaks."""
    recent = Q(clocked_out_at=None) | Q(clocked_out_at__gte=now - MAX_AGE)
    records = ClockRecord.objects.filter(recent, technician__in=list(ids)).order_by("pk", "breaks__began_at")
    columns = ("pk", "technician", "clocked_in_at", "clocked_out_at", "breaks__began_at", "breaks__ended_at")
    stretches, later = defaultdict(list), now + MAX_FUTURE
    for (_, technician_id, begun, ended), rows in groupby(records.values_list(*columns), key=itemgetter(0, 1, 2, 3)):
        for *_, paused_at, back_at in rows:
            if paused_at:
                stretches[technician_id].append((begun, paused_at))
                begun = back_at or later
        stretches[technician_id].append((begun, ended or later))
    return stretches


def _is_within(stretches: list[tuple[datetime, datetime]], instant: datetime) -> bool:
    return any(begun <= instant <= ended for begun, ended in stretches)


def _current(technician: Technician) -> Fix | None:
    if technician.position_at is None:
        return None
    return Fix(technician.latitude, technician.longitude, technician.position_at, technician.accuracy_m)


def _row(one: DeviceFix, *, now: datetime) -> Position:
    return Position(
        technician_id=one.technician_id,
        recorded_at=one.fix.recorded_at,
        received_at=now,
        latitude=one.fix.latitude,
        longitude=one.fix.longitude,
        accuracy_m=one.fix.accuracy_m,
        speed_kmh=one.fix.speed_kmh,
        heading_degrees=one.fix.heading_degrees,
        battery_percent=one.fix.battery_percent,
        source=one.source,
    )


def _move(newest: dict[int, Fix]) -> None:
    """One statement; bulk_update would build a CASE of every row for each field, which takes ten times as long."""
    if not newest:
        return
    values = []
    for pk, fix in newest.items():
        instant = connection.ops.adapt_datetimefield_value(fix.recorded_at)
        values += [pk, fix.latitude, fix.longitude, fix.accuracy_m, instant]
    with connection.cursor() as cursor:
        cursor.execute(MOVE.format(rows=", ".join(["(%s, %s, %s, %s, %s)"] * len(newest))), values)


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
    forgotten = 0
    while True:
        some = Position.objects.filter(received_at__lt=before).order_by("received_at").values("pk")[:FORGET_AT_ONCE]
        count = Position.objects.filter(pk__in=list(some.values_list("pk", flat=True))).delete()[0]
        forgotten += count
        if count < FORGET_AT_ONCE:
            return forgotten
