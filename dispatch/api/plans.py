"""Route plans: asked for, worked out by a worker, read, applied or discarded. Nothing changes before it is applied."""

from datetime import date, datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from dispatch import actions
from dispatch.api.fields import Day, Flag, Id, In, Key, Named, Whole, named
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_permission
from dispatch.api.problems import invalid
from dispatch.api.tokens import BearerToken
from dispatch.api.versions import show
from dispatch.api.writing import writes
from dispatch.models import Plan
from dispatch.planning.store import Move, PlannedStop, Proposal, Route, Totals, load_proposal
from technicians.models import Technician

router = Router(tags=["Route plans"])
READ, WRITE = BearerToken("plans:read"), BearerToken("plans:write")
PlanState = Literal["queued", "running", "proposed", "applied", "discarded", "failed"]
PlanKind = Literal["route", "day", "replan", "absence"]


class PlanOut(Schema):
    id: int
    kind: PlanKind
    day: date
    state: PlanState
    done_percent: int
    step: str = Field(description="What it is doing now, in words")
    technicians: list[Named]
    with_unassigned: bool
    preset: str
    seconds: int
    created_at: datetime
    created_by: Named
    ended_at: datetime | None
    notice: str
    error: str


class PlanPage(Schema):
    items: list[PlanOut]
    next_cursor: str | None


class TotalsOut(Schema):
    jobs: int
    km: float
    driving_minutes: int
    late_jobs: int
    late_minutes: int


class StopOut(Schema):
    job_id: int | None = Field(description="null: a job that this token's user may not see")
    change: Literal["kept", "assigned", "reassigned", "moved"]
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime
    planned_starts_at: datetime | None = Field(description="What will be written; null: it keeps its own")
    travel_minutes: int
    km: float | None
    late_minutes: int


class RouteOut(Schema):
    technician: Named
    before: TotalsOut
    after: TotalsOut
    stops: list[StopOut]
    applied_at: datetime | None


class LeftOutOut(Schema):
    job_id: int | None
    reasons: list[str]


class ProposalOut(Schema):
    before: TotalsOut
    after: TotalsOut
    routes: list[RouteOut]
    left_out: list[LeftOutOut]


class PlanWithProposal(PlanOut):
    proposal: ProposalOut | None


class PlanIn(In):
    kind: Literal["route", "day", "replan"] = "day"
    day: Day | None = Field(None, description="Without it today")
    technician_ids: list[Id] = Field(min_length=1, max_length=1000)
    with_unassigned: Flag = Field(True, description="The day's jobs that nobody has are planned too")
    preset: Literal["usual", "least_driving", "most_jobs", "least_change"] = "usual"
    seconds: Whole | None = Field(None, ge=1, le=480, description="Time to look for something better")


class ApplyIn(In):
    technician_ids: list[Id] | None = Field(None, min_length=1, max_length=1000, description="Without it all routes")


class Applied(Schema):
    changed_jobs: list[int]


class PlanFilters(Schema):
    day: Day | None = None
    state: list[PlanState] = Field([], max_length=6, description="Any of these")
    kind: PlanKind | None = None


@router.get("/plans", response=PlanPage, auth=READ)
def list_plans(request: HttpRequest, response: HttpResponse, filters: Query[PlanFilters], page: Query[PageQuery]):
    """One's own; those of everybody for whoever dispatches everywhere."""
    plans = _plans(request.user).defer("result")
    wanted = {name: value for name in ("day", "kind") if (value := getattr(filters, name)) is not None}
    if filters.state:
        wanted["state__in"] = filters.state
    return page_of(plans.filter(**wanted), page, request, response, lambda found: [_plan_out(one) for one in found])


