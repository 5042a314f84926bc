"""Live news for a customer's page, by Server-Sent Events: only that there is some. The page then asks for itself."""

import asyncio
import time
from collections import Counter

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from config.tokens import hash_of
from dispatch.actions.base import groups_of_technician
from dispatch.consumers import EventStream
from dispatch.customer_link.door import TooOften, find_link
from dispatch.models import Status
from dispatch.realtime import Hub, Listener, zone_group

BEAT_SECONDS = 20  # proxies and phones give up silent connections
RECHECK_SECONDS = 60
MOVED_EVERY_SECONDS = 10  # a sketch that is rounded to 100 m needs no more
MOST_PAGES = 6  # of one link at once, in one process
NEWS, BEAT = b"data: news\n\n", b": beat\n\n"
HEADERS = [
    (b"Content-Type", b"text/event-stream"),
    (b"Cache-Control", b"no-store"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Robots-Tag", b"noindex"),
    (b"X-Accel-Buffering", b"no"),  # nginx would hold the events back
]

_open_pages: Counter[str] = Counter()


class Subscription:
    """What the link's page has to hear of; read afresh from time to time, since links end and technicians change."""

    def __init__(self, link):
        job = link.job
        self.job_id, self.technician_id = job.pk, job.technician_id if job.status == Status.EN_ROUTE else None
        self.groups = {zone_group(job.zone_id)}
        if self.technician_id:
            self.groups |= groups_of_technician(job.technician)

    def concerns(self, event: dict) -> bool:
        return self.job_id in event.get("jobs", ())

    def is_move(self, event: dict) -> bool:
        if self.technician_id is None or event["event"] != "technician-moved":
            return False
        return any(move.get("technician") == self.technician_id for move in event.get("moves", [event]))


@database_sync_to_async
def subscription_for(token: str, address: str) -> Subscription | None:
    link = find_link(token, address=address, now=timezone.now())
    return Subscription(link) if link else None


class VisitEvents(EventStream):
    counted = ""

    async def handle(self, body):
        self.token = self.scope["url_route"]["kwargs"]["token"]
        self.address = (self.scope.get("client") or [""])[0]
        try:
            subscription = await subscription_for(self.token, self.address)
        except TooOften as too_often:
            retry = [(b"Retry-After", str(too_often.seconds).encode()), *HEADERS[1:]]
            await self.send_response(429, b"", headers=retry)
            return
        if subscription is None:
            await self.send_response(404, b"", headers=HEADERS[1:])
            return
        key = hash_of(self.token)
        if _open_pages[key] >= MOST_PAGES:
            await self.send_response(204, b"", headers=HEADERS[1:])  # no browser comes back; the page asks by itself
            return
        _open_pages[key] += 1
        self.counted = key
        await self.send_headers(headers=HEADERS)
        await self.send_body(b"retry: 4000\n\n", more_body=True)
        self.listener = Listener(subscription.groups)
        await Hub.current().join(self.listener)
        self.task = asyncio.create_task(self._forward(subscription))

    async def _forward(self, subscription: Subscription) -> None:
        """Ends when the link does, or when other groups have to be heard: the browser comes again by itself."""
        told_at = checked_at = moved_at = time.monotonic()
        while True:
            event = await self.listener.queue.get()
            at = time.monotonic()
            concerns = subscription.concerns(event)
            if concerns or at - checked_at > RECHECK_SECONDS:
                current, checked_at = await self._current(subscription), at
                if current is None or current.groups != subscription.groups:
                    await self.send_body(NEWS)
                    return
                subscription = current
            is_move = subscription.is_move(event) and at - moved_at > MOVED_EVERY_SECONDS
            if concerns or is_move:
                moved_at = told_at = at
                await self.send_body(NEWS, more_body=True)
            elif at - told_at > BEAT_SECONDS:
                told_at = at
                await self.send_body(BEAT, more_body=True)

    async def _current(self, subscription: Subscription) -> Subscription | None:
        """While the database is away, as it was: nobody learns anything from here that the page would not tell."""
        try:
            return await subscription_for(self.token, self.address)
        except TooOften:
            return None
        except DatabaseError:
            return subscription

    async def disconnect(self):
        if self.counted:
            _open_pages[self.counted] -= 1
            if not _open_pages[self.counted]:
                del _open_pages[self.counted]
            self.counted = ""
        await super().disconnect()
