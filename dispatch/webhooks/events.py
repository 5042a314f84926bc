"""What other systems are told of. Written down in the transaction of the change: told if it commits, else never.

Where nobody listens it costs one small query a transaction and writes nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import models, transaction

from dispatch.models import (
    CustomerMessage,
    FieldChange,
    Job,
    JobNote,
    StatusChange,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from dispatch.queueing import enqueue_once
from sla.models import Violation

DELIVER: Final = "dispatch.tasks.deliver_webhooks"  # by name: the tasks import the actions, and those tell


class Kind(models.TextChoices):
    JOB_CREATED = "job.created", "A job is created"
    JOB_CHANGED = "job.changed", "What a job is about, or its time, changes"
    STATUS_CHANGED = "job.status_changed", "A job's status or technician changes"
    NOTE_ADDED = "job.note_added", "A note is written on a job"
    PICTURE_ADDED = "job.picture_added", "A photo or signature comes in"
    CUSTOMER_WROTE = "job.customer_wrote", "A customer says something about their visit"
    RATED = "job.rated", "A customer rates their visit"
    SLA_BREACHED = "sla.breached", "An SLA target is breached"
    PLAN_APPLIED = "plan.applied", "A route plan is applied"
    DUTY_CHANGED = "technician.duty_changed", "A technician clocks in or out, or takes a break"


# As other systems get a job: what they need to know which it is and how it stands, and nothing of its customer.
JOB_FIELDS: Final = (
    *("id", "external_id", "version", "status", "priority", "scheduled_on", "window_starts_at", "window_ends_at"),
    *("planned_starts_at", "duration_minutes", "assigned_at", "en_route_at", "started_at", "completed_at"),
    *("cancelled_at", "held_at", "customer_id", "site_id", "zone_id", "job_type_id", "technician_id"),
)


def tell(kind: str, *, job: Job | None = None, content: dict | None = None, now: datetime) -> None:
    """`content` is JSON beside the job itself, which is read anew."""
    tell_each(kind, [(job and job.pk, content or {})], now=now)


def tell_of_log(rows: Iterable[StatusChange], *, now: datetime) -> None:
    """Of jobs that are new, and of those whose status or technician changed."""
    rows = list(rows)
    tell_each(Kind.JOB_CREATED, [(row.job_id, {}) for row in rows if not row.from_status], now=now)
    tell_each(Kind.STATUS_CHANGED, [(row.job_id, _step(row)) for row in rows if row.from_status], now=now)


def _step(row: StatusChange) -> dict:
    return {
        "from": {"status": row.from_status, "technician_id": row.from_technician_id},
        "to": {"status": row.to_status, "technician_id": row.to_technician_id},
        "happened_at": row.happened_at.isoformat(),
        "by": row.actor_kind,
        "note": row.note,
    }


def tell_of_edits(rows: Iterable[FieldChange], *, now: datetime) -> None:
    """`changes` holds [old, new] as people read them; the job holds what counts now."""
    tell_each(Kind.JOB_CHANGED, [(row.job_id, {"changes": row.changes}) for row in rows], now=now)


def tell_of_note(note: JobNote, *, now: datetime) -> None:
    said = {"text": note.text, "author": str(note.author or ""), "written_at": note.written_at.isoformat()}
    tell(Kind.NOTE_ADDED, job=note.job, content=said, now=now)


def tell_of_customer(message: CustomerMessage, *, now: datetime) -> None:
    """How to get in is for the technician alone."""
    wanted = {name: _plain(getattr(message, name)) for name in ("wanted_starts_at", "wanted_ends_at")}
    text = "" if message.kind == CustomerMessage.Kind.ACCESS else message.text
    said = {"kind": message.kind, "text": text} | (wanted if message.wanted_starts_at else {})
    tell(Kind.CUSTOMER_WROTE, job=message.job, content=said, now=now)


def tell_of_breaches(violations: Iterable[Violation], *, now: datetime) -> None:
    """Those among them that are new: what was recorded before was told before."""
    wanted = {(one.job_id, one.kind) for one in violations}
    if not wanted or not _listeners():
        return
    recorded = Violation.objects.filter(job__in={job_id for job_id, _ in wanted}, recorded_at=now).order_by("pk")
    violations = [one for one in recorded if (one.job_id, one.kind) in wanted]
    about = [(one.job_id, {"target": one.kind, "due_at": one.breached_at.isoformat()}) for one in violations]
    tell_each(Kind.SLA_BREACHED, about, now=now)


def tell_of_duty(said: Iterable[tuple[int, str, datetime]], *, now: datetime) -> None:
    """Each: the technician's id, “clocked_in”, “clocked_out”, “break_began” or “break_ended”, and when it was."""
    about = [(None, {"technician_id": pk, "what": what, "at": at.isoformat()}) for pk, what, at in said]
    tell_each(Kind.DUTY_CHANGED, about, now=now)


@transaction.atomic(savepoint=False)
def tell_each(kind: str, about: Iterable[tuple[int | None, dict]], *, now: datetime) -> None:
    """One event for each (job's id or None, content), in this order, in as many queries for many as for one."""
    about = list(about)
    if not about:
        return
    listening = [endpoint for endpoint in _listeners() if not endpoint.kinds or kind in endpoint.kinds]
    if listening:
        _write(listening, kind, about, now=now)


def _write(endpoints: list[WebhookEndpoint], kind: str, about: list[tuple[int | None, dict]], *, now) -> None:
    jobs = _jobs_as_told({job_id for job_id, _ in about if job_id})
    events = [
        WebhookEvent(
            kind=kind,
            job_id=job_id,
            content={**({"job": jobs[job_id]} if job_id else {}), **content},
            happened_at=now,
        )
        for job_id, content in about
    ]
    WebhookEvent.objects.bulk_create(events, batch_size=500)
    WebhookDelivery.objects.bulk_create(
        [WebhookDelivery(endpoint=endpoint, event=event, due_at=now) for event in events for endpoint in endpoints],
        batch_size=500,
    )
    for endpoint in endpoints:
        enqueue_once(DELIVER, endpoint.pk)


def _listeners() -> list[WebhookEndpoint]:
    """Read once a transaction. Kept with what waits for its commit, so that a rollback forgets it too."""
    for _, hook, _ in transaction.get_connection().run_on_commit:
        if (known := getattr(hook, "webhook_listeners", None)) is not None:
            return known

    def keep_listeners():
        """Does nothing: it is only there to be found."""

    keep_listeners.webhook_listeners = list(WebhookEndpoint.objects.filter(is_active=True).only("pk", "kinds"))
    transaction.on_commit(keep_listeners)
    return keep_listeners.webhook_listeners


def forget_listeners() -> None:
    """For whoever changes them in a transaction that has told of something."""
    for _, hook, _ in transaction.get_connection().run_on_commit:
        if hasattr(hook, "webhook_listeners"):
            hook.webhook_listeners = None


def _jobs_as_told(ids: set[int]) -> dict[int, dict]:
    rows = Job.objects.filter(pk__in=ids).values(*JOB_FIELDS)
    return {row["id"]: {"number": f"J-{row['id']:06d}"} | {k: _plain(v) for k, v in row.items()} for row in rows}


def _plain(value):
    return value.isoformat() if hasattr(value, "isoformat") else value
