"""Devices' addresses: who is let in, what is kept, and that nobody learns anything by guessing."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.tokens import hash_of
from dispatch import actions, intake
from dispatch.models import DispatchSettings
from technicians.models import Device, Position
from tests.gps_examples import CLIENT_9, EXAMPLES, FORM, JSON, OWNTRACKS, TRACCAR, Example

SOME_SECRET = "x" * 43


@pytest.fixture(autouse=True)
def doorkeeper(monkeypatch):
    keeper = intake.Doorkeeper()
    monkeypatch.setattr("dispatch.views.gps.DOORKEEPER", keeper)
    return keeper


@pytest.fixture
def on_duty(tess):
    actions.clock_in(tess, now=timezone.now() - timedelta(hours=1))
    return tess


@pytest.fixture
def new_device(omar):
    def create(technician, client="osmand", **fields):
        new = actions.add_device(technician, client, by=omar, **fields)
        return new.device, new.secret

    return create


def send(example: Example, secret: str, *, at=None, address="127.0.0.1"):
    filled = example.filled(at or timezone.now() - timedelta(seconds=20))
    url = reverse("gps", args=[secret]) + (f"?{filled.query}" if filled.query else "")
    return Client().generic(
        filled.method, url, filled.body, content_type=filled.content_type or "", REMOTE_ADDR=address
    )


def fix(secret, *, seconds_ago=20, latitude=60.0, longitude=30.0, id="1", extra="", **options):
    at = int(timezone.now().timestamp()) - seconds_ago
    query = f"id={id}&timestamp={at}&lat={latitude}&lon={longitude}{extra}"
    return send(Example("fix", "osmand", (200, b"", None), query=query), secret, **options)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.client} {example.name}")
def test_each_client_is_answered_as_it_understands(example, on_duty, new_device):
    _, secret = new_device(on_duty, example.client)
    answer = send(example, secret)
    assert (answer.status_code, answer.content) == example.answer[:2]
    if example.answer[2]:
        assert answer.headers["Content-Type"] == example.answer[2]
    assert Position.objects.count() == example.fixes


def test_a_fix_is_where_the_technician_is(on_duty, new_device):
    device, secret = new_device(on_duty)
    fix(secret, extra="&speed=10&bearing=90&batt=55&accuracy=8")
    position = Position.objects.get()
    assert (position.technician, position.source) == (on_duty, "osmand")
    assert (position.speed_kmh, position.heading_degrees, position.battery_percent) == (18.52, 90, 55)
    on_duty.refresh_from_db()
    assert (on_duty.latitude, on_duty.longitude, on_duty.accuracy_m) == (60, 30, 8)
    assert on_duty.position_at == position.recorded_at
    device.refresh_from_db()
    assert device.first_fix_at and device.last_heard_at


def test_the_secret_says_who_it_is_whatever_id_is_sent(on_duty, tom, new_device):
    _, secret = new_device(on_duty)
    assert fix(secret, id=tom.pk).status_code == 200
    assert Position.objects.get().technician == on_duty


# Strangers -----------------------------------------------------------------------------------------

KNOCKS = [
    Example("query", "osmand", (400, b"", None), method="GET", query="id=1&lat=1&lon=1"),
    Example("form", "osmand", (400, b"", None), body="id=1&lat=1&lon=1", content_type=FORM),
    Example("nothing", "osmand", (400, b"", None), method="GET"),
    Example("client 9", "osmand", (404, b"", None), body=CLIENT_9, content_type=JSON),
    Example("OwnTracks", "owntracks", (200, b"[]", JSON), body=OWNTRACKS, content_type=JSON),
    Example("Traccar", "traccar", (404, b"", None), body=TRACCAR, content_type=JSON),
]


@pytest.mark.parametrize("example", KNOCKS, ids=lambda example: example.name)
def test_nobody_learns_whether_a_device_exists(example, on_duty, omar, new_device):
    """Unknown, revoked, and good for another client: the same to the last header."""
    revoked, revoked_secret = new_device(on_duty, example.client)
    actions.revoke_device(revoked, by=omar)
    others = {"osmand", "owntracks", "traccar"} - {example.client}
    wrong = [new_device(on_duty, client)[1] for client in others] if example.name != "nothing" else []
    answers = {
        (answer.status_code, answer.content, *sorted(answer.headers.items()))
        for secret in (SOME_SECRET, "x", revoked_secret, *wrong)
        if (answer := send(example, secret)) and answer.headers.pop("X-Request-ID")
    }
    assert len(answers) == 1
    assert next(iter(answers))[:2] == example.answer[:2]
    assert not Position.objects.exists()


def test_the_same_is_asked_of_the_database_for_every_wrong_secret(
    on_duty, omar, new_device, django_assert_max_num_queries, django_assert_num_queries
):
    revoked, secret = new_device(on_duty)
    actions.revoke_device(revoked, by=omar)
    for wrong in (SOME_SECRET, secret):
        with django_assert_max_num_queries(5) as asked:
            fix(wrong)
        assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) == 1


def test_a_revoked_device_is_heard_no_more_at_once(on_duty, omar, new_device):
    device, secret = new_device(on_duty)
    assert fix(secret, seconds_ago=40).status_code == 200
    actions.revoke_device(device, by=omar)
    assert fix(secret).status_code == 400
    assert Position.objects.count() == 1


def test_strangers_are_slowed_down_and_those_known_at_their_address_are_not(on_duty, new_device, doorkeeper):
    _, secret = new_device(on_duty)
    assert fix(secret, seconds_ago=100).status_code == 200
    doorkeeper.strangers.per_second = 0.1
    knocks = [fix(f"{number}") for number in range(121)]
    assert {answer.status_code for answer in knocks[:120]} == {400}
    assert knocks[120].status_code == 429
    assert 1 <= int(knocks[120].headers["Retry-After"]) <= 10
    assert fix(secret, latitude=60.01).status_code == 200
    assert fix("other", address="10.0.0.9").status_code == 400


def test_many_phones_behind_one_address_may_all_come_after_a_restart(on_duty, tom, new_device, doorkeeper):
    doorkeeper.strangers.burst = 1
    for technician in (on_duty, tom):
        assert fix(new_device(technician)[1]).status_code == 200
    assert [fix("wrong").status_code, fix("wrong").status_code] == [400, 429]


def test_a_device_that_sends_without_end_is_slowed_down(on_duty, new_device, doorkeeper):
    doorkeeper.devices.burst, doorkeeper.devices.per_second = 3, 0.1
    _, secret = new_device(on_duty)
    statuses = [fix(secret, seconds_ago=60 - 10 * number).status_code for number in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_owntracks_is_slowed_down_so_that_an_iphone_keeps_its_message(on_duty, new_device, doorkeeper, caplog):
    doorkeeper.devices.burst, doorkeeper.devices.per_second = 1, 0.1
    _, secret = new_device(on_duty, "owntracks")
    location = Example("location", "owntracks", (200, b"[]", JSON), body=OWNTRACKS, content_type=JSON)
    answers = [send(location, secret) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 503]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 10
    caplog.clear()


def test_too_much_at_once_is_refused(on_duty, new_device):
    _, secret = new_device(on_duty)
    large = Example("large", "osmand", (413, b"", None), body=" " * (512 * 1024 + 1), content_type=JSON)
    assert send(large, secret).status_code == 413


def test_no_log_has_the_secret(on_duty, new_device, caplog):
    from config.logs import SecretFilter

    _, secret = new_device(on_duty)
    caplog.handler.addFilter(SecretFilter())
    fix("wrong-secret")
    fix(secret)
    assert "/gps/…/" in caplog.text
    assert secret not in caplog.text
    assert "wrong-secret" not in caplog.text


# What is kept --------------------------------------------------------------------------------------


def test_whoever_is_not_clocked_in_is_not_followed(tess, new_device):
    device, secret = new_device(tess)
    assert fix(secret).status_code == 200
    assert not Position.objects.exists()
    tess.refresh_from_db()
    assert tess.latitude is None
    device.refresh_from_db()
    assert device.first_fix_at, "setting it up succeeds off duty too"


def test_what_was_recorded_off_duty_stays_private_when_it_arrives_on_duty(tess, new_device):
    _, secret = new_device(tess)
    now = timezone.now()
    actions.clock_in(tess, now=now - timedelta(hours=3))
    actions.clock_out(tess, now=now - timedelta(hours=2))
    actions.clock_in(tess, now=now - timedelta(hours=1))
    for minutes in (200, 150, 90, 30):
        assert fix(secret, seconds_ago=60 * minutes, latitude=50 + minutes / 100).status_code == 200
    assert sorted(Position.objects.values_list("latitude", flat=True)) == [50.3, 51.5]


def test_nobody_is_followed_during_a_break_whenever_it_arrives(tess, new_device):
    _, secret = new_device(tess)
    now = timezone.now()
    actions.clock_in(tess, now=now - timedelta(hours=3))
    for begins, ends in ((160, 120), (60, 10)):
        actions.begin_break(tess, now=now - timedelta(minutes=begins))
        actions.end_break(tess, now=now - timedelta(minutes=ends))
    actions.begin_break(tess, now=now - timedelta(minutes=2))
    for minutes in (170, 150, 90, 30, 5, 1):
        assert fix(secret, seconds_ago=60 * minutes, latitude=50 + minutes / 100).status_code == 200
    assert sorted(Position.objects.values_list("latitude", flat=True)) == [50.05, 50.9, 51.7]
    tess.refresh_from_db()
    assert tess.latitude == 50.05


def test_repeated_and_late_fixes_do_no_harm(on_duty, new_device):
    _, secret = new_device(on_duty)
    for seconds_ago, latitude in ((30, 60.3), (900, 60.9), (30, 60.3), (900, 60.5), (600, 60.6), (30, 61)):
        assert fix(secret, seconds_ago=seconds_ago, latitude=latitude).status_code == 200
    on_duty.refresh_from_db()
    assert on_duty.latitude == 60.3
    assert sorted(Position.objects.values_list("latitude", flat=True)) == [60.3, 60.6, 60.9]


def test_the_accuracy_limit_is_the_settings(on_duty, new_device):
    DispatchSettings.load()
    DispatchSettings.objects.update(accuracy_limit_m=50)
    _, secret = new_device(on_duty)
    fix(secret, seconds_ago=40, extra="&accuracy=51")
    fix(secret, extra="&accuracy=50")
    assert Position.objects.count() == 1


def test_inactive_technicians_are_not_followed(on_duty, new_device):
    _, secret = new_device(on_duty)
    type(on_duty).objects.update(is_active=False)
    assert fix(secret).status_code == 200
    assert not Position.objects.exists()


def test_one_traccar_server_speaks_for_all_its_devices(on_duty, tom, new_device):
    actions.clock_in(tom, now=timezone.now() - timedelta(hours=1))
    _, secret = new_device(on_duty, "traccar", unique_id="123456")
    new_device(tom, "traccar", unique_id="van-7")
    for unique_id in ("123456", "van-7", "nobody's"):
        example = Example("", "traccar", (200, b"", None), body=TRACCAR.replace("123456", unique_id), content_type=JSON)
        assert send(example, secret).status_code == 200
    assert set(Position.objects.values_list("technician", flat=True)) == {on_duty.pk, tom.pk}
    assert Position.objects.count() == 2


# What is said of a device --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "example", "trouble"),
    [
        (
            "owntracks",
            Example("", "", (), body='{"_type":"encrypted","data":"x"}', content_type=JSON),
            "encryption key",
        ),
        ("owntracks", KNOCKS[0], "not what OwnTracks sends"),
        ("osmand", Example("", "", (), query="lat=1&lon=1"), "sends no id"),
        ("osmand", Example("", "", (), query="id=1&lat=1&lon=1&timestamp=2140000000"), "clock is wrong"),
    ],
)
def test_a_trouble_is_said_until_it_is_over(client, example, trouble, on_duty, new_device):
    device, secret = new_device(on_duty, client)
    send(example, secret)
    device.refresh_from_db()
    assert trouble in device.trouble
    silent = next(one for one in EXAMPLES if one.client == client and not one.fixes and one.answer[0] == 200)
    send(silent, secret)
    device.refresh_from_db()
    assert trouble in device.trouble, "a sign of life does not end it"
    good = next(one for one in EXAMPLES if one.client == client and one.fixes)
    send(good, secret)
    device.refresh_from_db()
    assert device.trouble == ""


def test_boards_are_told_of_the_first_fix_only(on_duty, new_device, monkeypatch, django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr("dispatch.actions.devices.realtime.publish", lambda event, **rest: told.append(event))
    _, secret = new_device(on_duty)
    told.clear()
    for seconds_ago in (90, 60, 30):
        fix(secret, seconds_ago=seconds_ago)
    assert told.count("technician-changed") == 1


def test_an_address_is_kept_only_as_a_hash(tess, new_device):
    device, secret = new_device(tess)
    assert device.secret_hash == hash_of(secret)
    assert secret not in json.dumps(list(Device.objects.values()), default=str)
    assert len(secret) == 43


# Many ----------------------------------------------------------------------------------------------


def posts_of(people, new_device, *, seconds_ago=10):
    from dispatch.actions.positions import Post
    from technicians.gps.messages import Message
    from technicians.gps.protocols import hear

    at = int(timezone.now().timestamp()) - seconds_ago
    secrets = [new_device(technician)[1] for technician in people]
    messages = [Message(f"id=1&lat=60&lon=3{number}&timestamp={at}") for number, _ in enumerate(secrets)]
    return [Post(hash_of(secret), hear(message)) for secret, message in zip(secrets, messages, strict=True)]


@pytest.mark.parametrize("count", [2, 9])
def test_many_fixes_take_as_many_statements_as_few(count, on_duty, new_device, django_assert_num_queries):
    from tests.factories import TechnicianFactory

    people = [on_duty, *TechnicianFactory.create_batch(count - 1)]
    for technician in people[1:]:
        actions.clock_in(technician, now=timezone.now() - timedelta(hours=1))
    posts = posts_of(people, new_device)
    DispatchSettings.load()
    with django_assert_num_queries(14):
        received = actions.receive_posts(posts, now=timezone.now())
    assert received.moved == {technician.pk for technician in people}
    assert Position.objects.count() == count


def test_one_post_that_cannot_be_stored_does_not_keep_out_the_others(on_duty, tom, new_device, monkeypatch, caplog):
    posts = posts_of([on_duty, tom], new_device)
    really = actions.receive_posts

    def fails_on_toms(given, *, now):
        if posts[1] in given:
            raise ValueError("a bug")
        return really(given, now=now)

    monkeypatch.setattr(actions, "receive_posts", fails_on_toms)
    monkeypatch.setattr(intake, "close_old_connections", lambda: None)
    received = intake.receive(posts)
    assert [answer.status for answer in received.answers] == [200, 503]
    assert Position.objects.get().technician == on_duty
    caplog.clear()


def test_with_the_database_away_it_is_to_be_sent_again(monkeypatch):
    from django.db import OperationalError

    def fails(given, *, now):
        raise OperationalError("gone")

    monkeypatch.setattr(actions, "receive_posts", fails)
    monkeypatch.setattr(intake, "close_old_connections", lambda: None)
    (answer,) = intake.receive([None]).answers
    assert (answer.status, answer.retry_after) == (503, 5)


# Nonsense ------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    client=st.sampled_from(["osmand", "owntracks", "traccar"]),
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"]),
    query=st.text(max_size=60) | st.sampled_from([one.query for one in EXAMPLES if one.query]),
    body=st.binary(max_size=200) | st.sampled_from([one.body.encode() for one in EXAMPLES if one.body]),
    content_type=st.sampled_from([JSON, FORM, "", "text/plain", "multipart/form-data; boundary=x"]),
    cut=st.integers(0, 400),
    odd=st.sampled_from(["", "\0", "1e400", "NaN", "9" * 40, "null", "[]", "-1", "\ud800"]),
)
def test_whatever_comes_is_answered(on_duty, new_device, many, client, method, query, body, content_type, cut, odd):
    """Also what is nearly right: an example cut short, with something odd where numbers are."""
    body = body[:cut].replace(b"60", odd.encode("utf-8", "surrogatepass")) if odd else body[:cut]
    query = query.replace("60", odd).encode("utf-8", "surrogatepass").decode("latin-1")
    url = reverse("gps", args=[many[client]])
    answer = Client().generic(method, url, body, content_type=content_type, QUERY_STRING=query)
    assert answer.status_code in (200, 400, 404)
    assert send(Example("", "", (), method, body="", content_type=content_type), "²odd").status_code < 500


@pytest.fixture
def many(on_duty, new_device, doorkeeper):
    doorkeeper.strangers.burst = 10**6
    return {client: new_device(on_duty, client)[1] for client in ("osmand", "owntracks", "traccar")}
