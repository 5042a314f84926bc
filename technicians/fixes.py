"""Which position fixes make sense and which are worth keeping. Pure: a fix knows nothing of who it is of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from zones.geometry import distance_km

MAX_FUTURE = timedelta(minutes=2)  # clocks of phones differ a little
MAX_AGE = timedelta(days=2)
MAX_SPEED_MS = 90  # 324 km/h: nobody drives to a customer so fast
# Only for so long is a fix compared with the one before: else one wrong fix could shut out all the true ones after it.
SPEED_WITHIN = timedelta(minutes=5)
PERIOD = timedelta(seconds=1)  # nothing that is closer in time tells more
STILL_M = 10
STILL_SECONDS = 60  # of one who stands still the history keeps a fix a minute


@dataclass(frozen=True)
class Fix:
    """WGS 84 degrees; accuracy is the radius in metres within which the device is 68 % sure to be."""

    latitude: float
    longitude: float
    recorded_at: datetime
    accuracy_m: float | None = None
    speed_kmh: float | None = None
    heading_degrees: float | None = None
    battery_percent: int | None = None


@dataclass(frozen=True)
class Sieved:
    """What is left: the fixes for the history, and the one that is newer than the previous newest, if any."""

    history: list[Fix]
    newest: Fix | None


def is_plausible(fix: Fix, *, now: datetime) -> bool:
    on_globe = -90 <= fix.latitude <= 90 and -180 <= fix.longitude <= 180
    null_island = fix.latitude == 0 and fix.longitude == 0  # what broken receivers send
    return on_globe and not null_island and now - MAX_AGE <= fix.recorded_at <= now + MAX_FUTURE


def is_accurate(fix: Fix, *, limit_m: float) -> bool:
    """A fix that does not say counts as accurate: most trackers never say."""
    return fix.accuracy_m is None or fix.accuracy_m <= limit_m


def metres_between(one: Fix, other: Fix) -> float:
    return 1000 * distance_km(
        from_latitude=one.latitude,
        from_longitude=one.longitude,
        to_latitude=other.latitude,
        to_longitude=other.longitude,
    )


def is_too_fast(before: Fix, fix: Fix, *, limit_ms: float = MAX_SPEED_MS) -> bool:
    elapsed = fix.recorded_at - before.recorded_at
    if not timedelta() < elapsed <= SPEED_WITHIN:
        return False
    unsure = (before.accuracy_m or 0) + (fix.accuracy_m or 0)
    return metres_between(before, fix) - unsure > limit_ms * elapsed.total_seconds()


def adds_nothing(before: Fix, fix: Fix) -> bool:
    """In the same second; or hardly moved in the same minute of the clock, so that who stands adds a row a minute."""
    if fix.recorded_at - before.recorded_at < PERIOD:
        return True
    minutes = [int(one.recorded_at.timestamp()) // STILL_SECONDS for one in (before, fix)]
    return minutes[0] == minutes[1] and metres_between(before, fix) < STILL_M


def sieve(
    fixes: Iterable[Fix],
    *,
    previous: Fix | None,
    accuracy_limit_m: float,
    speed_limit_ms: float = MAX_SPEED_MS,
    now: datetime,
) -> Sieved:
    """In whatever order they come. Those from before `previous`, the newest so far, are kept and change nothing."""
    history, newest, last = [], None, previous
    instants = {previous.recorded_at} if previous else set()
    for fix in sorted(fixes, key=lambda fix: fix.recorded_at):
        makes_sense = is_plausible(fix, now=now) and is_accurate(fix, limit_m=accuracy_limit_m)
        if not makes_sense or fix.recorded_at in instants:
            continue
        instants.add(fix.recorded_at)
        if previous and fix.recorded_at < previous.recorded_at:
            history.append(fix)
        elif last is None or not is_too_fast(last, fix, limit_ms=speed_limit_ms):
            if last is None or not adds_nothing(last, fix):
                history.append(fix)
            newest = last = fix
    return Sieved(history, newest)
