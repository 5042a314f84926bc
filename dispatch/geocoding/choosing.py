"""Which of a provider's answers is the place that is meant, or that a person has to say so. Knows nothing of Django."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from zones.geometry import distance_km

SAME_PLACE_METRES = 250
MOST_CANDIDATES = 6


@dataclass(frozen=True)
class Candidate:
    label: str
    latitude: float
    longitude: float
    is_vague: bool = False  # a town or a district: not where a house is

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """`found`, or else what a person may choose from, the best first; nothing if there is nothing."""

    found: Candidate | None
    candidates: list[Candidate]


def decide(candidates: Sequence[Candidate], *, is_served: Callable[[Candidate], bool] | None) -> Verdict:
    """`is_served` says whether one lies in a service zone; None if there are no zones at all.

    The only exact place within the zones is meant. One outside of them may be a street of the same name elsewhere.
    """
    served = [one for one in candidates if is_served is None or is_served(one)]
    exact = merged([one for one in served if not one.is_vague])
    if len(exact) == 1:
        return Verdict(exact[0], exact)
    others = [one for one in candidates if one not in served]
    ordered = merged([*exact, *sorted([*served, *others], key=lambda one: one.is_vague)])
    return Verdict(None, ordered[:MOST_CANDIDATES])


def merged(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Without what is as good as at the place of an earlier one: two doors of one house."""
    kept: list[Candidate] = []
    for one in candidates:
        if all(metres_between(one, other) > SAME_PLACE_METRES for other in kept):
            kept.append(one)
    return kept


def metres_between(one: Candidate, other: Candidate) -> float:
    return 1000 * distance_km(
        from_latitude=one.latitude,
        from_longitude=one.longitude,
        to_latitude=other.latitude,
        to_longitude=other.longitude,
    )
