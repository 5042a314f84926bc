"""Why a stop is in nobody's route: the one rule without which it would be inserted at a gain. Pure.

Rules are relaxed one at a time. Where no single one keeps the stop out, all are relaxed and taken back one after the
other: what cannot be taken back keeps it out together.
"""

from dataclasses import replace
from functools import cached_property
from typing import Final

from dispatch.planning.problem import Matrix, Problem, Routes
from dispatch.planning.reasons import NOBODY, UNTRIED, Insertion, Reason
from dispatch.planning.relaxing import (
    COST,
    FIXED,
    NO_WAY,
    OF_CREWS,
    SHIFT,
    WINDOW,
    Bars,
    relaxed_crew,
    relaxed_stop,
    rules_about,
    with_a_way,
)
from dispatch.planning.room import Place, Room
from dispatch.planning.timetable import cost_of_leaving_out

HOURS: Final = (WINDOW, FIXED, SHIFT)  # what everybody's day is made of: the last that is taken back


def why_left_out(problem: Problem, routes: Routes, stop: int, bars: Bars) -> list[Reason]:
    """At least one, the most helpful first; the routes must be such that each can be driven."""
    return Inquiry(problem, routes, bars).reasons(stop)


class Inquiry:
    """Asks about many stops that the same routes leave out."""

    def __init__(self, problem: Problem, routes: Routes, bars: Bars):
        self._problem, self._routes, self._bars = problem, routes, bars
        self._teams: dict[frozenset[str], Problem] = {}
        self._rooms: dict[tuple[int, frozenset[str]], Room] = {}
        self._matrices: dict[int, Matrix] = {}

    def reasons(self, stop: int) -> list[Reason]:
        as_it_is = self._easiest(stop, frozenset())
        if as_it_is and self._is_gain(stop, as_it_is):
            return [Reason(self._problem, stop, (UNTRIED,), as_it_is)]
        reasons = [Reason(self._problem, stop, (COST,), as_it_is)] if as_it_is else []
        rules = rules_about(self._problem, stop, self._bars, places=self._ways)
        for rule in rules:
            found = self._easiest(stop, frozenset({rule}))
            if found and self._is_gain(stop, found):
                reasons.append(Reason(self._problem, stop, (rule,), found, self._is_of_all(stop, rule)))
        return reasons or [self._together(stop, rules)]

    def _together(self, stop: int, rules: list[str]) -> Reason:
        found = self._easiest(stop, frozenset(rules))
        if found is None:
            return Reason(self._problem, stop, (NOBODY,))
        needed = [*rules, COST]
        others = [rule for rule in rules if rule not in HOURS]
        for rule in (COST, *reversed(others), *(rule for rule in rules if rule in HOURS)):
            fewer = [kind for kind in needed if kind != rule]
            still = self._easiest(stop, frozenset(fewer) - {COST})
            if still and (COST in fewer or self._is_gain(stop, still)):
                needed, found = fewer, still
        return Reason(self._problem, stop, tuple(needed), found)

    def _is_of_all(self, stop: int, rule: str) -> bool:
        against = self._bars.get(stop, {})
        return all(rule in against.get(crew, ()) for crew in range(len(self._problem.crews)))

    def _is_gain(self, stop: int, found: Insertion) -> bool:
        return found.points < cost_of_leaving_out(self._problem, stop)

    def _easiest(self, stop: int, kinds: frozenset[str]) -> Insertion | None:
        """Where the stop would go if these rules were not: at a gain if it can be, and bending them least."""
        problem, best, least = self._without(stop, kinds), None, None
        for at_least, place in self._places_to_try(problem, stop, kinds & OF_CREWS):
            if best is not None and (False, at_least) > least[:2]:
                break
            found = self._room(place.crew, kinds & OF_CREWS).insertion(problem, stop, place.position)
            if found is None:
                continue
            effort = not self._is_gain(stop, found), self._bends(stop, found), found.points
            if best is None or effort < least:
                best, least = found, effort
        return best

    def _places_to_try(self, problem: Problem, stop: int, kinds: frozenset[str]) -> list[tuple[int, Place]]:
        """With the seconds by which they bend the rules at least, the most promising first."""
        places = []
        for crew in sorted(problem.stops[stop].eligible):
            room = self._room(crew, kinds)
            if room.table is not None:
                places += [(self._bends_at_least(stop, place), place) for place in room.places(problem, stop)]
        return sorted(places)

    def _bends_at_least(self, stop: int, place: Place) -> int:
        """What comes later than it could bends no less; what begins too early might still begin in time."""
        too_late = max(0, place.starts_from - self._problem.stops[stop].windows[-1][1])
        return too_late + max(0, place.day_ends_from - self._problem.crews[place.crew].closes)

    def _bends(self, index: int, found: Insertion) -> int:
        """Seconds after the day's end and outside the windows, as they are."""
        stop, starts_at = self._problem.stops[index], found.starts_at
        outside = min(max(opens - starts_at, starts_at - closes, 0) for opens, closes in stop.windows)
        return outside + max(0, found.day_ends_at - self._problem.crews[found.crew].closes)

    def _without(self, stop: int, kinds: frozenset[str]) -> Problem:
        team, changed = self._team(kinds & OF_CREWS), relaxed_stop(self._problem, stop, kinds, self._bars)
        if changed is not self._problem.stops[stop]:
            team = replace(team, stops=(*team.stops[:stop], changed, *team.stops[stop + 1 :]))
        if NO_WAY in kinds:
            place = changed.location
            matrix = self._matrices.get(place) or with_a_way(team.matrix, place)
            team = replace(team, matrix=self._matrices.setdefault(place, matrix))
        return team

    def _team(self, kinds: frozenset[str]) -> Problem:
        if kinds not in self._teams:
            crews = tuple(relaxed_crew(crew, kinds) for crew in self._problem.crews)
            self._teams[kinds] = replace(self._problem, crews=crews)
        return self._teams[kinds]

    def _room(self, crew: int, kinds: frozenset[str]) -> Room:
        key = crew, kinds
        if key not in self._rooms:
            self._rooms[key] = Room(self._team(kinds), crew, self._routes[crew])
        return self._rooms[key]

    @cached_property
    def _ways(self) -> list[int]:
        """Where the routes begin, lead and end."""
        crews, stops = self._problem.crews, self._problem.stops
        ends = {place for crew in crews for place in (crew.start, crew.end) if place is not None}
        return sorted(ends.union(stops[stop].location for route in self._routes for stop in route))
