"""Generated days: small, crowded, with everything that a problem may have.

Hypothesis chooses the sizes and a seed, and Python's generator the rest: drawing hundreds of numbers a day through
Hypothesis takes fifty times as long as what is tested. A failure shrinks to the smallest day that fails.
"""

from dataclasses import dataclass, replace
from random import Random

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dispatch.planning.check import faults_of, starts_by_hand
from dispatch.planning.problem import (
    FOREVER,
    MANDATORY,
    UNREACHABLE,
    Break,
    Crew,
    Matrix,
    Problem,
    Routes,
    Stop,
    Was,
    Weights,
    with_route,
)

MINUTE = 60
SKILLS = ("drains", "gas", "heating")
ZONES = ("North", "South")


def examples(number: int):
    """However busy the machine is."""
    return settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Day:
    """`bars`: why a crew may not do a stop, as build.py says it to why_not.py."""

    problem: Problem
    bars: dict[int, dict[int, frozenset[str]]]


class Dice(Random):
    def minutes(self, least: int, most: int) -> int:
        return self.randint(least, most) * MINUTE

    def one_in(self, number: int) -> bool:
        return self.randrange(number) == 0


def dice() -> st.SearchStrategy[Dice]:
    return st.integers(0, 2**32).map(Dice)


@st.composite
def days(draw, *, stops: tuple[int, int] = (0, 8), people: tuple[int, int] = (0, 3), gaps: bool = True) -> Day:
    return roll_day(draw(dice()), draw(st.integers(*stops)), draw(st.integers(*people)), gaps=gaps)


@st.composite
def planned_days(draw, *, stops: tuple[int, int] = (1, 8), people: tuple[int, int] = (1, 3), pins: bool = True) -> Day:
    """Days that have a plan which can be done, some of its stops pinned; `was` is what that plan says."""
    chance = draw(dice())
    return with_a_plan(chance, roll_day(chance, draw(st.integers(*stops)), draw(st.integers(*people))), pins=pins)


def roll_day(chance: Dice, stops: int, people: int, *, gaps: bool = True) -> Day:
    places = stops + people + 1
    skills = [set(chance.sample(SKILLS, chance.randint(1, 3))) for _ in range(people)]
    zones = [set(chance.sample(ZONES, chance.randint(1, 2))) for _ in range(people)]
    jobs, bars = [], {}
    for number in range(stops):
        skill = chance.choice(SKILLS) if chance.one_in(3) else None
        zone = chance.choice(ZONES) if chance.one_in(3) else None
        against = {}
        for crew in range(people):
            why = {"skill"} if skill and skill not in skills[crew] else set()
            why |= {"zone"} if zone and zone not in zones[crew] else set()
            if why:
                against[crew] = frozenset(why)
        bars[number] = against
        jobs.append(_stop(chance, number, people, frozenset(range(people)) - against.keys()))
    crews = tuple(_crew(chance, number, places) for number in range(people))
    return Day(Problem(tuple(jobs), crews, roll_matrix(chance, places, gaps=gaps), roll_weights(chance)), bars)


def roll_matrix(chance: Dice, places: int, *, gaps: bool = True) -> Matrix:
    """Ways there and back differ; now and then there is none."""
    spots = [(chance.randint(0, 30), chance.randint(0, 30)) for _ in range(places)]
    slower = np.array([chance.randint(0, 5) for _ in spots], np.int64)
    seconds = np.array([[abs(x - u) + abs(y - v) for u, v in spots] for x, y in spots], np.int64)
    seconds = (seconds + slower[:, None]) * MINUTE
    metres = seconds * 11
    if gaps and chance.one_in(2):
        here, there = chance.randrange(places), chance.randrange(places)
        seconds[here, there] = metres[here, there] = UNREACHABLE
    if gaps and chance.one_in(6):
        lost = chance.randrange(places)
        seconds[lost] = seconds[:, lost] = metres[lost] = metres[:, lost] = UNREACHABLE
    np.fill_diagonal(seconds, 0)
    np.fill_diagonal(metres, 0)
    return Matrix(seconds, metres)


def roll_weights(chance: Dice) -> Weights:
    return Weights(
        travel=chance.choice((100, 100, 1)),
        distance=chance.choice((0, 0, 3)),
        late=chance.choice((0, 200)),
        sla=chance.choice((0, 400)),
        balance=chance.choice((0, 10)),
        reassigned=chance.choice((0, 108_000)),
        retimed=chance.choice((0, 27_000)),
        retime_after=chance.choice((0, 900)),
    )


