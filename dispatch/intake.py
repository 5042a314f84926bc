"""The way in for devices' messages: limits, and one commit for all that arrive within a moment.

A process has one intake an event loop. It takes messages in until a batch is full or a moment has passed, and writes
them in one transaction, in a thread of its own; each is answered when that has been committed, so none is lost that its
sender believes delivered. Meanwhile the next batch gathers. What follows from positions, markers and predictions, is
seen to afterwards, in another thread and never more than one round at a time.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from dispatch import actions
from dispatch.actions.positions import Post, Received
from technicians.gps.limits import Buckets
from technicians.gps.protocols import Answer

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
BATCH = 500  # posts
MOST_WAITING = 4000
FOLLOW_SECONDS = 0.25
BUSY = Answer(503, retry_after=5)
AWAY = (OperationalError, InterfaceError)


class Doorkeeper:
    """Who may knock how often, as far as this process sees.

    A device's own limit is wide: after hours without signal its app sends what it has kept, one fix a request. Of the
    others only those tries count that were in vain, by the sender's address: a thousand phones behind one proxy or
    carrier may all come at once after a restart. Once too many were, those known here still pass.
    """

    def __init__(self):
        self.devices = Buckets(burst=6000, per_second=100)
        self.strangers = Buckets(burst=120, per_second=2)

    def admit(self, post: Post, *, address: str, at: float) -> Answer | None:
        """None: come in."""
        if post.secret_hash in self.devices:
            wait = self.devices.take(post.secret_hash, at=at)
        else:
            wait = self.strangers.wait_for(address, at=at)
        return post.heard.later(wait) if wait else None

    def learn(self, post: Post, *, address: str, is_known: bool, at: float) -> None:
        if not is_known:
            self.devices.forget(post.secret_hash)
            self.strangers.take(address, at=at)
        elif post.secret_hash not in self.devices:
            self.devices.take(post.secret_hash, at=at)


DOORKEEPER = Doorkeeper()


class Intake:
    _intakes: WeakKeyDictionary[asyncio.AbstractEventLoop, "Intake"] = WeakKeyDictionary()

    def __init__(self):
        self._waiting: deque[tuple[Post, asyncio.Future]] = deque()
        self._moved: set[int] = set()
        self._is_full = asyncio.Event()
        self._tasks: dict[str, asyncio.Task] = {}
        self._threads = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in ("positions", "moves")}

    @classmethod
    def current(cls) -> "Intake":
        return cls._intakes.setdefault(asyncio.get_running_loop(), cls())

    async def take(self, post: Post, *, address: str) -> Answer:
        refusal = DOORKEEPER.admit(post, address=address, at=time.monotonic())
        if refusal:
            return refusal
        if len(self._waiting) >= MOST_WAITING:
            return BUSY
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((post, future))
        if len(self._waiting) >= BATCH:
            self._is_full.set()
        self._ensure("write", self._write)
        answer, is_known = await future
        DOORKEEPER.learn(post, address=address, is_known=is_known, at=time.monotonic())
        return answer

    def _ensure(self, name: str, work) -> None:
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.create_task(work())

    async def _write(self) -> None:
        while self._waiting:
            if len(self._waiting) < BATCH:
                self._is_full.clear()
                await _wait(self._is_full, seconds=GATHER_SECONDS)
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            received = await self._in_thread("positions", receive, [post for post, _ in batch])
            for (post, future), answer in zip(batch, received.answers, strict=True):
                if not future.done():  # whoever sent it may have hung up
                    future.set_result((answer, post.secret_hash not in received.unknown))
            self._moved |= received.moved
            if self._moved:
                self._ensure("follow", self._follow)

    async def _follow(self) -> None:
        while self._moved:
            moved, self._moved = self._moved, set()
            await self._in_thread("moves", follow, moved)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _in_thread(self, name: str, function, *args):
        return await asyncio.get_running_loop().run_in_executor(self._threads[name], function, *args)


async def _wait(event: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def receive(posts: Sequence[Post]) -> Received:
    """Never fails: what could not be stored is to be sent again."""
    close_old_connections()
    try:
        return actions.receive_posts(posts, now=timezone.now())
    except AWAY as error:
        log.warning("Positions cannot be stored: %s", error)
        return Received([BUSY] * len(posts))
    except Exception:
        if len(posts) > 1:  # only the one that cannot be stored is to suffer
            return _merge([receive([post]) for post in posts])
        log.exception("A position cannot be stored")
        return Received([BUSY])
    finally:
        close_old_connections()


def _merge(received: list[Received]) -> Received:
    merged = Received()
    for one in received:
        merged.answers += one.answers
        merged.moved |= one.moved
        merged.unknown |= one.unknown
    return merged


def follow(technician_ids: set[int]) -> None:
    close_old_connections()
    try:
        actions.follow_moves(technician_ids, now=timezone.now())
    except DatabaseError as error:
        log.warning("Moves are not followed: %s", error)
    except Exception:
        log.exception("Moves are not followed")
    finally:
        close_old_connections()