@router.post("/plans", response={201: PlanOut}, auth=WRITE)
@writes
def ask_for_plan(request: HttpRequest, response: HttpResponse, data: PlanIn):
    """A worker works it out: read it again until its state is proposed."""
    check_permission(request.user, "dispatch.change_job")
    wanted = set(data.technician_ids)
    people = Technician.objects.visible_to(request.user).active().filter(pk__in=wanted)
    if people.count() < len(wanted):
        raise invalid("technician_ids", "There is no such technician, or not in this user's zones.")
    plan = actions.ask_for_plan(
        data.kind,
        data.day or timezone.localdate(),
        list(people),
        by=request.user,
        with_unassigned=data.with_unassigned,
        preset="" if data.preset == "usual" else data.preset,
        seconds=data.seconds,
    )
    response.status_code = 201
    response["Location"] = f"{request.path}/{plan.pk}"
    return _plan_out(_plan(request, plan.pk))


@router.get("/plans/{plan_id}", response={200: PlanWithProposal, 304: None}, auth=READ)
def get_plan(request: HttpRequest, response: HttpResponse, plan_id: Path[Key]):
    plan = _plan(request, plan_id)
    proposal = _proposal_out(load_proposal(plan, user=request.user)) if plan.result else None
    return show(request, response, _plan_out(plan) | {"proposal": proposal})


@router.post("/plans/{plan_id}/apply", response=Applied, auth=WRITE)
@writes
def apply_plan(request: HttpRequest, response: HttpResponse, plan_id: Path[Key], data: ApplyIn):
    """All of it or nothing. If the day has changed since it was worked out, the answer is 409: ask for another."""
    jobs = actions.apply_plan(_plan(request, plan_id), technician_ids=data.technician_ids, by=request.user)
    return {"changed_jobs": sorted(job.pk for job in jobs)}


@router.post("/plans/{plan_id}/discard", response=PlanOut, auth=WRITE)
@writes
def discard_plan(request: HttpRequest, response: HttpResponse, plan_id: Path[Key]):
    actions.discard_plan(_plan(request, plan_id), by=request.user)
    return _plan_out(_plan(request, plan_id))


@router.post("/plans/{plan_id}/stop", response=PlanOut, auth=WRITE)
@writes
def stop_plan(request: HttpRequest, response: HttpResponse, plan_id: Path[Key]):
    """While it is being worked out: the best so far is proposed. Before that, it is discarded."""
    actions.cancel_plan(_plan(request, plan_id), by=request.user)
    return _plan_out(_plan(request, plan_id))


def _plan(request: HttpRequest, plan_id: int) -> Plan:
    return get_object_or_404(_plans(request.user), pk=plan_id)


def _plans(user):
    check_permission(user, "dispatch.change_job")
    plans = Plan.objects.visible_to(user).select_related("created_by", "absent__user")
    return plans.prefetch_related("technicians__user")


def _plan_out(plan: Plan) -> dict:
    names = ("id", "kind", "day", "state", "done_percent", "step", "with_unassigned", "preset", "seconds")
    return {
        **{name: getattr(plan, name) for name in (*names, "created_at", "ended_at", "notice", "error")},
        "technicians": [named(one) for one in plan.technicians.all()],
        "created_by": named(plan.created_by),
    }


def _proposal_out(proposal: Proposal) -> dict:
    return {
        "before": _totals_out(proposal.before),
        "after": _totals_out(proposal.after),
        "routes": [_route_out(route) for route in proposal.routes],
        "left_out": [_left_out(move) for kind in ("unassigned", "left_out") for move in proposal.moves[kind]],
    }


def _route_out(route: Route) -> dict:
    return {
        "technician": named(route.technician),
        "before": _totals_out(route.before),
        "after": _totals_out(route.after),
        "stops": [_stop_out(stop) for stop in route.stops],
        "applied_at": route.applied_at,
    }


def _stop_out(stop: PlannedStop) -> dict:
    names = ("change", "arrives_at", "starts_at", "ends_at", "travel_minutes", "km", "late_minutes")
    same = {name: getattr(stop, name) for name in names}
    return same | {"job_id": stop.job and stop.job.pk, "planned_starts_at": stop.planned_at}


def _totals_out(totals: Totals) -> dict:
    same = {name: getattr(totals, name) for name in ("jobs", "km", "late_jobs", "late_minutes")}
    return same | {"driving_minutes": totals.minutes}


def _left_out(move: Move) -> dict:
    return {"job_id": move.job and move.job.pk, "reasons": list(move.reasons)}
