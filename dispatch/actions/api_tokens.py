"""Tokens by which other systems act as a user: making them, revoking them, knowing them again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from config.tokens import hash_of, new_token
from dispatch.actions.base import ActionRefused
from dispatch.models import ApiToken

PREFIX: Final = "truckroll_"  # by which scanners of source code recognise one that leaked
USED_EVERY: Final = timedelta(minutes=1)  # more often nobody needs to know when a token was last used


@dataclass(frozen=True)
class NewToken:
    """The one moment in which the secret is known."""

    token: ApiToken
    secret: str


@transaction.atomic
def create_api_token(
    name: str, user, scopes: Iterable[str], *, by, expires_at: datetime | None = None, now: datetime | None = None
) -> NewToken:
    now = now or timezone.now()
    if not by.has_perm("dispatch.add_apitoken"):
        raise PermissionDenied("Only administrators make tokens.")
    if user.is_superuser and not by.is_superuser:  # as nobody takes over a greater account otherwise
        raise ActionRefused("Only a superuser makes tokens that act as one.")
    if not user.is_active:
        raise ActionRefused(f"{user} is no longer active.")
    if expires_at is not None and expires_at <= now:
        raise ActionRefused("The token would have expired already.")
    secret = PREFIX + new_token()
    token = ApiToken.objects.create(
        name=name,
        user=user,
        token_hash=hash_of(secret),
        hint=secret[-4:],
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
        created_at=now,
        created_by=by,
    )
    return NewToken(token, secret)


def revoke_api_token(token: ApiToken, *, by, now: datetime | None = None) -> bool:
    """False if somebody has done it already."""
    if not by.has_perm("dispatch.change_apitoken"):
        raise PermissionDenied("Only administrators revoke tokens.")
    standing = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    return bool(standing.update(revoked_at=now or timezone.now()))


def find_api_token(secret: str, *, now: datetime) -> ApiToken | None:
    """The token, if it is good, with its user; that it is used is noted once a minute."""
    known = ApiToken.objects.select_related("user").filter(token_hash=hash_of(secret), revoked_at=None)
    token = known.filter(Q(expires_at=None) | Q(expires_at__gt=now), user__is_active=True).first()
    if token and (token.last_used_at is None or token.last_used_at <= now - USED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
