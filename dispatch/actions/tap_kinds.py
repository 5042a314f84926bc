"""What each kind of tap does: one function a kind. It answers the phone in a sentence, or says why it cannot be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dispatch.actions.base import ActionRefused, fresh
from dispatch.actions.checks import ChecksOpen
from dispatch.actions.duty import begin_break, clock_in, clock_out, end_break
from dispatch.actions.edit import add_note
from dispatch.actions.field_notes import Conflict
from dispatch.actions.status import change_status
from dispatch.models import Job, Status, StatusChange, Tap
from dispatch.models.history import TOLD_LATER
from dispatch.workflow import TRANSITIONS, Actor
from technicians.models import Technician
from technicians.positions import Fix

Kind = Tap.Kind
SAME_MOMENT = timedelta(minutes=5)


@dataclass
class Deed:
    """One tap that is being done. `job` is the technician's own; `at` is when it happened, which doing it may move."""

    id: UUID
    technician: Technician
    by: Any
    content: dict[str, Any]
    at: datetime
    now: datetime
    job: Job | None = None
    fix: Fix | None = None


# Status -------------------------------------------------------------------------------------------


def take_step(deed: Deed) -> str:
    job, to = deed.job, deed.content["to"]
    since = _changes_since(job, deed.content["seen"])
    if _has_happened(since, deed, to):
        return f"{job.number} is {Status(to).label} already."
    by_themselves = all(change.actor_id == deed.by.pk for change in since)
    is_own_chain = by_themselves and _may_follow(job, to) and bool(since)
    if job.seen != deed.content["seen"] and not is_own_chain:
        raise Conflict(job)
    try:
        job = change_status(
            job,
            to,
            by=deed.by,
            seen=job.seen,
            note=deed.content["note"],
            fix=deed.fix,
            happened_at=deed.at,
            tap_id=deed.id,
            now=deed.now,
        )
    except ActionRefused as refused:
        if _is_a_fact(refused, deed):
            raise Conflict(fresh(job), refused.reason) from refused
        raise
    change = job.status_changes.filter(tap_id=deed.id).first()
    deed.at = change.happened_at if change else deed.at
    return f"{job.number} is {job.get_status_display()}."


def _changes_since(job: Job, seen: str) -> list[StatusChange]:
    """What the phone did not know of yet; everything, if the job was never as the phone believed."""
    since = []
    for change in job.status_changes.order_by("-happened_at", "-pk"):
        if f"{change.to_status}.{change.to_technician_id or ''}" == seen:
            break
        since.append(change)
    return since


def _has_happened(since: list[StatusChange], deed: Deed, to: str) -> bool:
    """Another phone of theirs said it, or the dispatcher at about the same time."""
    for change in since:
        is_same = change.to_status == to and change.to_technician_id == deed.technician.pk
        if is_same and (change.actor_id == deed.by.pk or abs(change.happened_at - deed.at) <= SAME_MOMENT):
            return True
    return False


def _may_follow(job: Job, to: str) -> bool:
    transition = TRANSITIONS.get((job.status, to))
    return transition is not None and Actor.TECHNICIAN in transition.actors


def _is_a_fact(refused: ActionRefused, deed: Deed) -> bool:
    """Told later it has really happened, whatever stands in its way here; told at once it can be done otherwise."""
    was_offline = deed.now - deed.at >= TOLD_LATER
    return was_offline and not isinstance(refused, ChecksOpen) and _may_follow(deed.job, deed.content["to"])


# Notes, shift -------------------------------------------------------------------------------------


def write_note(deed: Deed) -> str:
    add_note(deed.job, deed.content["text"], by=deed.by, at=deed.at, now=deed.now)
    return "Note added."


def change_duty(deed: Deed) -> str:
    change, done, nothing_to_do = DUTY[deed.content["duty"]]
    return done if change(deed.technician, at=deed.at, now=deed.now) else nothing_to_do


DUTY: dict[str, tuple[Callable[..., bool], str, str]] = {
    "in": (clock_in, "Clocked in.", "You are clocked in already."),
    "out": (clock_out, "Clocked out.", "You were not clocked in."),
    "break": (begin_break, "Your break has begun.", "You are on a break already."),
    "back": (end_break, "Your break is over.", "You were not on a break."),
}


# All of them --------------------------------------------------------------------------------------


def _words_of_step(content) -> str:
    note = f" with the note “{content['note']}”" if content["note"] else ""
    return f"Tapped {Status(content['to']).label}{note}"


@dataclass(frozen=True)
class How:
    """`words` say what the technician did, for a note about what could not be done."""

    do: Callable[[Deed], str]
    needs_job: bool = True
    words: Callable[[dict], str] = lambda content: ""


KINDS: dict[str, How] = {
    Kind.STEP: How(take_step, words=_words_of_step),
    Kind.NOTE: How(write_note, words=lambda content: f"Wrote “{content['text']}”"),
    Kind.DUTY: How(change_duty, needs_job=False),
}
