"""What nobody needs any more goes, a part at a time: deleting all at once would hold up those who write."""

from datetime import datetime, timedelta
from typing import Final

from axes.models import AccessLog
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from dispatch.actions.geocoding import REMEMBERED_FOR
from dispatch.actions.idempotency import KEPT
from dispatch.models import (
    AutoAssignRun,
    BoardAction,
    CustomerLink,
    IdempotencyKey,
    KnownAddress,
    MaterialUse,
    Picture,
    Plan,
    StatusChange,
    Suggestion,
    Tap,
    WebhookDelivery,
    WebhookEvent,
)
from technicians.models import TrackView

AT_ONCE: Final = 1000  # rows
SUGGESTIONS_KEPT: Final = timedelta(days=90)
RUNS_KEPT: Final = timedelta(days=30)
LOOKS_KEPT: Final = timedelta(days=365)
LINKS_KEPT: Final = timedelta(days=90)  # with what was sent by them, and where to
EVENTS_KEPT: Final = timedelta(days=30)
TAPS_KEPT: Final = timedelta(days=90)  # so long a phone may have been off and send one again
JOURNAL_KEPT: Final = timedelta(days=90)  # for undoing; what happened to a job stays in its own logs
LOGINS_KEPT: Final = timedelta(days=90)


def forget_old_records(*, now: datetime | None = None) -> dict[str, int]:
    """Each kind in its time. Jobs, customers and the logs of jobs stay."""
    now = now or timezone.now()
    ended = AutoAssignRun.objects.exclude(state__in=(AutoAssignRun.State.QUEUED, AutoAssignRun.State.RUNNING))
    return {
        "suggestions": delete_in_parts(Suggestion.objects.filter(closed_at__lt=now - SUGGESTIONS_KEPT)),
        "auto_assign_runs": delete_in_parts(ended.filter(created_at__lt=now - RUNS_KEPT)),
        "customer_links": delete_in_parts(CustomerLink.objects.filter(expires_at__lt=now - LINKS_KEPT)),
        "plans": delete_in_parts(Plan.objects.filter(created_at__lt=now - RUNS_KEPT)),
        "known_addresses": delete_in_parts(KnownAddress.objects.filter(looked_up_at__lt=now - REMEMBERED_FOR)),
        "idempotency_keys": delete_in_parts(IdempotencyKey.objects.filter(created_at__lt=now - KEPT)),
        "taps": delete_in_parts(_taps(before=now - TAPS_KEPT)),
        "board_actions": delete_in_parts(BoardAction.objects.filter(done_at__lt=now - JOURNAL_KEPT)),
        "logins": delete_in_parts(AccessLog.objects.filter(attempt_time__lt=now - LOGINS_KEPT)),
        "track_views": delete_in_parts(TrackView.objects.filter(viewed_at__lt=now - LOOKS_KEPT)),
        "webhook_events": delete_in_parts(_told(before=now - EVENTS_KEPT)),
    }


def _taps(*, before: datetime) -> QuerySet:
    """Those that left nothing under their own id.

    A step in the log shows what the phone's clock said, and a picture or material that is sent again must be known as
    long as it is there.
    """
    steps = StatusChange.objects.filter(tap_id=OuterRef("pk"))
    things = [model.objects.filter(pk=OuterRef("pk")) for model in (Picture, MaterialUse)]
    return Tap.objects.filter(*(~Exists(rows) for rows in (steps, *things)), received_at__lt=before)


def _told(*, before: datetime) -> QuerySet:
    """Events, with their deliveries and the log of these, unless somebody who listens still waits for them."""
    waiting = WebhookDelivery.objects.filter(
        event=OuterRef("pk"), state=WebhookDelivery.State.QUEUED, endpoint__is_active=True
    )
    return WebhookEvent.objects.filter(~Exists(waiting), happened_at__lt=before)


def delete_in_parts(rows: QuerySet) -> int:
    """How many they were, without what went with them."""
    forgotten = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.model._base_manager.filter(pk__in=ids).delete()  # the other one of taps deletes nothing, for anybody
        forgotten += len(ids)
    return forgotten
