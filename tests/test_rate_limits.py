"""How often one may knock at a door that a secret opens: together at all processes, and without Redis too."""

import os
import subprocess
import sys
import threading
import time

import pytest
from redis.exceptions import ConnectionError as RedisAway

from config import rate_limits
from config.rate_limits import Doorkeeper, Rate

pytestmark = pytest.mark.once


def door(**rates) -> Doorkeeper:
    usual = {"known": Rate(4, 0.01), "address": Rate(3, 0.01)}
    return Doorkeeper("test", **(usual | rates))


@pytest.fixture(params=["redis", "alone"])
def counted(request, monkeypatch):
    """Once with Redis and once without: both count alike."""
    monkeypatch.setattr(rate_limits, "_ask_again_at", time.monotonic() + 3600 if request.param == "alone" else 0.0)
    return request.param


def waits(keeper: Doorkeeper, secrets, *, address="a") -> list[bool]:
    return [keeper.enter(secret, address=address).wait > 0 for secret in secrets]


def test_whoever_guesses_waits_and_others_do_not(counted):
    keeper = door()
    assert waits(keeper, ["1", "2", "3", "4"]) == [False, False, False, True]
    assert keeper.enter("5", address="a").wait in range(90, 101)
    assert waits(keeper, ["6"], address="b") == [False]


def test_right_secret_costs_strangers_at_the_same_address_nothing(counted):
    keeper = door()
    for secret in ("right 1", "right 2", "right 3", "right 4"):
        keeper.learn(keeper.enter(secret, address="a"), is_known=True)
    assert waits(keeper, ["1", "2", "3", "4"]) == [False, False, False, True]
    assert waits(keeper, ["right 1"]) == [False]


def test_known_secret_has_a_limit_of_its_own(counted):
    keeper = door()
    keeper.learn(keeper.enter("right", address="a"), is_known=True)
    assert waits(keeper, ["right"] * 4) == [False, False, False, True]


def test_secret_that_is_known_no_more_is_a_strangers(counted):
    keeper = door()
    keeper.learn(keeper.enter("right", address="a"), is_known=True)
    keeper.learn(keeper.enter("right", address="a"), is_known=False)
    assert waits(keeper, ["right", "right", "right"]) == [False, False, True]


def test_guesses_from_many_addresses_count_together_where_the_door_says_so(counted):
    keeper = door(everyone=Rate(3, 0.01))
    keeper.learn(keeper.enter("right", address="a"), is_known=True)
    guesses = [keeper.enter(f"{n}", address=f"{n}").wait > 0 for n in range(4)]
    assert guesses == [False, False, False, True]
    assert waits(keeper, ["right"]) == [False]


def test_who_has_waited_comes_in(counted):
    keeper = door(address=Rate(1, 50))
    assert waits(keeper, ["1", "2"]) == [False, True]
    time.sleep(0.1)
    assert waits(keeper, ["3"]) == [False]


def test_doors_do_not_count_for_each_other(counted):
    waits(door(), ["1", "2", "3", "4"])
    assert Doorkeeper("other", known=Rate(4, 1), address=Rate(3, 1)).enter("5", address="a").wait == 0


ELSEWHERE = """
import sys, django
django.setup()
from config import rate_limits
rate_limits.PREFIX = sys.argv[1]
keeper = rate_limits.Doorkeeper("test", known=rate_limits.Rate(4, 0.01), address=rate_limits.Rate(3, 0.01))
print([keeper.enter(f"elsewhere {n}", address="a").wait > 0 for n in range(3)])
"""


def test_processes_count_together():
    waits(door(), ["1", "2"])
    own = os.environ | {"DEBUG": "1"}
    command = [sys.executable, "-c", ELSEWHERE, rate_limits.PREFIX]
    done = subprocess.run(command, capture_output=True, text=True, env=own)
    assert done.stdout.strip() == "[False, True, True]", done.stderr


def test_many_at_once_get_no_more_than_there_is(counted):
    keeper, answers = door(address=Rate(20, 0.01)), []

    def guess(name: str) -> None:
        answers.extend(waits(keeper, [f"{name} {n}" for n in range(10)]))

    threads = [threading.Thread(target=guess, args=(f"{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(False) == 20


def test_asking_takes_one_round_trip(monkeypatch):
    asked = []
    ask = rate_limits._ask_redis
    monkeypatch.setattr(rate_limits, "_ask_redis", lambda *args: asked.append(args) or ask(*args))
    keeper = door()
    keeper.learn(keeper.enter("wrong", address="a"), is_known=False)
    assert len(asked) == 1
    keeper.learn(keeper.enter("right", address="a"), is_known=True)
    assert len(asked) == 3, "only the first time that a secret is right takes another"
    keeper.learn(keeper.enter("right", address="a"), is_known=True)
    assert len(asked) == 4


def test_redis_that_is_away_is_not_asked_each_time(monkeypatch, caplog):
    asked = []

    def fail(url):
        asked.append(url)
        raise RedisAway("away")

    monkeypatch.setattr(rate_limits, "_ask_again_at", 0.0)
    monkeypatch.setattr(rate_limits, "_script", fail)
    assert waits(door(), ["1", "2", "3", "4"]) == [False, False, False, True]
    assert len(asked) == 1
    assert "count in this process only" in caplog.text
