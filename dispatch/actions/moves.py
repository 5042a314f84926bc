"""Tells the boards who has moved: each technician at most once a second, whichever process took the fixes.

Who moved is put into a set in Redis. Whoever opens the next round takes those whose second is over out of it, reads
where they are now and publishes that; for the others a timer opens a round later. Taken out before they are read: a
fix in between either is read or puts them in again, so the last position is always told.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from functools import cache

from django.conf import settings
from django.db import connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from dispatch import realtime
from dispatch.actions.base import groups_of_technician
from technicians.models import Technician

log = logging.getLogger(__name__)

PREFIX = "moves"  # tests have their own, so that they do not wait for each other
ROUND_MS = 250
EACH_MS = 1000
TIMER_MS = 3000  # a process that dies with its timer leaves the set to the next one after this
AWAY_SECONDS = 5  # without Redis boards poll: more often would only make them reload
PREDICT_MS = 15_000

_unsent: set[int] = set()  # while Redis is away, of this process
_unsent_lock = threading.Lock()


@cache
def _redis(url: str) -> Redis:
    # A Redis that hangs must not hold up whoever sends a position.
    return Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))


def redis() -> Redis:
    return _redis(settings.REDIS_URL)


def _key(name: str) -> str:
    return f"{PREFIX}:{name}"


def announce_moves(technician_ids: Collection[int]) -> None:
    """Call it once the positions are committed."""
    if not technician_ids:
        return
    if _unsent:
        _tell_without_redis(technician_ids)
        return
    try:
        redis().sadd(_key("waiting"), *technician_ids)
        is_opened = redis().set(_key("round"), 1, nx=True, px=ROUND_MS)
        if not is_opened or _tell_due():
            _tell_later()
    except (OSError, RedisError) as error:
        log.warning("Moves are told without Redis: %s", error)
        _tell_without_redis(technician_ids)


def _tell_due() -> bool:
    """True if some have to wait until their second is over."""
    waiting = sorted(redis().smembers(_key("waiting")), key=int)
    with redis().pipeline(transaction=False) as pipeline:
        for pk in waiting:
            pipeline.set(_key(f"told:{int(pk)}"), 1, nx=True, px=EACH_MS)
        due = [pk for pk, is_due in zip(waiting, pipeline.execute(), strict=True) if is_due]
    if due:
        redis().srem(_key("waiting"), *due)
        publish_moves([int(pk) for pk in due])
    return len(due) < len(waiting)


def _tell_later() -> None:
    if redis().set(_key("timer"), 1, nx=True, px=TIMER_MS):
        later(ROUND_MS / 1000, open_round)


def open_round() -> None:
    """Whoever is still waiting: also for a process that died with its timer."""
    try:
        # Gone before the set is read: who comes after that sets a timer of their own.
        redis().delete(_key("timer"))
        redis().set(_key("round"), 1, px=ROUND_MS)
        if _tell_due():
            _tell_later()
    except (OSError, RedisError) as error:
        log.warning("Moves wait for the next fix: %s", error)


def _tell_without_redis(technician_ids: Collection[int]) -> None:
    with _unsent_lock:
        is_first = not _unsent
        _unsent.update(technician_ids)
    if is_first:
        later(AWAY_SECONDS, _tell_unsent)


def _tell_unsent() -> None:
    with _unsent_lock:
        ids = sorted(_unsent)
        _unsent.clear()
    publish_moves(ids)


def later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, _call_and_close, [call])
    timer.daemon = True
    timer.start()


def _call_and_close(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:  # a thread has nobody else to tell
        log.exception("Moves were not told")
    finally:
        connection.close()


def publish_moves(technician_ids: Collection[int]) -> None:
    """Where they are by now: one as the event's own fields, of several each zone's in `moves`."""
    moved = Technician.objects.filter(pk__in=technician_ids, position_at__isnull=False).order_by("pk")
    moves: dict[str, list[dict]] = defaultdict(list)
    technicians = list(moved.prefetch_related("zones"))
    for technician in technicians:
        for group in groups_of_technician(technician):
            moves[group].append(_move(technician))
    if len(technicians) == 1:
        realtime.publish("technician-moved", groups=moves, **_move(technicians[0]))
        return
    for group, told in sorted(moves.items()):
        realtime.publish("technician-moved", groups=[group], moves=told)


def _move(technician: Technician) -> dict:
    return {
        "technician": technician.pk,
        "latitude": technician.latitude,
        "longitude": technician.longitude,
        "recorded_at": technician.position_at.isoformat(),
    }


# Predictions --------------------------------------------------------------------------------------


def is_time_to_predict(technician_ids: Collection[int]) -> bool:
    """Remembers whose arrivals have to be predicted; True once in fifteen seconds, for whoever then sees to it."""
    try:
        redis().sadd(_key("unpredicted"), *technician_ids)
        return bool(redis().set(_key("predicting"), 1, nx=True, px=PREDICT_MS))
    except (OSError, RedisError):
        return False  # every minute all are predicted anyway


def take_unpredicted() -> list[int]:
    with redis().pipeline() as pipeline:  # a transaction: nobody is added in between and forgotten
        pipeline.smembers(_key("unpredicted"))
        pipeline.delete(_key("unpredicted"))
        return sorted(map(int, pipeline.execute()[0]))
