import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch import actions
from dispatch.board.map import coverage
from dispatch.models import Job, Status
from tests.dispatch.board_page import at
from tests.factories import SiteFactory, TechnicianFactory, make_job

URL = "/board/map/data/"


@pytest.fixture
def data(client):
    def load(user, query=""):
        client.force_login(user)
        answer = client.get(URL + query).json()
        answer["jobs"] = [dict(zip(answer["job_fields"], job, strict=True)) for job in answer["jobs"]]
        return answer

    return load


def test_dispatcher_gets_no_job_technician_or_zone_of_others(data, omar, dana, tess, tom, north, south):
    mine = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    found = data(dana)
    assert [job["pk"] for job in found["jobs"]] == [mine.pk]
    assert [one["pk"] for one in found["technicians"]] == [tess.pk]
    assert [zone["pk"] for zone in found["zones"]] == [north.pk]


def test_dispatcher_cannot_open_a_technician_of_another_zone(client, dana, tess, tom):
    client.force_login(dana)
    assert client.get(f"/board/map/technicians/{tess.pk}/").status_code == 200
    assert client.get(f"/board/map/technicians/{tom.pk}/").status_code == 404


def test_a_technicians_day_does_not_show_jobs_of_foreign_zones(client, omar, dana, tess, north, south):
    tess.zones.add(south)
    make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, description="Mine")
    make_job(Status.ASSIGNED, by=omar, technician=tess, zone=south, description="Foreign")
    client.force_login(dana)
    panel = client.get(f"/board/map/technicians/{tess.pk}/").content.decode()
    assert "Mine" in panel
    assert "Foreign" not in panel


def test_stops_keep_their_number_when_the_board_is_narrowed(data, omar, tess, north):
    make_job(Status.COMPLETED, by=omar, technician=tess, zone=north, planned_starts_at=at(9))
    make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(11))
    (left,) = data(omar, "?status=assigned")["jobs"]
    assert left["order"] == 2


def test_the_query_count_does_not_grow(client, omar, north):
    client.force_login(omar)

    def add(number):
        for _ in range(number):
            make_job(Status.ASSIGNED, by=omar, technician=TechnicianFactory(zones=[north]), zone=north)

    counts = []
    for number in (5, 45):
        add(number)
        ids = ",".join(str(pk) for pk in Job.objects.values_list("pk", flat=True))
        for query in ("", f"?ids={ids}"):
            with CaptureQueriesContext(connection) as queries:
                client.get(URL + query)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_only_a_job_without_a_location_names_its_site_to_be_pinned(data, omar, north):
    placed = make_job(by=omar, zone=north)
    lost = make_job(by=omar, zone=north, site=SiteFactory(latitude=None, longitude=None))
    sites = {job["pk"]: (job["unplaced_site"], job["latitude"]) for job in data(omar)["jobs"]}
    assert sites == {placed.pk: (None, round(placed.site.latitude, 5)), lost.pk: (lost.site_id, None)}


def test_only_the_changed_jobs_and_the_routes_they_are_on_come(data, omar, tess, tom, north, south):
    first = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(9))
    second = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(11))
    make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    waiting, _ = make_job(by=omar, zone=north), make_job(by=omar, zone=north)
    found = data(omar, f"?ids={second.pk},{waiting.pk}&technicians=")
    assert {(job["pk"], job["order"]) for job in found["jobs"]} == {(first.pk, 1), (second.pk, 2), (waiting.pk, None)}
    assert [one["pk"] for one in found["technicians"]] == found["of"] == [tess.pk]
    assert sum(zone["open"] for zone in found["zones"]) == 5


def test_who_lost_a_job_gets_the_rest_of_the_route_numbered_anew(data, omar, tess, tom, north):
    tom.zones.add(north)
    lost = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(9))
    kept = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(11))
    actions.assign_job(lost, tom, by=omar)
    found = data(omar, f"?ids={lost.pk}&technicians={tess.pk}")
    assert found["of"] == [tess.pk, tom.pk]
    assert [job["order"] for job in found["jobs"] if job["pk"] == kept.pk] == [1]


def test_changed_jobs_of_foreign_zones_do_not_come(data, omar, dana, tom, south):
    foreign = make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    found = data(dana, f"?ids={foreign.pk}&technicians={tom.pk}")
    assert found["jobs"] == found["technicians"] == []


def test_ids_that_are_no_numbers_are_refused(client, omar):
    client.force_login(omar)
    assert client.get(f"{URL}?ids=1,x").status_code == 422
    assert client.get(f"{URL}?ids=1&technicians=99999999999999999999").status_code == 422


@pytest.mark.parametrize(
    ("jobs", "on_duty", "state"), [(0, 0, "covered"), (1, 0, "gap"), (4, 1, "covered"), (5, 1, "stretched")]
)
def test_coverage_weighs_open_jobs_against_technicians_on_duty(jobs, on_duty, state):
    assert coverage(jobs, on_duty=on_duty) == state


def test_zones_come_only_once(client, omar, north):
    client.force_login(omar)
    first = client.get("/zones/geojson/")
    again = client.get("/zones/geojson/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
