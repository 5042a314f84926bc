"""Setting up what sends positions, and looking at where it has been."""

import json
import re
from base64 import b64decode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import ActionRefused
from dispatch.models import Status
from technicians.devices import set_up_link
from technicians.models import Device, Position, TrackView
from tests.factories import SiteFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of


def add(client, technician, kind="osmand", **data):
    return client.post(reverse("add_device", args=[technician.pk]), {"client": kind} | data)


@pytest.mark.parametrize("kind", ["osmand", "owntracks"])
def test_dispatcher_sets_up_an_app_and_the_code_is_shown_once(client, dana, tess, kind):
    client.force_login(dana)
    page = add(client, tess, kind)
    assert page.status_code == 200
    assert "Waiting for the first fix" in text_of(page)
    assert "<svg" in html_of(page)
    assert "no-store" in page.headers["Cache-Control"]
    device = Device.objects.get()
    assert (device.technician, device.client, device.created_by) == (tess, kind, dana)
    secret = re.search(r"/gps/([\w-]{43})/", html_of(page))[1]
    for name, key in (("devices", tess.pk), ("device", device.pk)):
        assert secret not in html_of(client.get(reverse(name, args=[key])))


def test_the_codes_hold_what_the_apps_read():
    url = "https://dispatch.example/gps/abc/"
    link = urlsplit(set_up_link(Device(pk=7, client="osmand"), url))
    assert (link.scheme, link.netloc, link.path) == ("https", "dispatch.example", "/gps/abc/")
    asked = {"id": ["truckroll-7"], "interval": ["15"], "distance": ["50"], "accuracy": ["high"], "buffer": ["true"]}
    assert parse_qs(link.query) == asked
    link = urlsplit(set_up_link(Device(pk=7, client="owntracks"), url))
    assert (link.scheme, link.path) == ("owntracks", "/config")
    configuration = json.loads(b64decode(parse_qs(link.query)["inline"][0]))
    assert configuration == {"_type": "configuration", "mode": 3, "url": url}


def test_a_traccar_server_needs_the_identifier_of_the_device(client, omar, tess, tom):
    client.force_login(omar)
    assert add(client, tess, "traccar").status_code == 422
    page = add(client, tess, "traccar", unique_id="van-3")
    assert "forward.url" in text_of(page)
    assert Device.objects.get().unique_id == "van-3"
    assert add(client, tess, "traccar", unique_id="van-3").status_code == 409


def test_dispatcher_of_some_zones_connects_no_server_that_speaks_for_all(client, dana, tess):
    client.force_login(dana)
    assert "Add Traccar server" not in text_of(client.get(reverse("devices", args=[tess.pk])))
    assert add(client, tess, "traccar", unique_id="van-3").status_code == 403
    assert not Device.objects.exists()


def test_technician_sets_up_their_own_phone_and_no_server(client, tess):
    client.force_login(tess.user)
    assert "Add Traccar Client" in text_of(client.get(reverse("devices", args=[tess.pk])))
    assert "Add Traccar server" not in text_of(client.get(reverse("devices", args=[tess.pk])))
    assert add(client, tess).status_code == 200
    assert add(client, tess, "traccar", unique_id="1").status_code == 403
    assert Device.objects.get().created_by == tess.user


@pytest.mark.parametrize("name", ["devices", "add_device", "track"])
def test_technicians_of_other_zones_and_other_technicians_do_not_exist(client, dana, tess, tom, name):
    url = reverse(name, args=[tom.pk])
    for user in (dana, tess.user):
        client.force_login(user)
        answer = client.post(url, {"client": "osmand"}) if name == "add_device" else client.get(url)
        assert answer.status_code in (403, 404)
    assert not Device.objects.exists()
    assert not TrackView.objects.exists()


def test_other_peoples_devices_cannot_be_revoked(client, dana, omar, tess, tom):
    device = actions.add_device(tom, "osmand", by=omar).device
    for user in (dana, tess.user):
        client.force_login(user)
        assert client.post(reverse("revoke_device", args=[device.pk])).status_code == 404
        with pytest.raises(Exception, match="somebody else's"):
            actions.revoke_device(device, by=user)
    device.refresh_from_db()
    assert device.revoked_at is None


def test_revoking_says_who_did_it(client, dana, tess):
    device = actions.add_device(tess, "osmand", by=tess.user).device
    client.force_login(dana)
    client.post(reverse("revoke_device", args=[device.pk]))
    device.refresh_from_db()
    assert (device.revoked_by, bool(device.revoked_at)) == (dana, True)
    page = text_of(client.get(reverse("devices", args=[tess.pk])))
    assert "revoked" in page
    assert "by Dana" in page


