"""What it costs at least to go on through a set of stops, whatever the time is. Pure.

For a few stops this is exact (Held and Karp's recursion, backwards, all sets of one size at once); for more it is the
cheapest way into each, and what the ways out cost above that.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

MOST_EXACT: Final = 13
_ITSELF: Final = 1 << 50


@dataclass(frozen=True)
class WayOn:
    way_in: np.ndarray  # to each stop, with what the way out of it costs above
    way_out: np.ndarray  # of each stop, and of the start
    way_home: int
    leave: np.ndarray
    exact: np.ndarray | None  # by the set as bits, and where they are: the start comes last

    def on(self, still: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Points at least for the stops in `still` (visited or left out), and then the end."""
        if self.exact is not None:
            return self.exact[still, last]
        is_in = (still[:, None] >> np.arange(len(self.leave))) & 1
        return is_in @ np.minimum(self.way_in, self.leave) + self.way_out[last] + self.way_home


def way_on(toll: np.ndarray, home: np.ndarray, leave: np.ndarray) -> WayOn:
    """`toll` from each stop (the start last) to each stop, with what a visit costs anyway; `home` from each stop."""
    count = len(home)
    ways = np.hstack([toll, np.append(home, 0)[:, None]])
    ways[:count, :count][np.eye(count, dtype=bool)] = _ITSELF
    least_in = ways[:-1].min(axis=0)
    way_out = (ways - least_in).min(axis=1)
    exact = _exact(ways, leave) if count <= MOST_EXACT else None
    return WayOn(least_in[:-1] + way_out[:-1], way_out, int(least_in[-1]), leave, exact)


def _exact(ways: np.ndarray, leave: np.ndarray) -> np.ndarray:
    count = len(leave)
    bits = 1 << np.arange(count)
    left = ((np.arange(1 << count)[:, None] & bits) > 0) @ leave
    points = left[:, None] + ways[:, -1]
    for sets in _by_size(count)[1:]:
        is_in = (sets[:, None] & bits) > 0
        onwards = np.where(is_in, points[sets[:, None] & ~bits, np.arange(count)], _ITSELF)
        best = (onwards[:, None, :] + ways[:, :-1]).min(axis=2)
        points[sets] = np.minimum(points[sets], best)
    return points


@cache
def _by_size(count: int) -> list[np.ndarray]:
    sets = np.arange(1 << count)
    sizes = ((sets[:, None] >> np.arange(count)) & 1).sum(axis=1)
    return [sets[sizes == size] for size in range(count + 1)]
