"""Breached SLA targets: reading them, acknowledging them, writing about them. Nothing of it is ever taken back."""

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router, Schema
from pydantic import Field

from dispatch import actions
from dispatch.api.days import beginning_of, end_of
from dispatch.api.fields import Day, In, Key, Named, PriorityName, Said, Text, named, priority_of
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_permission
from dispatch.api.problems import Problem
from dispatch.api.tokens import BearerToken
from dispatch.api.versions import show
from dispatch.api.writing import writes
from sla.models import Violation, ViolationNote

router = Router(tags=["Violations"])
READ, WRITE = BearerToken("violations:read"), BearerToken("violations:write")
KindName = Literal["response", "resolution"]


class ViolationNoteOut(Schema):
    written_at: datetime
    author: Named
    text: str
    is_acknowledgement: bool


class ViolationOut(Schema):
    id: int
    job_id: int
    kind: KindName
    breached_at: datetime = Field(description="The deadline that was missed")
    recorded_at: datetime
    policy: Named
    priority: PriorityName = Field(description="As it was then; so are technician, zone and job type")
    technician: Named | None
    zone: Named | None
    job_type: Named
    acknowledged_at: datetime | None
    acknowledged_by: Named | None
    notes: list[ViolationNoteOut]


class ViolationPage(Schema):
    items: list[ViolationOut]
    next_cursor: str | None


class ViolationFilters(Schema):
    acknowledged: bool | None = None
    kind: KindName | None = None
    priority: list[PriorityName] = Field([], max_length=4, description="Any of these")
    job_id: Key | None = None
    technician_id: Key | None = None
    zone_id: Key | None = None
    breached_from: Day | None = Field(None, description="On this day or later, in the business's time zone")
    breached_to: Day | None = None


class AcknowledgeIn(In):
    note: Text = Field("", max_length=4000)


class ViolationNoteIn(In):
    text: Said = Field(min_length=1, max_length=4000)


@router.get("/violations", response=ViolationPage, auth=READ)
def list_violations(
    request: HttpRequest, response: HttpResponse, filters: Query[ViolationFilters], page: Query[PageQuery]
):
    return page_of(_filtered(request.user, filters), page, request, response, _violations_out)


@router.get("/violations/{violation_id}", response={200: ViolationOut, 304: None}, auth=READ)
def get_violation(request: HttpRequest, response: HttpResponse, violation_id: Path[Key]):
    return show(request, response, _violations_out([_visible(request.user, violation_id)])[0])


@router.post("/violations/{violation_id}/acknowledge", response=ViolationOut, auth=WRITE)
@writes
def acknowledge_violation(request: HttpRequest, response: HttpResponse, violation_id: Path[Key], data: AcknowledgeIn):
    """Once: of one that somebody has acknowledged before the answer is 409 and says who."""
    check_permission(request.user, "sla.acknowledge_violation")
    _visible(request.user, violation_id)
    said = actions.acknowledge_violations([violation_id], note=data.note, by=request.user)
    for earlier in said.earlier:
        raise Problem("refused", f"{earlier.acknowledged_by} has acknowledged it already.")
    return show(request, response, _violations_out([_visible(request.user, violation_id)])[0])


@router.post("/violations/{violation_id}/notes", response={201: ViolationNoteOut}, auth=WRITE)
@writes
def add_violation_note(request: HttpRequest, response: HttpResponse, violation_id: Path[Key], data: ViolationNoteIn):
    check_permission(request.user, "sla.acknowledge_violation")
    note = actions.add_violation_note(_visible(request.user, violation_id), data.text, by=request.user)
    response.status_code = 201
    return _note_out(note)


def _filtered(user, filters: ViolationFilters):
    check_permission(user, "sla.view_violation")
    exact = ("kind", "job_id", "technician_id", "zone_id")
    wanted = {name: value for name in exact if (value := getattr(filters, name)) is not None}
    if filters.acknowledged is not None:
        wanted["acknowledged_at__isnull"] = not filters.acknowledged
    if filters.priority:
        wanted["priority__in"] = [priority_of(name) for name in filters.priority]
    if filters.breached_from:
        wanted["breached_at__gte"] = beginning_of(filters.breached_from)
    if filters.breached_to:
        wanted["breached_at__lt"] = end_of(filters.breached_to)
    return _violations(user).filter(**wanted)


def _visible(user, violation_id: int) -> Violation:
    check_permission(user, "sla.view_violation")
    return get_object_or_404(_violations(user), pk=violation_id)


def _violations(user):
    found = Violation.objects.visible_to(user).defer("zone__boundary")
    related = ("policy", "technician__user", "zone", "job_type", "acknowledged_by")
    return found.select_related(*related).prefetch_related("notes__author")


def _violations_out(violations: list[Violation]) -> list[dict]:
    names = ("id", "job_id", "kind", "breached_at", "recorded_at", "acknowledged_at")
    things = ("policy", "technician", "zone", "job_type", "acknowledged_by")
    return [
        {
            **{name: getattr(one, name) for name in names},
            **{name: named(getattr(one, name)) for name in things},
            "priority": one.get_priority_display().lower(),
            "notes": [_note_out(note) for note in one.notes.all()],
        }
        for one in violations
    ]


def _note_out(note: ViolationNote) -> dict:
    names = ("written_at", "text", "is_acknowledgement")
    return {**{name: getattr(note, name) for name in names}, "author": named(note.author)}
