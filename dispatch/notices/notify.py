"""Telling people: in the app, and where they want it by push and e-mail. The only writer of notifications."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import FilteredRelation, Q
from django.utils import timezone

from dispatch import realtime
from dispatch.models import Delivery, Job, Notification, NotificationPreference, User
from dispatch.notices import push
from dispatch.queueing import enqueue_each
from technicians.models import Technician
from zones import access

Kind = Notification.Kind
Channel = NotificationPreference.Channel
DELIVER: Final = "dispatch.tasks.deliver"  # by name: the tasks import the actions, and those tell people
LONGEST: Final = 300

# What people get unless they chose otherwise, and which kinds concern whom.
TECHNICIANS: Final[dict[Kind, frozenset[Channel]]] = {
    Kind.ASSIGNED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.UNASSIGNED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.CHANGED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.CANCELLED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.DAY_REORDERED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.DAY_SENT: frozenset({Channel.IN_APP, Channel.PUSH, Channel.EMAIL}),
}
DISPATCHERS: Final[dict[Kind, frozenset[Channel]]] = {
    Kind.URGENT_UNASSIGNED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.SUGGESTION_WAITING: frozenset({Channel.IN_APP}),
    Kind.NOBODY_ELIGIBLE: frozenset({Channel.IN_APP}),
    Kind.PHONE_SILENT: frozenset({Channel.IN_APP}),
    Kind.STUCK: frozenset({Channel.IN_APP}),
    Kind.PLAN_READY: frozenset({Channel.IN_APP}),
    Kind.SLA_AT_RISK: frozenset({Channel.IN_APP}),
    Kind.SLA_BREACHED: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.FIELD_CONFLICT: frozenset({Channel.IN_APP}),
    Kind.RUNNING_LATE: frozenset({Channel.IN_APP}),
    Kind.CALLED_SICK: frozenset({Channel.IN_APP, Channel.PUSH}),
    Kind.CUSTOMER_WROTE: frozenset({Channel.IN_APP}),
    Kind.OTHER_TIME: frozenset({Channel.IN_APP}),
    Kind.ADDRESS_UNCLEAR: frozenset({Channel.IN_APP}),
}
MANAGERS: Final[dict[Kind, frozenset[Channel]]] = {
    Kind.SLA_REPORT: frozenset({Channel.EMAIL}),
}
ADMINS: Final[dict[Kind, frozenset[Channel]]] = {
    Kind.IMPORT_DONE: frozenset({Channel.IN_APP}),
    Kind.WEBHOOK_STOPPED: frozenset({Channel.IN_APP, Channel.EMAIL}),
}
DEFAULTS: Final = TECHNICIANS | DISPATCHERS | MANAGERS | ADMINS

# What stands above the sentence, in a few words.
HEADLINES: Final[dict[Kind, str]] = {
    Kind.ASSIGNED: "New job",
    Kind.UNASSIGNED: "Job taken back",
    Kind.CHANGED: "Job changed",
    Kind.CANCELLED: "Job cancelled",
    Kind.DAY_REORDERED: "New order",
    Kind.DAY_SENT: "Your day",
    Kind.URGENT_UNASSIGNED: "Urgent, nobody has it",
    Kind.SUGGESTION_WAITING: "Suggestion",
    Kind.NOBODY_ELIGIBLE: "Nobody fits",
    Kind.PHONE_SILENT: "Phone silent",
    Kind.STUCK: "No progress",
    Kind.PLAN_READY: "Route plan",
    Kind.SLA_AT_RISK: "SLA at risk",
    Kind.SLA_BREACHED: "SLA breached",
    Kind.SLA_REPORT: "SLA report",
    Kind.FIELD_CONFLICT: "From the field",
    Kind.RUNNING_LATE: "Running late",
    Kind.CALLED_SICK: "Called out sick",
    Kind.CUSTOMER_WROTE: "Customer writes",
    Kind.OTHER_TIME: "Another time",
    Kind.ADDRESS_UNCLEAR: "Unclear address",
    Kind.IMPORT_DONE: "Import",
    Kind.WEBHOOK_STOPPED: "Webhook stopped",
}


def headline_of(kind: str) -> str:
    return HEADLINES.get(kind, "Truckroll")


@dataclass(frozen=True)
class Message:
    """What one person is to be told; with a `once_key` only if they have not been told under it."""

    recipient: User
    kind: str
    text: str
    job: Job | None = None
    url: str = ""  # where it leads, if not to the job
    once_key: str = ""
    job_ids: tuple[int, ...] = ()  # if it is about several


@dataclass
class Reach:
    """How somebody wants to be told of one kind."""

    channels: set[str]
    subscription_ids: set[int] = field(default_factory=set)


def kinds_for(user) -> list[Kind]:
    """Those that concern the user's role."""
    kinds = list(TECHNICIANS) if user.has_perm("dispatch.work_job") and not user.is_superuser else []
    kinds += list(DISPATCHERS) if user.has_perm("dispatch.change_job") else []
    kinds += list(MANAGERS) if user.has_perm("dispatch.view_financial_report") else []
    return kinds + (list(ADMINS) if user.has_perm("dispatch.change_webhookendpoint") else [])


