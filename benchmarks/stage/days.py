"""Realistic days for the route planner: the same day for the same seed. Pure, no Django.

A town of six zones, eight trades at four levels, shifts of eight hours from home to home, three jobs in ten with a
window of two hours, one in ten at a fixed time, and more work than fits. Leaving out a job costs two hours of driving,
twice that for each step of priority up, so the cost in seconds is `points / POINTS_A_SECOND`.
"""

import math
import random
from dataclasses import dataclass, replace

import numpy as np

import stage  # noqa: F401  (makes the project importable)
from dispatch.planning.problem import Break, Crew, Matrix, Problem, Routes, Stop, Was, Weights, Window
from dispatch.planning.timetable import timetable
from dispatch.planning.weights import POINTS_A_SECOND, TIMES_BY_PRIORITY

COLUMNS, ROWS = 3, 2  # of zones
SIDE_KM = 10.0
TRADES, LEVELS = 8, 4
SPEED_KMH, DETOUR = 35.0, 1.3
LEAVING_OUT = 2 * 3600  # seconds of driving
HOUR = 3600
CENTRE = (40.44, -79.99)  # latitude, longitude

Point = tuple[float, float]  # kilometres east and north of the corner


@dataclass(frozen=True)
class Worker:
    home: Point
    opens: int
    levels: dict[int, int]  # trade: level
    zones: frozenset[int]


@dataclass(frozen=True)
class Call:
    """A job as a customer would describe it."""

    place: Point
    zone: int
    needs: dict[int, int]  # trade: level at least
    priority: int
    service: int
    windows: tuple[Window, ...]

    def is_for(self, worker: Worker) -> bool:
        knows = all(worker.levels.get(trade, 0) >= level for trade, level in self.needs.items())
        return knows and self.zone in worker.zones


@dataclass(frozen=True)
class Day:
    name: str
    problem: Problem
    places: list[Point]  # by row of the matrix: the stops, then the homes
    workers: list[Worker]
    calls: list[Call]


