"""The demo's day played forward with a clock that nobody waits for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dispatch import actions
from dispatch.demo.agenda import Agenda, FastClock
from dispatch.demo.play import NoDemo, play_day
from dispatch.demo.seed import seed_demo
from dispatch.models import Job, Status, StatusChange, User
from dispatch.models.jobs import ACTIVE
from dispatch.workflow import TRANSITIONS
from technicians.models import ClockRecord, Position

NEW_YORK = ZoneInfo("America/New_York")
MIDDAY = datetime(2026, 11, 18, 16, 20, tzinfo=UTC)  # 11:20 in Pittsburgh
DAY = MIDDAY.date()
SMALL = {"technicians": 6, "jobs": 24}


class Watch:
    """A real clock that nobody has to wait for. `at` does something once so many seconds have been slept."""

    def __init__(self):
        self.time, self.planned = MIDDAY, []

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        while self.planned and self.planned[0][0] <= self.time:
            self.planned.pop(0)[1]()

    def at(self, seconds: float, do) -> None:
        self.planned.append((MIDDAY + timedelta(seconds=seconds), do))


def play(watch=None, **options) -> list[str]:
    watch, lines = watch or Watch(), []
    play_day(**({"speed": 60, "seed": 1} | options), tell=lines.append, now=watch.now, sleep=watch.sleep)
    return lines


@pytest.fixture(autouse=True)
def pittsburgh():
    with timezone.override(NEW_YORK):
        yield


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker):
    """Seeded once; each test's own transaction lies within this one."""
    with django_db_blocker.unblock(), timezone.override(NEW_YORK), transaction.atomic():
        seed_demo(now=MIDDAY, **SMALL)
        yield
        transaction.set_rollback(True)


def on_board():
    return Job.objects.for_dispatch_day(DAY, today=DAY)


def states() -> Counter:
    return Counter(on_board().values_list("status", flat=True))


def assert_legal(log: list[StatusChange]) -> None:
    steps = [(row.from_status, row.to_status) for row in log]
    assert steps[0] == ("", Status.CREATED)
    assert all(step in TRANSITIONS for step in steps[1:]), steps
    assert all(before[1] == after[0] for before, after in pairwise(steps)), steps
    assert [row.happened_at for row in log] == sorted(row.happened_at for row in log)


def assert_nobody_was_at_two_jobs() -> None:
    at_work: dict[int, int | None] = {}
    for row in StatusChange.objects.order_by("happened_at", "pk"):
        if row.to_status in ACTIVE:
            assert at_work.get(row.to_technician_id) in (None, row.job_id)
            at_work[row.to_technician_id] = row.job_id
        elif at_work.get(row.from_technician_id) == row.job_id:
            at_work[row.from_technician_id] = None


def assert_drives_are_lines_of_positions() -> None:
    driving = StatusChange.objects.filter(to_status=Status.EN_ROUTE, happened_at__gt=MIDDAY, job__site__latitude__gt=0)
    assert driving.count() >= 4
    for left in driving.select_related("job__site"):
        arrived = left.job.status_changes.filter(to_status=Status.IN_PROGRESS, happened_at__gt=left.happened_at).first()
        fixes = Position.objects.filter(technician=left.to_technician_id)
        seconds = (arrived.happened_at - left.happened_at).total_seconds()
        on_the_way = fixes.filter(recorded_at__range=(left.happened_at, arrived.happened_at)).count()
        assert on_the_way >= (seconds - 6) // 4  # one in four minutes of the day, but for a jam at the end
        site = left.job.site
        assert arrived.latitude == pytest.approx(site.latitude, abs=0.0003)
        assert arrived.longitude == pytest.approx(site.longitude, abs=0.0003)


@pytest.mark.django_db
def test_a_whole_day_is_played_to_its_end_by_the_rules(seeded):
    before, watch = states(), Watch()
    lines = play(watch)
    after = states()
    assert after[Status.COMPLETED] >= before[Status.COMPLETED] + 7
    assert not any(after[status] for status in ACTIVE)
    for job in Job.objects.prefetch_related("status_changes"):
        log = list(job.status_changes.all())
        assert_legal(log)
        assert log[-1].to_status == job.status
    assert_nobody_was_at_two_jobs()
    assert_drives_are_lines_of_positions()
    taps = StatusChange.objects.filter(happened_at__gt=MIDDAY, actor_kind=StatusChange.Actor.TECHNICIAN)
    assert taps.count() >= 20
    assert not taps.filter(latitude=None).exists()
    told = "\n".join(lines)
    dispatching = ("Urgent call", " gives ", " moves ", " on hold", " cancels ")
    assert [words for words in dispatching if words not in told] == []
    working = (" sets out", " starts ", " completes ", " takes a break ", " goes on ", " home early", " clocks out")
    assert [words for words in working if words not in told] == []
    # Many hours passed on its own clock, minutes on everybody else's, and nothing lies ahead of that.
    assert timedelta(minutes=3) < watch.time - MIDDAY < timedelta(minutes=25)
    assert not StatusChange.objects.filter(Q(happened_at__gt=watch.time) | Q(received_at__gt=watch.time)).exists()
    assert not Position.objects.filter(recorded_at__gt=watch.time).exists()
    assert not ClockRecord.objects.filter(clocked_out_at__gt=watch.time).exists()


