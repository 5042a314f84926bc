"""Predictions by road without waiting for a server: what it has told is taken, what it has not is estimated."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from dispatch.queueing import enqueue_each
from dispatch.travel import known_legs
from dispatch.travel.configured import road_server
from dispatch.travel.great_circle import StraightLine
from dispatch.travel.known_legs import Pair, Told, key_of
from dispatch.travel.places import Leg, Place, Travel
from dispatch.travel.roads import leg_of

T = TypeVar("T")

PAIRS_A_TASK: Final = 200
NEARLY_THERE_KM: Final = 0.2

LeftFrom = Mapping[Place, Place | None]


def with_known_roads(
    work: Callable[[Travel], T], circle: StraightLine, *, now: datetime, left_from: LeftFrom
) -> tuple[T, set[Pair]]:
    """What `work` makes of the known roads, and the ways that it needs and nobody has told.

    `left_from` says of positions on the way where their owners set out, None where that is not known. Without a server
    `work` is called once, else twice: what it asks for first is loaded in a number of queries that does not grow.
    """
    server = road_server()
    if server is None:
        return work(circle), set()
    scout = _Scout(circle, left_from)
    work(scout)
    roads = KnownRoads(circle, left_from, known_legs.load_pairs(server.provider, scout.pairs, now=now))
    return work(roads), roads.unknown(scout.pairs)


def ask_later(pairs: Iterable[Pair], technician_ids: Iterable[int], *, now: datetime) -> None:
    """A worker asks for them and predicts these technicians anew. Not while the server is known to be away."""
    server, wanted, ids = road_server(), sorted(pairs), sorted(technician_ids)
    if not wanted or server is None or known_legs.state_of(server.provider).rests(now=now):
        return
    parts = [wanted[first : first + PAIRS_A_TASK] for first in range(0, len(wanted), PAIRS_A_TASK)]
    enqueue_each("dispatch.tasks.learn_roads", [(part, ids) for part in parts])


@dataclass(frozen=True)
class _Scout:
    """Writes down what is asked for."""

    circle: StraightLine
    left_from: LeftFrom
    pairs: set[Pair] = field(default_factory=set)

    def leg(self, origin: Place | None, target: Place | None, at: datetime | None = None) -> Leg | None:
        start = self.left_from.get(origin, origin)
        if start and target and key_of(start) != key_of(target):
            self.pairs.add((key_of(start), key_of(target)))
        return self.circle.leg(origin, target, at)


@dataclass(frozen=True)
class KnownRoads:
    circle: StraightLine
    left_from: LeftFrom
    told: Mapping[Pair, Told]

    def leg(self, origin: Place | None, target: Place | None, at: datetime | None = None) -> Leg | None:
        start = self.left_from.get(origin, origin)
        if start is None or target is None:
            return self.circle.leg(origin, target, at)
        told = self.told.get((key_of(start), key_of(target)))
        if start != origin:
            told = self._rest_of(told, start, origin, target)
        return leg_of(told, self.circle, at) or self.circle.leg(origin, target, at)

    def unknown(self, pairs: Iterable[Pair]) -> set[Pair]:
        return {pair for pair in pairs if pair not in self.told or self.told[pair].shape is None}

    def _rest_of(self, told: Told | None, start: Place, position: Place, target: Place) -> Told | None:
        """As much of the road as of the beeline: no server is asked from every place that somebody drives past."""
        whole_km, rest_km = self.circle.leg(start, target).km, self.circle.leg(position, target).km
        if told is None or told.seconds is None or whole_km < NEARLY_THERE_KM:
            return None
        share = rest_km / whole_km
        return Told(round(told.seconds * share), round(told.metres * share))
