import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from dispatch import tasks
from tests.admin_pages import adding, deletion_of, errors_on, filled, listing, page_of, queries_for
from tests.factories import ServiceZoneFactory, make_job, square
from zones.models import ServiceZone

WITH_HOLE = {
    "type": "Polygon",
    "coordinates": [
        [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]],
        [[2, 2], [2, 4], [4, 4], [4, 2], [2, 2]],
    ],
}
BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.fixture
def enqueued(monkeypatch):
    """The tasks that pages enqueue, instead of a queue."""
    seen = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, *args: seen.append(task))
    return seen


def post_new(client, boundary, **fields):
    data = {"name": "East", "colour": "#00aa00", "is_active": "on", "boundary": boundary}
    return client.post(adding(ServiceZone), data | fields)


def test_technician_is_refused(client, tess):
    client.force_login(tess.user)
    assert client.get(listing(ServiceZone), follow=True).status_code == 403


def test_dispatcher_cannot_add_change_or_delete_zones(client, dana, north):
    client.force_login(dana)
    assert client.get(adding(ServiceZone)).status_code == 403
    assert post_new(client, json.dumps(WITH_HOLE)).status_code == 403
    assert client.post(page_of(north), {"name": "Mine"}).status_code == 403
    assert client.post(deletion_of(north), {"post": "yes"}).status_code == 403
    assert ServiceZone.objects.get().name == "North"


def test_manager_looks_at_a_zone_on_a_map_that_cannot_be_edited(client, omar, north, south):
    client.force_login(omar)
    page = client.get(page_of(north)).content.decode()
    assert "data-zone-map" in page
    assert "readonly" in page
    assert "data-zone-file" not in page
    assert "zone_widget.js" in page


@pytest.mark.parametrize(
    ("boundary", "reason"),
    [
        ("", "Draw an area on the map"),
        ("   ", "Draw an area on the map"),
        ("not json", "This is not JSON"),
        ("[" * 100_000, "nested far too deep"),
        (json.dumps(BOW_TIE), "Self-intersection"),
        (json.dumps({"type": "Polygon", "coordinates": []}), "The boundary is empty"),
        (json.dumps({"type": "Point", "coordinates": [0, 0]}), "A Polygon or MultiPolygon is expected"),
        (json.dumps(square(170, 80, 190, 85)), "off the globe"),
        (json.dumps({"type": "FeatureCollection", "features": []}), "One feature is expected"),
    ],
)
def test_bad_boundary_is_refused_with_the_reason(client, ada, boundary, reason):
    client.force_login(ada)
    response = post_new(client, boundary)
    assert response.status_code == 200
    assert reason in errors_on(response)
    assert not ServiceZone.objects.exists()
    if boundary.strip() and len(boundary) < 1000:
        assert response.context["adminform"].form["boundary"].value() == boundary  # nothing typed is lost


def test_zone_with_jobs_stays_and_the_page_says_what_to_do_instead(client, ada, north, enqueued):
    make_job(by=ada, zone=north)
    client.force_login(ada)
    response = client.post(deletion_of(north), {"post": "yes"}, follow=True)
    assert "“North” cannot be deleted: it is used by 1 job. Untick “Active” instead" in response.content.decode()
    assert ServiceZone.objects.filter(pk=north.pk).exists()


def test_zones_with_jobs_stay_when_many_are_selected(client, ada, north, south):
    make_job(by=ada, zone=north)
    client.force_login(ada)
    chosen = {"action": "delete_selected", "_selected_action": [north.pk, south.pk], "post": "yes"}
    response = client.post(listing(ServiceZone), chosen, follow=True)
    assert "“North” cannot be deleted" in response.content.decode()
    assert ServiceZone.objects.count() == 2


def test_unused_zone_is_deleted(client, ada, north, south, enqueued):
    client.force_login(ada)
    chosen = {"action": "delete_selected", "_selected_action": [south.pk], "post": "yes"}
    client.post(listing(ServiceZone), chosen)
    client.post(deletion_of(north), {"post": "yes"})
    assert not ServiceZone.objects.exists()
    assert enqueued == [tasks.rezone_open_jobs] * 2


def test_drawn_zone_is_saved_with_its_hole(client, ada, enqueued):
    client.force_login(ada)
    assert post_new(client, json.dumps(WITH_HOLE)).status_code == 302
    assert ServiceZone.objects.get().boundary == WITH_HOLE
    assert enqueued == [tasks.rezone_open_jobs]


def test_pasted_feature_is_saved_as_its_geometry(client, ada, enqueued):
    client.force_login(ada)
    feature = {"type": "Feature", "properties": {"name": "East"}, "geometry": square(0, 0, 1, 1)}
    assert post_new(client, json.dumps(feature)).status_code == 302
    assert ServiceZone.objects.get().boundary == square(0, 0, 1, 1)


def test_uploaded_file_counts_without_javascript(client, ada, enqueued):
    client.force_login(ada)
    upload = SimpleUploadedFile("east.geojson", b"\xef\xbb\xbf" + json.dumps(square(0, 0, 1, 1)).encode())
    assert post_new(client, "", boundary_file=upload).status_code == 302
    assert ServiceZone.objects.get().boundary == square(0, 0, 1, 1)


def test_uploaded_nonsense_is_refused_with_the_reason(client, ada):
    client.force_login(ada)
    response = post_new(client, "", boundary_file=SimpleUploadedFile("east.geojson", b"\xff\xfe\x00"))
    assert "This is not JSON" in errors_on(response)


def test_saving_a_zone_unchanged_moves_no_jobs(client, ada, north, enqueued):
    client.force_login(ada)
    data = filled(client.get(page_of(north)))
    assert client.post(page_of(north), data).status_code == 302
    assert client.post(page_of(north), data | {"name": "Far North"}).status_code == 302
    assert enqueued == []
    north.refresh_from_db()
    assert (north.name, north.boundary) == ("Far North", square(-75.2, 40.0, -75.0, 40.2))


@pytest.mark.parametrize("change", [{"is_active": None}, {"boundary": json.dumps(WITH_HOLE)}])
def test_changing_where_a_zone_is_moves_its_jobs(client, ada, north, enqueued, change):
    client.force_login(ada)
    data = filled(client.get(page_of(north)), **change)
    assert client.post(page_of(north), data).status_code == 302
    assert enqueued == [tasks.rezone_open_jobs]


def test_other_zones_are_shown_for_orientation(client, ada, north, south):
    client.force_login(ada)
    others = client.get(page_of(north)).context["adminform"].form.fields["boundary"].widget.others
    assert [other["name"] for other in others] == ["South"]


def test_list_of_zones_takes_as_many_queries_for_fifty_as_for_five(client, ada):
    client.force_login(ada)
    ServiceZoneFactory.create_batch(5)
    few = queries_for(client, listing(ServiceZone))
    ServiceZoneFactory.create_batch(45)
    assert queries_for(client, listing(ServiceZone)) == few