def test_nobody_has_devices_without_end(omar, tess):
    for _ in range(10):
        actions.add_device(tess, "osmand", by=omar)
    with pytest.raises(ActionRefused):
        actions.add_device(tess, "osmand", by=omar)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Waiting for the first fix"),
        ({"last_heard_at": timezone.now()}, "Heard at"),
        ({"trouble": "It sends no id."}, "It sends no id."),
        ({"first_fix_at": timezone.now()}, "First fix received at"),
        ({"revoked_at": timezone.now()}, "revoked"),
    ],
)
def test_the_page_says_how_far_it_is(client, dana, omar, tess, fields, said):
    device = actions.add_device(tess, "osmand", by=omar).device
    Device.objects.update(**fields)
    client.force_login(dana)
    assert said in text_of(client.get(reverse("device", args=[device.pk])))


def test_the_devices_page_asks_the_database_the_same_for_few_and_many(
    client, dana, omar, tess, django_assert_max_num_queries
):
    client.force_login(dana)
    counts = []
    for total in (2, 10):
        while tess.devices.count() < total:
            actions.add_device(tess, "osmand", by=omar)
        with django_assert_max_num_queries(30) as asked:
            client.get(reverse("devices", args=[tess.pk]))
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("text", ["\0", "x" * 129, "²", "<script>", "9" * 5000])
@pytest.mark.parametrize("field", ["client", "unique_id"])
def test_odd_devices_are_answered(client, omar, tess, field, text):
    client.force_login(omar)
    answer = client.post(reverse("add_device", args=[tess.pk]), {"client": "traccar", "unique_id": "1"} | {field: text})
    assert answer.status_code in (200, 422)
    assert "<script>" not in html_of(answer).split("<main", 1)[1]


# Tracks --------------------------------------------------------------------------------------------


@pytest.fixture
def walked(tess):
    """Half an hour at one place, then off."""
    begin = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)
    minutes = [(minute, 40.05) for minute in range(0, 31, 5)] + [(40, 40.1), (50, 40.15)]
    Position.objects.bulk_create(
        Position(
            technician=tess,
            recorded_at=begin + timedelta(minutes=minute),
            received_at=begin + timedelta(minutes=minute),
            latitude=latitude,
            longitude=-75.1,
            source="osmand",
        )
        for minute, latitude in minutes
    )
    return timezone.localdate(begin)


def test_dispatcher_sees_where_somebody_was_and_whose_job_is_there(client, dana, omar, tess, walked):
    site = SiteFactory(address="12 Harbor View", latitude=40.0501, longitude=-75.1)
    make_job(Status.ASSIGNED, by=omar, technician=tess, site=site, scheduled_on=walked)
    client.force_login(dana)
    page = client.get(reverse("track", args=[tess.pk]), {"day": walked.isoformat()})
    assert "At 12 Harbor View" in text_of(page)
    assert "9 positions" in text_of(page)
    points = json.loads(re.search(r'data-points="([^"]*)"', html_of(page))[1])
    assert (points[0], points[-1]) == ([40.05, -75.1], [40.15, -75.1])


def test_whoever_looks_is_written_down_once_in_a_while_and_the_technician_sees_it(client, dana, omar, tess, walked):
    for user in (dana, omar):
        client.force_login(user)
        for _ in range(3):
            client.get(reverse("track", args=[tess.pk]), {"day": walked.isoformat()})
    client.get(reverse("track", args=[tess.pk]))
    assert TrackView.objects.count() == 3
    TrackView.objects.update(viewed_at=timezone.now() - timedelta(minutes=11))
    client.get(reverse("track", args=[tess.pk]))
    assert TrackView.objects.count() == 4
    client.force_login(tess.user)
    page = text_of(client.get(reverse("own_track"), {"day": walked.isoformat()}))
    assert "Dana" in page
    assert "Omar" in page
    assert "9 positions" in page
    assert TrackView.objects.count() == 4, "looking at one's own is nobody's business"


def test_a_day_without_positions_says_so(client, dana, tess):
    client.force_login(dana)
    assert "No positions on" in text_of(client.get(reverse("track", args=[tess.pk])))


@pytest.mark.parametrize("day", ["", "x", "9999-12-31", "0001-01-01", "\0", "9" * 30])
def test_odd_days_are_answered(client, dana, tess, day):
    client.force_login(dana)
    assert client.get(reverse("track", args=[tess.pk]), {"day": day}).status_code == 200


def test_a_track_takes_as_many_queries_for_few_fixes_as_for_many(
    client, dana, tess, walked, django_assert_max_num_queries
):
    other = TechnicianFactory(zones=list(tess.zones.all()))
    client.force_login(dana)
    counts = []
    for technician in (other, tess):
        client.get(reverse("track", args=[technician.pk]), {"day": walked.isoformat()})
        with django_assert_max_num_queries(30) as asked:
            client.get(reverse("track", args=[technician.pk]), {"day": walked.isoformat()})
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_phone_leads_to_the_app_and_to_the_own_track(client, tess):
    client.force_login(tess.user)
    page = html_of(client.get(reverse("phone")))
    assert reverse("own_track") in page
    assert reverse("devices", args=[tess.pk]) in page