def _breaks(chance: Dice) -> tuple[Break, ...]:
    """In order; the second may become due while the first is still on."""
    rests, earliest = [], 0
    for number in range(chance.choice((0, 0, 1, 1, 2))):
        earliest += chance.minutes(0, 40 if rests else 240)
        latest = max(earliest + chance.minutes(0, 90), rests[-1].latest if rests else 0)
        rests.append(Break(number, earliest, latest, chance.minutes(5, 45)))
    return tuple(rests)


def _crew(chance: Dice, number: int, places: int) -> Crew:
    opens = chance.minutes(0, 120)
    return Crew(
        id=100 + number,
        opens=opens,
        closes=opens + chance.minutes(60, 540),
        start=None if chance.one_in(3) else chance.randrange(places),
        end=None if chance.one_in(2) else chance.randrange(places),
        breaks=_breaks(chance),
        most_stops=chance.randint(0, 4) if chance.one_in(4) else None,
        capacity=(3,) if chance.one_in(3) else (),
        fair_share=chance.minutes(30, 240) if chance.one_in(3) else None,
    )


def _windows(chance: Dice) -> tuple[tuple[int, int], ...]:
    opens = chance.minutes(0, 360)
    closes = opens + chance.minutes(0, 120)
    again = closes + chance.minutes(1, 120)
    blocks = ((opens, closes), (again, again + chance.minutes(0, 120)))
    return chance.choice((((0, FOREVER),), ((0, FOREVER),), blocks[:1], blocks, ((opens, opens),)))


def _stop(chance: Dice, number: int, people: int, eligible: frozenset[int]) -> Stop:
    was = None
    if people and chance.one_in(3):
        was = Was(chance.randrange(people), chance.minutes(0, 480) if chance.one_in(2) else None)
    return Stop(
        id=1000 + number,
        location=number,
        service=chance.minutes(0, 90),
        eligible=eligible,
        penalty=chance.choice((0, 60_000, 720_000, 5_760_000)),
        windows=_windows(chance),
        due=chance.minutes(0, 480) if chance.one_in(2) else None,
        sla_due=chance.minutes(0, 600) if chance.one_in(3) else None,
        load=chance.choice(((), (), (1,), (2,))),
        was=was,
    )


def with_a_plan(chance: Dice, day: Day, *, pins: bool) -> Day:
    problem = replace(day.problem, stops=tuple(replace(stop, was=None) for stop in day.problem.stops))
    routes = what_can_be_done(problem, roll_routes(chance, problem))
    jobs, bars = list(problem.stops), dict(day.bars)
    for crew, route in enumerate(routes):
        for stop, starts_at in zip(route, starts_by_hand(problem, crew, route), strict=True):
            jobs[stop] = replace(jobs[stop], was=Was(crew, starts_at))
            if not pins or chance.one_in(2):
                continue
            others = [other for other in range(len(routes)) if other != crew]
            bars[stop] = {other: bars[stop].get(other, frozenset()) | {"pin"} for other in others}
            jobs[stop] = replace(jobs[stop], eligible=frozenset({crew}), is_locked=True, penalty=MANDATORY)
            if chance.one_in(2):
                jobs[stop] = replace(jobs[stop], windows=((starts_at, starts_at),))
    return Day(replace(problem, stops=tuple(jobs), current=routes), bars)


def roll_routes(chance: Dice, problem: Problem) -> Routes:
    """Each stop with somebody who may do it, or nobody, in any order: often against the rules."""
    order, routes = list(range(len(problem.stops))), [[] for _ in problem.crews]
    chance.shuffle(order)
    for stop in order:
        takers = sorted(problem.stops[stop].eligible) or list(range(len(routes)))
        crew = chance.choice((*takers, *takers, None))
        if crew is not None:
            routes[crew].append(stop)
    return tuple(map(tuple, routes))


def what_can_be_done(problem: Problem, drawn: Routes) -> Routes:
    """The routes without the stops that break rules."""
    routes = problem.no_routes
    for crew, route in enumerate(drawn):
        for stop in route:
            longer = with_route(routes, crew, (*routes[crew], stop))
            if not faults_of(problem, longer):
                routes = longer
    return routes