@pytest.mark.once
@pytest.mark.django_db
def test_the_same_seed_plays_the_same_day_and_another_seed_another(seeded):
    played = []
    for seed in (3, 3, 4):
        with transaction.atomic():
            play(seed=seed, minutes=1)
            rows = StatusChange.objects.filter(happened_at__gt=MIDDAY).order_by("happened_at", "pk")
            played.append(
                list(rows.values_list("to_status", "job__description", "actor__username", "latitude", "note"))
            )
            transaction.set_rollback(True)
    assert len(played[0]) >= 8
    assert played[0] == played[1]
    assert played[0] != played[2]


@pytest.mark.once
@pytest.mark.django_db
def test_a_dispatcher_at_a_screen_is_obeyed_and_a_stopped_play_goes_on(seeded):
    """Jobs are put on hold mid-drive, cancelled mid-work and taken away; whoever had them does something else."""
    dora, watch, touched = User.objects.get(username="dora"), Watch(), []

    def interfere():
        for job in Job.objects.filter(status=Status.EN_ROUTE).order_by("pk")[:1]:
            touched.append(actions.hold_job(job, "Stop, the customer rang", by=dora, now=watch.now()))
        for job in Job.objects.filter(status=Status.IN_PROGRESS).order_by("pk")[:1]:
            note = "The wrong house"
            touched.append(actions.change_status(job, Status.CANCELLED, by=dora, note=note, now=watch.now()))
        for job in Job.objects.filter(status=Status.ASSIGNED, scheduled_on=DAY).order_by("pk")[:2]:
            touched.append(actions.unassign_job(job, by=dora, now=watch.now()))

    for seconds in (1, 15, 30):
        watch.at(seconds, interfere)
    play(watch, minutes=1)
    assert on_board().filter(status__in=ACTIVE).exists()
    play(watch)
    assert not on_board().filter(status__in=ACTIVE).exists()
    assert len(touched) >= 8
    assert any(job.is_on_hold for job in touched)
    for job in touched:
        assert_legal(list(job.status_changes.all()))
    assert_nobody_was_at_two_jobs()


def test_a_refusal_is_told_and_the_next_thing_happens():
    told = []

    def refuse():
        raise actions.ActionRefused("J-000001 is Completed.")

    agenda = Agenda(FastClock(speed=60, now=Watch().now, sleep=lambda seconds: None), seed=1, tell=told.append)
    agenda.after(1, refuse)
    agenda.after(2, lambda: agenda.tell("Something else"))
    assert agenda.run()
    assert [line[7:] for line in told] == ["Not possible: J-000001 is Completed.", "Something else"]


def test_waiting_alone_ends_the_play():
    watch, looks = Watch(), []
    agenda = Agenda(FastClock(speed=60, now=watch.now, sleep=watch.sleep), seed=1, tell=print)

    def look():
        looks.append(agenda.clock.time)
        agenda.after(10, look, is_idle=True)

    look()
    assert agenda.run()
    assert 5 <= len(looks) <= 8


def test_a_fast_clock_sleeps_the_shortened_time_and_no_longer_than_it_may():
    watch, slept = Watch(), []
    clock = FastClock(
        speed=60, now=lambda: watch.time, sleep=lambda seconds: (slept.append(seconds), watch.sleep(seconds))
    )
    assert clock.wait_for(MIDDAY + timedelta(minutes=10), until=None)
    assert slept == [10]
    assert clock.time == MIDDAY + timedelta(minutes=10)
    assert not clock.wait_for(MIDDAY + timedelta(hours=10), until=MIDDAY + timedelta(seconds=25))
    assert slept == [10, 15]


@pytest.mark.django_db
def test_people_who_are_not_of_the_demo_are_left_alone(seeded):
    User.objects.filter(username__in=("dana", "dora")).update(email="dana@a-real-company.example")
    with pytest.raises(NoDemo):
        play()
    with pytest.raises(CommandError, match="no demo"):
        call_command("play_demo")


@pytest.mark.django_db
def test_a_speed_of_nothing_is_refused(seeded):
    with pytest.raises(CommandError, match="above 0"):
        call_command("play_demo", "--speed", "0")
