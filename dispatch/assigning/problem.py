"""The joint assignment as data. All times are whole minutes since `Problem.origin`; pure, no Django."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from dispatch.travel import Place, Travel

DONE_AT_ALL = 100  # that a job is done is worth as much as the best match


@dataclass(frozen=True)
class Visit:
    """A job to be given to somebody. It may start from `earliest` to `latest`, both included."""

    job_id: int
    day: int  # counts the days from the problem's first
    minutes: int
    earliest: int
    latest: int
    weight: int  # how much it counts, by its priority
    scores: dict[int, int]  # technician id -> 0..100, of the eligible ones only
    place: Place | None = None


@dataclass(frozen=True)
class Booked:
    """Time that is taken; `enters` and `leaves` differ where several jobs follow each other without a gap."""

    starts: int
    ends: int
    enters: Place | None = None
    leaves: Place | None = None


@dataclass(frozen=True)
class Crew:
    """A technician on one day. `capacity` is how many more jobs they may have; a second shift is a gap in `booked`."""

    technician_id: int
    day: int
    starts: int
    ends: int
    capacity: int
    start: Place | None = None
    booked: tuple[Booked, ...] = ()  # in order, each to be reached from the one before: see `in_sequence`

    @property
    def key(self) -> tuple[int, int]:
        return self.technician_id, self.day


@dataclass(frozen=True)
class Assigned:
    job_id: int
    technician_id: int
    starts: int


@dataclass(frozen=True)
class Problem:
    origin: datetime
    visits: tuple[Visit, ...]
    crews: tuple[Crew, ...]
    travel: Travel

    @cached_property
    def visit_of(self) -> dict[int, Visit]:
        return {visit.job_id: visit for visit in self.visits}

    @cached_property
    def crew_of(self) -> dict[tuple[int, int], Crew]:
        return {crew.key: crew for crew in self.crews}

    @cached_property
    def _ways(self) -> dict[tuple, int]:
        return {}

    def way(self, origin: Place | None, target: Place | None) -> int:
        """Minutes. None is no place: a break, or an address without coordinates; nobody travels there here."""
        if origin is None or target is None or origin == target:
            return 0
        known = self._ways.get((origin, target))
        if known is None:
            leg = self.travel.leg(origin, target)
            known = self._ways[origin, target] = leg.minutes if leg else 0
        return known

    def instant(self, minute: int) -> datetime:
        return self.origin + timedelta(minutes=minute)


@dataclass(frozen=True)
class Solution:
    assigned: tuple[Assigned, ...] = ()

    def total_score(self, problem: Problem) -> int:
        """The sum of the scores that the lists of candidates show."""
        return sum(problem.visit_of[given.job_id].scores[given.technician_id] for given in self.assigned)

    def value(self, problem: Problem) -> int:
        return sum(value_of(problem.visit_of[given.job_id], given.technician_id) for given in self.assigned)


def value_of(visit: Visit, technician_id: int) -> int:
    """What both solvers make as large as they can: urgent jobs count more, and being done at all counts."""
    return visit.weight * (visit.scores[technician_id] + DONE_AT_ALL)


def in_sequence(booked: Iterable[Booked], crew: Crew, travel: Travel) -> tuple[Booked, ...]:
    """Cut to the shift, and joined where one cannot be reached from the one before in time: so real days are."""
    blocks = [Booked(crew.starts, crew.starts, crew.start, crew.start)]
    for block in sorted(booked, key=lambda block: (block.starts, block.ends)):
        starts, ends = max(block.starts, crew.starts), min(block.ends, crew.ends)
        if starts >= ends:
            continue
        last = blocks[-1]
        leg = travel.leg(last.leaves, block.enters)
        if starts < last.ends + (leg.minutes if leg else 0):
            blocks[-1] = Booked(last.starts, max(last.ends, ends), last.enters, block.leaves)
        else:
            blocks.append(Booked(starts, ends, block.enters, block.leaves))
    return tuple(block for block in blocks if block.starts < block.ends)
