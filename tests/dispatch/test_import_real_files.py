"""One night of New York's service requests and its community districts."""

import csv

import pytest

from dispatch.models import Job, Status, StatusChange
from tests.dispatch.importing import counts, real_file, run_import
from zones.models import ServiceZone

REPAIRED = {
    "12 MANHATTAN", "10 BRONX", "02 BROOKLYN", "07 BROOKLYN", "18 BROOKLYN",
    "11 QUEENS", "13 QUEENS", "14 QUEENS", "83 QUEENS",
}  # fmt: skip


@pytest.mark.django_db
def test_a_night_in_new_york_is_imported_and_importing_it_again_changes_nothing():
    districts, requests = real_file("nyc-community-districts.geojson"), real_file("nyc311-2019-12-31.csv")
    summary, said = run_import("zones", districts, "--name", "name")
    assert counts(summary) == {"read": 71, "created": 71, "repaired": 9}
    assert {line.split(": ")[0] for line in said.splitlines() if "Repaired" in line} == {
        f"Repaired {name}" for name in REPAIRED
    }
    assert ServiceZone.objects.count() == 71

    summary, _ = run_import("jobs", requests, "--mapping", "nyc311.toml")
    assert counts(summary) == {"read": 1000, "created": 1000, "without_location": 13}
    assert Job.objects.filter(status=Status.CREATED).count() == StatusChange.objects.count() == 1000
    assert Job.objects.filter(site__latitude=None, zone=None).count() == 13
    named, agreeing = _zones_compared(requests)
    assert named == 987
    assert agreeing >= 980

    before = list(Job.objects.values())
    summary, _ = run_import("jobs", requests, "--mapping", "nyc311.toml")
    assert counts(summary) == {"read": 1000, "unchanged": 1000, "without_location": 13}
    assert counts(run_import("zones", districts, "--name", "name")[0]) == {"read": 71, "unchanged": 71, "repaired": 9}
    assert list(Job.objects.values()) == before


def _zones_compared(requests) -> tuple[int, int]:
    """How many rows have coordinates and name a numbered board, and for how many of them we found that zone."""
    found = dict(Job.objects.values_list("external_id", "zone__name"))
    with requests.open(newline="") as file:
        named = [
            (row["community_board"], found[row["unique_key"]])
            for row in csv.DictReader(file)
            if row["latitude"] and row["community_board"][:2].isdigit()
        ]
    return len(named), sum(board == zone for board, zone in named)
