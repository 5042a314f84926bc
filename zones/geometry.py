"""Zone geometry on GeoJSON: reading, checking, repairing, finding the zone of a point. Knows nothing of Django.

Coordinates are WGS 84 degrees; GeoJSON's order is longitude, latitude (RFC 7946).
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity, make_valid

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
EMPTY = "The boundary is empty: draw an area with at least three corners."


class BoundaryError(ValueError):
    """Says in one sentence what is wrong with a boundary."""


@dataclass(frozen=True)
class Boundary:
    geometry: BaseGeometry
    problem: str = ""  # what had to be repaired

    @property
    def repaired(self) -> bool:
        return bool(self.problem)

    def as_geojson(self) -> dict:
        return json.loads(json.dumps(mapping(self.geometry)))


def read_boundary(geojson: object, *, repair: bool = False) -> Boundary:
    """A Polygon or MultiPolygon from GeoJSON: text, a geometry, a Feature or a FeatureCollection of one feature.

    Raises BoundaryError for anything else, for coordinates off the globe and for boundaries that cross themselves;
    with `repair`, crossings are mended by shapely's make_valid instead and `problem` says what they were.
    """
    geometry = _parse(_unwrap(_load(geojson)))
    if geometry.is_empty:
        raise BoundaryError(EMPTY)
    _check_on_globe(geometry)
    # Not its own area: the two halves of a bow tie cancel out, and a bow tie crosses itself rather than being empty.
    if geometry.convex_hull.area == 0:
        raise BoundaryError(EMPTY)
    if geometry.is_valid:
        return Boundary(geometry)
    if not repair:
        raise BoundaryError(f"The boundary is not valid: {explain_validity(geometry)} (longitude latitude).")
    mended = _areas_of(make_valid(geometry))
    if mended.is_empty:
        raise BoundaryError("The boundary cannot be repaired: no area is left.")
    return Boundary(mended, problem=explain_validity(geometry))


def _load(geojson: object) -> object:
    if not isinstance(geojson, str):
        return geojson
    if not geojson.strip():
        raise BoundaryError(EMPTY)
    try:
        return json.loads(geojson)
    except ValueError as error:
        raise BoundaryError(f"This is not JSON: {error}.") from None
    except RecursionError:
        raise BoundaryError("This is not GeoJSON: its brackets are nested far too deep.") from None


def _unwrap(data: object) -> dict:
    if not isinstance(data, dict):
        raise BoundaryError("This is not GeoJSON: an object with a type and coordinates is expected.")
    if data.get("type") == "FeatureCollection":
        features = data.get("features")
        if not isinstance(features, list) or len(features) != 1:
            count = len(features) if isinstance(features, list) else 0
            raise BoundaryError(f"One feature is expected, this collection has {count}. Use import_zones for many.")
        return _unwrap(features[0])
    if data.get("type") == "Feature":
        return _unwrap(data.get("geometry"))
    return data


def _parse(data: dict) -> BaseGeometry:
    if data.get("type") not in ("Polygon", "MultiPolygon"):
        raise BoundaryError(f"A Polygon or MultiPolygon is expected, not {data.get('type') or 'nothing'}.")
    try:
        return shape(data)
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise BoundaryError(
            "The coordinates cannot be read: rings of [longitude, latitude] pairs, at least four each, are expected."
        ) from None


def _check_on_globe(geometry: BaseGeometry) -> None:
    west, south, east, north = geometry.bounds
    if not all(map(math.isfinite, shapely.get_coordinates(geometry).flat)):
        raise BoundaryError("The coordinates are not all numbers.")
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise BoundaryError("The coordinates are off the globe: longitude is -180 to 180, latitude -90 to 90.")


def _areas_of(geometry: BaseGeometry) -> BaseGeometry:
    """Only the areas of a mended boundary: make_valid may leave lines and points beside them."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = [part for part in getattr(geometry, "geoms", []) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.unary_union(parts)


def outline(geojson: dict, *, tolerance_degrees: float = 0.0005) -> dict:
    """A boundary with fewer corners, within about 50 m of the true one: to be shown, not to be saved."""
    return mapping(shape(geojson).simplify(tolerance_degrees))


class ZoneIndex:
    """Finds the zone of a point: an R-tree over the boundaries; the smallest area wins where zones overlap."""

    def __init__(self, boundaries: Iterable[tuple[int, dict]]):
        """Takes (zone id, GeoJSON geometry) pairs."""
        pairs = [(zone_id, shape(geojson)) for zone_id, geojson in boundaries]
        pairs.sort(key=lambda pair: (pair[1].area, pair[0]))
        self._ids = [zone_id for zone_id, _ in pairs]
        geometries = [geometry for _, geometry in pairs]
        shapely.prepare(geometries)
        self._tree = shapely.STRtree(geometries)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of all of them; None without any."""
        return tuple(map(float, shapely.total_bounds(self._tree.geometries))) if self._ids else None

    def find(self, *, latitude: float, longitude: float) -> int | None:
        """The id of the smallest zone that covers the point (its border included), None if no zone does."""
        hits = self._tree.query(shapely.Point(longitude, latitude), predicate="covered_by")
        return self._ids[min(hits)] if len(hits) else None


def distance_km(*, from_latitude: float, from_longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Great-circle distance by the haversine formula."""
    phi_from, phi_to = math.radians(from_latitude), math.radians(to_latitude)
    half_phi = (phi_to - phi_from) / 2
    half_lambda = math.radians(to_longitude - from_longitude) / 2
    a = math.sin(half_phi) ** 2 + math.cos(phi_from) * math.cos(phi_to) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(a)))
