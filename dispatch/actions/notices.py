"""What people do with their notifications: read them, choose which they get, and on which devices."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused
from dispatch.actions.forgetting import delete_in_parts
from dispatch.models import Notification, NotificationPreference, PushSubscription, User
from dispatch.notices import push
from dispatch.notices.notify import DEFAULTS, Channel, kinds_for

KEPT_AFTER_READING: Final = timedelta(days=90)
KEPT_UNREAD: Final = timedelta(days=365)
MOST_DEVICES: Final = 10


@transaction.atomic
def mark_read(*, by: User, notice_ids: Iterable[int] | None = None, now: datetime | None = None) -> int:
    """The user's own, all or these. The other pages that they have open hear of it."""
    unread = Notification.objects.shown_to(by).unread()
    if notice_ids is not None:
        unread = unread.filter(pk__in=list(notice_ids))
    read = unread.update(read_at=now or timezone.now())
    if read:
        realtime.publish("notified", groups={realtime.user_group(by.pk)})
    return read


@transaction.atomic
def choose_channels(chosen: Collection[tuple[str, str]], *, by: User) -> None:
    """`chosen` are the pairs of kind and channel that are on, of all that concern the user's role.

    Only what differs from the defaults is kept, so that better defaults reach whoever never chose.
    """
    kinds = kinds_for(by)
    answers = [
        NotificationPreference(user=by, kind=kind, channel=channel, is_on=(kind, channel) in chosen)
        for kind in kinds
        for channel in Channel
        if ((kind, channel) in chosen) != (channel in DEFAULTS[kind])
    ]
    NotificationPreference.objects.filter(user=by, kind__in=kinds).delete()
    NotificationPreference.objects.bulk_create(answers, ignore_conflicts=True)


@transaction.atomic
def subscribe(*, endpoint: str, p256dh: str, auth: str, device: str, by: User) -> PushSubscription:
    """This browser takes push from now on, for this user alone. The oldest of too many devices goes."""
    if not push.is_on():
        raise ActionRefused("Push is not set up on this server.")
    if objection := push.objection_to(endpoint=endpoint, p256dh=p256dh, auth=auth):
        raise ActionRefused(objection)
    values = {"user": by, "p256dh": p256dh, "auth": auth, "device": device}
    subscription, _ = PushSubscription.objects.update_or_create(endpoint=endpoint, defaults=values)
    newest = PushSubscription.objects.filter(user=by).order_by("-created_at", "-pk")
    too_many = list(newest.values_list("pk", flat=True)[MOST_DEVICES:])
    PushSubscription.objects.filter(pk__in=too_many).exclude(pk=subscription.pk).delete()
    return subscription


def unsubscribe(*, by: User, endpoint: str = "", pk: int | None = None) -> bool:
    own = PushSubscription.objects.filter(user=by)
    return bool((own.filter(pk=pk) if pk is not None else own.filter(endpoint=endpoint)).delete()[0])


def forget_old_notices(*, now: datetime | None = None) -> int:
    """Those read long ago; as old ones that nobody sees in the app, where nobody can read them; very old ones."""
    now = now or timezone.now()
    before = now - KEPT_AFTER_READING
    read, unseen = Q(read_at__lt=before), Q(is_in_app=False, created_at__lt=before)
    return delete_in_parts(Notification.objects.filter(read | unseen | Q(created_at__lt=now - KEPT_UNREAD)))
