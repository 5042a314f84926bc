"""The search for the best plan: right about times and costs, on time, and stopped when asked."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings

from dispatch.planning.check import faults_of
from dispatch.planning.decomposition import load
from dispatch.planning.problem import Problem, Solution
from dispatch.planning.repair import repaired
from dispatch.planning.ruin import IMPOSSIBLE, POINTS, points_of, routes_of, search, state_of
from dispatch.planning.solver import solve
from dispatch.planning.tables import tables_of
from dispatch.planning.timetable import cost_of, timetable, total_cost
from tests.dispatch.planning.strategies import Day, Dice, days, planned_days, roll_day, with_a_plan

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    load()


@pytest.fixture(scope="module")
def crowded() -> Problem:
    """Six technicians, sixty jobs, today's plan."""
    chance = Dice(3)
    return with_a_plan(chance, roll_day(chance, 60, 6, gaps=False), pins=True).problem


# The compiled search and timetable.py ---------------------------------------------------------------


@given(days(stops=(1, 8), people=(1, 3)))
@settings(max_examples=150, deadline=None)
def test_the_search_prices_any_route_as_the_timetable_does(day: Day):
    chance = Random(repr(day.problem.stops))
    stops = chance.sample(range(len(day.problem.stops)), len(day.problem.stops))
    crew = chance.randrange(len(day.problem.crews))
    route = [stop for stop in stops if crew in day.problem.stops[stop].eligible][: chance.randint(1, 8)]
    routes = [route if number == crew else [] for number in range(len(day.problem.crews))]
    free = replace(day.problem.crews[crew], most_stops=None, capacity=())
    problem = replace(day.problem, crews=(*day.problem.crews[:crew], free, *day.problem.crews[crew + 1 :]))
    table = timetable(problem, crew, route)
    tables = tables_of(problem)
    assert state_of(tables, routes).crews[crew, POINTS] == (IMPOSSIBLE if table is None else cost_of(problem, table))


@given(planned_days(stops=(2, 9)))
@settings(max_examples=60, deadline=None)
def test_the_search_knows_what_it_has_after_many_steps(day: Day):
    tables = tables_of(day.problem)
    state = state_of(tables, day.problem.current)
    before = points_of(tables, state)
    everywhere = np.arange(len(day.problem.stops))
    _best, now = search(tables, state, np.array([1], np.uint64), 0, everywhere, 60, 1e6, 1e4, 6.0, 6.0, 0.01)
    assert points_of(tables, state) == before + now == total_cost(day.problem, routes_of(state))
    assert faults_of(day.problem, routes_of(state)) == []


# What it promises -----------------------------------------------------------------------------------


def test_a_dispatcher_gets_a_plan_that_breaks_no_rule(crowded):
    solution = solve(crowded, iterations=500, processes=2)
    assert faults_of(crowded, solution.routes) == []
    assert total_cost(crowded, solution.routes) < total_cost(crowded, crowded.current)


def test_the_same_seed_and_iterations_give_the_same_plan(crowded):
    once, again = (solve(crowded, iterations=2500, seed=4, processes=2) for _ in range(2))
    assert once == again


def test_another_seed_looks_elsewhere(crowded):
    assert solve(crowded, iterations=300, seed=1) != solve(crowded, iterations=300, seed=2)


def test_the_time_limit_is_kept(crowded):
    began = time.monotonic()
    solve(crowded, seconds=0.4, processes=2)
    assert 0.3 < time.monotonic() - began < 1.5


def test_whoever_waits_hears_how_far_it_is(crowded):
    heard = []
    solve(crowded, seconds=1.0, go_on=lambda points, share: heard.append((points, share)) or True)
    points, shares = zip(*heard, strict=True)
    assert len(heard) >= 3
    assert list(points) == sorted(points, reverse=True)
    assert list(shares) == sorted(shares)


def test_a_search_that_is_cancelled_ends_with_the_best_so_far(crowded):
    heard = []

    def go_on(points, share):
        heard.append(points)
        return len(heard) < 3

    began = time.monotonic()
    solution = solve(crowded, seconds=30, go_on=go_on)
    assert time.monotonic() - began < 5
    assert total_cost(crowded, solution.routes) <= heard[-1]


def test_no_time_at_all_still_gives_a_plan(crowded):
    solution = solve(crowded, seconds=0)
    assert total_cost(crowded, solution.routes) <= total_cost(crowded, crowded.current)


def test_a_plan_that_breaks_rules_is_repaired_with_the_dearest_jobs_kept():
    day = roll_day(Dice(8), 40, 3, gaps=False).problem
    all_at_once = replace(day, current=(tuple(range(40)), tuple(range(40)), ()))
    routes = repaired(all_at_once, all_at_once.current)
    assert faults_of(day, routes) == []
    assert any(routes)
    assert total_cost(day, solve(all_at_once, iterations=50).routes) <= total_cost(day, routes)


def test_one_short_route_is_proven():
    day = roll_day(Dice(5), 6, 1, gaps=False).problem
    assert solve(day).is_proven


def test_a_day_without_people_or_jobs_is_an_empty_plan():
    nobody, nothing = roll_day(Dice(1), 3, 0).problem, roll_day(Dice(1), 0, 2).problem
    assert solve(nobody, iterations=5) == Solution(())
    assert solve(nothing, iterations=5) == Solution(((), ()))


def test_ctrl_c_ends_a_search_cleanly():
    code = (
        "from tests.dispatch.planning.strategies import Dice, roll_day\n"
        "from dispatch.planning.decomposition import load\n"
        "from dispatch.planning.solver import solve\n"
        "load(); print('ready', flush=True)\n"
        "solve(roll_day(Dice(2), 60, 6).problem, seconds=60, processes=2)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _out, said = child.communicate(timeout=10)
    assert said.rstrip().endswith("KeyboardInterrupt")
