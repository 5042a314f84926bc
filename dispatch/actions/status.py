"""The status workflow: the only code that changes a job's status or technician."""

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from dispatch.actions.base import (
    ActionRefused,
    Actor,
    actor_on,
    describe_state,
    fresh,
    groups_of_job,
    log_change,
    name_for,
    publish_job,
)
from dispatch.actions.checks import refuse_open_checks
from dispatch.actions.clocks import keep_clocks
from dispatch.actions.customer_links import follow_visit
from dispatch.actions.duty import end_break_for_work
from dispatch.actions.journal import journalled
from dispatch.billing import record_billing
from dispatch.models import BillingRecord, Job, Status, StatusChange
from dispatch.models.jobs import ACTIVE
from dispatch.workflow import TRANSITIONS
from technicians.models import Technician
from technicians.positions import Fix


def assign_job(
    job: Job, technician: Technician, *, by, seen: str | None = None, note: str = "", now: datetime | None = None
) -> Job:
    return change_status(job, Status.ASSIGNED, technician=technician, by=by, seen=seen, note=note, now=now)


def unassign_job(job: Job, *, by, seen: str | None = None, note: str = "", now: datetime | None = None) -> Job:
    return change_status(job, Status.CREATED, by=by, seen=seen, note=note, now=now)


@journalled
def change_status(
    job: Job,
    to: str,
    *,
    by,
    technician: Technician | None = None,
    seen: str | None = None,
    note: str = "",
    fix: Fix | None = None,
    happened_at: datetime | None = None,
    tap_id: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Job:
    """Makes one transition of the workflow and returns the job as it is now.

    `seen` is the job's `seen` as the user saw it: if status or technician have changed since, the action is refused.
    `technician` is whom an Assigned job goes to (default: whoever has it). `fix` is where the technician is; without
    one the newest known position is logged with its age. A `tap_id` that was used before changes nothing.
    """
    now = now or timezone.now()
    job = fresh(job)
    if _was_tapped_before(job, tap_id):
        return fresh(job)
    actor = actor_on(job, by)
    _check_transition(job, to, actor=actor, technician=technician, seen=seen, note=note)
    at = _when(job, happened_at, now=now)
    was = job.status
    had = job.technician_id
    gets = _technician_id_after(job, to, technician)
    groups_before = groups_of_job(job)
    values = {
        "status": to,
        "technician_id": gets,
        **_instants(job, to, at=at, changed_hands=had != gets),
    }
    try:
        with transaction.atomic():
            # The database settles races: whoever changes the row first wins, the other finds no row.
            unchanged = Job.objects.filter(pk=job.pk, status=was, technician_id=had, held_at=job.held_at)
            won = unchanged.update(**values, version=F("version") + 1)
    except IntegrityError:
        raise ActionRefused(_busy_sentence(gets, to, by=by), fresh(job)) from None
    current = fresh(job)
    if not won:
        if _was_tapped_before(job, tap_id):
            return current
        raise ActionRefused(f"Too late: {describe_state(current)}.", current)
    log_change(
        current,
        from_status=was,
        from_technician_id=had,
        by=by,
        actor=actor,
        at=at,
        now=now,
        note=note.strip(),
        fix=fix,
        tap_id=tap_id,
    )
    settle_billing(current, was)
    keep_clocks(job, current, at=at, now=now)
    follow_visit(current, was=job, now=now)
    if to in ACTIVE:
        end_break_for_work(gets, at=at, now=now)
    publish_job(current, also=groups_before, now=now)
    return current


def _when(job: Job, happened_at: datetime | None, *, now: datetime) -> datetime:
    """A phone's clock may be wrong: nothing happens in the future, nor before what happened last."""
    if happened_at is None:
        return now
    last = job.status_changes.aggregate(last=Max("happened_at"))["last"]
    return max(last, min(happened_at, now))


def _was_tapped_before(job: Job, tap_id: uuid.UUID | None) -> bool:
    """A phone without an answer sends a tap again, maybe while the first is still on its way through here."""
    earlier = tap_id and StatusChange.objects.filter(tap_id=tap_id).first()
    if earlier and earlier.job_id != job.pk:
        raise ActionRefused("This tap was for another job.", job)
    return earlier is not None


def _check_transition(job: Job, to: str, *, actor: str, technician, seen: str | None, note: str) -> None:
    if seen is not None and seen != job.seen:
        raise ActionRefused(f"This has changed since you looked: {describe_state(job)} now.", job)
    transition = TRANSITIONS.get((job.status, to))
    if transition is None:
        raise ActionRefused(f"{describe_state(job)}; it cannot become {Status(to).label}.", job)
    same_technician = technician is None or technician.pk == job.technician_id
    if actor not in transition.actors or (actor == Actor.TECHNICIAN and not same_technician):
        raise ActionRefused(f"Only a dispatcher can do this: {describe_state(job)}.", job)
    if transition.needs_technician and technician is None:
        raise ActionRefused("Choose a technician.", job)
    if transition.needs_technician and same_technician:
        raise ActionRefused(f"{job.number} is already assigned to {job.technician}.", job)
    if technician and to != Status.ASSIGNED:
        raise ValueError("A technician goes with Assigned only.")
    if technician and not (technician.is_active and technician.user.is_active):
        raise ActionRefused(f"{technician} is no longer active.", job)
    if transition.needs_reason and not note.strip():
        raise ActionRefused("Give a reason.", job)
    if to == Status.COMPLETED and actor == Actor.TECHNICIAN:
        refuse_open_checks(job)
    if job.is_on_hold and to in ACTIVE:
        way_out = "The dispatcher releases it." if actor == Actor.TECHNICIAN else "Release it first."
        raise ActionRefused(f"{job.number} is on hold: {job.hold_reason.rstrip('.')}. {way_out}", job)


def _technician_id_after(job: Job, to: str, technician: Technician | None) -> int | None:
    if to == Status.CREATED:
        return None
    return technician.pk if technician else job.technician_id


def _instants(job: Job, to: str, *, at: datetime, changed_hands: bool) -> dict[str, object]:
    """The row's own times say how far the job has come now; what came before an interruption is in the log."""
    values: dict[str, object] = {}
    if to in (Status.CREATED, Status.ASSIGNED):
        values |= {"en_route_at": None, "started_at": None, "cancelled_at": None}
        values["assigned_at"] = None if to == Status.CREATED else at if changed_hands else job.assigned_at
        if changed_hands:
            values["route_position"] = None
        if to == Status.CREATED:
            values["is_technician_pinned"] = False
    elif to == Status.EN_ROUTE:
        values["en_route_at"] = at
    elif to == Status.IN_PROGRESS:
        values |= {"started_at": job.started_at or at, "completed_at": None}
    elif to == Status.COMPLETED:
        values["completed_at"] = at
    elif to == Status.CANCELLED:
        values["cancelled_at"] = at
    if to in (Status.COMPLETED, Status.CANCELLED):
        values |= {"held_at": None, "hold_reason": ""}
    return values


def _busy_sentence(technician_id: int | None, to: str, *, by) -> str:
    busy = Job.objects.filter(technician_id=technician_id, status__in=ACTIVE).select_related("technician__user").first()
    if to not in ACTIVE or busy is None:
        return "Someone changed this at the same moment. Try again."
    return f"{busy.technician} is still {busy.get_status_display()} on {name_for(by, busy)}."


def settle_billing(job: Job, was: str) -> None:
    if job.status == Status.COMPLETED:
        record_billing(job)
    elif was == Status.COMPLETED:
        BillingRecord.objects.filter(job=job).delete()
