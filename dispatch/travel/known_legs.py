"""What travel-time servers have told, kept in the database until it is too old; and how the servers do."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

import numpy as np
from django.db.models import Q

from dispatch.models import KnownLeg, TravelServer
from dispatch.travel.places import Place

log = logging.getLogger(__name__)

Pair = tuple[str, str]  # the keys of two places

AT_A_TIME: Final = 200  # pairs in one question to the database
WRITTEN_AT_A_TIME: Final = 5000  # legs: nobody else waits for long
ALMOST_NOTHING: Final = 1e-6


@dataclass(frozen=True)
class Told:
    """`seconds` and `metres` are None where there is no way, `shape` where nobody has asked for it."""

    seconds: int | None
    metres: int | None
    shape: str | None = None


def key_of(place: Place) -> str:
    return f"{place[0] + 0.0:.5f},{place[1] + 0.0:.5f}"


def place_of(key: str) -> Place:
    latitude, longitude = key.split(",")
    return float(latitude), float(longitude)


def load_pairs(provider: str, pairs: Collection[Pair], *, now: datetime) -> dict[Pair, Told]:
    wanted, found = iter(sorted(set(pairs))), {}
    while some := list(islice(wanted, AT_A_TIME)):
        condition = Q()
        for origin, target in some:  # the provider in each and not around them, or SQLite reads all that it has told
            condition |= Q(provider=provider, origin=origin, target=target)
        rows = KnownLeg.objects.young(now=now).filter(condition)
        for origin, target, *told in rows.values_list("origin", "target", "seconds", "metres", "shape"):
            found[origin, target] = Told(*told)
    return found


def load_shapes(provider: str, pairs: Collection[Pair], *, now: datetime) -> dict[Pair, str]:
    """The roads, as far as they are known."""
    return {pair: told.shape for pair, told in load_pairs(provider, pairs, now=now).items() if told.shape}


def fill_in(provider: str, keys: list[str], seconds: np.ndarray, metres: np.ndarray, *, now: datetime) -> None:
    """What is known between these places, into the matrices; infinity where there is no way."""
    number_of = {key: number for number, key in enumerate(keys)}
    rows = KnownLeg.objects.valid(provider, now=now).filter(origin__in=keys, target__in=keys)
    for origin, target, told_seconds, told_metres in rows.values_list("origin", "target", "seconds", "metres"):
        cell = number_of[origin], number_of[target]
        seconds[cell] = np.inf if told_seconds is None else told_seconds
        metres[cell] = np.inf if told_metres is None else told_metres


def remember_matrix(provider: str, keys: list[str], asked, seconds, metres, *, now: datetime) -> None:
    """What has been asked for in the matrices."""
    cells = ((keys[row], keys[column], seconds[row, column], metres[row, column]) for row, column in np.argwhere(asked))
    _write(
        (
            KnownLeg(provider=provider, origin=a, target=b, seconds=whole(s), metres=whole(m), told_at=now)
            for a, b, s, m in cells
        ),
        update_fields=["seconds", "metres", "told_at"],
    )


def remember_ways(provider: str, ways: Mapping[Pair, Told], *, now: datetime) -> None:
    """Where only the shape was missing the times stay: a plan that was worked out with them goes on being true."""
    known = load_pairs(provider, ways.keys(), now=now)

    def rows(is_known: bool) -> Iterator[KnownLeg]:
        for (origin, target), told in ways.items():
            if ((origin, target) in known) == is_known:
                times = known.get((origin, target), told)
                yield KnownLeg(
                    provider=provider,
                    origin=origin,
                    target=target,
                    seconds=times.seconds,
                    metres=times.metres,
                    shape=told.shape or "",
                    told_at=now,
                )

    _write(rows(True), update_fields=["shape"])
    _write(rows(False), update_fields=["seconds", "metres", "shape", "told_at"])


def whole(number: float) -> int | None:
    """Rounded up, as travel times are."""
    return None if np.isinf(number) else int(np.ceil(number - ALMOST_NOTHING))


def _write(rows: Iterable[KnownLeg], *, update_fields: list[str]) -> None:
    rows = iter(rows)
    while some := list(islice(rows, WRITTEN_AT_A_TIME)):
        KnownLeg.objects.bulk_create(
            some,
            update_conflicts=True,
            unique_fields=["provider", "origin", "target"],
            update_fields=update_fields,
        )


# How the servers do -------------------------------------------------------------------------------


def state_of(provider: str) -> TravelServer:
    return TravelServer.objects.filter(pk=provider).first() or TravelServer(provider=provider)


def note_answer(provider: str, *, now: datetime) -> None:
    _note(provider, answered_at=now)


def note_failure(provider: str, words: str, *, now: datetime) -> None:
    log.warning("The server for travel times (%s) %s.", provider, words)
    _note(provider, failed_at=now, failure=words)


def _note(provider: str, **fields) -> None:
    TravelServer.objects.bulk_create(
        [TravelServer(provider=provider, **fields)],
        update_conflicts=True,
        unique_fields=["provider"],
        update_fields=list(fields),
    )
