"""Several processes that make visits, and some that are killed, on PostgreSQL: each visit is made once and whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from dispatch.models import Job, MaintenancePlan, MaintenanceVisit, StatusChange
from tests.e2e.live import database_url
from tests.factories import make_plan

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
PLANS, DAYS = 10, 8


@contextmanager
def visit_maker():
    """A process that is ready to make visits."""
    env = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.dispatch.visit_maker"],
        cwd=settings.BASE_DIR,
        env=env | {"SECRET_KEY": settings.SECRET_KEY},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def begin(process) -> None:
    process.stdin.write(f"{NOW.isoformat()}\n")
    process.stdin.flush()


@pytest.fixture
def plans(dana, north):
    """Each lacks as many visits as there are days."""
    made = [
        make_plan(by=dana, zone=north, name=f"Plan {number}", now=NOW, rule="FREQ=DAILY", days_ahead=1)
        for number in range(PLANS)
    ]
    MaintenanceVisit.objects.all().delete()
    StatusChange.objects.all()._raw_delete(StatusChange.objects.db)
    Job.objects.all().delete()
    MaintenancePlan.objects.update(days_ahead=DAYS - 1)
    return made


def assert_each_once() -> None:
    visits = Counter(MaintenanceVisit.objects.values_list("plan", flat=True))
    assert visits == dict.fromkeys(MaintenancePlan.objects.values_list("pk", flat=True), DAYS)
    check_is_whole()


def check_is_whole() -> None:
    """Whatever has been committed goes together: a job for each visit, and no job without one."""
    assert not MaintenanceVisit.objects.filter(job=None).exists()
    assert Job.objects.count() == MaintenanceVisit.objects.count()
    assert StatusChange.objects.count() == Job.objects.count()


def test_two_processes_at_once_make_each_visit_once(plans):
    with visit_maker() as one, visit_maker() as other:
        begin(one)
        begin(other)
        made = [int(process.stdout.readline()) for process in (one, other)]
    assert sum(made) == PLANS * DAYS
    assert all(made)  # else this would not show what it says
    assert_each_once()


def test_a_process_that_is_killed_leaves_nothing_half_made_and_the_next_goes_on(plans):
    chance, midway = random.Random(311), 0
    for _ in range(5):
        with visit_maker() as process:
            begin(process)
            time.sleep(chance.uniform(0.1, 0.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
        check_is_whole()
        midway += 0 < MaintenanceVisit.objects.count() < PLANS * DAYS
    assert midway  # else this would not show what it says
    deadline = time.monotonic() + 20  # PostgreSQL may hold what a killed process had locked for a moment longer
    while MaintenanceVisit.objects.count() < PLANS * DAYS:
        assert time.monotonic() < deadline
        with visit_maker() as process:
            begin(process)
            process.stdout.readline()
    assert_each_once()


def test_what_has_to_be_made_later_is_made_later(plans):
    with visit_maker() as process:
        process.stdin.write(f"{(NOW + timedelta(days=1)).isoformat()}\n")
        process.stdin.flush()
        assert int(process.stdout.readline()) == PLANS * (DAYS + 1)
