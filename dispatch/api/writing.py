"""What every changing request has in common: all of it or nothing, and once however often it is sent."""

import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja.decorators import decorate_view

from dispatch.actions.idempotency import claim_key, release_key, remember_answer
from dispatch.api.problems import Problem, answer
from dispatch.api.tokens import authenticate
from dispatch.models import IdempotencyKey

KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
REMEMBERED: Final = ("Content-Type", "ETag", "Location")


class KeyTakenOver(Exception):
    """Somebody else works on it by now: what was done here must not stay."""


def _written(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(run)
    def run_once(request: HttpRequest, **arguments) -> HttpResponse:
        try:
            return _run_with_key(request, lambda: _all_or_nothing(lambda: run(request, **arguments)))
        except Problem as problem:
            return answer(problem)

    return run_once


writes = decorate_view(_written)


def _all_or_nothing(run: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        response = run()
        if response.status_code >= 400:
            transaction.set_rollback(True)
    return response


def _run_with_key(request: HttpRequest, run: Callable[[], HttpResponse]) -> HttpResponse:
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return run()
    if not KEY.fullmatch(key):
        raise Problem("malformed", "An Idempotency-Key has 1 to 255 printable ASCII characters without spaces.")
    token, fingerprint = authenticate(request), _fingerprint(request)
    row, is_mine = claim_key(token, key, fingerprint=fingerprint, now=timezone.now())
    if not is_mine:
        return _again(row, fingerprint)
    try:
        return _run_and_remember(row, run)
    except KeyTakenOver:
        raise _still_working() from None


def _run_and_remember(row: IdempotencyKey, run: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer and deed are committed together. Of what was refused nothing is remembered: it may be tried again."""
    is_done = False
    try:
        with transaction.atomic():
            response = run()
            if response.status_code < 400:
                headers = {name: response[name] for name in REMEMBERED if name in response}
                body = response.content.decode()
                if not remember_answer(row, status=response.status_code, headers=headers, body=body):
                    raise KeyTakenOver
                is_done = True
        return response
    finally:
        if not is_done:
            release_key(row)


def _again(row: IdempotencyKey, fingerprint: str) -> HttpResponse:
    if row.fingerprint != fingerprint:
        raise Problem("idempotency-key-reused", "This Idempotency-Key came with another request before.")
    if row.status is None:
        raise _still_working()
    headers = {**row.headers, "Idempotency-Replayed": "true"}
    return HttpResponse(row.body, status=row.status, headers=headers)


def _still_working() -> Problem:
    text = "The first request with this Idempotency-Key has not been answered yet."
    return Problem("still-working", text, headers={"Retry-After": "2"})


def _fingerprint(request: HttpRequest) -> str:
    return sha256(b"\n".join([request.method.encode(), request.get_full_path().encode(), request.body])).hexdigest()
