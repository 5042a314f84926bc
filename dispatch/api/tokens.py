"""Who calls, and whether their token has the scope. A session counts for nothing here, so no CSRF token is needed."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security.base import AuthBase

from config.rate_limits import Doorkeeper, Rate
from config.tokens import hash_of
from dispatch import actions
from dispatch.api.problems import Problem
from dispatch.models import ApiToken

BURST_SECONDS: Final = 30  # so much of what it may do in the long run a token may do at once
CHALLENGE: Final = 'Bearer realm="Truckroll"'


def new_doorkeeper() -> Doorkeeper:
    rate = settings.API_REQUESTS_PER_SECOND
    return Doorkeeper("api", known=Rate(max(1, rate * BURST_SECONDS), rate), address=Rate(at_once=60, per_second=1))


DOORKEEPER = new_doorkeeper()


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
    entry = DOORKEEPER.enter(hash_of(secret.strip()), address=request.META.get("REMOTE_ADDR", ""))
    if entry.wait:
        raise Problem("too-many-requests", f"Come again in {entry.wait} s.", headers={"Retry-After": str(entry.wait)})
    token = actions.find_api_token(secret.strip(), now=timezone.now())
    DOORKEEPER.learn(entry, is_known=token is not None)
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
