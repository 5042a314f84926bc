"""The two doors of live events: a WebSocket, and Server-Sent Events where sockets are blocked. Same checks."""

import asyncio
import json
import time
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user_model

from dispatch.realtime import Hub, Listener, groups_of

NOT_LOGGED_IN = 4401  # WebSocket close codes 4000-4999 are the application's own (RFC 6455, 7.4.2)
NOT_ALLOWED = 4403
RECHECK_SECONDS = 60


class Refused(Exception):
    def __init__(self, code: int):
        self.code = code


def _is_same_origin(scope) -> bool:
    """The Origin header, where there is one, must name this host or a trusted one (as Django's CSRF check does)."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin:
        return headers.get(b"sec-fetch-site", b"same-origin") in (b"same-origin", b"none")
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    return netloc == headers.get(b"host", b"").decode("latin-1") or origin in settings.CSRF_TRUSTED_ORIGINS


async def open_listener(scope) -> Listener:
    """A listener for what the user may hear, narrowed to the groups asked for (`?group=zone.12`). Raises Refused."""
    if not _is_same_origin(scope):
        raise Refused(NOT_ALLOWED)
    if not scope["user"].is_authenticated:
        raise Refused(NOT_LOGGED_IN)
    allowed = await allowed_groups(scope["user"].pk)
    wanted = set(parse_qs(scope["query_string"].decode("latin-1")).get("group", allowed))
    if not allowed or not wanted <= allowed:
        raise Refused(NOT_ALLOWED)
    return Listener(wanted)


@database_sync_to_async
def allowed_groups(user_id: int) -> set[str]:
    """Read afresh, so that rights taken away meanwhile count."""
    user = get_user_model().objects.filter(pk=user_id).first()
    return groups_of(user) if user else set()


class LiveConsumer:
    """Forwards the listener's events until the page goes away or its user may no longer listen."""

    channel_layer_alias = None  # the hub holds the one subscription; a page needs none of its own
    listener = task = None

    async def forward(self, listener: Listener, send) -> None:
        user_id = self.scope["user"].pk
        checked_at = time.monotonic()
        while True:
            event = await listener.queue.get()
            if time.monotonic() - checked_at > RECHECK_SECONDS:
                if not listener.groups <= await allowed_groups(user_id):
                    raise Refused(NOT_ALLOWED)
                checked_at = time.monotonic()
            await send(json.dumps(event))


class LiveSocket(LiveConsumer, AsyncWebsocketConsumer):
    async def connect(self):
        try:
            self.listener = await open_listener(self.scope)
        except Refused as refusal:
            await self.accept()  # before accepting, a browser is told nothing but "failed"
            await self.close(refusal.code)
            return
        await self.accept()
        await Hub.current().join(self.listener)
        self.task = asyncio.create_task(self._forward())

    async def _forward(self):
        try:
            await self.forward(self.listener, lambda text: self.send(text_data=text))
        except Refused as refusal:
            await self.close(refusal.code)

    async def disconnect(self, code):
        if self.task:
            self.task.cancel()
            await Hub.current().leave(self.listener)


class EventStream(AsyncHttpConsumer):
    """Server-Sent Events. `handle` answers and, unless it refuses, leaves a `listener` and the `task` that forwards."""

    channel_layer_alias = None
    listener = task = None

    async def http_request(self, message):
        """Channels ends the response when `handle` returns; ours stays open until the browser leaves.

        Nobody reads a body here, so none is kept: a stranger could send one without end.
        """
        if message.get("more_body"):
            return
        await self.handle(b"")
        if self.task is None:
            await self.disconnect()
            raise StopConsumer

    async def disconnect(self):
        if self.task:
            self.task.cancel()
            await Hub.current().leave(self.listener)


class LiveEvents(LiveConsumer, EventStream):
    async def handle(self, body):
        try:
            self.listener = await open_listener(self.scope)
        except Refused as refusal:
            await self.send_response(refusal.code - 4000, b"Live events are not for you.")
            return
        await self.send_headers(
            headers=[
                (b"Content-Type", b"text/event-stream"),
                (b"Cache-Control", b"no-store"),
                (b"X-Accel-Buffering", b"no"),  # nginx would hold the events back
            ]
        )
        await self.send_body(b": open\n\n", more_body=True)
        await Hub.current().join(self.listener)
        self.task = asyncio.create_task(self._forward())

    async def _forward(self):
        with suppress(Refused):
            await self.forward(self.listener, lambda text: self.send_body(f"data: {text}\n\n".encode(), more_body=True))
        await self.send_body(b"")
