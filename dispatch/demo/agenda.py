"""Simulated time for a demo that moves: a clock that runs faster than the real one, and what is due when."""

import heapq
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from dispatch.actions import ActionRefused

QUIET = timedelta(minutes=60)  # with nothing but waiting for so long, nothing will happen any more


class FastClock:
    """Simulated time begins as the real time and passes `speed` times as fast. It stands where the last wait ended."""

    def __init__(
        self, *, speed: float, now: Callable[[], datetime] = timezone.now, sleep: Callable[[float], None] = time.sleep
    ):
        self.speed, self.now, self._sleep = speed, now, sleep
        self.began_at = self.time = now()

    def wait_for(self, due: datetime, *, until: datetime | None) -> bool:
        """Sleeps until the simulated time has come; False if the real time `until` is reached before that."""
        wakes_at = self.began_at + (due - self.began_at) / self.speed
        is_in_time = until is None or wakes_at < until
        seconds = ((wakes_at if is_in_time else until) - self.now()).total_seconds()
        if seconds > 0:  # a slow machine is behind: it goes on at once
            self._sleep(seconds)
        if is_in_time:
            self.time = max(self.time, due)
        return is_in_time and (until is None or self.now() < until)


@dataclass(order=True)
class Happening:
    """`is_idle`: somebody only looks whether there is something to do."""

    due: datetime
    number: int
    happen: Callable[[], object] = field(compare=False)
    is_idle: bool = field(default=False, compare=False)
    is_dropped: bool = field(default=False, compare=False)


class Agenda:
    """What is to happen, in the order in which it is due; what is due at once, in the order in which it was entered."""

    def __init__(self, clock: FastClock, *, seed: int, tell: Callable[[str], None]):
        self.clock, self._tell = clock, tell
        self.rng = random.Random(seed)  # noqa: S311 - the same seed must play the same day
        self._heap: list[Happening] = []
        self._numbers = count()
        self._told_at = clock.time

    def after(self, minutes: float, happen: Callable[[], object], *, is_idle: bool = False) -> Happening:
        due = self.clock.time + timedelta(minutes=max(0, minutes))
        happening = Happening(due, next(self._numbers), happen, is_idle)
        heapq.heappush(self._heap, happening)
        return happening

    def tell(self, text: str) -> None:
        self._told_at = self.clock.time
        self._write(text)

    def attempt(self, do: Callable[[], object]) -> bool:
        """False if the product does not allow it: somebody at a screen may have changed what was meant to happen."""
        try:
            do()
        except (ActionRefused, PermissionDenied) as refusal:
            self._write(f"Not possible: {refusal}")
            return False
        return True

    def run(self, *, until: datetime | None = None) -> bool:
        """Plays until nothing is left to happen; False if that real time comes first."""
        while self._heap:
            happening = heapq.heappop(self._heap)
            if happening.is_dropped:
                continue
            if self._is_over(happening):
                return True
            if not self.clock.wait_for(happening.due, until=until):
                return False
            self.attempt(happening.happen)
        return True

    def _is_over(self, upcoming: Happening) -> bool:
        waiting = all(happening.is_idle or happening.is_dropped for happening in (upcoming, *self._heap))
        return waiting and upcoming.due - self._told_at > QUIET

    def _write(self, text: str) -> None:
        self._tell(f"{timezone.localtime(self.clock.time):%H:%M}  {text}")
