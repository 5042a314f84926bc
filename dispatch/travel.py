"""How long it takes to get from one place to another. Pure; another provider needs nothing but a `leg`."""

import math
from dataclasses import dataclass
from typing import Protocol

from zones.geometry import distance_km

Place = tuple[float, float]  # latitude, longitude


@dataclass(frozen=True)
class Leg:
    minutes: int
    km: float


class Travel(Protocol):
    def leg(self, origin: Place | None, target: Place | None) -> Leg | None:
        """None where one of the places is not known: nobody is near to what has no location."""


@dataclass(frozen=True)
class StraightLine:
    """The great circle, made longer by the detours of roads, at an average speed."""

    detour_factor: float
    average_speed_kmh: float

    def leg(self, origin: Place | None, target: Place | None) -> Leg | None:
        if origin is None or target is None:
            return None
        straight_km = distance_km(
            from_latitude=origin[0], from_longitude=origin[1], to_latitude=target[0], to_longitude=target[1]
        )
        km = straight_km * self.detour_factor
        return Leg(minutes=math.ceil(km / self.average_speed_kmh * 60), km=round(km, 2))
