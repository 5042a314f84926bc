"""A plan by road: what comes of it when the server for travel times answers, is away or talks nonsense."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.models import KnownLeg, Plan, Status
from dispatch.travel import server
from technicians.models import WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, make_job
from tests.road_server import METRES_A_SECOND, RoadServer, metres

DAY = date(2037, 12, 1)
NOW = timezone.make_aware(datetime.combine(date(2037, 11, 30), time(9)))
HOME = (40.05, -75.2)

pytestmark = pytest.mark.django_db


@pytest.fixture
def osrm(settings, monkeypatch):
    monkeypatch.setattr(server, "PAUSE_SECONDS", 0.001)
    found = RoadServer()
    settings.OSRM_URL = found.url
    yield found
    found.stop()


@pytest.fixture
def ana(north):
    technician = TechnicianFactory(user__username="ana", zones=[north], home_latitude=HOME[0], home_longitude=HOME[1])
    for weekday in range(7):
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return technician


@pytest.fixture
def jobs(dana, north):
    places = [(40.06, -75.19), (40.07, -75.17), (40.04, -75.15)]
    return [
        make_job(
            Status.CREATED,
            by=dana,
            now=NOW,
            duration_minutes=15,
            scheduled_on=DAY,
            site=SiteFactory(latitude=a, longitude=b, zone=north),
        )
        for a, b in places
    ]


def planned(ana, dana, *, now=NOW) -> Plan:
    plan = actions.ask_for_plan(Plan.Kind.DAY, DAY, [ana], by=dana, now=now, seconds=1)
    plan = actions.work_out_plan(plan.pk, now=now, iterations=30) or plan
    return Plan.objects.get(pk=plan.pk)


def minutes(origin, target) -> int:
    return -int(-metres(origin, target) / METRES_A_SECOND // 60)


def test_plan_has_the_times_and_shapes_of_the_roads(osrm, ana, dana, jobs):
    plan = planned(ana, dana)
    assert (plan.state, plan.notice) == ("proposed", "")
    (route,) = plan.result["routes"]
    way = [HOME, *(tuple(stop["place"]) for stop in route["stops"])]
    assert [stop["travel_minutes"] for stop in route["stops"]] == [minutes(*leg) for leg in pairwise(way)]
    assert len(route["shape"]) > len(way)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (lambda handler, answer: handler.send({}, status=500), "answered with an error (500)"),
        (lambda handler, answer: handler.send({**answer, "durations": None}), "gave answers that make no sense"),
    ],
    ids=["an error", "null durations"],
)
def test_plan_is_worked_out_all_the_same_and_says_how(osrm, ana, dana, jobs, trouble, words):
    osrm.trouble = trouble
    plan = planned(ana, dana)
    assert plan.state == "proposed"
    assert plan.notice.startswith(
        f"The server for travel times (OSRM) {words}. Travel times are estimated from straight-line distances."
    )
    assert len(plan.result["routes"][0]["stops"]) == 3, plan.result["left_out"]
    assert not KnownLeg.objects.filter(shape=None).exists()


def test_once_the_server_is_back_the_plan_goes_by_road(osrm, ana, dana, jobs):
    osrm.trouble = lambda handler, answer: handler.send({}, status=500)
    assert planned(ana, dana).notice
    osrm.trouble = None
    assert planned(ana, dana, now=NOW + timedelta(minutes=2)).notice == ""


def test_job_on_an_island_is_left_out(osrm, ana, dana, jobs):
    osrm.islands.add((jobs[0].site.latitude, jobs[0].site.longitude))
    plan = planned(ana, dana)
    (left,) = plan.result["left_out"]
    assert left["job"] == jobs[0].pk
    assert {reason["kind"] for reason in left["reasons"]} == {"unreachable"}, left


def test_reordering_on_the_page_waits_for_nobody(osrm, ana, dana, jobs):
    plan = planned(ana, dana)
    osrm.asked.clear()
    KnownLeg.objects.all().delete()
    order = [stop["job"] for stop in plan.result["routes"][0]["stops"]]
    route = actions.adjust_route(plan, ana, order[::-1], by=dana, now=NOW)
    assert [stop["job"] for stop in route["stops"]] == order[::-1]
    assert osrm.asked == []
