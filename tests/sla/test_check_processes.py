"""Checks in several processes, and checks that are killed, on PostgreSQL: each breach is recorded and told of once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction

from dispatch import actions
from dispatch.models import Job, Notification, Priority
from dispatch.notices.notify import Kind
from sla.models import Clock, ResponseClock, Violation
from tests.e2e.live import database_url
from tests.factories import JobTypeFactory, SiteFactory

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DUE = MONDAY + 4 * HOUR  # the response of a high job of Monday, 10:00
ROUNDS, EACH_ROUND = 20, 4


class Checker:
    """A process that forks one for each check."""

    def __init__(self):
        env = {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "config.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sla.checker"],
            cwd=settings.BASE_DIR,
            env=os.environ | env | {"SECRET_KEY": settings.SECRET_KEY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, now: datetime) -> None:
        self.process.stdin.write(f"{now.isoformat()}\n")
        self.process.stdin.flush()

    def started(self) -> int:
        word, pid = self.process.stdout.readline().split()
        assert word == "started"
        return int(pid)

    def result(self) -> tuple[int, dict]:
        """Its exit code, and what it says that it did."""
        done = {}
        while not (line := self.process.stdout.readline()).startswith("ended"):
            assert line, "The checker has ended."
            done = json.loads(line)
        return int(line.split()[1]), done

    def check(self, now: datetime) -> dict:
        self.ask(now)
        self.started()
        code, done = self.result()
        assert code == 0
        return done

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def new_checker():
    checkers = []

    def start():
        checkers.append(Checker())
        return checkers[-1]

    yield start
    for checker in checkers:
        checker.stop()


@pytest.fixture
def jobs(dana, omar, north):
    """High, created a minute apart: as many of them come due in each round."""

    def make(count):
        site, kind = SiteFactory(zone=north), JobTypeFactory()
        common = {"site": site, "customer": site.customer, "job_type": kind, "scheduled_on": MONDAY.date()}
        made = [Job(priority=Priority.HIGH, created_at=MONDAY + n * MINUTE, **common) for n in range(count)]
        actions.create_jobs(made, by=dana, now=MONDAY)
        return made

    return make


def assert_each_once(*, due: int) -> None:
    """So many responses are breached: each has one violation, and each recipient was told of each once."""
    breached = set(ResponseClock.objects.filter(state=Clock.State.BREACHED).values_list("pk", flat=True))
    assert len(breached) == due
    violations = Violation.objects.values_list("job", "kind", "told_at")
    assert Counter((job, kind) for job, kind, _ in violations) == {(pk, "response"): 1 for pk in breached}
    assert all(told_at for _, _, told_at in violations)
    assert notices(Kind.SLA_BREACHED) == {(user, pk): 1 for user in ("dana", "omar") for pk in breached}
    warned = ResponseClock.objects.exclude(warned_at=None).values_list("pk", flat=True)
    assert notices(Kind.SLA_AT_RISK) == {(user, pk): 1 for user in ("dana", "omar") for pk in warned}
    assert not ResponseClock.objects.filter(is_at_risk=True, warned_at=None).exclude(pk__in=breached).exists()


def notices(kind: str) -> Counter:
    return Counter(Notification.objects.filter(kind=kind).values_list("recipient__username", "job"))


def test_two_checks_at_once_share_the_work_and_do_nothing_twice(jobs, new_checker):
    jobs(40)
    checkers = [new_checker(), new_checker()]
    for checker in checkers:
        checker.check(MONDAY)  # both have begun
    now = DUE + HOUR
    for checker in checkers:
        checker.ask(now)
    for checker in checkers:
        checker.started()
    (code, one), (other_code, other) = [checker.result() for checker in checkers]
    assert (code, other_code) == (0, 0)
    assert (one["breached"] + other["breached"], one["told"] + other["told"]) == (40, 40)
    assert_each_once(due=40)


def test_a_check_that_is_killed_leaves_nothing_undone_or_done_twice(jobs, new_checker):
    jobs((ROUNDS + 1) * EACH_ROUND)
    checker, chance = new_checker(), random.Random(311)
    first, *due_at = [DUE + (number + 1) * EACH_ROUND * MINUTE for number in range(ROUNDS + 1)]
    checker.check(first - HOUR)
    begun = time.monotonic()
    assert checker.check(first)["breached"] == EACH_ROUND
    usual = time.monotonic() - begun
    midway = 0
    for now in due_at:
        checker.ask(now)
        pid = checker.started()
        time.sleep(chance.uniform(0, usual))
        with suppress(ProcessLookupError):  # it was quicker
            os.kill(pid, signal.SIGKILL)
        code, _ = checker.result()
        assert code in (0, -signal.SIGKILL)
        usual *= 1 if code else 0.8  # it had ended before: so aim earlier
        due = ResponseClock.objects.overdue(now=now).count()
        untold = Violation.objects.filter(told_at=None).count()
        midway += 0 < due < EACH_ROUND or untold > 0
        check_is_whole()
    assert midway >= 3  # of the twenty; else this test would not show what it says
    settle(checker, due_at[-1])
    assert_each_once(due=(ROUNDS + 1) * EACH_ROUND)


def check_is_whole() -> None:
    """Whatever has been committed goes together."""
    breached = set(ResponseClock.objects.filter(state=Clock.State.BREACHED).values_list("pk", flat=True))
    assert set(Violation.objects.values_list("job", flat=True)) == breached
    told = set(Violation.objects.exclude(told_at=None).values_list("job", flat=True))
    assert notices(Kind.SLA_BREACHED) == {(user, pk): 1 for user in ("dana", "omar") for pk in told}


def settle(checker: Checker, now: datetime) -> None:
    """PostgreSQL may hold what a killed process had locked for a moment longer; then the next check does it."""
    deadline = time.monotonic() + 10
    while ResponseClock.objects.overdue(now=now).exists() or Violation.objects.filter(told_at=None).exists():
        assert time.monotonic() < deadline
        checker.check(now)
    checker.check(now)


def test_a_job_in_somebodys_hands_is_passed_over_and_found_by_the_next_check(jobs, new_checker):
    held, _ = jobs(2)
    checker = new_checker()
    with transaction.atomic():
        Job.objects.select_for_update(no_key=True).get(pk=held.pk)
        assert checker.check(DUE + HOUR)["breached"] == 1
    assert checker.check(DUE + HOUR)["breached"] == 1
    assert_each_once(due=2)
