"""What each kind of tap does: one function a kind. It answers the phone in a sentence, or says why it cannot be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from dispatch.actions.absence import call_in_sick
from dispatch.actions.base import ActionRefused, fresh
from dispatch.actions.checks import ChecksOpen, check_item
from dispatch.actions.duty import begin_break, clock_in, clock_out, end_break
from dispatch.actions.edit import add_note
from dispatch.actions.field_notes import Conflict
from dispatch.actions.late import say_late
from dispatch.actions.materials import use_material, withdraw_material
from dispatch.actions.status import change_status
from dispatch.models import ChecklistItem, Job, Material, MaterialUse, Status, StatusChange, Tap
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
    since: list[StatusChange] = []
    if job.seen == seen:
        return since
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


# What is done on the job --------------------------------------------------------------------------


def write_note(deed: Deed) -> str:
    add_note(deed.job, deed.content["text"], by=deed.by, at=deed.at, now=deed.now)
    return "Note added."


def check(deed: Deed) -> str:
    _refuse_cancelled(deed)
    item = ChecklistItem.objects.filter(pk=deed.content["item"]).first()
    if item is None:
        raise ActionRefused("This is not on the checklist any more.")
    is_done = deed.content["is_done"]
    check_item(deed.job, item, is_done=is_done, by=deed.by, at=deed.at, now=deed.now)
    return "Checked." if is_done else "Not checked."


def use(deed: Deed) -> str:
    _refuse_cancelled(deed)
    content = deed.content
    if content["withdraws"]:
        withdraw_material(deed.job, content["withdraws"], by=deed.by, at=deed.at, now=deed.now)
        return "Taken back."
    material = _material(content)
    if material is None and not content["name"]:
        raise ActionRefused("This material is not in the list any more. Write its name.")
    used = use_material(
        deed.job,
        use_id=deed.id,
        quantity=content["quantity"],
        material=material,
        name=content["name"],
        unit=content["unit"],
        by=deed.by,
        at=deed.at,
        now=deed.now,
    )
    return f"{used} noted."


def _material(content) -> Material | None:
    """Of the list, also where only its name was written."""
    if content["material"]:
        return Material.objects.filter(pk=content["material"]).first()
    return Material.objects.filter(name__iexact=content["name"], is_active=True).order_by("pk").first()


def _refuse_cancelled(deed: Deed) -> None:
    """What was done on a job that was cancelled meanwhile is for the dispatcher to know."""
    if deed.job.status == Status.CANCELLED:
        raise Conflict(deed.job)


# Shift --------------------------------------------------------------------------------------------


def be_late(deed: Deed) -> str:
    said = say_late(deed.job, deed.content["minutes"], by=deed.by, at=deed.at, now=deed.now)
    return f"The office knows: you reach {deed.job.number} at about {timezone.localtime(said.arrives_at):%H:%M}."


def be_sick(deed: Deed) -> str:
    call_in_sick(deed.technician, note=deed.content["note"], by=deed.by, at=deed.at, now=deed.now)
    return "The office knows that you are sick today. Your jobs stay yours until they are given to others."


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


def _words_of_check(content) -> str:
    item = ChecklistItem.objects.filter(pk=content["item"]).first()
    return f"{'Checked' if content['is_done'] else 'Unchecked'} “{item or 'something not on the list any more'}”"


def _words_of_use(content) -> str:
    if content["withdraws"]:
        use = MaterialUse.objects.filter(pk=content["withdraws"]).first()
        return f"Took back “{use or 'a material'}”"
    material = _material(content)
    name, unit = (material.name, material.unit) if material else (content["name"], content["unit"])
    return "Used " + " ".join(filter(None, (f"{content['quantity'].normalize():f}", unit, name)))


@dataclass(frozen=True)
class How:
    """`words` say what the technician did, for a note about what could not be done."""

    do: Callable[[Deed], str]
    needs_job: bool = True
    words: Callable[[dict], str] = lambda content: ""


KINDS: dict[str, How] = {
    Kind.STEP: How(take_step, words=_words_of_step),
    Kind.NOTE: How(write_note, words=lambda content: f"Wrote “{content['text']}”"),
    Kind.CHECK: How(check, words=_words_of_check),
    Kind.MATERIAL: How(use, words=_words_of_use),
    Kind.DUTY: How(change_duty, needs_job=False),
    Kind.LATE: How(be_late, words=lambda content: f"Said to be {content['minutes']} min late"),
    Kind.SICK: How(be_sick, needs_job=False),
}
