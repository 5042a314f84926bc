"""Requests of programs that may come twice: done once, and answered the second time as the first."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from dispatch.models import ApiToken, IdempotencyKey

KEPT: Final = timedelta(hours=24)
GIVEN_UP_AFTER: Final = timedelta(minutes=2)  # whoever worked on it so long ago is gone, or will notice


def claim_key(token: ApiToken, key: str, *, fingerprint: str, now: datetime) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether it is the caller's to work on.

    One that was left without an answer by a process that died is taken over: what it did has not been committed.
    """
    mine = {"fingerprint": fingerprint, "created_at": now}
    row, is_new = IdempotencyKey.objects.get_or_create(token=token, key=key, defaults=mine)
    if is_new:
        return row, True
    free = Q(created_at__lte=now - KEPT) | Q(status=None, created_at__lte=now - GIVEN_UP_AFTER)
    is_mine = IdempotencyKey.objects.filter(free, pk=row.pk).update(status=None, headers={}, body="", **mine)
    current = IdempotencyKey.objects.filter(pk=row.pk).first()
    if current is None:  # released at this moment
        return claim_key(token, key, fingerprint=fingerprint, now=now)
    return current, bool(is_mine)


def remember_answer(row: IdempotencyKey, *, status: int, headers: dict[str, str], body: str) -> bool:
    """In the transaction of what was done. False if the key has been taken over: then nothing of it may be kept."""
    return bool(_still_held(row).update(status=status, headers=headers, body=body))


def release_key(row: IdempotencyKey) -> None:
    """Nothing was done: the same request may be tried again."""
    _still_held(row).delete()


def _still_held(row: IdempotencyKey):
    return IdempotencyKey.objects.filter(pk=row.pk, created_at=row.created_at, status=None)
