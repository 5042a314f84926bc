"""Maintenance plans: jobs that come again and again. They are made and changed on their page."""

from datetime import date, time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router, Schema
from pydantic import Field

from dispatch.api.fields import Key, Named, PriorityName, named
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_permission
from dispatch.api.plans import READ
from dispatch.api.versions import show
from dispatch.models import MaintenancePlan

router = Router(tags=["Maintenance plans"])


class VisitOut(Schema):
    due_on: date
    job_id: int | None = Field(description="The job that was made for it")
    skip_reason: str = Field(description="Why there is none; empty: it was not skipped")


class MaintenancePlanOut(Schema):
    id: int
    version: int
    name: str
    is_active: bool
    customer: Named
    site: Named
    job_type: Named
    technician: Named | None = Field(description="Who usually does it")
    description: str
    priority: PriorityName
    duration_minutes: int
    rule: str = Field(description="An RRULE (RFC 5545) in local days of the time zone, counted from starts_on")
    time_zone: str
    starts_on: date
    ends_on: date | None
    window_starts: time | None
    window_ends: time | None
    days_ahead: int


class MaintenancePlanWithVisits(MaintenancePlanOut):
    visits: list[VisitOut]


class MaintenancePlanPage(Schema):
    items: list[MaintenancePlanOut]
    next_cursor: str | None


class MaintenancePlanFilters(Schema):
    customer_id: Key | None = None
    site_id: Key | None = None
    is_active: bool | None = None


@router.get("/maintenance-plans", response=MaintenancePlanPage, auth=READ)
def list_maintenance_plans(
    request: HttpRequest, response: HttpResponse, filters: Query[MaintenancePlanFilters], page: Query[PageQuery]
):
    """Those of places in the user's zones."""
    names = ("customer_id", "site_id", "is_active")
    wanted = {name: value for name in names if (value := getattr(filters, name)) is not None}
    plans = _plans(request.user).filter(**wanted)
    return page_of(plans, page, request, response, lambda found: [_plan_out(one) for one in found])


@router.get("/maintenance-plans/{plan_id}", response={200: MaintenancePlanWithVisits, 304: None}, auth=READ)
def get_maintenance_plan(request: HttpRequest, response: HttpResponse, plan_id: Path[Key]):
    plan = get_object_or_404(_plans(request.user), pk=plan_id)
    visits = [_visit_out(visit) for visit in plan.visits.order_by("due_on")]
    return show(request, response, _plan_out(plan) | {"visits": visits}, version=plan.version)


def _plans(user):
    check_permission(user, "dispatch.view_maintenanceplan")
    return MaintenancePlan.objects.visible_to(user).select_related("customer", "site", "job_type", "technician__user")


def _plan_out(plan: MaintenancePlan) -> dict:
    names = [name for name in MaintenancePlanOut.model_fields if name not in ("priority", *THINGS)]
    return {
        **{name: getattr(plan, name) for name in names},
        **{name: named(getattr(plan, name)) for name in THINGS},
        "priority": plan.get_priority_display().lower(),
    }


THINGS = ("customer", "site", "job_type", "technician")


def _visit_out(visit) -> dict:
    return {name: getattr(visit, name) for name in ("due_on", "job_id", "skip_reason")}
