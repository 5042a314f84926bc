"""Maintenance plans: jobs that come again and again."""

from datetime import date, time
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router, Schema
from pydantic import Field

from dispatch import actions
from dispatch.api.fields import Day, Flag, Id, In, Key, Named, PriorityName, Said, Text, Whole, named, priority_of
from dispatch.api.jobs import chosen_job_type, chosen_technician
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_permission
from dispatch.api.plans import READ, WRITE
from dispatch.api.problems import invalid
from dispatch.api.versions import check_version, show, tag_of
from dispatch.api.writing import writes
from dispatch.maintenance.rule import RuleError
from dispatch.models import MaintenancePlan, Site

router = Router(tags=["Maintenance plans"])
THINGS: Final = ("customer", "site", "job_type", "technician")
BLOCK: Final = ("window_starts", "window_ends")
YEARS: Final = range(2000, 2101)


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
    window_starts: str | None = Field(description="The time block's beginning, as 09:00 in the time zone")
    window_ends: str | None
    days_ahead: int


class MaintenancePlanWithVisits(MaintenancePlanOut):
    visits: list[VisitOut]


class MaintenancePlanPage(Schema):
    items: list[MaintenancePlanOut]
    next_cursor: str | None


RULES: Final = (
    "An RRULE, as FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO. FREQ is DAILY, WEEKLY with BYDAY=MO,TU, MONTHLY or YEARLY. The "
    "last two take one BYMONTHDAY, up to 28 or -1, or one BYDAY, from 1MO to 4SU or as -1MO; YEARLY one BYMONTH. It "
    "ends with ends_on, not UNTIL or COUNT. “The 31st, or the last day” is BYMONTHDAY=28,29,30,31;BYSETPOS=-1."
)
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class MaintenancePlanIn(In):
    name: Said = Field(min_length=1, max_length=120)
    site_id: Id
    job_type_id: Id
    technician_id: Id | None = Field(None, description="Who usually does it")
    description: Text = Field("", max_length=20_000)
    priority: PriorityName = "normal"
    duration_minutes: Whole | None = Field(None, ge=5, le=1440, description="Without it, the job type's")
    rule: Said = Field(max_length=300, description=RULES)
    time_zone: Text | None = Field(None, max_length=60, description="Without it, the business's")
    starts_on: Day
    ends_on: Day | None = None
    window_starts: TimeOfDay | None = None
    window_ends: TimeOfDay | None = None
    days_ahead: Whole = Field(30, ge=1, le=400, description="So many days before, visits become jobs")


class MaintenancePlanChange(In):
    """What is left out stays as it is; null empties it, where a plan may be without."""

    name: Said = Field(None, min_length=1, max_length=120)
    job_type_id: Id = None
    technician_id: Id | None = None
    description: Text = Field(None, max_length=20_000)
    priority: PriorityName = None
    duration_minutes: Whole = Field(None, ge=5, le=1440)
    rule: Said = Field(None, max_length=300)
    time_zone: Text = Field(None, max_length=60)
    starts_on: Day = None
    ends_on: Day | None = None
    window_starts: TimeOfDay | None = None
    window_ends: TimeOfDay | None = None
    days_ahead: Whole = Field(None, ge=1, le=400)
    is_active: Flag = Field(None, description="false: paused")
    made_visits: Literal["ask", "follow", "stay"] = Field(
        "ask", description="What becomes of visits that are jobs already and not begun; ask: 409 if it matters to any"
    )


class SkipIn(In):
    due_on: Day
    reason: Said = Field(min_length=1, max_length=200)


class UnskipIn(In):
    due_on: Day


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
    return _shown(request, response, plan_id)


@router.post("/maintenance-plans", response={201: MaintenancePlanWithVisits}, auth=WRITE)
@writes
def create_maintenance_plan(request: HttpRequest, response: HttpResponse, data: MaintenancePlanIn):
    """Its next visits become jobs at once."""
    check_permission(request.user, "dispatch.add_maintenanceplan")
    values = data.dict(exclude={"site_id", "time_zone", "duration_minutes"})
    values["time_zone"] = data.time_zone or settings.TIME_ZONE
    if data.duration_minutes is not None:
        values["duration_minutes"] = data.duration_minutes
    site = Site.objects.dispatchable_by(request.user).filter(pk=data.site_id).first()
    if site is None:
        raise invalid("site_id", "There is no such site, or not in this user's zones.")
    plan = MaintenancePlan(site=site)
    _set(plan, values, user=request.user)
    if data.duration_minutes is None:
        plan.duration_minutes = plan.job_type.default_duration_minutes
    plan = actions.save_maintenance_plan(plan, by=request.user)
    response.status_code = 201
    response["Location"] = f"{request.path}/{plan.pk}"
    return _shown(request, response, plan.pk)


