"""Predicted arrivals and the map by road: from what a server has told, never waiting for what it has not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import arrivals, realtime
from dispatch.models import Arrival, Job, KnownLeg, Status, TravelServer
from dispatch.tasks import forget_old_data, learn_roads
from dispatch.travel import known_roads, road_shapes, server
from dispatch.travel.configured import great_circle, travel_times
from technicians.models import Technician
from tests.dispatch.board_page import at
from tests.factories import SiteFactory, make_job
from tests.road_server import METRES_A_SECOND, RoadServer, metres

HOME, FIRST, SECOND = (40.1, -75.1), (40.15, -75.15), (40.18, -75.12)


@pytest.fixture
def osrm(settings, monkeypatch):
    monkeypatch.setattr(server, "PAUSE_SECONDS", 0.001)
    found = RoadServer()
    settings.OSRM_URL = found.url
    yield found
    found.stop()


@pytest.fixture
def queued(monkeypatch):
    """The calls of learn_roads that a worker would get."""
    calls = []
    monkeypatch.setattr(known_roads, "enqueue_each", lambda task, some: calls.extend(some))
    return calls


@pytest.fixture(autouse=True)
def tess_at_home(tess):
    tess.home_latitude, tess.home_longitude = HOME
    tess.save()


@pytest.fixture
def jobs(omar, tess):
    """Two of tomorrow: from home to one and on to the other."""

    def make(offset=1, **fields):
        return [
            make_job(
                Status.ASSIGNED,
                by=omar,
                technician=tess,
                site=SiteFactory(latitude=place[0], longitude=place[1]),
                scheduled_on=timezone.localdate() + timedelta(days=offset),
                planned_starts_at=at(10 + 2 * number, offset),
                **fields,
            )
            for number, place in enumerate((FIRST, SECOND))
        ]

    return make


def minutes(origin, target) -> int:
    return -int(-metres(origin, target) / METRES_A_SECOND // 60)


def travel_of(job) -> int:
    return Arrival.objects.get(job=job).travel_minutes


def on_the_road(tess, place, now):
    Technician.objects.filter(pk=tess.pk).update(latitude=place[0], longitude=place[1], position_at=now)


def test_without_a_server_nothing_is_asked_and_nothing_looked_up(jobs, queued):
    jobs()
    assert queued == []


def test_arrival_is_estimated_at_once_and_by_road_as_soon_as_it_is_known(osrm, jobs, queued):
    first, second = jobs()
    assert osrm.asked == []  # nobody has waited
    assert travel_of(first) == great_circle().leg(HOME, FIRST).minutes
    for call in queued:
        learn_roads(*call)
    assert travel_of(first) == minutes(HOME, FIRST)
    assert travel_of(second) == minutes(FIRST, SECOND)


def test_roads_that_are_known_are_not_asked_for_again(osrm, jobs, queued, tess):
    jobs()
    for call in queued:
        learn_roads(*call)
    queued.clear()
    arrivals.refresh([tess.pk], now=timezone.now())
    assert queued == []


def test_what_the_server_cannot_tell_is_not_asked_for_in_a_circle(osrm, jobs, queued):
    osrm.at_sea |= {HOME, FIRST, SECOND}
    jobs()
    calls = list(queued)
    queued.clear()
    for call in calls:
        assert learn_roads(*call) == 0
    assert queued == []


def test_while_the_server_is_away_nobody_asks(osrm, jobs, queued):
    TravelServer.objects.create(provider="osrm", failed_at=timezone.now(), failure="did not answer")
    jobs()
    assert queued == []


def test_prediction_of_a_plan_takes_the_minutes_of_its_matrix(osrm, jobs, queued, tess):
    now = timezone.now()
    seconds = travel_times(now=now).matrix([HOME, FIRST, SECOND], at=now).seconds
    first, second = jobs()
    assert (travel_of(first), travel_of(second)) == (seconds[0, 1] / 60, seconds[1, 2] / 60)
    for call in queued:  # of these only the roads are missing
        learn_roads(*call)
    assert (travel_of(first), travel_of(second)) == (seconds[0, 1] / 60, seconds[1, 2] / 60)


def test_whoever_is_half_way_has_half_of_the_road_left(osrm, jobs, queued, tess):
    now = timezone.now()
    first, _ = jobs(offset=0)
    for call in queued:
        learn_roads(*call)
    osrm.asked.clear()
    half_way = tuple((a + b) / 2 for a, b in zip(HOME, FIRST, strict=True))
    on_the_road(tess, half_way, now)
    arrivals.refresh([tess.pk], now=now)
    assert travel_of(first) == pytest.approx(metres(HOME, FIRST) / METRES_A_SECOND / 60 / 2, abs=1)
    assert osrm.asked == []
    assert all(pair in {(key(HOME), key(FIRST)), (key(FIRST), key(SECOND))} for call in queued for pair in call[0])


def key(place) -> str:
    return f"{place[0]:.5f},{place[1]:.5f}"


def test_preview_goes_by_the_same_roads_and_asks_for_none(osrm, jobs, queued, tess):
    _, second = jobs()
    for call in queued:
        learn_roads(*call)
    queued.clear()
    osrm.asked.clear()
    _, after = arrivals.what_if(
        second, technician=tess, day=second.scheduled_on, starts_at=at(12, 1), now=timezone.now()
    )
    assert [one.travel_minutes for one in after] == [minutes(HOME, FIRST), minutes(FIRST, SECOND)]
    assert osrm.asked == queued == []


def test_queries_do_not_grow_with_the_route(osrm, omar, tess, queued):
    def add(count):
        for number in range(count):
            site = SiteFactory(latitude=40 + Job.objects.count() / 100, longitude=-75)
            make_job(
                Status.ASSIGNED,
                by=omar,
                technician=tess,
                site=site,
                planned_starts_at=at(8, 1) + timedelta(minutes=number),
                scheduled_on=at(8, 1).date(),
            )

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            arrivals.refresh([tess.pk], now=timezone.now())
        return len(found)

    add(3)
    arrivals.refresh([tess.pk], now=timezone.now())
    few = queries()
    add(20)
    arrivals.refresh([tess.pk], now=timezone.now())
    assert queries() == few


def test_map_hears_that_there_are_roads_to_draw(osrm, jobs, queued, tess, monkeypatch):
    jobs()
    told = []
    monkeypatch.setattr(realtime, "publish", lambda event, **options: told.append(event))
    for call in queued:
        learn_roads(*call)
    assert "technician-changed" in told


def test_roads_are_forgotten_after_a_month(osrm, jobs, queued):
    jobs()
    for call in queued:
        learn_roads(*call)
    assert forget_old_data()["roads"] == 0
    KnownLeg.objects.update(told_at=timezone.now() - KnownLeg.KEPT - timedelta(hours=1))
    assert forget_old_data()["roads"] == 2
    assert not KnownLeg.objects.exists()


# The map ------------------------------------------------------------------------------------------


def roads_on_map(client, user, query=""):
    client.force_login(user)
    return client.get(reverse("map_data") + query).json()["roads"]


def test_map_draws_the_roads_of_the_day(client, omar, osrm, jobs, queued, tess):
    first, second = jobs(offset=0)
    assert roads_on_map(client, omar) == []
    for call in queued:
        learn_roads(*call)
    osrm.asked.clear()
    from_home, between = sorted(roads_on_map(client, omar))
    assert from_home[:3] == [tess.pk, 0, first.pk]
    assert between[:3] == [tess.pk, first.pk, second.pk]
    assert road_shapes.decode(between[3]) == RoadServer.road(FIRST, SECOND)
    assert osrm.asked == []


def test_map_without_a_server_has_no_roads(client, omar, jobs):
    jobs(offset=0)
    assert roads_on_map(client, omar) == []


def test_home_of_a_technician_is_given_away_by_no_road(client, dana, omar, osrm, jobs, queued, tess, tom, north):
    """Dana's map has roads only of jobs and technicians that it shows."""
    jobs(offset=0)
    for call in queued:
        learn_roads(*call)
    tess.zones.clear()
    assert {road[0] for road in roads_on_map(client, dana)} <= {
        one["pk"] for one in client.get(reverse("map_data")).json()["technicians"]
    }
