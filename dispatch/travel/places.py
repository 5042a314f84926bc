"""What every provider of travel times speaks in. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np

Place = tuple[float, float]  # latitude, longitude

HAIR: Final = 1e-9  # of a minute: what two ways to calculate the same may differ by is no further minute


@dataclass(frozen=True)
class Leg:
    minutes: int
    km: float


@dataclass(frozen=True, eq=False)
class TravelMatrix:
    """From each place (row) to each (column), as whole numbers; UNREACHABLE where there is no way.

    Seconds are whole minutes, rounded up as a Leg's are: a plan and the predictions of it agree. `notice` is what
    whoever reads the result must know, as that distances were estimated; empty if there is nothing to know.
    """

    seconds: np.ndarray
    metres: np.ndarray
    notice: str = ""


class Travel(Protocol):
    def leg(self, origin: Place | None, target: Place | None, at: datetime | None = None) -> Leg | None:
        """None where one of the places is not known: nobody is near to what has no location.

        `at` is when one sets out, where that makes a difference.
        """


class TravelTimes(Travel, Protocol):
    def matrix(self, places: Sequence[Place], *, at: datetime) -> TravelMatrix:
        """As driven at that hour. May wait for a server."""

    def shape(self, places: Sequence[Place]) -> list[Place] | None:
        """The road from the first through all of them to the last; None where only the beeline is known."""


def whole_minutes(minutes: float) -> int:
    return math.ceil(minutes - HAIR)
