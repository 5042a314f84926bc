"""Travel times without any server: the great circle, the detours of roads and an average speed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

import numpy as np

from dispatch.planning.problem import UNREACHABLE
from dispatch.travel.places import HAIR, Leg, Place, TravelMatrix, whole_minutes
from zones.geometry import EARTH_RADIUS_KM, distance_km


@dataclass(frozen=True)
class Hours:
    """How fast one drives at which hour of the day, in per cent of the usual; without 24 numbers as usual all day."""

    percents: tuple[int, ...] = ()
    zone: tzinfo = UTC

    def share(self, at: datetime | None) -> float:
        if at is None or len(self.percents) != 24:
            return 1.0
        return max(1, self.percents[at.astimezone(self.zone).hour]) / 100


@dataclass(frozen=True)
class StraightLine:
    """The great circle, made longer by the detours of roads, at an average speed."""

    detour_factor: float
    average_speed_kmh: float
    hours: Hours = field(default_factory=Hours)

    def leg(self, origin: Place | None, target: Place | None, at: datetime | None = None) -> Leg | None:
        if origin is None or target is None:
            return None
        straight_km = distance_km(
            from_latitude=origin[0], from_longitude=origin[1], to_latitude=target[0], to_longitude=target[1]
        )
        km = straight_km * self.detour_factor
        return Leg(minutes=whole_minutes(km / self._speed(at) * 60), km=round(km, 2))

    def matrix(self, places: Sequence[Place], *, at: datetime) -> TravelMatrix:
        km = distances_km(places) * self.detour_factor
        seconds = np.ceil(km / self._speed(at) * 60 - HAIR).astype(np.int64) * 60
        metres = np.rint(km * 1000).astype(np.int64)
        return TravelMatrix(np.minimum(seconds, UNREACHABLE), np.minimum(metres, UNREACHABLE))

    def shape(self, places: Sequence[Place]) -> None:
        return None

    def _speed(self, at: datetime | None) -> float:
        return self.average_speed_kmh * self.hours.share(at)


def distances_km(places: Sequence[Place]) -> np.ndarray:
    """Great-circle distances between all of them, by the haversine formula as zones.geometry.distance_km has it."""
    radians = np.radians(np.array(places, dtype=float).reshape(-1, 2))
    latitude, longitude = radians[:, 0], radians[:, 1]
    half_phi = np.subtract.outer(latitude, latitude) / 2
    half_lambda = np.subtract.outer(longitude, longitude) / 2
    a = np.sin(half_phi) ** 2 + np.multiply.outer(np.cos(latitude), np.cos(latitude)) * np.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(1.0, np.sqrt(a)))
