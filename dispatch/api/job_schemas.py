"""A job as the API shows it, and as it is sent."""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from ninja import Schema
from pydantic import Field

from dispatch.api.fields import (
    Day,
    Flag,
    Id,
    In,
    Instant,
    Key,
    LevelName,
    Named,
    PriorityName,
    StatusName,
    Text,
    Whole,
    named,
)
from dispatch.api.problems import invalid
from dispatch.models import Job

INSTANTS = ("window_starts_at", "window_ends_at", "planned_starts_at")


class PlaceOut(Schema):
    id: int
    address: str
    latitude: float | None
    longitude: float | None


class NeedOut(Schema):
    skill: Named
    level: LevelName


class HoldOut(Schema):
    since: datetime
    reason: str


class ArrivalOut(Schema):
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime
    late_minutes: int = Field(description="After the promised time block, or the SLA's deadline")
    behind_minutes: int = Field(description="Behind our own plan")


class JobOut(Schema):
    id: int
    number: str
    version: int = Field(description="Grows with every change; the ETag begins with it")
    external_id: str
    source: str
    status: StatusName
    priority: PriorityName
    job_type: Named
    description: str
    customer: Named
    site: PlaceOut
    zone: Named | None
    technician: Named | None
    required_skills: list[NeedOut]
    scheduled_on: date | None = Field(description="The day, in the business's time zone")
    window_starts_at: datetime | None = Field(description="The time block promised to the customer")
    window_ends_at: datetime | None
    planned_starts_at: datetime | None
    duration_minutes: int
    is_fixed: bool
    is_time_pinned: bool
    is_technician_pinned: bool
    hold: HoldOut | None
    created_at: datetime
    assigned_at: datetime | None
    en_route_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    response_due_at: datetime | None = Field(description="The SLA's deadline, while it is running")
    resolution_due_at: datetime | None
    predicted_arrival: ArrivalOut | None = Field(description="Of jobs that somebody has still to do")
    follow_up_of: int | None


class JobPage(Schema):
    items: list[JobOut]
    next_cursor: str | None


class NeedIn(In):
    skill_id: Id
    level: LevelName = "beginner"


class _JobFields(In):
    description: Text = Field("", max_length=20_000)
    priority: PriorityName = "normal"
    scheduled_on: Day | None = Field(None, description="Without it, the day of the time block or the planned start")
    window_starts_at: Instant | None = None
    window_ends_at: Instant | None = None
    planned_starts_at: Instant | None = None
    is_fixed: Flag = Field(False, description="The appointment must not move")


class JobIn(_JobFields):
    customer_id: Id | None = Field(None, description="Without it, the site's")
    site_id: Id
    job_type_id: Id
    duration_minutes: Whole | None = Field(None, ge=5, le=1440, description="Without it, the job type's")
    required_skills: list[NeedIn] | None = Field(None, max_length=50, description="Without it, the job type's")
    technician_id: Id | None = Field(None, description="Without it, the rule of the priority decides")
    external_id: Text = Field("", max_length=80, description="Its id in your system; unique")


class JobChange(In):
    """What is left out stays as it is; null empties it, where a job may be without."""

    description: Text = Field(None, max_length=20_000)
    priority: PriorityName = None
    job_type_id: Id = None
    scheduled_on: Day | None = None
    window_starts_at: Instant | None = None
    window_ends_at: Instant | None = None
    planned_starts_at: Instant | None = None
    duration_minutes: Whole = Field(None, ge=5, le=1440)
    is_fixed: Flag = None
    required_skills: list[NeedIn] = Field(None, max_length=50)


class JobFilters(Schema):
    status: list[StatusName] = Field([], max_length=6, description="Any of these")
    priority: list[PriorityName] = Field([], max_length=4, description="Any of these")
    technician_id: Key | None = None
    zone_id: Key | None = None
    customer_id: Key | None = None
    site_id: Key | None = None
    job_type_id: Key | None = None
    external_id: Text | None = Field(None, min_length=1, max_length=80)
    day_from: Day | None = Field(None, description="Scheduled on this day or later")
    day_to: Day | None = Field(None, description="Scheduled on this day or before")
    search: Text | None = Field(
        None, min_length=1, max_length=120, description="Number, customer, phone, address, description, external id"
    )


def jobs_out(jobs: list[Job]) -> list[dict[str, Any]]:
    """Of jobs loaded `.with_board_info()`."""
    return [job_out(job) for job in jobs]


SAME = (
    *("id", "number", "version", "external_id", "source", "status", "description", "scheduled_on", *INSTANTS),
    *("duration_minutes", "is_fixed", "is_time_pinned", "is_technician_pinned", "created_at", "assigned_at"),
    *("en_route_at", "started_at", "completed_at", "cancelled_at", "response_due_at", "resolution_due_at"),
)


def job_out(job: Job) -> dict[str, Any]:
    needs = [
        {"skill": named(need.skill), "level": need.get_level_display().lower()} for need in job.required_skills.all()
    ]
    return {
        **{name: getattr(job, name) for name in SAME},
        "priority": job.get_priority_display().lower(),
        "job_type": named(job.job_type),
        "customer": named(job.customer),
        "site": {name: getattr(job.site, name) for name in ("id", "address", "latitude", "longitude")},
        "zone": named(job.zone),
        "technician": named(job.technician),
        "required_skills": needs,
        "hold": {"since": job.held_at, "reason": job.hold_reason} if job.is_on_hold else None,
        "predicted_arrival": _arrival(job.prediction),
        "follow_up_of": job.follow_up_of_id,
    }


def _arrival(arrival) -> dict | None:
    names = ("arrives_at", "starts_at", "ends_at", "late_minutes", "behind_minutes")
    return arrival and {name: getattr(arrival, name) for name in names}


def check_times(values: dict[str, Any]) -> None:
    """The same as the New Job form asks for. `values` are a job's by name; the day is found where it is missing."""
    starts, ends, planned = (values[name] for name in INSTANTS)
    if (starts is None) != (ends is None):
        raise invalid(
            "window_ends_at" if ends is None else "window_starts_at", "A time block has a beginning and an end."
        )
    if starts and ends <= starts:
        raise invalid("window_ends_at", "The time block ends before it begins.")
    if values["is_fixed"] and not (starts or planned):
        raise invalid("is_fixed", "A fixed appointment needs a time block or a planned start.")
    day = values["scheduled_on"]
    if starts and timezone.localdate(starts) != day:
        raise invalid("scheduled_on", "The time block begins on another day, in the business's time zone.")
    # A night shift's stops may come after midnight.
    if planned and (day is None or not timedelta(0) <= timezone.localdate(planned) - day <= timedelta(days=1)):
        raise invalid("scheduled_on", "The planned start is on another day, in the business's time zone.")


def day_of(values: dict[str, Any]) -> date | None:
    """The day that was given, else the one on which its times are."""
    at = values["window_starts_at"] or values["planned_starts_at"]
    return values["scheduled_on"] or (at and timezone.localdate(at))
