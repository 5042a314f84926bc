"""What a day's fixes tell: where somebody stayed, drove, and was not heard of. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from zones.geometry import distance_km

STAY = timedelta(minutes=5)
STAY_KM = 0.12
SILENCE = timedelta(minutes=15)
STAYED, DROVE, UNHEARD = "stayed", "drove", "unheard"


@dataclass(frozen=True)
class Point:
    at: datetime
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Stretch:
    """`at_*` is where a stay was; `km` how far they went otherwise, in straight lines between the fixes."""

    kind: str
    begins_at: datetime
    ends_at: datetime
    latitude: float
    longitude: float
    km: float = 0

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.begins_at).total_seconds() / 60)


def km_between(one: Point, other: Point) -> float:
    return distance_km(
        from_latitude=one.latitude,
        from_longitude=one.longitude,
        to_latitude=other.latitude,
        to_longitude=other.longitude,
    )


def stretches(points: Sequence[Point]) -> list[Stretch]:
    """`points` in the order of time. Whoever is silent and then where they were has stayed there."""
    found: list[Stretch] = []
    here = 0
    while here < len(points):
        until = _last_near(points, here)
        if points[until].at - points[here].at >= STAY:
            found.append(_stretch(STAYED, points[here], points[until]))
            here = until
        if here + 1 < len(points):
            _add_way(found, points[here], points[here + 1])
        here += 1
    return found


def _last_near(points: Sequence[Point], first: int) -> int:
    last = first
    while last + 1 < len(points) and km_between(points[first], points[last + 1]) <= STAY_KM:
        last += 1
    return last


def _add_way(found: list[Stretch], one: Point, other: Point) -> None:
    kind = UNHEARD if other.at - one.at > SILENCE else DROVE
    way = _stretch(kind, one, other, km=km_between(one, other))
    if found and found[-1].kind == kind:
        found[-1] = replace(found[-1], ends_at=way.ends_at, km=found[-1].km + way.km)
    else:
        found.append(way)


def _stretch(kind: str, one: Point, other: Point, *, km: float = 0) -> Stretch:
    return Stretch(kind, one.at, other.at, one.latitude, one.longitude, km)
