"""Travel times by road: what a server has told or tells, and the great circle where it does not."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from dispatch.planning.problem import UNREACHABLE
from dispatch.travel import known_legs, road_shapes
from dispatch.travel.asking import Inquiry
from dispatch.travel.great_circle import StraightLine, distances_km
from dispatch.travel.known_legs import Pair, Told, key_of, place_of
from dispatch.travel.places import HAIR, Leg, Place, TravelMatrix, whole_minutes
from dispatch.travel.server import SLOW, QuestionRefused, RoadServer, ServerFailed

MOST_PLACES_KEPT: Final = 200  # to ask for a larger matrix again is faster than to write down so many legs
WAYS_SECONDS: Final = 30  # for all single ways together, which are asked for one by one


class Roads:
    """With `may_wait=False` the server is never asked: what is not known is estimated, and the notice says so."""

    def __init__(self, server: RoadServer, circle: StraightLine, *, now: datetime, may_wait: bool = True):
        self.server, self.circle = server, circle
        self._now, self._began, self._may_wait = now, time.monotonic(), may_wait
        self._seconds_left = WAYS_SECONDS

    # A leg ----------------------------------------------------------------------------------------

    def leg(self, origin: Place | None, target: Place | None, at: datetime | None = None) -> Leg | None:
        """One by one is slow: of many legs take a matrix, or with_known_roads."""
        if origin is None or target is None:
            return None
        pair = key_of(origin), key_of(target)
        told = self.ways([pair]).get(pair)
        return leg_of(told, self.circle, at) or self.circle.leg(origin, target, at)

    # A matrix -------------------------------------------------------------------------------------

    def matrix(self, places: Sequence[Place], *, at: datetime) -> TravelMatrix:
        keys = list(dict.fromkeys(map(key_of, places)))
        inquiry = self._inquiry(keys)
        if self._may_ask(inquiry):
            self._run(inquiry, keys)
        estimated = np.isnan(inquiry.seconds)
        seconds, metres = self._completed(inquiry, at=at)
        notice = self._notice(inquiry, estimated)
        number_of = {key: number for number, key in enumerate(keys)}
        numbers = [number_of[key_of(place)] for place in places]
        return TravelMatrix(seconds[np.ix_(numbers, numbers)], metres[np.ix_(numbers, numbers)], notice)

    def _inquiry(self, keys: list[str]) -> Inquiry:
        seconds, metres = (np.full((len(keys), len(keys)), np.nan) for _ in range(2))
        for cells in (seconds, metres):
            np.fill_diagonal(cells, 0)
        if keys and len(keys) <= MOST_PLACES_KEPT:
            known_legs.fill_in(self.server.provider, keys, seconds, metres, now=self._now)
        spots = [place_of(key) for key in keys]
        return Inquiry(self.server, spots, seconds, metres, distances_km(spots))

    def _may_ask(self, inquiry: Inquiry) -> bool:
        if not np.isnan(inquiry.seconds).any():
            return False
        state = known_legs.state_of(self.server.provider)
        if state.is_failing and (not self._may_wait or state.rests(now=self._now)):
            inquiry.failure = state.failure
            return False
        return self._may_wait

    def _run(self, inquiry: Inquiry, keys: list[str]) -> None:
        inquiry.run()
        if inquiry.failure:
            known_legs.note_failure(self.server.provider, inquiry.failure, now=self._instant())
        else:
            known_legs.note_answer(self.server.provider, now=self._instant())
        if len(keys) <= MOST_PLACES_KEPT:
            found = inquiry.asked, inquiry.seconds, inquiry.metres
            known_legs.remember_matrix(self.server.provider, keys, *found, now=self._instant())

    def _completed(self, inquiry: Inquiry, *, at: datetime) -> tuple[np.ndarray, np.ndarray]:
        estimate = self.circle.matrix(inquiry.places, at=at)
        share = self.circle.hours.share(at)
        whole = np.ceil(np.ceil(inquiry.seconds - known_legs.ALMOST_NOTHING) / share / 60 - HAIR) * 60
        seconds = np.where(np.isnan(inquiry.seconds), estimate.seconds, np.minimum(whole, UNREACHABLE))
        metres = np.where(np.isnan(inquiry.seconds), estimate.metres, np.minimum(np.ceil(inquiry.metres), UNREACHABLE))
        return seconds.astype(np.int64), metres.astype(np.int64)

    def _notice(self, inquiry: Inquiry, estimated: np.ndarray) -> str:
        sentences = []
        if left := np.count_nonzero(estimated):
            off_road = _cells_of(inquiry.nowhere, len(inquiry.places))
            if count := len(inquiry.nowhere):
                sentences.append(f"No road is known near {count} {'place' if count == 1 else 'places'}.")
            if left > off_road:
                did = inquiry.failure or "has not told them all yet"
                sentences.insert(0, f"The server for travel times ({self.server.name}) {did}.")
            ways = len(inquiry.places) * (len(inquiry.places) - 1)
            which = "Travel times are" if left == ways else f"{left:,} of {ways:,} travel times are"
            sentences.append(f"{which} estimated from straight-line distances.")
        return " ".join(sentences)

    # Ways with their roads ------------------------------------------------------------------------

    def shape(self, places: Sequence[Place]) -> list[Place] | None:
        pairs = [(key_of(one), key_of(other)) for one, other in pairwise(places)]
        told = self.ways(pairs)
        if not any(way.shape for way in told.values()):
            return None
        road: list[Place] = []
        for pair, ends in zip(pairs, pairwise(places), strict=True):
            shape = told[pair].shape if pair in told else None
            road += road_shapes.decode(shape) if shape else ends
        return road

    def ways(self, pairs: Iterable[Pair]) -> dict[Pair, Told]:
        """With their roads, as far as they are known or told now."""
        pairs = {pair for pair in pairs if pair[0] != pair[1]}
        known = known_legs.load_pairs(self.server.provider, pairs, now=self._now)
        missing = sorted(pair for pair in pairs if pair not in known or known[pair].shape is None)
        if not missing or not self._may_wait or known_legs.state_of(self.server.provider).rests(now=self._now):
            return known
        begun = time.monotonic()
        told, failure = self._ask_ways(missing, until=begun + self._seconds_left)
        self._seconds_left -= time.monotonic() - begun
        known_legs.remember_ways(self.server.provider, told, now=self._instant())
        if failure:
            known_legs.note_failure(self.server.provider, failure, now=self._instant())
        else:
            known_legs.note_answer(self.server.provider, now=self._instant())
        return known | known_legs.load_pairs(self.server.provider, told.keys(), now=self._now)

    def _ask_ways(self, pairs: list[Pair], *, until: float) -> tuple[dict[Pair, Told], str]:
        told: dict[Pair, Told] = {}
        for pair in pairs:
            if time.monotonic() >= until:
                return told, SLOW
            try:
                way = self.server.way(place_of(pair[0]), place_of(pair[1]))
            except QuestionRefused:  # as for a place without a road near it
                continue
            except ServerFailed as failed:
                return told, failed.words
            told[pair] = Told(None, None, "")
            if way:
                seconds, metres = known_legs.whole(way.seconds), known_legs.whole(way.metres)
                told[pair] = Told(seconds, metres, road_shapes.encode(way.points))
        return told, ""

    def _instant(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._began)


def leg_of(told: Told | None, circle: StraightLine, at: datetime | None) -> Leg | None:
    """None where it is not known or where there is no way."""
    if told is None or told.seconds is None:
        return None
    return Leg(whole_minutes(told.seconds / circle.hours.share(at) / 60), round(told.metres / 1000, 2))


def _cells_of(nowhere: set[int], count: int) -> int:
    """How many ways begin or end at one of them."""
    somewhere = count - len(nowhere)
    return count * (count - 1) - somewhere * (somewhere - 1)
