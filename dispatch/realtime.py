"""Live events: the only module that touches the channel layer.

An event says *that* something changed, never what: the browser asks the ordinary, permission-checked view. It goes to
groups, one per zone (`zone.12`, `zone.none` for jobs in no zone) and one per user (`user.5`). Each group has a number
in LiveVersion that grows with every event; a heartbeat carries it, so a board that missed an event finds out.
"""

import asyncio
import logging
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from redis.exceptions import RedisError

from dispatch.models import LiveVersion
from zones import access
from zones.models import ServiceZone

log = logging.getLogger(__name__)

NO_ZONE_GROUP = "zone.none"
REDIS_SECONDS = 1  # a Redis that hangs is as good as none: no request and no heartbeat waits for it longer


def zone_group(zone_id: int | None) -> str:
    return NO_ZONE_GROUP if zone_id is None else f"zone.{zone_id}"


def user_group(user_id: int) -> str:
    return f"user.{user_id}"


def groups_of(user) -> set[str]:
    """The groups that the user may listen to; empty for whoever has no live page. Reads the database."""
    if not user.is_authenticated or not user.is_active:
        return set()
    if user.has_perm("dispatch.view_job"):
        zones = access.dispatch_zone_ids(user)
        if zones is access.ALL_ZONES:
            zones = ServiceZone.objects.values_list("pk", flat=True)
        return {NO_ZONE_GROUP, user_group(user.pk), *map(zone_group, zones)}
    if user.has_perm("dispatch.work_job"):
        return {user_group(user.pk)}
    return set()


def versions_of(groups: Collection[str]) -> dict[str, int]:
    """How many events each group has had; a group that never had one counts as 0."""
    numbers = dict(LiveVersion.objects.filter(group__in=groups).values_list("group", "number"))
    return {group: numbers.get(group, 0) for group in sorted(groups)}


# Publishing ---------------------------------------------------------------------------------------


_is_muted: ContextVar[bool] = ContextVar("is_muted", default=False)


@contextmanager
def muted() -> Iterator[None]:
    """Inside, nothing is published: a bulk change says so in one event of its own afterwards."""
    token = _is_muted.set(True)
    try:
        yield
    finally:
        _is_muted.reset(token)


def is_muted() -> bool:
    return _is_muted.get()


def publish(event: str, *, groups: Iterable[str], even_muted: bool = False, **payload) -> None:
    """Sends the event to the groups once the transaction has committed. Never fails or undoes what was committed."""
    if is_muted() and not even_muted:
        return
    wanted = sorted(set(groups))

    def send_event():  # not a partial: Django asks a robust hook that fails for its name
        _publish_now(event, wanted, payload)

    transaction.on_commit(send_event, robust=True)


def _publish_now(event: str, groups: list[str], payload: dict) -> None:
    # The count goes first and into the database: with Redis away the heartbeat still tells the boards.
    _count_event(groups)
    try:
        async_to_sync(_send)(event, groups, payload)
    except (OSError, RedisError) as error:  # whatever Redis does, the commit stands
        log.warning("Live event %s not sent: %s", event, error)


def _count_event(groups: list[str]) -> None:
    # One statement a group and no transaction around them: no lock is held while waiting for another.
    for group in groups:
        if not LiveVersion.objects.filter(pk=group).update(number=F("number") + 1):
            LiveVersion.objects.bulk_create([LiveVersion(pk=group)], ignore_conflicts=True)
            LiveVersion.objects.filter(pk=group).update(number=F("number") + 1)


async def _send(event: str, groups: list[str], payload: dict) -> None:
    layer = get_channel_layer()
    # All senders of a process wait for one connection, so the time-out is around the waiting as well.
    async with asyncio.timeout(REDIS_SECONDS):
        for group in groups:
            await layer.group_send(group, {"type": "live.event", "event": event, "group": group, **payload})


# Listening ----------------------------------------------------------------------------------------


class Listener:
    """One open page: the groups it may hear and the queue in which its events arrive."""

    def __init__(self, groups: Collection[str]):
        self.groups = frozenset(groups)
        self.queue: asyncio.Queue[dict] = asyncio.Queue(maxsize=1000)

    def offer(self, event: dict) -> None:
        """Dropped if the page has not taken the last thousand: from a later heartbeat it learns that it missed some."""
        with suppress(asyncio.QueueFull):
            self.queue.put_nowait(event)


