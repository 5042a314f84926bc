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

    def take(self, key: str, *, at: float) -> int:
        """0, or after how many seconds to come again. `at` is in seconds of a clock that never goes back."""
        left, since = self._levels.pop(key, (self.burst, at))
        left = min(self.burst, left + (at - since) * self.per_second)
        wait = 0 if left >= 1 else max(1, ceil((1 - left) / self.per_second))
        self._levels[key] = (left if wait else left - 1, at)
        if len(self._levels) > self.most_keys:
            self._levels.popitem(last=False)
        return wait

    def give_back(self, key: str) -> None:
        if key in self._levels:
            left, since = self._levels[key]
            self._levels[key] = (min(self.burst, left + 1), since)

    def forget(self, key: str) -> None:
        self._levels.pop(key, None)
