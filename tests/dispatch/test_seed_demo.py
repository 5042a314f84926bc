from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.demo import DEMO_LOGINS, DEMO_PASSWORD
from dispatch.demo.area import ZONES
from dispatch.demo.routes import SHIFT, at, shift_start
from dispatch.demo.seed import NotEmpty, seed_demo
from dispatch.models import Customer, Job, Status, StatusChange, User
from dispatch.models.jobs import ACTIVE
from dispatch.roles import Role, role_of
from technicians.models import Technician
from tests.factories import CustomerFactory, UserFactory
from zones.geometry import read_boundary
from zones.models import ServiceZone

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2026, 11, 18)
MIDDAY = datetime(2026, 11, 18, 16, 20, tzinfo=UTC)  # 11:20 in Pittsburgh


@pytest.fixture(autouse=True)
def pittsburgh():
    with timezone.override(NEW_YORK):
        yield


def on_board():
    return Job.objects.for_dispatch_day(DAY, today=DAY)


def fingerprint():
    jobs = Job.objects.order_by("created_at", "site__address").values_list(
        "site__address", "description", "status", "technician__user__username", "planned_starts_at", "created_at"
    )
    log = StatusChange.objects.order_by("happened_at", "job__site__address").values_list("happened_at", "to_status")
    return list(jobs), list(log)


@pytest.mark.once
@pytest.mark.django_db
def test_the_same_seed_makes_the_same_day_and_another_seed_another():
    days = []
    for seed in (7, 7, 8):
        with transaction.atomic():
            seed_demo(day=DAY, seed=seed, now=MIDDAY + timedelta(days=3), technicians=4, jobs=30)
            days.append(fingerprint())
            transaction.set_rollback(True)
    assert days[0] == days[1]
    assert days[0] != days[2]


@pytest.mark.django_db
def test_a_database_in_use_is_left_alone_unless_forced():
    CustomerFactory(name="A real customer")
    with pytest.raises(CommandError, match=r"in use.*--force"):
        call_command("seed_demo")
    assert not Technician.objects.exists()
    assert Customer.objects.count() == 1
    seed_demo(now=MIDDAY, technicians=1, jobs=4, force=True)
    assert Customer.objects.filter(name="A real customer").exists()


@pytest.mark.django_db
def test_a_real_dana_keeps_her_password_and_role():
    UserFactory(username="dana", role=Role.MANAGER, password="her own")
    seed_demo(now=MIDDAY, technicians=3, jobs=10)
    dana = User.objects.get(username="dana")
    assert dana.check_password("her own")
    assert role_of(dana) == Role.MANAGER


@pytest.mark.django_db
def test_a_second_demo_follows_the_first_when_forced():
    size = {"technicians": 4, "jobs": 30}
    seed_demo(now=MIDDAY, **size)
    with pytest.raises(NotEmpty):
        seed_demo(now=MIDDAY, **size)
    seed_demo(now=MIDDAY + timedelta(days=1), force=True, **size)
    assert (ServiceZone.objects.count(), Technician.objects.count()) == (len(ZONES), 4)
    active = Job.objects.filter(status__in=ACTIVE).values_list("scheduled_on", flat=True)
    assert set(active) == {DAY + timedelta(days=1)}


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("technicians, jobs", [(1, 1), (2, 9), (20, 10), (4, 60)])
def test_small_and_uneven_days_are_possible(technicians, jobs):
    assert seed_demo(now=MIDDAY, technicians=technicians, jobs=jobs) == jobs
    assert Technician.objects.count() == technicians


@pytest.mark.django_db
def test_a_day_to_come_is_planned_and_not_begun():
    seed_demo(day=DAY, now=MIDDAY - timedelta(days=2), technicians=3, jobs=30)
    states = Counter(Job.objects.filter(scheduled_on=DAY).values_list("status", flat=True))
    assert set(states) == {Status.CREATED, Status.ASSIGNED, Status.CANCELLED}


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("hour", ["00:20", "03:00", "07:00", "09:45", "14:00", "16:50", "20:00", "23:50"])
def test_at_any_hour_the_demo_looks_like_the_middle_of_a_day(hour):
    now = datetime.combine(DAY, time.fromisoformat(hour), tzinfo=NEW_YORK)
    seed_demo(now=now, technicians=4, jobs=26)
    states = Counter(on_board().values_list("status", flat=True))
    assert set(states) == set(Status)
    assert not StatusChange.objects.filter(happened_at__gt=now).exists()


@pytest.mark.parametrize("hour", range(24))
def test_the_moved_shift_is_under_way(hour):
    moment = at(DAY, time(hour, 40), NEW_YORK)
    begins_at = shift_start(DAY, moment=moment, zone=NEW_YORK)
    assert timedelta(hours=2) <= moment - begins_at <= SHIFT - timedelta(hours=1.5)
    if 10 <= hour <= 13:
        assert begins_at.astimezone(NEW_YORK).time() == time(7, 30)


def test_the_six_zones_meet_without_overlap_or_gap():
    shapes = [read_boundary(zone.as_geojson()).geometry for zone in ZONES]
    whole = shapes[0]
    for shape in shapes[1:]:
        whole = whole.union(shape)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    assert whole.area == pytest.approx(sum(shape.area for shape in shapes))
    assert all(6 <= len(zone.corners) <= 12 for zone in ZONES)
    assert len({zone.colour for zone in ZONES}) == len(ZONES)


@pytest.mark.django_db
def test_the_command_prints_how_to_log_in(capsys):
    call_command("seed_demo", "--day", "2026-11-18", "--technicians", "2", "--jobs", "8", "--seed", "3")
    printed = capsys.readouterr().out
    assert "8 jobs on the board, 2 technicians" in printed
    assert DEMO_PASSWORD in printed
    for username, _ in DEMO_LOGINS:
        assert username in printed


@pytest.mark.django_db
def test_the_command_refuses_a_day_without_anyone():
    with pytest.raises(CommandError, match="at least one"):
        call_command("seed_demo", "--jobs", "0")


@pytest.mark.django_db
def test_seeding_announces_itself_once(django_capture_on_commit_callbacks, monkeypatch):
    events = []
    monkeypatch.setattr(realtime, "_publish_now", lambda event, groups, payload: events.append(event))
    with django_capture_on_commit_callbacks(execute=True):
        seed_demo(now=MIDDAY, technicians=3, jobs=12)
    # Besides, people are told what smart dispatch has to say of the day.
    assert [event for event in events if event != "notified"] == ["board-changed"]


@pytest.mark.django_db
def test_smart_dispatch_has_looked_at_the_seeded_day():
    seed_demo(now=MIDDAY)
    waiting = Job.objects.awaiting_dispatch(today=timezone.localdate(MIDDAY))
    assert waiting.filter(suggestions__state="open").count() >= 2
    assert waiting.exclude(why_unassigned="").exists()
    assert StatusChange.objects.filter(note__startswith="Smart dispatch: ").exists()
