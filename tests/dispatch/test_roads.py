"""Travel times of OSRM and Valhalla: real HTTP to a server on loopback, and what becomes of every nonsense it says."""

import gzip
import json
import socket
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.urls import reverse

from dispatch.checks import check_travel_servers
from dispatch.models import KnownLeg, PlanningSettings, TravelServer
from dispatch.planning.problem import UNREACHABLE
from dispatch.travel import asking, roads, server
from dispatch.travel.configured import great_circle, travel_times
from dispatch.travel.known_legs import note_answer, note_failure
from tests.road_server import METRES_A_SECOND, RoadServer, metres

NOW = datetime(2026, 3, 9, 12, tzinfo=ZoneInfo("America/New_York"))
PLACES = [(40.7, -74.0), (40.75, -73.95), (40.8, -73.9), (40.72, -73.8), (40.65, -73.97)]
PROVIDERS = {"osrm": "OSRM_URL", "valhalla": "VALHALLA_URL"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def servers(monkeypatch):
    monkeypatch.setattr(server, "PAUSE_SECONDS", 0.001)
    started = []

    def start():
        started.append(RoadServer())
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(params=PROVIDERS)
def road_server(request, servers, settings):
    found = servers()
    setattr(settings, PROVIDERS[request.param], f"{found.url}/")
    found.provider = request.param
    return found


@pytest.fixture
def osrm(servers, settings):
    found = servers()
    settings.OSRM_URL = found.url
    return found


def minutes(origin, target) -> int:
    return int(np.ceil(metres(origin, target) / METRES_A_SECOND / 60))


def circle():
    return great_circle().matrix(PLACES, at=NOW)


# What it says -------------------------------------------------------------------------------------


def test_matrix_is_what_the_server_says(road_server):
    matrix = travel_times(now=NOW).matrix(PLACES, at=NOW)
    for row, origin in enumerate(PLACES):
        for column, target in enumerate(PLACES):
            assert matrix.seconds[row, column] == minutes(origin, target) * 60
            assert matrix.metres[row, column] == pytest.approx(metres(origin, target), abs=1)
    assert matrix.seconds.dtype == matrix.metres.dtype == np.int64
    assert matrix.notice == ""
    assert TravelServer.objects.get(pk=road_server.provider).is_failing is False


def test_leg_and_matrix_agree(road_server):
    travel = travel_times(now=NOW)
    matrix = travel.matrix(PLACES, at=NOW)
    leg = travel.leg(PLACES[0], PLACES[3])
    assert leg.minutes * 60 == matrix.seconds[0, 3]
    assert leg.km == pytest.approx(matrix.metres[0, 3] / 1000, abs=0.01)
    assert travel.leg(None, PLACES[0]) is None and travel.leg(PLACES[0], PLACES[0]).minutes == 0


def test_road_goes_around_the_corner(road_server):
    road = travel_times(now=NOW).shape(PLACES[:3])
    assert road[0] == PLACES[0] and road[-1] == PLACES[2]
    assert (PLACES[1][0], PLACES[0][1]) in road and PLACES[1] in road


def test_place_that_is_an_island_is_unreachable(road_server):
    road_server.islands.add(PLACES[1])
    travel = travel_times(now=NOW)
    for matrix in (travel.matrix(PLACES, at=NOW), travel.matrix(PLACES, at=NOW)):  # told, then known
        assert matrix.seconds[0, 1] == matrix.seconds[1, 2] == matrix.metres[1, 0] == UNREACHABLE
        assert matrix.seconds[1, 1] == 0 and matrix.seconds[0, 2] < UNREACHABLE
        assert matrix.notice == ""
    assert travel.leg(PLACES[0], PLACES[1]) == great_circle().leg(PLACES[0], PLACES[1])
    assert travel.shape(PLACES[:2]) is None
    assert travel.shape(PLACES[:3]) is None


def test_place_at_sea_is_estimated_and_the_others_are_not(road_server):
    road_server.at_sea.add(PLACES[1])
    matrix = travel_times(now=NOW).matrix(PLACES, at=NOW)
    assert matrix.seconds[0, 1] == circle().seconds[0, 1]
    assert matrix.seconds[0, 2] == minutes(PLACES[0], PLACES[2]) * 60
    assert matrix.notice == (
        "No road is known near 1 place. 8 of 20 travel times are estimated from straight-line distances."
    )
    assert not KnownLeg.objects.filter(origin="40.75000,-73.95000").exists()


def test_two_jobs_at_one_site_are_asked_for_once(road_server):
    matrix = travel_times(now=NOW).matrix([PLACES[0], PLACES[1], PLACES[0]], at=NOW)
    assert matrix.seconds[0, 2] == matrix.metres[2, 0] == 0
    assert matrix.seconds[1, 0] == matrix.seconds[1, 2] > 0
    assert road_server.cells == [(2, 2)]


def test_streets_that_are_full_at_that_hour_count_on_roads_too(osrm):
    PlanningSettings.objects.update_or_create(pk=1, defaults={"speed_percent_by_hour": [50] * 24})
    travel = travel_times(now=NOW)
    slow = int(np.ceil(2 * round(metres(PLACES[0], PLACES[2]) / METRES_A_SECOND, 1) / 60))
    assert travel.matrix(PLACES, at=NOW).seconds[0, 2] == slow * 60
    assert travel.leg(PLACES[0], PLACES[2], at=NOW).minutes == slow


def test_many_places_are_asked_for_in_blocks_that_servers_allow(road_server):
    places = [(40 + n / 1000, -74.0) for n in range(130)]
    travel_times(now=NOW).matrix(places, at=NOW)
    most = {"osrm": 10_000, "valhalla": 2_500}[road_server.provider]
    assert all(height * width <= most for height, width in road_server.cells)
    assert sum(height * width for height, width in road_server.cells) == 130 * 130


# What is known ------------------------------------------------------------------------------------


def test_what_is_known_is_not_asked_for_again(road_server):
    first = travel_times(now=NOW).matrix(PLACES, at=NOW)
    road_server.asked.clear()
    again = travel_times(now=NOW).matrix(PLACES, at=NOW)
    assert np.array_equal(first.seconds, again.seconds) and np.array_equal(first.metres, again.metres)
    assert road_server.asked == []


def test_for_a_new_place_only_its_own_ways_are_asked_for(osrm):
    places = [(40 + n / 1000, -74.0) for n in range(100)]
    travel_times(now=NOW).matrix(places[1:], at=NOW)
    osrm.cells.clear()
    travel_times(now=NOW).matrix(places, at=NOW)
    assert sum(height * width for height, width in osrm.cells) <= 99 * 3


def test_what_is_a_month_old_is_asked_for_again(osrm):
    travel_times(now=NOW).matrix(PLACES, at=NOW)
    osrm.asked.clear()
    later = NOW + KnownLeg.KEPT + timedelta(minutes=1)
    travel_times(now=later).matrix(PLACES, at=NOW)
    assert osrm.asked and set(KnownLeg.objects.values_list("told_at", flat=True)) != {NOW}
    assert KnownLeg.objects.outdated(now=later).count() == 0


def test_road_of_a_known_leg_leaves_its_time_as_it_was(osrm):
    travel_times(now=NOW).matrix(PLACES[:2], at=NOW)
    KnownLeg.objects.update(seconds=1234)
    assert travel_times(now=NOW).shape(PLACES[:2])
    leg = KnownLeg.objects.exclude(shape=None).get()
    assert leg.seconds == 1234 and leg.shape
    osrm.asked.clear()
    assert travel_times(now=NOW).shape(PLACES[:2]) and not osrm.asked


def test_legs_of_a_very_large_matrix_are_not_kept(osrm, monkeypatch):
    monkeypatch.setattr(roads, "MOST_PLACES_KEPT", 4)
    assert travel_times(now=NOW).matrix(PLACES, at=NOW).notice == ""
    assert not KnownLeg.objects.exists()


def test_as_many_queries_for_fifty_places_as_for_five(osrm, django_assert_max_num_queries):
    places = [(40 + n / 1000, -74.0) for n in range(50)]
    travel_times(now=NOW).matrix(places, at=NOW)
    with django_assert_max_num_queries(4):  # the settings, and all that is known
        travel_times(now=NOW).matrix(places, at=NOW)


def test_whoever_must_not_wait_gets_what_is_known_and_hears_of_the_rest(osrm):
    travel_times(now=NOW).matrix(PLACES[:4], at=NOW)
    osrm.asked.clear()
    matrix = travel_times(now=NOW, may_wait=False).matrix(PLACES, at=NOW)
    assert matrix.seconds[0, 1] == minutes(PLACES[0], PLACES[1]) * 60
    assert matrix.seconds[0, 4] == circle().seconds[0, 4]
    assert matrix.notice == (
        "The server for travel times (OSRM) has not told them all yet. "
        "8 of 20 travel times are estimated from straight-line distances."
    )
    assert travel_times(now=NOW, may_wait=False).shape(PLACES) is None
    assert osrm.asked == []


# Nonsense -----------------------------------------------------------------------------------------


def table(answer) -> list:
    """The rows of durations, in either protocol."""
    return answer.get("durations") or answer.get("sources_to_targets")


def with_cell(value):
    """One duration is this; the answer's text is written as it is, for JSON has no word for some."""

    def spoil(handler, answer):
        if "durations" in answer:
            answer["durations"][0][1] = "HERE"
        else:
            answer["sources_to_targets"][0][1]["time"] = "HERE"
        handler.send(json.dumps(answer).replace('"HERE"', value).encode())

    return spoil


def changed(change):
    def spoil(handler, answer):
        change(answer)
        handler.send(answer)

    return spoil


def nullify(answer):
    for name in ("durations", "distances", "sources_to_targets"):
        if name in answer:
            answer[name] = None


def every_cell(value):
    def change(answer):
        for row in table(answer):
            for n, cell in enumerate(row):
                row[n] = {**cell, "time": value} if isinstance(cell, dict) else value

    return changed(change)


def sent(body, **options):
    return lambda handler, answer: handler.send(body, **options)


def sleep(handler, answer):
    time.sleep(0.6)
    handler.send(answer)


def hang_up(handler, answer):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_off(handler, answer):
    handler.send(json.dumps(answer).encode()[:50], Content_Length=5000)
    hang_up(handler, answer)


NONSENSE = "gave answers that make no sense"
SILENT = "did not answer"
TROUBLES = {
    "an internal error": (sent({"message": "InternalError"}, status=500), "answered with an error (500)"),
    "a gateway's error": (sent(b"<h1>Bad gateway</h1>", status=502), "answered with an error (502)"),
    "not found": (sent({}, status=404), "answered with an error (404)"),
    "HTML": (sent(b"<html>Welcome</html>", Content_Type="text/html"), NONSENSE),
    "nothing": (sent(b""), NONSENSE),
    "a list": (sent([1, 2]), NONSENSE),
    "brackets without end": (sent(b"[" * 100_000), NONSENSE),
    "no text at all": (sent(b"\xff\xfe\x00"), NONSENSE),
    "a null table": (changed(nullify), NONSENSE),
    "no table": (sent({"code": "Ok"}), NONSENSE),
    "a table of strings": (
        sent({"code": "Ok", "durations": "x", "distances": "y", "sources_to_targets": "z"}),
        NONSENSE,
    ),
    "a row too few": (changed(lambda answer: table(answer).pop()), NONSENSE),
    "a cell too few": (changed(lambda answer: table(answer)[1].pop()), NONSENSE),
    "a time below zero": (with_cell("-5"), NONSENSE),
    "NaN": (with_cell("NaN"), NONSENSE),
    "Infinity": (with_cell("Infinity"), NONSENSE),
    "more than a float holds": (with_cell("1e999"), NONSENSE),
    "an integer of 500 digits": (with_cell("9" * 500), NONSENSE),
    "a time of years": (with_cell("99999999"), NONSENSE),
    "text for a number": (with_cell('"600"'), NONSENSE),
    "true for a number": (with_cell("true"), NONSENSE),
    "no way anywhere": (every_cell(None), "does not know the roads here"),
    "no time at all": (every_cell(0), "does not know the roads here"),
    "compressed": (sent(gzip.compress(b"{}"), Content_Encoding="gzip"), NONSENSE),
    "ten megabytes": (sent(b" " * 10_000_000), "answered with far too much"),
    "too late": (sleep, "was too slow"),
    "byte by byte": (lambda handler, answer: handler.drip(), "was too slow"),
    "hangs up": (hang_up, SILENT),
    "cut off": (cut_off, SILENT),
    "a refusal without a reason": (sent({}, status=400), "refused the question"),
}


@pytest.mark.once
@pytest.mark.parametrize("trouble", TROUBLES)
def test_nonsense_is_noticed_said_and_replaced(trouble, road_server, monkeypatch):
    monkeypatch.setattr(server, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(server, "ANSWER_SECONDS", 0.2)
    road_server.trouble, words = TROUBLES[trouble]
    begun = time.monotonic()
    matrix = travel_times(now=NOW).matrix(PLACES, at=NOW)
    assert time.monotonic() - begun < 15  # byte by byte it would take forty seconds
    assert np.array_equal(matrix.seconds, circle().seconds) and np.array_equal(matrix.metres, circle().metres)
    name = {"osrm": "OSRM", "valhalla": "Valhalla"}[road_server.provider]
    assert matrix.notice == (
        f"The server for travel times ({name}) {words}. Travel times are estimated from straight-line distances."
    )
    assert not KnownLeg.objects.exists()
    state = TravelServer.objects.get(pk=road_server.provider)
    assert state.is_failing and state.failure == words


def route(answer) -> dict:
    """Duration and distance, in either protocol."""
    return answer["routes"][0] if "routes" in answer else answer["trip"]["summary"]


def drop_route(answer):
    answer.update({name: None for name in ("routes", "trip") if name in answer})


def with_number(names, value):
    return changed(lambda answer: route(answer).update({name: value for name in names if name in route(answer)}))


TIME, LENGTH = ("duration", "time"), ("distance", "length")
ROUTE_TROUBLES = {
    "an internal error": (sent({"message": "InternalError"}, status=500), "answered with an error (500)"),
    "HTML": (sent(b"<html>Welcome</html>", Content_Type="text/html"), NONSENSE),
    "no route": (changed(drop_route), NONSENSE),
    "an empty answer": (sent({"code": "Ok", "routes": [], "trip": {}}), NONSENSE),
    "null": (with_number(TIME, None), NONSENSE),
    "below zero": (with_number(TIME, -1), NONSENSE),
    "text": (with_number(LENGTH, "far"), NONSENSE),
    "NaN": (with_number(LENGTH, float("nan")), NONSENSE),
    "hangs up": (hang_up, SILENT),
}


@pytest.mark.parametrize("trouble", ROUTE_TROUBLES)
def test_nonsense_instead_of_a_way_leaves_the_straight_line(trouble, road_server):
    road_server.trouble, words = ROUTE_TROUBLES[trouble]
    travel = travel_times(now=NOW)
    assert travel.shape(PLACES[:2]) is None
    assert travel.leg(PLACES[0], PLACES[1]) == great_circle().leg(PLACES[0], PLACES[1])
    assert not KnownLeg.objects.exists()
    assert TravelServer.objects.get().failure == words


def test_no_redirect_is_followed(road_server, servers):
    elsewhere = servers()
    road_server.trouble = sent(b"", status=302, Location=f"{elsewhere.url}/")
    assert "sent us elsewhere" in travel_times(now=NOW).matrix(PLACES, at=NOW).notice
    assert elsewhere.asked == []


def test_server_that_is_not_there_is_missed_quickly(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.OSRM_URL = f"http://127.0.0.1:{taken.getsockname()[1]}"
    begun = time.monotonic()
    matrix = travel_times(now=NOW).matrix(PLACES, at=NOW)
    assert "(OSRM) did not answer" in matrix.notice
    assert time.monotonic() - begun < 3


def test_hiccup_is_tried_again(osrm):
    def once(handler, answer):
        osrm.trouble = None
        handler.send({}, status=503)

    osrm.trouble = once
    assert travel_times(now=NOW).matrix(PLACES, at=NOW).notice == ""
    assert len(osrm.asked) == 2


def test_after_a_failure_nobody_else_waits_for_a_while(osrm):
    osrm.trouble = sent({}, status=500)
    travel_times(now=NOW).matrix(PLACES, at=NOW)
    osrm.asked.clear()
    soon = travel_times(now=NOW + timedelta(seconds=10))
    assert "answered with an error (500)" in soon.matrix(PLACES, at=NOW).notice
    assert soon.shape(PLACES) is None and osrm.asked == []
    osrm.trouble = None
    later = travel_times(now=NOW + TravelServer.REST + timedelta(seconds=5)).matrix(PLACES, at=NOW)
    assert later.notice == "" and not TravelServer.objects.get().is_failing


def test_after_the_first_failure_the_other_blocks_are_not_asked_for(osrm):
    osrm.trouble = sent({}, status=500)
    travel_times(now=NOW).matrix([(40 + n / 1000, -74.0) for n in range(900)], at=NOW)
    assert len(osrm.asked) <= 2 * server.AT_ONCE


def test_what_was_told_before_the_failure_counts_and_is_kept(osrm):
    places = [(40 + n / 1000, -74.0) for n in range(120)]

    def fail_later(handler, answer):
        late = len(osrm.asked) > 1
        handler.send({} if late else answer, status=500 if late else 200)

    osrm.trouble = fail_later
    matrix = travel_times(now=NOW).matrix(places, at=NOW)
    assert matrix.notice.startswith("The server for travel times (OSRM) answered with an error (500). ")
    assert " of 14,280 travel times are estimated" in matrix.notice
    assert 0 < KnownLeg.objects.count() < 14_280


def test_slow_server_is_not_waited_for_without_end(osrm, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", -1)
    assert "was too slow" in travel_times(now=NOW).matrix(PLACES, at=NOW).notice
    assert osrm.asked == []


def test_roads_of_many_routes_are_not_waited_for_without_end_either(osrm, monkeypatch):
    monkeypatch.setattr(roads, "WAYS_SECONDS", 0)
    assert travel_times(now=NOW).shape(PLACES) is None
    assert osrm.asked == [] and TravelServer.objects.get().failure == "was too slow"


@pytest.mark.parametrize("shape", [None, 5, "", "~", "é", "_p~iF", "_p~iF~ps|U", "_p~iF~ps|U_ulLnnqC"])
def test_nonsense_for_a_road_leaves_the_time_and_a_straight_line(shape, osrm):
    def spoil(handler, answer):
        answer["routes"][0]["geometry"] = shape
        handler.send(answer)

    osrm.trouble = spoil
    travel = travel_times(now=NOW)
    assert travel.shape(PLACES[:2]) is None
    assert travel.leg(PLACES[0], PLACES[1]).minutes == minutes(PLACES[0], PLACES[1])
    assert len(osrm.asked) == 1


# The settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["127.0.0.1:5000", "ftp://roads", "http://", "http://roads:x", "http://roads/?key=1"])
@pytest.mark.parametrize("name", PROVIDERS.values())
def test_address_that_is_none_keeps_truckroll_from_starting(name, url, settings):
    setattr(settings, name, url)
    assert [error.id for error in check_travel_servers(None)] == ["dispatch.E002"]


def test_one_server_is_enough(settings):
    assert check_travel_servers(None) == []
    settings.OSRM_URL = "https://roads.example.com/osrm/"
    assert check_travel_servers(None) == []
    settings.VALHALLA_URL = "http://127.0.0.1:8002"
    assert [error.id for error in check_travel_servers(None)] == ["dispatch.E003"]


def shown(client, user) -> str:
    client.force_login(user)
    return " ".join(client.get(reverse("planning_settings")).content.decode().split())


def test_settings_say_where_travel_times_come_from_and_what_is_wrong(client, omar, settings):
    assert "estimated from straight-line distances" in shown(client, omar)
    settings.OSRM_URL = "http://user:secret@127.0.0.1:1"
    assert "come from OSRM, which has not been asked yet" in shown(client, omar)
    note_answer("osrm", now=NOW)
    assert "come from OSRM, which last answered" in shown(client, omar)
    note_failure("osrm", "did not answer", now=NOW + timedelta(minutes=1))
    page = shown(client, omar)
    assert "come from OSRM, but it did not answer" in page
    assert "secret" not in page
