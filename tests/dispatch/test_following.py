"""What follows from positions: moves told in rounds, hints, who is stuck, whose phone is silent."""

import json
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.actions import moves
from dispatch.actions.following import follow
from dispatch.models import DispatchSettings, Job, Notification, SiteVisit, Status
from technicians.models import Break, Device, Position, Technician
from technicians.positions import Fix
from tests.factories import SiteFactory, TechnicianFactory, make_job
from tests.taps import send
from tests.taps import step as step_of

SITE = (40.1, -75.1)
METRE = 1 / 111_195  # of latitude, in degrees


@pytest.fixture(autouse=True)
def noon():
    """Far from midnight, when a day's clock records begin anew."""
    with time_machine.travel(datetime(2026, 11, 20, 17, tzinfo=UTC)):
        yield


@pytest.fixture
def published(monkeypatch):
    """The events: (name, groups, payload)."""
    events = []
    monkeypatch.setattr(
        realtime, "_publish_now", lambda event, groups, payload: events.append((event, set(groups), payload))
    )
    return events


@pytest.fixture
def job(omar, tess, north):
    """Tess is on her way to it since an hour ago."""
    began = timezone.now() - timedelta(hours=1)
    actions.clock_in(tess, now=began)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, site=SiteFactory(latitude=SITE[0], longitude=SITE[1]))
    return actions.change_status(job, Status.EN_ROUTE, by=tess.user, now=began)


def fixes(technician, *steps, job=None, source=Position.Source.OSMAND):
    """Steps are (minutes since the job was begun, metres from the site)."""
    for minutes, metres in steps:
        at = job.en_route_at + timedelta(minutes=minutes)
        fix = Fix(SITE[0] + metres * METRE, SITE[1], at, 10)
        assert actions.take_position(technician, fix, source=source, now=at)


def hint_of(job):
    return Job.objects.select_related("visit").get(pk=job.pk).hint


# Moves --------------------------------------------------------------------------------------------


@pytest.fixture
def timers(monkeypatch):
    """The timers that were set: they go off when the test says so."""
    waiting = []
    monkeypatch.setattr(moves, "later", lambda seconds, call: waiting.append(call))
    return waiting


def told(published, technician):
    found = []
    for name, _, payload in published:
        if name == "technician-moved":
            found += [move for move in payload.get("moves", [payload]) if move["technician"] == technician.pk]
    return found


@pytest.mark.django_db(transaction=True)
def test_a_hundred_fixes_in_a_second_are_few_events_and_the_last_place_wins(tess, published, timers):
    now, begun = timezone.now(), time.monotonic()
    for step in range(100):
        fix = Fix(40.0 + step / 1000, -75.1, now + timedelta(milliseconds=step), accuracy_m=90)
        actions.take_position(tess, fix, source=Position.Source.OSMAND, now=now)
    while timers:
        timers.pop()()
        time.sleep(moves.ROUND_MS / 1000)
    assert len(told(published, tess)) <= 2 + (time.monotonic() - begun)
    assert told(published, tess)[-1]["latitude"] == pytest.approx(40.099)


@pytest.mark.django_db(transaction=True)
def test_rounds_of_several_processes_lose_nobody(north, published, timers):
    crew = TechnicianFactory.create_batch(30, zones=[north])
    where = defaultdict(float)
    now, begun = timezone.now(), time.monotonic()
    for step in range(3):
        for technician in crew:
            where[technician.pk] = 40 + step / 2000 + technician.pk / 1_000_000
            fix = Fix(where[technician.pk], -75.1, now + timedelta(seconds=step))
            actions.take_position(technician, fix, source=Position.Source.OSMAND, now=now)
            if len(timers) > 1:  # each process has its own: this one's goes off amid the fixes of others
                timers.pop(0)()
    while timers:
        timers.pop()()
        time.sleep(moves.ROUND_MS / 1000)
    assert {pk: told(published, t)[-1]["latitude"] for t in crew for pk in [t.pk]} == dict(where)
    seconds = time.monotonic() - begun
    assert all(len(told(published, technician)) <= 2 + seconds for technician in crew)


def test_several_at_once_are_told_in_one_event_a_zone(
    tess, tom, north, south, published, django_capture_on_commit_callbacks
):
    tess.zones.add(south)
    now = timezone.now()
    Technician.objects.update(latitude=40, longitude=-75, position_at=now)
    with django_capture_on_commit_callbacks(execute=True):
        moves.publish_moves([tess.pk, tom.pk])
    heard = {tuple(groups): [move["technician"] for move in payload["moves"]] for _, groups, payload in published}
    groups = [(realtime.zone_group(zone.pk),) for zone in (north, south)]
    assert heard == {groups[0]: [tess.pk], groups[1]: [tess.pk, tom.pk]}


