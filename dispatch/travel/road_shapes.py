"""Roads as encoded polylines: what servers send, what is stored and what browsers draw. Pure."""

from collections.abc import Sequence
from typing import Final

import polyline
import shapely

from dispatch.travel.places import Place
from zones.geometry import distance_km

DECIMALS: Final = 5
MOST_POINTS: Final = 20_000
NEAR_KM: Final = 50  # servers begin and end a way at the next road
SEEN_DEGREES: Final = 0.0001  # about ten metres: smaller bends are not drawn


def encode(points: Sequence[Place]) -> str:
    return polyline.encode(points, DECIMALS) if points else ""


def decode(text: str) -> list[Place]:
    return polyline.decode(text, DECIMALS)


def read(text: object, *, decimals: int, origin: Place, target: Place) -> list[Place]:
    """The road in a server's answer as far as a map shows it; empty where it is none: a line is drawn instead."""
    try:
        points = polyline.decode(text, decimals)
    except (IndexError, TypeError, ValueError):
        return []
    if not 2 <= len(points) <= MOST_POINTS or not all(abs(point[0]) <= 90 and abs(point[1]) <= 180 for point in points):
        return []
    if not (_is_near(points[0], origin) and _is_near(points[-1], target)):
        return []
    return shapely.get_coordinates(shapely.LineString(points).simplify(SEEN_DEGREES)).tolist()


def _is_near(point: Place, place: Place) -> bool:
    km = distance_km(from_latitude=point[0], from_longitude=point[1], to_latitude=place[0], to_longitude=place[1])
    return km <= NEAR_KM
