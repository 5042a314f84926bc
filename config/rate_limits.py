"""How often one may knock at a door that a secret opens, counted for all web processes together.

In Redis, in one round trip; while that is away, in the process's own memory, so that nobody waits for it. A secret that
has opened the door is known for a day and has a limit of its own. Of strangers each try counts until it turns out that
the secret was right: by address, and where the door says so in all. Whoever is known still passes when too many others
guess, for what cannot be guessed is not worth locking people out for.
"""

import logging
import time
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Final

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from technicians.gps.limits import Buckets

log = logging.getLogger(__name__)

PREFIX = "limits"
REDIS_SECONDS: Final = 1
REDIS_IS_LEFT_ALONE_FOR: Final = 10  # seconds, once it did not answer
KNOWN_FOR: Final = 24 * 60 * 60  # seconds

# Of a bucket Redis keeps when it is full again. KEYS: the secret, then whatever counts strangers.
# ARGV: what is to be done, for how long a secret is known, and of each key how many at once and how many a second.
_SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local function burst(i) return tonumber(ARGV[2 * i + 1]) end
local function rate(i) return tonumber(ARGV[2 * i + 2]) end
local function full_at(i) return math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), now) end
local function wait(i) return math.max(0, full_at(i) - now - (burst(i) - 1) / rate(i)) end
local function take(i, many, keep)
  local at = full_at(i) + many / rate(i)
  if at <= now then redis.call('DEL', KEYS[i]) return end
  redis.call('SET', KEYS[i], string.format('%.6f', at), 'EX', math.max(keep, math.ceil(at - now) + 1))
end
local function take_of_strangers(many) for i = 2, #KEYS do take(i, many, 1) end end
local keep = tonumber(ARGV[2])
if ARGV[1] == 'welcome' then
  take(1, 1, keep)
  take_of_strangers(-1)
elseif ARGV[1] == 'forget' then
  redis.call('DEL', KEYS[1])
  take_of_strangers(1)
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  local seconds = wait(1)
  if seconds == 0 then take(1, 1, keep) end
  return {1, math.ceil(seconds)}
else
  local seconds = 0
  for i = 2, #KEYS do seconds = math.max(seconds, wait(i)) end
  if seconds == 0 then take_of_strangers(1) end
  return {0, math.ceil(seconds)}
end
"""


@dataclass(frozen=True)
class Rate:
    at_once: float
    per_second: float


@dataclass(frozen=True)
class Entry:
    wait: int  # 0: come in; else after how many seconds
    was_known: bool
    keys: tuple[str, ...]


class Doorkeeper:
    def __init__(self, name: str, *, known: Rate, address: Rate, everyone: Rate | None = None):
        self.name, self.known = name, known
        self.rates = [known, address, everyone] if everyone else [known, address]
        self._own = [Buckets(burst=rate.at_once, per_second=rate.per_second) for rate in self.rates]
        self._lock = Lock()

    def enter(self, secret_hash: str, *, address: str) -> Entry:
        """Ask before anything is looked up, and `learn` afterwards."""
        names = (f"known.{secret_hash}", f"from.{address}", "everyone")
        keys = tuple(f"{PREFIX}.{self.name}.{name}" for name in names[: len(self.rates)])
        was_known, wait = self._do("enter", keys) or self._enter(keys)
        return Entry(int(wait), bool(was_known), keys)

    def learn(self, entry: Entry, *, is_known: bool) -> None:
        if entry.was_known == is_known:
            return
        if self._do("welcome" if is_known else "forget", entry.keys) is None:
            self._learn(entry.keys, is_known=is_known)

    def _do(self, what: str, keys: tuple[str, ...]) -> list[int] | None:
        """None: Redis is away."""
        numbers = [number for rate in self.rates for number in (rate.at_once, rate.per_second)]
        return _ask_redis(keys, [what, KNOWN_FOR, *numbers])

    def _enter(self, keys: tuple[str, ...]) -> tuple[bool, int]:
        at, (known, *strangers) = time.monotonic(), self._own
        with self._lock:
            if keys[0] in known:
                return True, known.take(keys[0], at=at)
            pairs = list(zip(strangers, keys[1:], strict=True))
            wait = max(bucket.wait_for(key, at=at) for bucket, key in pairs)
            for bucket, key in pairs if not wait else ():
                bucket.take(key, at=at)
            return False, wait

    def _learn(self, keys: tuple[str, ...], *, is_known: bool) -> None:
        at, (known, *strangers) = time.monotonic(), self._own
        with self._lock:
            if is_known:
                known.take(keys[0], at=at)
            else:
                known.forget(keys[0])
            for bucket, key in zip(strangers, keys[1:], strict=True):
                (bucket.give_back if is_known else bucket.take)(key, at=at)


_ask_again_at = 0.0


def _ask_redis(keys: tuple[str, ...], arguments: list) -> list[int] | None:
    global _ask_again_at
    if time.monotonic() < _ask_again_at:
        return None
    try:
        return _script(settings.REDIS_URL)(keys=keys, args=arguments) or []
    except (OSError, RedisError) as error:
        _ask_again_at = time.monotonic() + REDIS_IS_LEFT_ALONE_FOR
        log.warning("Rate limits count in this process only: %s", error)
        return None


@cache
def _script(url: str):
    seconds = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return Redis.from_url(url, **seconds, retry=Retry(NoBackoff(), 0)).register_script(_SCRIPT)