class Hub:
    """One subscription a process, shared by all its open pages: far cheaper than one a page.

    At each beat it sends itself a message through Redis to learn whether events arrive at all, reads the groups'
    numbers and gives every page a heartbeat: {"event": "heartbeat", "live": bool, "versions": {group: number}}.
    """

    _hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, "Hub"] = WeakKeyDictionary()

    def __init__(self):
        self._listeners: dict[str, set[Listener]] = {}
        self._subscribed: set[str] = set()
        self._own_group = f"hub.{uuid.uuid4().hex}"
        self._channel: str | None = None
        self._channel_ready = asyncio.Event()
        self._tasks: list[asyncio.Task] = []
        self._is_live = True
        self._echo_arrived = asyncio.Event()

    @classmethod
    def current(cls) -> "Hub":
        return cls._hubs.setdefault(asyncio.get_running_loop(), cls())

    async def join(self, listener: Listener) -> None:
        for group in listener.groups:
            self._listeners.setdefault(group, set()).add(listener)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._beat())]
        with suppress(TimeoutError):  # without Redis the page is served all the same
            await asyncio.wait_for(self._channel_ready.wait(), timeout=REDIS_SECONDS)
        await self._subscribe()
        # Read after subscribing: an event in between is counted here or heard, never neither.
        self._give_heartbeat(listener, await self._versions(listener.groups))

    async def leave(self, listener: Listener) -> None:
        for group in listener.groups:
            self._listeners[group].discard(listener)
            if not self._listeners[group]:
                del self._listeners[group]
        if self._listeners:
            return  # the groups that nobody hears any more go with the next beat
        for task in self._tasks:
            task.cancel()
        self._tasks, self._channel, self._subscribed = [], None, set()
        self._channel_ready.clear()

    async def _receive(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                if self._channel is None:
                    self._channel = await layer.new_channel()
                    await self._subscribe()
                    self._channel_ready.set()
                message = await layer.receive(self._channel)
                self._pass_on(message)
            except (OSError, RedisError) as error:
                log.warning("Live events cannot be received: %s", error)
                await asyncio.sleep(1)
            except Exception:  # a task that ended would leave every page of the process deaf
                log.exception("Live events cannot be received")
                await asyncio.sleep(1)

    def _pass_on(self, message: dict) -> None:
        if message["group"] == self._own_group:
            self._echo_arrived.set()
        event = {key: value for key, value in message.items() if key != "type"}
        for listener in self._listeners.get(message["group"], ()):
            listener.offer(event)

    async def _subscribe(self) -> None:
        """Makes the process hear exactly the groups that its pages want. What fails is tried again at the next beat."""
        if self._channel is None:
            return
        layer = get_channel_layer()
        wanted = {self._own_group, *self._listeners}
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                for group in wanted - self._subscribed:
                    await layer.group_add(group, self._channel)
                    self._subscribed.add(group)
                for group in self._subscribed - wanted:
                    await layer.group_discard(group, self._channel)
                    self._subscribed.discard(group)
        except (OSError, RedisError) as error:
            log.warning("Live groups cannot be joined: %s", error)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.LIVE_HEARTBEAT_SECONDS)
            try:
                self._is_live = await self._hears_itself()
                await self._subscribe()
                versions = await self._versions(set(self._listeners))
            except Exception:  # the next beat comes all the same
                log.exception("A live heartbeat was left out")
                continue
            for listener in set().union(*self._listeners.values()):
                self._give_heartbeat(listener, versions)

    async def _versions(self, groups: Collection[str]) -> dict[str, int]:
        """None while the database is away: the page is served all the same."""
        try:
            return await database_sync_to_async(versions_of)(groups)
        except DatabaseError as error:
            log.warning("Live heartbeat without the database: %s", error)
            return {}

    async def _hears_itself(self) -> bool:
        self._echo_arrived.clear()
        try:
            await _send("echo", [self._own_group], {})
            await asyncio.wait_for(self._echo_arrived.wait(), timeout=REDIS_SECONDS)
        except (OSError, RedisError, TimeoutError):
            return False
        return True

    def _give_heartbeat(self, listener: Listener, versions: dict[str, int]) -> None:
        known = {group: versions[group] for group in listener.groups if group in versions}
        listener.offer({"event": "heartbeat", "live": self._is_live, "versions": known})