@router.patch("/maintenance-plans/{plan_id}", response=MaintenancePlanWithVisits, auth=WRITE)
@writes
def change_maintenance_plan(
    request: HttpRequest, response: HttpResponse, plan_id: Path[Key], data: MaintenancePlanChange
):
    """If-Match is required."""
    plan = _locked(request, plan_id)
    check_version(request, tag_of({}, version=plan.version), is_required=True)
    _set(plan, data.dict(exclude_unset=True, exclude={"made_visits"}), user=request.user)
    actions.save_maintenance_plan(plan, made=data.made_visits, by=request.user, base_version=plan.version)
    return _shown(request, response, plan_id)


@router.post("/maintenance-plans/{plan_id}/skip", response=MaintenancePlanWithVisits, auth=WRITE)
@writes
def skip_visit(request: HttpRequest, response: HttpResponse, plan_id: Path[Key], data: SkipIn):
    """No visit on that day; a job that was made for it, and that nobody has begun, is cancelled."""
    actions.skip_visit(_locked(request, plan_id), data.due_on, data.reason, by=request.user)
    return _shown(request, response, plan_id)


@router.post("/maintenance-plans/{plan_id}/unskip", response=MaintenancePlanWithVisits, auth=WRITE)
@writes
def unskip_visit(request: HttpRequest, response: HttpResponse, plan_id: Path[Key], data: UnskipIn):
    """The visit is due again."""
    actions.unskip_visit(_locked(request, plan_id), data.due_on, by=request.user)
    return _shown(request, response, plan_id)


def _locked(request: HttpRequest, plan_id: int) -> MaintenancePlan:
    check_permission(request.user, "dispatch.change_maintenanceplan")
    return get_object_or_404(_plans(request.user).select_for_update(no_key=True, of=("self",)), pk=plan_id)


def _shown(request: HttpRequest, response: HttpResponse, plan_id: int):
    plan = get_object_or_404(_plans(request.user), pk=plan_id)
    visits = [_visit_out(visit) for visit in plan.visits.order_by("due_on")]
    return show(request, response, _plan_out(plan) | {"visits": visits}, version=plan.version)


def _set(plan: MaintenancePlan, given: dict[str, Any], *, user) -> None:
    if "job_type_id" in given:
        plan.job_type = chosen_job_type(given.pop("job_type_id"), besides=plan.job_type_id)
    if "technician_id" in given:
        usual = given.pop("technician_id")
        kept = plan.technician if usual == plan.technician_id else None
        given["technician"] = kept or chosen_technician(user, usual)
    if "priority" in given:
        plan.priority = priority_of(given.pop("priority"))
    for name in ("window_starts", "window_ends"):
        if given.get(name):
            given[name] = time.fromisoformat(given[name])
    for name, value in given.items():
        setattr(plan, name, value)
    _check(plan)


def _check(plan: MaintenancePlan) -> None:
    """The same as the plan's form asks for."""
    starts, ends = plan.window_starts, plan.window_ends
    if (starts is None) != (ends is None):
        raise invalid("window_ends" if ends is None else "window_starts", "A time block has a beginning and an end.")
    if starts and ends <= starts:
        raise invalid("window_ends", "The time block ends before it begins.")
    if not all(day is None or day.year in YEARS for day in (plan.starts_on, plan.ends_on)):
        raise invalid("starts_on", "Check the year.")
    if plan.ends_on and plan.ends_on < plan.starts_on:
        raise invalid("ends_on", "It ends before it begins.")
    if plan.time_zone not in available_timezones():
        raise invalid("time_zone", "Write it as in America/New_York.")
    try:
        plan.rule = plan.schedule.rule.text  # however it was written
    except RuleError as error:
        raise invalid("rule", str(error)) from None


def _plans(user):
    check_permission(user, "dispatch.view_maintenanceplan")
    return MaintenancePlan.objects.visible_to(user).select_related("customer", "site", "job_type", "technician__user")


def _plan_out(plan: MaintenancePlan) -> dict:
    names = [name for name in MaintenancePlanOut.model_fields if name not in ("priority", *THINGS, *BLOCK)]
    times = {name: (at := getattr(plan, name)) and f"{at:%H:%M}" for name in BLOCK}
    return times | {
        **{name: getattr(plan, name) for name in names},
        **{name: named(getattr(plan, name)) for name in THINGS},
        "priority": plan.get_priority_display().lower(),
    }


def _visit_out(visit) -> dict:
    return {name: getattr(visit, name) for name in ("due_on", "job_id", "skip_reason")}
