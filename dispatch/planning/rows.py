"""Many routes at once: the steps of timetable.py for arrays of them, one row a route. Pure.

A row that cannot be done any more is at NEVER, and stays there.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from dispatch.planning.problem import UNREACHABLE, Problem
from dispatch.planning.timetable import cost_of_leaving_out

NEVER: Final = 1 << 40
_NO_TIME: Final = NEVER << 1  # a break that is never due


class Stops(NamedTuple):
    """One entry a stop, in the order in which they were given; windows by rank first."""

    location: np.ndarray
    service: np.ndarray
    due: np.ndarray
    sla_due: np.ndarray
    leaving_out: np.ndarray
    was_crew: np.ndarray  # -1: nobody
    was_at: np.ndarray  # -1: no time
    opens: np.ndarray
    closes: np.ndarray


class Rows:
    def __init__(self, problem: Problem, stops: Sequence[int]):
        self.problem, self.weights = problem, problem.weights
        self.stops = _stops(problem, stops)
        self.pauses = max((len(crew.breaks) for crew in problem.crews), default=0)
        self._breaks = _breaks(problem, self.pauses)
        self.closes = _ints(crew.closes for crew in problem.crews)

    def begin(self, crew, stop, at, travel, waiting, *, holds: bool) -> tuple[np.ndarray, np.ndarray]:
        """When work at the stop begins, and which break is the next then."""
        stops = self.stops
        last_service, gone = stops.service[stop], travel >= UNREACHABLE
        hold = np.where(stops.was_crew[stop] == crew, stops.was_at[stop], 0) if holds else None
        earliest, latest, duration = self._breaks
        for _ in range(self.pauses + 1):
            ready_at = at + travel
            starts_at = self._next_start(stop, ready_at if hold is None else np.maximum(ready_at, hold))
            if not self.pauses:
                break
            begins = np.maximum(at, earliest[crew, waiting])
            to_drive = np.maximum(0, ready_at - begins)
            until, pause = latest[crew, waiting], duration[crew, waiting]
            is_free = (begins + pause + to_drive <= starts_at) & (begins <= until)
            rests = (is_free | (starts_at + last_service > until)) & (starts_at < NEVER)
            if not rests.any():
                break
            gone |= rests & (begins > until)
            at, travel = np.where(rests, begins + pause, at), np.where(rests, to_drive, travel)
            waiting = waiting + rests
        return np.where(gone, NEVER, starts_at), waiting

    def _next_start(self, stop, instant):
        starts_at = np.full_like(instant, NEVER)
        for opens, closes in zip(self.stops.opens[::-1], self.stops.closes[::-1], strict=True):
            starts_at = np.where(instant <= closes[stop], np.maximum(instant, opens[stop]), starts_at)
        return starts_at

    def come_home(self, crew, at, travel, waiting) -> np.ndarray:
        """When the day is over."""
        gone = (travel >= UNREACHABLE) | (at >= NEVER)
        earliest, latest, duration = self._breaks
        for _ in range(self.pauses):
            rests = earliest[crew, waiting] < at + travel
            if not rests.any():
                break
            begins = np.maximum(at, earliest[crew, waiting])
            gone |= rests & (begins > latest[crew, waiting])
            left = at + travel - begins
            at = np.where(rests, begins + duration[crew, waiting], at)
            travel, waiting = np.where(rests, left, travel), waiting + rests
        return np.where(gone | (at + travel > self.closes[crew]), NEVER, at + travel)

    def points(self, crew, stop, starts_at) -> np.ndarray:
        """What beginning then costs, without the way there."""
        stops, weights = self.stops, self.weights
        points = np.maximum(0, starts_at - stops.due[stop]) * weights.late
        points += np.maximum(0, starts_at - stops.sla_due[stop]) * weights.sla
        was_crew, was_at = stops.was_crew[stop], stops.was_at[stop]
        if weights.reassigned:
            points += ((was_crew >= 0) & (was_crew != crew)) * weights.reassigned
        if weights.retimed:
            is_kept = (was_crew == crew) & (was_at >= 0)
            points += (is_kept & (np.abs(starts_at - was_at) > weights.retime_after)) * weights.retimed
        return points


def _stops(problem: Problem, indexes: Sequence[int]) -> Stops:
    stops = [problem.stops[index] for index in indexes]
    deep = max((len(stop.windows) for stop in stops), default=0)
    windows = [(*stop.windows, *[(0, -1)] * (deep - len(stop.windows))) for stop in stops]
    return Stops(
        _ints(stop.location for stop in stops),
        _ints(stop.service for stop in stops),
        _ints(NEVER if stop.due is None else stop.due for stop in stops),
        _ints(NEVER if stop.sla_due is None else stop.sla_due for stop in stops),
        _ints(cost_of_leaving_out(problem, index) for index in indexes),
        _ints(stop.was.crew if stop.was else -1 for stop in stops),
        _ints(-1 if stop.was is None or stop.was.starts_at is None else stop.was.starts_at for stop in stops),
        *np.array(windows, dtype=np.int64).reshape(len(stops), deep, 2).transpose(2, 1, 0),
    )


def _breaks(problem: Problem, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By crew and rank; after the last comes one that is never due."""
    shape = (len(problem.crews), most + 1)
    earliest, latest, duration = np.full(shape, _NO_TIME), np.full(shape, _NO_TIME), np.zeros(shape, np.int64)
    for crew, them in enumerate(problem.crews):
        for rank, pause in enumerate(them.breaks):
            earliest[crew, rank], latest[crew, rank] = pause.earliest, pause.latest
            duration[crew, rank] = pause.duration
    return earliest, latest, duration


def _ints(numbers) -> np.ndarray:
    return np.array(list(numbers), dtype=np.int64)
