"""Technicians, where they are, and where they have been on duty."""

from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from dispatch import actions
from dispatch.api.days import beginning_of, end_of
from dispatch.api.fields import (
    Day,
    Id,
    In,
    Instant,
    Key,
    Latitude,
    LevelName,
    Longitude,
    Named,
    Number,
    Text,
    Whole,
    named,
)
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_any, check_permission
from dispatch.api.problems import invalid
from dispatch.api.tokens import BearerToken
from dispatch.api.versions import show
from dispatch.api.writing import writes
from technicians.models import ClockRecord, Position, Technician
from technicians.positions import DeviceFix, Fix

router = Router()
READ = BearerToken("technicians:read")
POSITIONS_READ, POSITIONS_WRITE = BearerToken("positions:read"), BearerToken("positions:write")


class SkillOut(Schema):
    skill: Named
    level: LevelName
    certificate_expires_on: date | None


class TechnicianOut(Schema):
    id: int
    external_id: str
    name: str
    phone: str
    is_active: bool
    daily_maximum: int
    zones: list[Named]
    skills: list[SkillOut]
    on_duty_since: datetime | None


class TechnicianPage(Schema):
    items: list[TechnicianOut]
    next_cursor: str | None


class TechnicianFilters(Schema):
    zone_id: Key | None = Field(None, description="Who covers this zone")
    skill_id: Key | None = None
    external_id: Text | None = Field(None, min_length=1, max_length=80)
    on_duty: bool | None = None


@router.get("/technicians", response=TechnicianPage, auth=READ, tags=["Technicians"])
def list_technicians(
    request: HttpRequest, response: HttpResponse, filters: Query[TechnicianFilters], page: Query[PageQuery]
):
    """Those whom the token's user may see: who covers their zones, or themselves."""
    people = _people(request.user)
    if filters.zone_id is not None:
        people = people.filter(
            pk__in=Technician.zones.through.objects.filter(servicezone=filters.zone_id).values("technician")
        )
    if filters.skill_id is not None:
        people = people.filter(skills__skill=filters.skill_id)
    if filters.external_id is not None:
        people = people.filter(external_id=filters.external_id)
    if filters.on_duty is not None:
        on_duty = ClockRecord.objects.filter(clocked_out_at=None).values("technician")
        people = people.filter(pk__in=on_duty) if filters.on_duty else people.exclude(pk__in=on_duty)
    return page_of(people, page, request, response, _technicians_out)


@router.get("/technicians/{technician_id}", response={200: TechnicianOut, 304: None}, auth=READ, tags=["Technicians"])
def get_technician(request: HttpRequest, response: HttpResponse, technician_id: Path[Key]):
    return show(request, response, _technicians_out([get_object_or_404(_people(request.user), pk=technician_id)])[0])


def _people(user):
    check_any(user, "technicians.view_technician", "dispatch.work_job")
    people = Technician.objects.visible_to(user).select_related("user")
    return people.prefetch_related("skills__skill", "zones")


def _technicians_out(people: list[Technician]) -> list[dict]:
    since = _on_duty_since(people)
    names = ("id", "external_id", "phone", "is_active", "daily_maximum")
    return [
        {
            **{name: getattr(one, name) for name in names},
            "name": str(one),
            "zones": [named(zone) for zone in one.zones.all()],
            "skills": [_skill_out(skill) for skill in one.skills.all()],
            "on_duty_since": since.get(one.pk),
        }
        for one in people
    ]


def _skill_out(skill) -> dict:
    level, expires_on = skill.get_level_display().lower(), skill.certificate_expires_on
    return {"skill": named(skill.skill), "level": level, "certificate_expires_on": expires_on}


def _on_duty_since(people: list[Technician]) -> dict[int, datetime]:
    records = ClockRecord.objects.filter(technician__in=[one.pk for one in people], clocked_out_at=None)
    return dict(records.values_list("technician", "clocked_in_at"))


# Positions ----------------------------------------------------------------------------------------


