"""Telling people: in the app, and where they want it by push and e-mail. The only writer of notifications."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dispatch import realtime
from dispatch.models import Job, Notification, User
from zones import access

Kind = Notification.Kind


def dispatchers_of(zone_id: int | None) -> list[User]:
    """Everyone who dispatches in the zone: dispatchers it is granted to, managers and admins. None is in no zone."""
    may = Q(groups__permissions__codename="change_job") | Q(is_superuser=True)
    users = User.objects.filter(may, is_active=True).distinct()
    return [user for user in users if _dispatches_in(user, zone_id)]


def _dispatches_in(user, zone_id: int | None) -> bool:
    zone_ids = access.dispatch_zone_ids(user)
    return zone_ids is access.ALL_ZONES or zone_id is None or zone_id in zone_ids


@transaction.atomic
def notify(
    recipients: Iterable[User],
    kind: str,
    text: str,
    *,
    job: Job | None = None,
    url: str = "",
    once_key: str = "",
    now: datetime | None = None,
) -> list[Notification]:
    """Tells each of them; with a `once_key` only those who have not been told under it. Returns what is new."""
    now = now or timezone.now()
    people = {user.pk: user for user in recipients}
    if once_key:
        told = Notification.objects.filter(recipient__in=people, once_key=once_key)
        people = {pk: people[pk] for pk in people.keys() - set(told.values_list("recipient_id", flat=True))}
    rows = [
        Notification(recipient=user, kind=kind, text=text[:300], job=job, url=url, once_key=once_key, created_at=now)
        for _, user in sorted(people.items())
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=bool(once_key))
    realtime.publish("notified", groups=[realtime.user_group(pk) for pk in people])
    return rows