@pytest.mark.django_db(transaction=True)
def test_without_redis_moves_are_told_all_the_same(tess, published, timers, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    now = timezone.now()
    for step in range(20):
        fix = Fix(40 + step / 2000, -75.1, now + timedelta(seconds=step))
        actions.take_position(tess, fix, source=Position.Source.OSMAND, now=now)
    [timer] = timers
    timer()
    assert [move["latitude"] for move in told(published, tess)] == [pytest.approx(40.0095)]


# Cost ---------------------------------------------------------------------------------------------


def test_following_a_hundred_costs_as_many_queries_as_following_one(omar, north):
    now = timezone.now()
    crew = TechnicianFactory.create_batch(100, zones=[north])
    for technician in crew:
        site = SiteFactory(latitude=SITE[0], longitude=SITE[1])
        with realtime.muted():
            make_job(Status.EN_ROUTE, by=omar, technician=technician, site=site)
    Technician.objects.update(latitude=SITE[0], longitude=SITE[1], position_at=now)

    def queries(ids):
        SiteVisit.objects.all().delete()
        with CaptureQueriesContext(connection) as captured, transaction.atomic():
            follow(ids, now=now)
        return len(captured)

    follow([crew[0].pk], now=now)  # DispatchSettings are made
    few, many = queries([crew[0].pk]), queries([technician.pk for technician in crew])
    assert few <= 6
    assert many <= few + 1  # SQLite takes 999 values a statement


@pytest.mark.django_db(transaction=True)
def test_many_moves_are_predicted_by_one_task(omar, tess, north, published):
    far = make_job(Status.ASSIGNED, by=omar, technician=tess, site=SiteFactory(latitude=40.2, longitude=-75.1))
    before, now = far.arrival.travel_minutes, timezone.now()
    assert moves.is_time_to_predict([tess.pk])
    assert not moves.is_time_to_predict([tess.pk])
    Technician.objects.filter(pk=tess.pk).update(latitude=40.15, longitude=-75.1, position_at=now)
    assert actions.predict_moved(now=now) == 1
    assert Job.objects.get(pk=far.pk).arrival.travel_minutes == 13 != before
    assert actions.predict_moved(now=now) == 0
    assert ("job-changed", {realtime.zone_group(far.zone_id)}, {"jobs": [far.pk]}) in published


# Hints --------------------------------------------------------------------------------------------


def test_arriving_is_suggested_and_changes_nothing(job, tess, published, django_capture_on_commit_callbacks):
    fixes(tess, (5, 3000), (10, 60), job=job)
    assert hint_of(job) is None
    with django_capture_on_commit_callbacks(execute=True):
        fixes(tess, (11, 40), job=job)
    assert (hint_of(job).hinted_status, hint_of(job).hinted_at) == (
        Status.IN_PROGRESS,
        job.en_route_at + timedelta(minutes=10),
    )
    assert Job.objects.get(pk=job.pk).status == Status.EN_ROUTE
    groups = {realtime.zone_group(job.zone_id), realtime.user_group(tess.user_id)}
    assert ("job-changed", groups, {"jobs": [job.pk]}) in published


def test_a_phone_that_lies_still_at_the_site_has_arrived(job, tess):
    fixes(tess, (10, 40), job=job)
    now = job.en_route_at + timedelta(minutes=10)
    assert actions.watch_technicians(now=now + timedelta(seconds=59))["settled"] == 0
    assert actions.watch_technicians(now=now + timedelta(seconds=61))["settled"] == 1
    assert hint_of(job).hinted_at == now


def test_technician_takes_the_hint_with_one_tap(client, job, tess):
    fixes(tess, (10, 40), (11, 40), job=job)
    client.force_login(tess.user)
    page = client.get(reverse("phone"))
    assert "You seem to have arrived" in page.text and "Yes, start work" in page.text
    assert "You seem to have arrived" in client.get(reverse("phone_job", args=[job.pk])).text
    send(client, step_of(job, "in_progress"))
    assert Job.objects.get(pk=job.pk).status == Status.IN_PROGRESS
    assert hint_of(job) is None
    assert "You seem to have" not in client.get(reverse("phone")).text


def test_technician_says_not_yet_and_is_not_asked_again(client, job, tess):
    fixes(tess, (10, 40), (11, 40), job=job)
    client.force_login(tess.user)
    client.post(reverse("refuse_hint", args=[job.pk]), {"hinted": "in_progress", "page": "day"})
    fixes(tess, (12, 900), (13, 900), (14, 30), (15, 30), job=job)
    assert hint_of(job) is None
    assert SiteVisit.objects.get(job=job).is_inside
    assert Job.objects.get(pk=job.pk).status == Status.EN_ROUTE


def test_dispatcher_marks_on_site(client, job, tess, dana):
    fixes(tess, (10, 40), (11, 40), job=job)
    client.force_login(dana)
    arrived = timezone.localtime(job.en_route_at + timedelta(minutes=10))
    assert "Tess seems to have arrived" in client.get(reverse("job_drawer", args=[job.pk])).text
    assert f"Arrived {arrived:%H:%M}?" in client.get(reverse("board")).text
    [shown] = [one for one in client.get(reverse("map_data")).json()["technicians"] if one["pk"] == tess.pk]
    assert shown["hint"] == f"seems to have arrived {arrived:%H:%M}"
    answer = client.post(
        reverse("answer_hint", args=[job.pk]),
        {"hinted": "in_progress", "seen": job.seen, "is_taken": "yes"},
        headers={"HX-Request": "true"},
    )
    assert json.loads(answer["HX-Trigger"])["live-jobs"]["jobs"] == [job.pk]
    change = job.status_changes.latest("pk")
    assert (change.to_status, change.actor) == (Status.IN_PROGRESS, dana)


def test_dispatcher_dismisses_what_positions_suggest(client, job, tess, dana):
    fixes(tess, (10, 40), (11, 40), job=job)
    client.force_login(dana)
    client.post(reverse("answer_hint", args=[job.pk]), {"hinted": "in_progress", "seen": job.seen})
    assert hint_of(job) is None
    assert Job.objects.get(pk=job.pk).status == Status.EN_ROUTE
    assert client.post(reverse("answer_hint", args=[job.pk]), {"hinted": "nonsense"}).status_code == 422


def test_leaving_is_suggested_once_the_work_has_begun(job, tess, omar):
    fixes(tess, (10, 40), (11, 40), job=job)
    actions.change_status(job, Status.IN_PROGRESS, by=tess.user, now=job.en_route_at + timedelta(minutes=12))
    fixes(tess, (30, 900), (31, 2000), job=job)
    assert hint_of(job).hinted_status == Status.COMPLETED
    actions.change_status(job, Status.COMPLETED, by=omar)
    actions.watch_technicians()
    assert SiteVisit.objects.get(job=job).hinted_status == ""


def test_hint_is_not_kept_for_another_technician(job, tess, tom, omar):
    fixes(tess, (10, 40), (11, 40), job=job)
    handed = actions.change_status(job, Status.ASSIGNED, technician=tom, by=omar)
    actions.change_status(handed, Status.EN_ROUTE, by=omar)
    assert hint_of(job) is None


def test_setting_lets_arriving_start_the_job(job, tess, django_capture_on_commit_callbacks):
    DispatchSettings.load()
    DispatchSettings.objects.update(changes_status_by_position=True)
    with django_capture_on_commit_callbacks(execute=True):
        fixes(tess, (10, 40), (11, 40), job=job)
    change = job.status_changes.latest("pk")
    assert (change.to_status, change.actor_kind, change.actor) == (Status.IN_PROGRESS, "system", None)
    assert change.note == "Arrived, as the position says."
    assert change.latitude == pytest.approx(SITE[0], abs=0.001)
    with django_capture_on_commit_callbacks(execute=True):
        fixes(tess, (30, 900), (31, 2000), job=job)
    assert Job.objects.get(pk=job.pk).status == Status.IN_PROGRESS
    assert hint_of(job).hinted_status == Status.COMPLETED


# Stuck --------------------------------------------------------------------------------------------


def after(job, minutes):
    return job.en_route_at + timedelta(minutes=minutes)


def test_whoever_gets_no_nearer_is_told_of_once_and_until_they_move_on(client, job, tess, dana, omar):
    fixes(tess, (0, 4000), (10, 3980), job=job)
    assert actions.watch_technicians(now=after(job, 14))["stuck"] == 0
    assert actions.watch_technicians(now=after(job, 16))["stuck"] == 1
    assert actions.watch_technicians(now=after(job, 17))["stuck"] == 0
    notices = Notification.objects.filter(kind="stuck", job=job)
    assert {notice.recipient for notice in notices} == {dana, omar}
    assert notices[0].text == f"Tess is no nearer to {job.number} for 16 min, 4.0 km away."
    client.force_login(dana)
    assert "No nearer since" in client.get(reverse("board"), {"tray": "alerts"}).text
    assert "No nearer for" in client.get(reverse("dashboard")).text
    fixes(tess, (18, 3000), job=job)
    assert "No nearer since" not in client.get(reverse("board"), {"tray": "alerts"}).text
    fixes(tess, (24, 3000), job=job)
    assert actions.watch_technicians(now=after(job, 34))["stuck"] == 1
    assert Notification.objects.filter(kind="stuck", recipient=dana).count() == 2


def test_nobody_is_stuck_on_a_break(job, tess):
    fixes(tess, (0, 4000), (10, 3980), job=job)
    rest = Break.objects.create(clock_record=tess.clock_records.get(clocked_out_at=None), began_at=after(job, 1))
    assert actions.watch_technicians(now=after(job, 16))["stuck"] == 0
    Break.objects.filter(pk=rest.pk).update(ended_at=after(job, 16))
    assert actions.watch_technicians(now=after(job, 20))["stuck"] == 0
    assert actions.watch_technicians(now=after(job, 32))["stuck"] == 1


# Silent -------------------------------------------------------------------------------------------


def silences(user):
    return [notice.text for notice in Notification.objects.filter(kind="phone_silent", recipient=user).order_by("pk")]


def test_a_phone_falls_silent_once_and_is_heard_again(client, job, tess, dana):
    began = job.en_route_at
    fixes(tess, (1, 9000), job=job)
    assert actions.watch_technicians(now=after(job, 20))["silent"] == 0
    assert actions.watch_technicians(now=after(job, 22))["silent"] == 1
    assert actions.watch_technicians(now=after(job, 23))["silent"] == 0
    first = timezone.localtime(began + timedelta(minutes=1))
    assert silences(dana) == [f"Tess's phone is silent since {first:%H:%M}."]
    client.force_login(dana)
    assert "◌ silent" in client.get(reverse("board")).text
    assert f"Phone silent since {first:%H:%M}" in client.get(reverse("technicians")).text
    [shown] = [one for one in client.get(reverse("map_data")).json()["technicians"] if one["pk"] == tess.pk]
    assert shown["silent"] is True
    fixes(tess, (59, 8000), job=job)
    assert "◌ silent" not in client.get(reverse("board")).text
    actions.watch_technicians(now=after(job, 59 + 21))
    assert len(silences(dana)) == 2


def test_nobodys_phone_is_silent_on_a_break_nor_right_after(job, tess):
    fixes(tess, (1, 9000), job=job)
    rest = Break.objects.create(clock_record=tess.clock_records.get(clocked_out_at=None), began_at=after(job, 2))
    assert actions.watch_technicians(now=after(job, 40))["silent"] == 0
    Break.objects.filter(pk=rest.pk).update(ended_at=after(job, 40))
    assert actions.watch_technicians(now=after(job, 45))["silent"] == 0
    assert actions.watch_technicians(now=after(job, 61))["silent"] == 1


def test_only_phones_that_send_by_themselves_can_be_silent(job, tess, tom, dana):
    fixes(tess, (1, 9000), job=job, source=Position.Source.PHONE)
    assert actions.watch_technicians(now=after(job, 50))["silent"] == 0
    device = Device.objects.create(technician=tess, client="osmand", secret_hash="x", created_at=job.en_route_at)
    assert actions.watch_technicians(now=after(job, 50))["silent"] == 0  # not set up yet
    Device.objects.filter(pk=device.pk).update(first_fix_at=job.en_route_at)
    assert actions.watch_technicians(now=after(job, 50))["silent"] == 1


def test_whoever_is_off_duty_is_not_silent_and_has_no_place_on_the_map(client, tess, dana):
    now = timezone.now()
    actions.clock_in(tess, now=now - timedelta(minutes=50))
    at = now - timedelta(minutes=40)
    actions.take_position(tess, Fix(40.1, -75.1, at), source=Position.Source.OSMAND, now=at)
    actions.clock_out(tess, now=now - timedelta(minutes=1))
    assert actions.watch_technicians(now=now)["silent"] == 0
    client.force_login(dana)
    [shown] = [one for one in client.get(reverse("map_data")).json()["technicians"] if one["pk"] == tess.pk]
    assert (shown["latitude"], shown["recorded_at"], shown["label"]) == (None, None, "Off shift")