class WhereaboutsOut(Schema):
    technician: Named
    latitude: float
    longitude: float
    accuracy_m: float | None
    recorded_at: datetime


class PositionOut(Schema):
    recorded_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None
    speed_kmh: float | None
    heading_degrees: float | None
    source: str


class WhereaboutsPage(Schema):
    items: list[WhereaboutsOut]
    next_cursor: str | None


class PositionPage(Schema):
    items: list[PositionOut] = Field(description="The last received first; `recorded_at` says when it was")
    next_cursor: str | None


class PositionIn(In):
    technician_id: Id
    recorded_at: Instant
    latitude: Latitude
    longitude: Longitude
    accuracy_m: Number | None = Field(None, ge=0, le=1_000_000)
    speed_kmh: Number | None = Field(None, ge=0, le=1000)
    heading_degrees: Number | None = Field(None, ge=0, le=360)
    battery_percent: Whole | None = Field(None, ge=0, le=100)


class PositionsIn(In):
    positions: list[PositionIn] = Field(min_length=1, max_length=500)


class PositionsTaken(Schema):
    received: int
    moved: list[int] = Field(description="Ids of the technicians whose newest position it is by now")


class TrackQuery(Schema):
    day: Day | None = Field(None, description="In the business's time zone; without it today")


@router.get("/positions", response=WhereaboutsPage, auth=POSITIONS_READ, tags=["Positions"])
def list_positions(request: HttpRequest, response: HttpResponse, page: Query[PageQuery]):
    """Where those are who are on duty now; of the others nothing is said."""
    people = _people_with_positions(request.user).select_related("user")
    on_duty = ClockRecord.objects.filter(clocked_out_at=None).values("technician")
    known = people.filter(pk__in=on_duty).exclude(position_at=None)
    return page_of(known, page, request, response, _whereabouts_out)


@router.get("/technicians/{technician_id}/positions", response=PositionPage, auth=POSITIONS_READ, tags=["Positions"])
def list_track(
    request: HttpRequest,
    response: HttpResponse,
    technician_id: Path[Key],
    query: Query[TrackQuery],
    page: Query[PageQuery],
):
    """Where they have been that day while on duty. Who looked is written down, and the technician can read it."""
    technician = get_object_or_404(_people_with_positions(request.user), pk=technician_id)
    day = query.day or timezone.localdate()
    actions.record_track_view(technician, by=request.user, day=day)
    that_day = {"recorded_at__gte": beginning_of(day), "recorded_at__lt": end_of(day)}
    return page_of(technician.positions.filter(**that_day), page, request, response, list)


def _whereabouts_out(people: list[Technician]) -> list[dict]:
    return [
        {
            "technician": named(one),
            "latitude": one.latitude,
            "longitude": one.longitude,
            "accuracy_m": one.accuracy_m,
            "recorded_at": one.position_at,
        }
        for one in people
    ]


@router.post("/positions", response=PositionsTaken, auth=POSITIONS_WRITE, tags=["Positions"])
@writes
def send_positions(request: HttpRequest, response: HttpResponse, data: PositionsIn):
    """What was recorded while its technician was on duty is kept, whenever it arrives; the rest is private."""
    check_any(request.user, "dispatch.change_job", "dispatch.work_job")
    wanted = {one.technician_id for one in data.positions}
    known = Technician.objects.visible_to(request.user).active().filter(pk__in=wanted)
    if set(known.values_list("pk", flat=True)) < wanted:
        raise invalid("positions", "There is no such technician, or not in this user's zones.")
    fixes = [
        DeviceFix(one.technician_id, Fix(**one.dict(exclude={"technician_id"})), Position.Source.API)
        for one in data.positions
    ]
    moved = actions.take_positions(fixes, now=timezone.now())
    return {"received": len(fixes), "moved": sorted(moved)}


def _people_with_positions(user):
    """Whoever may see positions, and technicians their own."""
    if not user.has_perm("dispatch.work_job"):
        check_permission(user, "technicians.view_position")
    return Technician.objects.visible_to(user)
