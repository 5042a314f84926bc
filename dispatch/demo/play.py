"""Plays the demo's day forward: technicians drive and tap, dispatchers decide, and every open board shows it.

Every screen goes by the real clock: the line of now, the predicted arrivals, what is late. So what is written is what
really happens now, at real instants, and only the waiting is made shorter: at speed 60 a job of an hour takes a minute,
and so does a drive of an hour. Writing simulated instants instead would put the crew into the future of every board,
where nothing is predicted and what is recorded is refused. Nobody's plan or duration is changed to fit, so on the board
the crew is early, and the predictions say otherwise with each thing that happens: which is what they are there for.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from dispatch.demo.agenda import Agenda, FastClock
from dispatch.demo.drivers import Drivers, demo_technicians
from dispatch.demo.office import Office, demo_dispatchers


class NoDemo(Exception):
    """The database has nobody who could play: only the demo's own people do."""


def play_day(
    *,
    speed: float,
    tell: Callable[[str], None],
    seed: int = 1,
    minutes: float | None = None,
    now: Callable[[], datetime] = timezone.now,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """From wherever the database stands until today's jobs are done, or for so many minutes of real time: then False.

    `tell` is given a line for each thing that happens, with its simulated time.
    """
    if not demo_technicians().exists() or not demo_dispatchers():
        raise NoDemo("This database has no demo in it: fill an empty one with seed_demo.")
    clock = FastClock(speed=speed, now=now, sleep=sleep)
    agenda, day = Agenda(clock, seed=seed, tell=tell), timezone.localdate(clock.began_at)
    drivers = Drivers(agenda, day=day)
    drivers.begin()
    Office(agenda, drivers, day=day).begin()
    return agenda.run(until=clock.began_at + timedelta(minutes=minutes) if minutes else None)
