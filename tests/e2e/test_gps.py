"""Devices' messages over HTTP to the running server, as their clients send them."""

import http.client
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from django.utils import timezone

from dispatch import actions
from technicians.models import Position, Technician
from tests.e2e.live import in_thread
from tests.gps_examples import EXAMPLES, FORM, JSON, Example


@pytest.fixture
def on_duty(tess):
    in_thread(actions.clock_in, tess, now=timezone.now() - timedelta(hours=1))
    return tess


@pytest.fixture
def secrets(on_duty, omar):
    kinds = ("osmand", "owntracks", "traccar")
    return {kind: in_thread(actions.add_device, on_duty, kind, by=omar).secret for kind in kinds}


def send(site, example: Example, secret: str, *, url=None):
    connection = http.client.HTTPConnection(urlsplit(url or site.url).netloc, timeout=20)
    headers = {"Content-Type": example.content_type} if example.content_type else {}
    path = f"/gps/{secret}/" + (f"?{example.query}" if example.query else "")
    connection.request(example.method, path, example.body.encode() or None, headers)
    response = connection.getresponse()
    answer = (response.status, response.read(), response.getheader("Content-Type"))
    connection.close()
    return answer


def test_every_example_is_answered_as_its_client_understands(live_site, secrets):
    now = timezone.now()
    for number, example in enumerate(EXAMPLES):
        Position.objects.all().delete()
        # Apart in time, for of two fixes at the same moment only one is kept; the examples are continents apart.
        filled = example.filled(now - timedelta(minutes=59) + timedelta(seconds=50 * number))
        Technician.objects.update(latitude=None, longitude=None, accuracy_m=None, position_at=None)
        assert send(live_site, filled, secrets[example.client]) == example.answer, example.name
        assert Position.objects.count() == example.fixes, example.name


def test_wrong_secrets_get_the_same_answer_in_about_the_same_time(live_site, secrets, on_duty, omar):
    revoked = in_thread(actions.add_device, on_duty, "osmand", by=omar)
    in_thread(actions.revoke_device, revoked.device, by=omar)
    knock = Example("knock", "osmand", (400, b"", None), query="id=1&lat=1&lon=1")
    wrong = {"unknown": "x" * 43, "revoked": revoked.secret, "another client's": secrets["owntracks"]}
    took = {name: [] for name in wrong}
    send(live_site, knock, secrets["owntracks"])  # the first tells the device's page of the trouble
    for _ in range(8):
        for name, secret in wrong.items():
            begun = time.perf_counter()
            assert send(live_site, knock, secret) == knock.answer
            took[name].append(time.perf_counter() - begun)
    quickest = [min(times) for times in took.values()]
    assert max(quickest) - min(quickest) < 0.02, took


def test_of_many_at_once_none_is_lost(live_site, secrets, on_duty):
    """To all web processes, in any order, each twice."""
    now = timezone.now()
    jobs = [
        (
            Example(
                "fix", "osmand", (200, b"", None), body=f"id=1&lat={60 + number / 1000}&lon=30&timestamp={at}",
                content_type=FORM,
            ),
            live_site.urls[number % len(live_site.urls)],
        )
        for number in range(120)
        for at in [int((now - timedelta(minutes=50)).timestamp()) + 20 * number]
    ]  # fmt: skip
    with ThreadPoolExecutor(16) as pool:
        sent = jobs[::2] + jobs[::-1]
        answers = list(pool.map(lambda job: send(live_site, job[0], secrets["osmand"], url=job[1]), sent))
    assert set(answers) == {(200, b"", None)}
    assert Position.objects.count() == 120
    on_duty.refresh_from_db()
    assert on_duty.latitude == pytest.approx(60.119)
    assert on_duty.position_at == Position.objects.latest().recorded_at


def test_whatever_is_sent_gets_an_answer_and_no_server_error(live_site, secrets):
    """Random bytes, and examples cut short or with something odd in them; on one connection, as a client would."""
    chance = random.Random(11)
    odd = ["\0", "1e400", "NaN", "9" * 40, "null", "[]", "-1", '"', "%ff", "\u00b2"]
    connection = http.client.HTTPConnection(urlsplit(live_site.url).netloc, timeout=20)
    for number in range(90):
        example = chance.choice(EXAMPLES).filled(timezone.now())
        body, query = example.body, example.query
        if number % 3:
            spot, what = chance.randrange(1 + len(body)), chance.choice(odd)
            body = body[:spot] + what + body[spot + chance.randrange(9) :]
            query = query.replace(chance.choice("0123456789"), quote(what))
        raw = chance.randbytes(80) if number % 10 == 0 else body.encode()
        method = chance.choice(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"])
        kind = chance.choice([example.content_type, JSON, FORM, "text/plain", ""])
        path = f"/gps/{secrets[chance.choice(sorted(secrets))]}/" + (f"?{query}" if query else "")
        connection.request(method, path, raw, {"Content-Type": kind} if kind else {})
        response = connection.getresponse()
        response.read()
        assert response.status in (200, 400, 404), (method, path, raw)
    connection.close()


def test_a_body_that_is_too_large_is_refused_and_no_log_has_the_secret(live_site, secrets):
    large = Example("large", "osmand", (413, b"", None), body="x" * (512 * 1024 + 1), content_type=FORM)
    assert send(live_site, large, secrets["osmand"]) == large.answer
    for path in live_site.folder.glob("*.log"):
        assert not any(secret in path.read_text() for secret in secrets.values())