def day(crews: int, stops: int, *, seed: int, with_breaks: bool = False) -> Day:
    """Times are seconds since midnight. The first rows of the matrix are the stops, the others the homes."""
    chance = random.Random(f"{crews} x {stops} #{seed}")
    workers = [_worker(chance, number, crews) for number in range(crews)]
    calls = [_call(chance, workers) for _ in range(stops)]
    places = [call.place for call in calls] + [worker.home for worker in workers]
    problem = Problem(
        stops=tuple(_stop(number, call, workers) for number, call in enumerate(calls)),
        crews=tuple(
            Crew(
                id=number,
                opens=worker.opens,
                closes=worker.opens + 8 * HOUR,
                start=stops + number,
                end=stops + number,
                breaks=(Break(0, worker.opens + 3 * HOUR, worker.opens + 5 * HOUR, HOUR // 2),) if with_breaks else (),
            )
            for number, worker in enumerate(workers)
        ),
        matrix=matrix_of(places),
        weights=Weights(),
    )
    return Day(f"{crews} x {stops} #{seed}", problem, places, workers, calls)


def small_day(stops: int, *, seed: int, with_windows: bool = True) -> Problem:
    """One technician who can do everything, with a day long enough for most of it."""
    chance = random.Random(f"one x {stops} #{seed}")
    worker = Worker((1.5 * SIDE_KM, SIDE_KM), 8 * HOUR, dict.fromkeys(range(TRADES), LEVELS), frozenset(range(6)))
    calls = [_call(chance, [worker]) for _ in range(stops)]
    calls = [replace(call, service=call.service // 3) for call in calls]
    if not with_windows:
        calls = [replace(call, windows=Stop.windows) for call in calls]
    return Problem(
        stops=tuple(_stop(number, call, [worker]) for number, call in enumerate(calls)),
        crews=(Crew(0, worker.opens, worker.opens + 10 * HOUR, start=stops, end=stops),),
        matrix=matrix_of([*(call.place for call in calls), worker.home]),
        weights=Weights(),
    )


# Later that day -----------------------------------------------------------------------------------


def midday(morning: Day, routes: Routes, *, at: int = 11 * HOUR, weights: Weights | None = None) -> Problem:
    """`routes` at 11:00: what has started is done by whoever does it, one technician is gone, 8 % new jobs came in.

    The crew with most work left is the one who is gone. `current` is what remains of the routes, with nobody for
    the jobs of the missing crew and the new ones; the crew that is gone stays in the problem, and may do nothing.
    """
    chance = random.Random(f"{morning.name} later")
    tables = [timetable(morning.problem, crew, route) for crew, route in enumerate(routes)]
    open_of = [[visit for visit in table.visits if visit.starts_at - visit.travel > at] for table in tables]
    gone = max(range(len(routes)), key=lambda crew: len(open_of[crew]))
    begun = {
        visit.stop for table, left in zip(tables, open_of, strict=True) for visit in table.visits[: -len(left) or None]
    }
    crews = [_rest_of(morning.problem, table, len(left), at) for table, left in zip(tables, open_of, strict=True)]
    crews[gone] = replace(crews[gone], most_stops=0)
    kept = [number for number in range(len(morning.calls)) if number not in begun]
    fresh = [_call(chance, morning.workers, later_than=at + HOUR) for _ in range(round(0.08 * len(morning.calls)))]
    return _assemble(morning, routes, tables, crews, kept, fresh, gone=gone, weights=weights or morning.problem.weights)


def _rest_of(problem: Problem, table, still_open: int, at: int) -> Crew:
    """From where and when they are done with what they have begun."""
    crew = problem.crews[table.crew]
    done = table.visits[: len(table.visits) - still_open]
    if not done:
        return replace(crew, opens=max(crew.opens, at))
    return replace(crew, opens=max(done[-1].ends_at, at), start=problem.stops[done[-1].stop].location)


def _assemble(
    morning: Day,
    routes: Routes,
    tables: list,
    crews: list[Crew],
    kept: list[int],
    fresh: list[Call],
    *,
    gone: int,
    weights: Weights,
) -> Problem:
    calls = [morning.calls[number] for number in kept] + fresh
    planned = {visit.stop: Was(table.crew, visit.starts_at) for table in tables for visit in table.visits}
    workers = [replace(worker, zones=frozenset()) if n == gone else worker for n, worker in enumerate(morning.workers)]
    places = morning.places + [call.place for call in fresh]
    stops = []
    for index, call in enumerate(calls):
        before = kept[index] if index < len(kept) else None
        stop = _stop(index, call, workers)
        location = before if before is not None else len(morning.places) + index - len(kept)
        stops.append(replace(stop, location=location, was=planned.get(before)))
    index_of = {number: index for index, number in enumerate(kept)}
    current = tuple(
        () if crew == gone else tuple(index_of[stop] for stop in route if stop in index_of)
        for crew, route in enumerate(routes)
    )
    return Problem(tuple(stops), tuple(crews), matrix_of(places), weights, current)


def moved(problem: Problem, routes: Routes) -> int:
    """How many jobs have another technician than in today's plan; not counting those whose own is gone."""
    now = {stop: crew for crew, route in enumerate(routes) for stop in route}
    gone = {number for number, crew in enumerate(problem.crews) if crew.most_stops == 0}
    had = [(index, stop.was.crew) for index, stop in enumerate(problem.stops) if stop.was]
    return sum(now.get(index) not in (None, crew) for index, crew in had if crew not in gone)


# How they are made --------------------------------------------------------------------------------


def _worker(chance: random.Random, number: int, crews: int) -> Worker:
    own = number % (COLUMNS * ROWS)
    others = [zone for zone in range(COLUMNS * ROWS) if zone != own]
    zones = frozenset([own, *chance.sample(others, chance.choice([1, 2, 2, 3, 3]))])
    trades = chance.sample(range(TRADES), chance.choice([3, 3, 4, 5]))
    levels = {trade: chance.choice([1, 2, 2, 3, 3, 4, 4]) for trade in trades}
    opens = chance.choice([7, 8, 8, 8, 9]) * HOUR
    return Worker(_point_in(chance, own), opens, levels, zones)


def _call(chance: random.Random, workers: list[Worker], *, later_than: int = 0) -> Call:
    """Nearly always one that somebody could do."""
    for attempt in range(20):
        zone = chance.randrange(COLUMNS * ROWS)
        trades = chance.sample(range(TRADES), 2 if chance.random() < 0.1 else 1)
        needs = {trade: chance.choices([1, 2, 3, 4], [4, 3, 2, 1])[0] for trade in trades}
        call = Call(_point_in(chance, zone), zone, needs, _priority(chance), _service(chance), Stop.windows)
        if attempt == 19 or any(call.is_for(worker) for worker in workers):
            break
    return replace(call, windows=_windows(chance, later_than))


def _priority(chance: random.Random) -> int:
    return chance.choices([1, 2, 3, 4], [30, 45, 18, 7])[0]


def _service(chance: random.Random) -> int:
    return chance.choices([30, 45, 60, 90, 120, 150], [15, 20, 25, 20, 12, 8])[0] * 60


def _windows(chance: random.Random, later_than: int) -> tuple[Window, ...]:
    kind = chance.random()
    if kind < 0.1:
        starts = chance.randrange(16, 32) * HOUR // 2
        starts = max(starts, -(-later_than // HOUR) * HOUR)
        return ((starts, starts),)
    if kind < 0.4:
        opens = max(chance.randrange(8, 15) * HOUR, later_than // HOUR * HOUR)
        return ((opens, opens + 2 * HOUR),)
    return Stop.windows


def _point_in(chance: random.Random, zone: int) -> Point:
    return ((zone % COLUMNS + chance.random()) * SIDE_KM, (zone // COLUMNS + chance.random()) * SIDE_KM)


def _stop(index: int, call: Call, workers: list[Worker]) -> Stop:
    return Stop(
        id=index,
        location=index,
        service=call.service,
        eligible=frozenset(number for number, worker in enumerate(workers) if call.is_for(worker)),
        penalty=POINTS_A_SECOND * LEAVING_OUT * TIMES_BY_PRIORITY[call.priority],
        windows=call.windows,
    )


def matrix_of(places: list[Point]) -> Matrix:
    """The straight line with detours at an average speed, in whole seconds rounded up."""
    at = np.array(places)
    km = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1)) * DETOUR
    return Matrix(np.ceil(km / SPEED_KMH * 3600).astype(np.int64), np.rint(km * 1000).astype(np.int64))


def latitude_longitude(place: Point) -> tuple[float, float]:
    """Where that is on earth, for whoever wants coordinates."""
    east, north = place
    latitude = CENTRE[0] + north / 111.2
    return round(latitude, 6), round(CENTRE[1] + east / (111.2 * math.cos(math.radians(CENTRE[0]))), 6)