def dispatchers_of(zone_id: int | None) -> list[User]:
    """Everyone who dispatches in the zone: dispatchers it is granted to, managers and admins. None is in no zone."""
    users = User.objects.filter(access.may_by_group("change_job"), is_active=True)
    if zone_id is not None:
        users = users.filter(access.may_dispatch_in(zone_id))
    return list(users.order_by("pk"))


def dispatchers_who_see(technician: Technician) -> list[User]:
    """Everyone who dispatches in one of the technician's zones; if there are none, everyone."""
    zone_ids = [zone.pk for zone in technician.zones.all()] or [None]
    return list({user.pk: user for zone_id in zone_ids for user in dispatchers_of(zone_id)}.values())


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
    messages = [Message(user, kind, text, job=job, url=url, once_key=once_key) for user in recipients]
    return tell(messages, now=now)


@transaction.atomic(savepoint=False)
def tell(messages: Iterable[Message], *, now: datetime | None = None) -> list[Notification]:
    """All of them in a constant number of queries, even if they say different things."""
    now = now or timezone.now()
    messages = _not_told_yet([message for message in messages if message.recipient.is_active])
    if not messages:
        return []
    reach = _reach(messages)
    notices = Notification.objects.bulk_create(
        Notification(
            recipient=message.recipient,
            kind=message.kind,
            text=shortened(message.text),
            job=message.job,
            url=message.url,
            once_key=message.once_key,
            is_in_app=Channel.IN_APP in reach[message.recipient.pk, message.kind].channels,
            created_at=now,
        )
        for message in messages
    )
    about = zip(notices, messages, strict=True)
    links = [Notification.jobs.through(notification=one, job_id=pk) for one, message in about for pk in message.job_ids]
    if links:
        Notification.jobs.through.objects.bulk_create(links)
    _queue(notices, reach, now=now)
    shown_to = {realtime.user_group(notice.recipient_id) for notice in notices if notice.is_in_app}
    if shown_to:  # whoever muted the board's events sends one for all of them; these are nobody else's
        realtime.publish("notified", groups=shown_to, even_muted=True)
    return notices


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _not_told_yet(messages: list[Message]) -> list[Message]:
    """One a person and key: the people are locked, so that of two who tell them at once the second one finds out."""
    if not any(message.once_key for message in messages):
        return messages
    ids = sorted({message.recipient.pk for message in messages})
    list(User.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
    keys = {message.once_key for message in messages} - {""}
    told = Notification.objects.filter(recipient__in=ids, once_key__in=keys)
    known = set(told.values_list("recipient_id", "once_key"))
    fresh = []
    for message in messages:
        key = (message.recipient.pk, message.once_key)
        if not message.once_key or key not in known:
            fresh.append(message)
            known.add(key)
    return fresh


def _reach(messages: list[Message]) -> dict[tuple[int, str], Reach]:
    """By person and kind: the defaults with the person's own answers over them, and the devices that take push."""
    wanted = {(message.recipient.pk, message.kind): message.recipient for message in messages}
    reach = {key: Reach(set(DEFAULTS.get(key[1], ()))) for key in wanted}
    subscriptions: dict[int, set[int]] = defaultdict(set)
    kinds = {kind for _, kind in wanted}
    answered = FilteredRelation("notification_preferences", condition=Q(notification_preferences__kind__in=kinds))
    columns = ["pk", "answer__kind", "answer__channel", "answer__is_on"]
    columns += ["push_subscriptions__pk"] if push.is_on() else []
    rows = User.objects.filter(pk__in={pk for pk, _ in wanted}).annotate(answer=answered).values_list(*columns)
    for pk, kind, channel, is_on, *subscription_ids in rows:
        if (pk, kind) in reach:
            channels = reach[pk, kind].channels
            channels.add(channel) if is_on else channels.discard(channel)
        subscriptions[pk].update(filter(None, subscription_ids))
    for (pk, _), own in reach.items():
        own.subscription_ids = subscriptions[pk]
    return reach


def _queue(notices: list[Notification], reach: dict[tuple[int, str], Reach], *, now: datetime) -> None:
    deliveries = []
    for notice in notices:
        own = reach[notice.recipient_id, notice.kind]
        instants = {"queued_at": now, "due_at": now}
        if Channel.PUSH in own.channels:
            deliveries += [
                Delivery(notification=notice, channel=Channel.PUSH, subscription_id=pk, **instants)
                for pk in sorted(own.subscription_ids)
            ]
        if Channel.EMAIL in own.channels and settings.EMAIL_HOST and notice.recipient.email:
            deliveries.append(Delivery(notification=notice, channel=Channel.EMAIL, **instants))
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        enqueue_each(DELIVER, [(delivery.pk,) for delivery in deliveries])
