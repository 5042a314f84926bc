"""Who calls, and whether their token has the scope. A session counts for nothing here, so no CSRF token is needed."""

import time
from threading import Lock
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security.base import AuthBase

from config.tokens import hash_of
from dispatch import actions
from dispatch.api.problems import Problem
from dispatch.models import ApiToken
from technicians.gps.limits import Buckets

BURST_SECONDS: Final = 30  # so much of what it may do in the long run a token may do at once
CHALLENGE: Final = 'Bearer realm="Truckroll"'


class Doorkeeper:
    """How often a token may ask, as far as this process sees; and how often an address may try tokens in vain."""

    def __init__(self):
        rate = settings.API_REQUESTS_PER_SECOND
        self.tokens = Buckets(burst=max(1, rate * BURST_SECONDS), per_second=rate)
        self.strangers = Buckets(burst=60, per_second=1)
        self._lock = Lock()

    def admit(self, token_hash: str, *, address: str, at: float) -> None:
        with self._lock:
            is_known = token_hash in self.tokens
            wait = self.tokens.take(token_hash, at=at) if is_known else self.strangers.wait_for(address, at=at)
        if wait:
            raise Problem("too-many-requests", f"Come again in {wait} s.", headers={"Retry-After": str(wait)})

    def learn(self, token_hash: str, *, address: str, is_known: bool, at: float) -> None:
        with self._lock:
            if not is_known:
                self.tokens.forget(token_hash)
                self.strangers.take(address, at=at)
            elif token_hash not in self.tokens:
                self.tokens.take(token_hash, at=at)


DOORKEEPER = Doorkeeper()


def authenticate(request: HttpRequest) -> ApiToken:
    """The request's token, looked up and counted once a request; `request.user` becomes the token's user."""
    if not hasattr(request, "api_token"):
        request.api_token = _token_of(request)
        request.user = request.api_token.user
    return request.api_token


def _token_of(request: HttpRequest) -> ApiToken:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem("unauthorized", "Send “Authorization: Bearer <token>”.", headers={"WWW-Authenticate": CHALLENGE})
    token_hash, address = hash_of(secret.strip()), request.META.get("REMOTE_ADDR", "")
    DOORKEEPER.admit(token_hash, address=address, at=time.monotonic())
    token = actions.find_api_token(secret.strip(), now=timezone.now())
    DOORKEEPER.learn(token_hash, address=address, is_known=token is not None, at=time.monotonic())
    if token is None:
        challenge = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
        raise Problem("unauthorized", "This token is unknown, expired or revoked.", headers=challenge)
    return token


class BearerToken(AuthBase):
    """For an operation that needs this scope."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: str):
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiToken:
        token = authenticate(request)
        if self.scope not in token.scopes:
            challenge = {"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{self.scope}"'}
            raise Problem("insufficient-scope", f"This needs the scope {self.scope}.", headers=challenge)
        return token
