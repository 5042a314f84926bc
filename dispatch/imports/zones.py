"""Service zones from a GeoJSON file: one feature, one zone, known by its name."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch.imports.outcome import Outcome, rejected
from dispatch.imports.records import FileError
from zones.geometry import Boundary, BoundaryError, read_boundary
from zones.models import ServiceZone

LONGEST_NAME = ServiceZone._meta.get_field("name").max_length


@dataclass(frozen=True)
class Feature:
    number: int  # its place in the file, from 1
    name: str
    geometry: object


def read_features(path: Path, *, name_property: str) -> list[Feature]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeError:
        raise FileError(f"{path.name} is not UTF-8 text.") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path.name} is not JSON: {error}.") from None
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or not features:
        raise FileError(f"{path.name} is not a GeoJSON FeatureCollection with features.")
    if not any(name_property in _properties(feature) for feature in features):
        known = ", ".join(dict.fromkeys(name for feature in features for name in _properties(feature)))
        raise FileError(f"No feature of {path.name} has a property “{name_property}”. They have: {known or 'none'}.")
    return list(_features(features, name_property))


def _properties(feature: object) -> dict:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _features(features: list, name_property: str) -> Iterator[Feature]:
    for number, feature in enumerate(features, start=1):
        name = _properties(feature).get(name_property)
        name = "" if name is None else " ".join(str(name).split())
        yield Feature(number, name, feature.get("geometry") if isinstance(feature, dict) else None)


class ZoneWriter:
    """`on_repaired(feature, problem)` hears of each boundary that had to be mended."""

    def __init__(self, *, on_repaired: Callable[[Feature, str], None]):
        self._on_repaired = on_repaired
        self._known = {zone.name: zone for zone in ServiceZone.objects.all()}
        self._numbers: dict[str, int] = {}

    def write(self, feature: Feature) -> Outcome:
        if not feature.name or len(feature.name) > LONGEST_NAME:
            return rejected(f"The name must have 1 to {LONGEST_NAME} characters.")
        first = self._numbers.setdefault(feature.name, feature.number)
        if first != feature.number:
            return rejected(f"“{feature.name}” is the name of feature {first} already.")
        try:
            boundary = read_boundary(feature.geometry, repair=True)
        except BoundaryError as error:
            return rejected(f"{feature.name}: {error}")
        if boundary.repaired:
            self._on_repaired(feature, boundary.problem)
        return self._save(feature.name, boundary)

    def _save(self, name: str, boundary: Boundary) -> Outcome:
        geojson = boundary.as_geojson()
        zone = self._known.get(name)
        if zone is None:
            ServiceZone.objects.create(name=name, boundary=geojson)
            return Outcome("created")
        if zone.boundary == geojson:
            return Outcome("unchanged")
        zone.boundary = geojson
        zone.save(update_fields=["boundary"])
        return Outcome("updated")
