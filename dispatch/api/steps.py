"""What happens to a job: its next status, its place in somebody's day, holds, notes; and what has happened."""

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from dispatch import actions
from dispatch.api.fields import Day, Id, In, Instant, Key, Named, Said, StatusName, Text, named
from dispatch.api.job_schemas import JobOut
from dispatch.api.jobs import READ, WRITE, changed, chosen_technician, dispatchable_job, locked_job, visible_job
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_any
from dispatch.api.problems import invalid
from dispatch.api.writing import writes
from dispatch.models import Job, JobNote, Status, StatusChange
from dispatch.placement import moved_to

router = Router(tags=["Jobs"])


class TransitionIn(In):
    to: StatusName
    technician_id: Id | None = Field(None, description="With `assigned`: to whom")
    note: Text = Field("", max_length=4000, description="The reason, where one is required")
    happened_at: Instant | None = Field(None, description="Without it now; never later, nor before what happened last")


class TransitionOut(Schema):
    id: int
    from_status: StatusName | None
    to_status: StatusName
    from_technician: Named | None
    to_technician: Named | None
    happened_at: datetime
    received_at: datetime
    actor_kind: Literal["technician", "dispatcher", "system"]
    actor: Named | None
    latitude: float | None
    longitude: float | None
    position_age_seconds: int | None
    note: str


class TransitionPage(Schema):
    items: list[TransitionOut]
    next_cursor: str | None


class PlaceIn(In):
    technician_id: Id | None = Field(description="null: nobody, the job waits")
    day: Day | None
    planned_starts_at: Instant | None = Field(None, description="Without it the time of day that it has now, if any")
    on_conflict: Literal["ask", "shift", "anyway"] = Field(
        "ask", description="ask: 409 with what speaks against it; shift: later stops move along; anyway: do it"
    )
    note: Text = Field("", max_length=4000)


class HoldIn(In):
    reason: Said = Field(min_length=1, max_length=200)


class NoteIn(In):
    text: Said = Field(min_length=1, max_length=4000)


class NoteOut(Schema):
    id: int
    written_at: datetime
    author: Named
    text: str


class NotePage(Schema):
    items: list[NoteOut]
    next_cursor: str | None


@router.get("/jobs/{job_id}/transitions", response=TransitionPage, auth=READ)
def list_transitions(request: HttpRequest, response: HttpResponse, job_id: Path[Key], page: Query[PageQuery]):
    """The status log, what came last first. It is never changed, only added to."""
    log = visible_job(request.user, job_id).status_changes
    rows = log.select_related("actor", "from_technician__user", "to_technician__user")
    return page_of(rows, page, request, response, lambda found: [_transition_out(row) for row in found])


@router.post("/jobs/{job_id}/transitions", response=JobOut, auth=WRITE)
@writes
def change_status(request: HttpRequest, response: HttpResponse, job_id: Path[Key], data: TransitionIn):
    """Takes the next step of the workflow, as a dispatcher or as the job's technician, whichever the user is."""
    check_any(request.user, "dispatch.change_job", "dispatch.work_job")
    if data.technician_id is not None and data.to != Status.ASSIGNED:
        raise invalid("technician_id", "A technician goes with assigned only.")
    is_dispatcher = request.user.has_perm("dispatch.change_job")
    jobs = Job.objects.dispatchable_by(request.user) if is_dispatcher else Job.objects.visible_to(request.user)
    actions.change_status(
        locked_job(request, jobs, job_id),
        data.to,
        technician=chosen_technician(request.user, data.technician_id),
        note=data.note,
        happened_at=data.happened_at,
        by=request.user,
    )
    return changed(request, response, job_id)


@router.post("/jobs/{job_id}/place", response=JobOut, auth=WRITE)
@writes
def place_job(request: HttpRequest, response: HttpResponse, job_id: Path[Key], data: PlaceIn):
    """To a technician, a day, a time: what a drop on the board does, with the same objections."""
    job = dispatchable_job(request, job_id)
    if data.planned_starts_at and data.day is None:
        raise invalid("day", "Choose the day that this time is on.")
    placement = moved_to(
        job,
        technician=chosen_technician(request.user, data.technician_id),
        day=data.day,
        starts_at=data.planned_starts_at,
    )
    actions.place_job(job, placement, by=request.user, on_conflict=data.on_conflict, note=data.note)
    return changed(request, response, job_id)


@router.post("/jobs/{job_id}/hold", response=JobOut, auth=WRITE)
@writes
def hold_job(request: HttpRequest, response: HttpResponse, job_id: Path[Key], data: HoldIn):
    """Pauses it for a stated reason; its SLA clocks stand still."""
    actions.hold_job(dispatchable_job(request, job_id), data.reason, by=request.user)
    return changed(request, response, job_id)


@router.post("/jobs/{job_id}/release", response=JobOut, auth=WRITE)
@writes
def release_job(request: HttpRequest, response: HttpResponse, job_id: Path[Key]):
    """Ends the hold."""
    actions.release_job(dispatchable_job(request, job_id), by=request.user)
    return changed(request, response, job_id)


@router.get("/jobs/{job_id}/notes", response=NotePage, auth=READ)
def list_notes(request: HttpRequest, response: HttpResponse, job_id: Path[Key], page: Query[PageQuery]):
    """What people wrote about the job, what came last first."""
    notes = visible_job(request.user, job_id).notes.select_related("author")
    return page_of(notes, page, request, response, lambda found: [_note_out(note) for note in found])


@router.post("/jobs/{job_id}/notes", response={201: NoteOut}, auth=WRITE)
@writes
def add_note(request: HttpRequest, response: HttpResponse, job_id: Path[Key], data: NoteIn):
    check_any(request.user, "dispatch.change_job", "dispatch.work_job")
    is_dispatcher = request.user.has_perm("dispatch.change_job")
    jobs = Job.objects.dispatchable_by(request.user) if is_dispatcher else Job.objects.visible_to(request.user)
    note = actions.add_note(locked_job(request, jobs, job_id), data.text, by=request.user)
    response.status_code = 201
    return _note_out(note)


def _transition_out(row: StatusChange) -> dict:
    names = ("id", "to_status", "happened_at", "received_at", "actor_kind", "latitude", "longitude")
    return {
        **{name: getattr(row, name) for name in (*names, "position_age_seconds", "note")},
        "from_status": row.from_status or None,
        "from_technician": named(row.from_technician),
        "to_technician": named(row.to_technician),
        "actor": named(row.actor),
    }


def _note_out(note: JobNote) -> dict:
    return {"id": note.pk, "written_at": note.written_at, "author": named(note.author), "text": note.text}
