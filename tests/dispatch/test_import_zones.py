import json

import pytest
from django.core.management.base import CommandError

from dispatch.models import Job
from tests.dispatch.importing import counts, run_import
from tests.factories import ServiceZoneFactory, make_job, square
from zones.models import ServiceZone

pytestmark = pytest.mark.django_db

BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}


@pytest.fixture
def import_zones(tmp_path):
    def run(*features, content=None, arguments=()):
        path = tmp_path / "zones.geojson"
        collection = {"type": "FeatureCollection", "features": list(features)}
        path.write_text(json.dumps(collection) if content is None else content)
        return run_import("zones", path, "--name", "area", *arguments)

    return run


def feature(name, geometry):
    return {"type": "Feature", "properties": {"area": name}, "geometry": geometry}


def test_a_feature_becomes_a_zone_and_a_second_run_changes_nothing(import_zones):
    zones = [feature("East", square(0, 0, 1, 1)), feature(" West  side", square(-1, 0, 0, 1))]
    assert counts(import_zones(*zones)[0]) == {"read": 2, "created": 2}
    before = list(ServiceZone.objects.values())
    assert counts(import_zones(*zones)[0]) == {"read": 2, "unchanged": 2}
    assert list(ServiceZone.objects.values()) == before
    assert set(ServiceZone.objects.values_list("name", flat=True)) == {"East", "West side"}


def test_a_boundary_that_crosses_itself_is_repaired_and_said(import_zones):
    summary, said = import_zones(feature("Bow", BOW_TIE))
    assert counts(summary) == {"read": 1, "created": 1, "repaired": 1}
    assert "Repaired Bow: Self-intersection[1 1]." in said
    zone = ServiceZone.objects.get()
    zone.full_clean()
    assert zone.boundary["type"] == "MultiPolygon"


def test_a_new_boundary_moves_open_jobs(import_zones, ada):
    zone = ServiceZoneFactory(name="East", boundary=square(10, 10, 11, 11))
    job = make_job(by=ada, zone=zone)
    summary, _ = import_zones(feature("East", square(20, 20, 21, 21)), feature("West", square(10, 10, 11, 11)))
    assert counts(summary) == {"read": 2, "created": 1, "updated": 1}
    assert Job.objects.get(pk=job.pk).zone.name == "West"


def test_bad_features_are_reported_and_the_rest_is_imported(import_zones):
    summary, said = import_zones(
        feature("East", square(0, 0, 1, 1)),
        feature("East", square(5, 5, 6, 6)),
        feature("Spot", {"type": "Point", "coordinates": [0, 0]}),
        feature(None, square(0, 0, 1, 1)),
        "nonsense",
        feature("Mars", square(0, 0, 999, 1)),
    )
    assert counts(summary) == {"read": 6, "created": 1, "rejected": 5}
    for sentence in (
        "Feature 2: “East” is the name of feature 1 already.",
        "Feature 3: Spot: A Polygon or MultiPolygon is expected, not Point.",
        "Feature 4: The name must have 1 to 80 characters.",
        "Feature 5: The name must have 1 to 80 characters.",
        "Feature 6: Mars: The coordinates are off the globe",
    ):
        assert sentence in said


def test_a_dry_run_draws_no_zone_and_moves_no_job(import_zones, ada):
    job = make_job(by=ada, zone=ServiceZoneFactory(name="East", boundary=square(10, 10, 11, 11)))
    summary, said = import_zones(feature("East", square(20, 20, 21, 21)), arguments=["--dry-run"])
    assert counts(summary) == {"read": 1, "updated": 1}
    assert "A dry run" in said
    assert Job.objects.get().zone == job.zone is not None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[1]", "is not a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "is not a GeoJSON FeatureCollection with features"),
        (json.dumps({"features": [{"properties": {"a": 1, "b": 2}}]}), "has a property “area”. They have: a, b."),
    ],
)
def test_a_file_that_is_no_geojson_is_one_clear_error(import_zones, content, sentence):
    with pytest.raises(CommandError, match=r"zones\.geojson") as caught:
        import_zones(content=content)
    assert sentence in str(caught.value)
