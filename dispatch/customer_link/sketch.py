"""Where a technician under way is shown to the customer: roughly, and only where it is nobody else's business. Pure.

A sketch of our own instead of a map: no other server learns who waits for whom, and it needs no script.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Final

from zones.geometry import distance_km

Place = tuple[float, float]  # latitude, longitude

PRIVATE_KM: Final = 0.4  # so near to their home or to somebody else's job a technician is not shown
DECIMALS: Final = 3  # of a degree: to about 100 m
KM_PER_DEGREE: Final = 111.2
WIDTH, HEIGHT, MARGIN = 400, 260, 36
RINGS_KM: Final = (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
FARTHEST_KM: Final = 300  # farther away than that, something is wrong with the position


@dataclass(frozen=True)
class Sighting:
    """The newest position of whoever has the job."""

    place: Place
    seen_at: datetime


@dataclass(frozen=True)
class Ring:
    radius: float
    label: str


@dataclass(frozen=True)
class Sketch:
    """In the units of the drawing; the site is in the middle of the rings."""

    site: tuple[float, float]
    technician: tuple[float, float]
    rings: tuple[Ring, ...]
    distance: str  # “about 3 km”
    seen_at: datetime


def shown_place(
    sighting: Sighting | None,
    *,
    set_out_at: datetime | None,
    is_working: bool,
    private: Iterable[Place],
    fresh_for: timedelta,
    now: datetime,
) -> Place | None:
    """None: not on the way, on a break, off duty, too old a position, or one that tells of a home or another job."""
    if sighting is None or set_out_at is None or not is_working:
        return None
    if not set_out_at <= sighting.seen_at or sighting.seen_at < now - fresh_for:
        return None
    if any(_km(sighting.place, other) < PRIVATE_KM for other in private):
        return None
    latitude, longitude = sighting.place
    return round(latitude, DECIMALS), round(longitude, DECIMALS)


def draw(technician: Place, site: Place, *, seen_at: datetime) -> Sketch | None:
    """The site and the technician as far apart as fits, with rings around the site for the distance."""
    away = _km(technician, site)
    if away > FARTHEST_KM:
        return None
    east = (technician[1] - site[1]) * KM_PER_DEGREE * cos(radians(site[0]))
    north = (technician[0] - site[0]) * KM_PER_DEGREE
    scale = min((WIDTH - 2 * MARGIN) / max(abs(east), 0.4), (HEIGHT - 2 * MARGIN) / max(abs(north), 0.4), 400)
    home = (WIDTH / 2 - east * scale / 2, HEIGHT / 2 + north * scale / 2)
    rings = tuple(Ring(round(km * scale, 1), _label(km)) for km in RINGS_KM if 24 < km * scale < WIDTH * 1.2)
    there = (home[0] + east * scale, home[1] - north * scale)
    return Sketch(_rounded(home), _rounded(there), rings[:4], distance_in_words(away), seen_at)


def distance_in_words(km: float) -> str:
    if km < 1:
        return f"about {max(100, round(km * 10) * 100)} m" if km < 0.95 else "about 1 km"
    return f"about {km:.1f} km" if km < 3 else f"about {km:.0f} km"


def _km(one: Place, other: Place) -> float:
    return distance_km(from_latitude=one[0], from_longitude=one[1], to_latitude=other[0], to_longitude=other[1])


def _label(km: float) -> str:
    return f"{km:g} km" if km >= 1 else f"{km * 1000:.0f} m"


def _rounded(point: tuple[float, float]) -> tuple[float, float]:
    return round(point[0], 1), round(point[1], 1)
