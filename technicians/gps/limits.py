"""How often one may knock: a bucket for each key that fills up again with time. Pure."""

from collections import OrderedDict
from math import ceil


class Buckets:
    """Holds the most recent keys only: whoever makes up new ones without end takes no memory."""

    def __init__(self, *, burst: float, per_second: float, most_keys: int = 20_000):
        self.burst, self.per_second, self.most_keys = burst, per_second, most_keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key: (what was left, when)

    def __contains__(self, key: str) -> bool:
        return key in self._levels

    def wait_for(self, key: str, *, at: float) -> int:
        """0, or after how many seconds to come again. `at` is in seconds of a clock that never goes back."""
        left = self._left(key, at=at)
        return 0 if left >= 1 else max(1, ceil((1 - left) / self.per_second))

    def take(self, key: str, *, at: float) -> int:
        """As `wait_for`, and it counts if there is no wait."""
        wait, left = self.wait_for(key, at=at), self._left(key, at=at)
        self._levels[key] = (left if wait else left - 1, at)
        self._levels.move_to_end(key)
        if len(self._levels) > self.most_keys:
            self._levels.popitem(last=False)
        return wait

    def give_back(self, key: str, *, at: float) -> None:
        if key in self._levels:
            self._levels[key] = (min(self.burst, self._left(key, at=at) + 1), at)

    def forget(self, key: str) -> None:
        self._levels.pop(key, None)

    def _left(self, key: str, *, at: float) -> float:
        left, since = self._levels.get(key, (self.burst, at))
        return min(self.burst, left + (at - since) * self.per_second)
