"""The secret addresses under which calendar programs read technicians' jobs."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from config.tokens import derived_token, hash_of
from dispatch.actions.devices import may_manage_devices
from technicians.models import CalendarFeed, Technician

PURPOSE: Final = "calendar feed"
NOTED_EVERY: Final = timedelta(minutes=5)


@transaction.atomic
def make_calendar_feed(technician: Technician, *, by, now: datetime | None = None) -> str:
    """Returns its token. The address of before is good for nothing any more."""
    now = now or timezone.now()
    _check_may_manage(technician, by)
    Technician.objects.select_for_update(no_key=True).get(pk=technician.pk)  # of two at once the second waits
    technician.calendar_feeds.filter(revoked_at=None).update(revoked_at=now)
    nonce = secrets.token_urlsafe(32)
    token = derived_token(PURPOSE, nonce)
    technician.calendar_feeds.create(nonce=nonce, token_hash=hash_of(token), created_at=now, created_by=by)
    return token


@transaction.atomic
def revoke_calendar_feed(technician: Technician, *, by, now: datetime | None = None) -> bool:
    """False if there is none."""
    _check_may_manage(technician, by)
    return bool(technician.calendar_feeds.filter(revoked_at=None).update(revoked_at=now or timezone.now()))


def _check_may_manage(technician: Technician, by) -> None:
    if not may_manage_devices(by, technician):
        raise PermissionDenied("This is somebody else's calendar.")


def note_calendar_read(feed: CalendarFeed, *, now: datetime) -> None:
    long_ago = Q(last_read_at=None) | Q(last_read_at__lt=now - NOTED_EVERY)
    CalendarFeed.objects.filter(long_ago, pk=feed.pk).update(last_read_at=now)
