"""Where devices send their positions: /gps/<secret>/, by any method and without logging in.

Production comes in by `GpsDoor`, straight from the web server: through Django's middleware a fix would cost ten times
as much. The view `gps` gives the same answers wherever only Django runs.
"""

import asyncio
import time

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from config.tokens import hash_of
from dispatch import actions
from dispatch.actions.positions import Post
from dispatch.intake import DOORKEEPER, Intake
from technicians.gps.messages import Message
from technicians.gps.protocols import Answer, hear

MOST_BYTES = 512 * 1024
BODY_SECONDS = 30
TOO_LARGE, TOO_SLOW = Answer(413), Answer(408)


@csrf_exempt
@login_not_required
def gps(request, secret):
    if len(request.body) > MOST_BYTES:
        return _response(TOO_LARGE)
    message = Message(request.META.get("QUERY_STRING", ""), request.body, request.META.get("CONTENT_TYPE", ""))
    post, address = Post(hash_of(secret), hear(message)), request.META.get("REMOTE_ADDR", "")
    answer = DOORKEEPER.admit(post, address=address, at=time.monotonic())
    if answer is None:
        now = timezone.now()
        received = actions.receive_posts([post], now=now)
        DOORKEEPER.learn(post, address=address, is_known=not received.unknown, at=time.monotonic())
        actions.follow_moves(received.moved, now=now)
        answer = received.answers[0]
    return _response(answer)


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=_headers(answer))


def _headers(answer: Answer) -> dict[str, str]:
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(answer.body))}
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    if answer.retry_after:
        headers["Retry-After"] = str(answer.retry_after)
    return headers


class GpsDoor:
    """The same as an ASGI application. Its requests are in no log: the secret is in the path."""

    async def __call__(self, scope, receive, send):
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            answer = TOO_SLOW
        else:
            answer = TOO_LARGE if body is None else await _answer(scope, body)
        headers = [(name.lower().encode(), value.encode()) for name, value in _headers(answer).items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _answer(scope, body: bytes) -> Answer:
    content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    message = Message(scope["query_string"].decode("latin-1"), body, content_type)
    secret = scope["url_route"]["kwargs"]["secret"]
    address = (scope.get("client") or [""])[0]
    return await Intake.current().take(Post(hash_of(secret), hear(message)), address=address)


async def _body(receive) -> bytes | None:
    """None if it is too large, or never came whole; what is left of it is not read."""
    chunks, size, is_open = [], 0, True
    while is_open:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        chunk = event.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            return None
        is_open = event.get("more_body", False)
    return b"".join(chunks)
