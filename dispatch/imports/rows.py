"""One record of a CSV as a row of ours, checked. Dataclasses out; knows nothing of Django."""

from dataclasses import dataclass
from datetime import date, datetime, time

from dispatch.imports import values
from dispatch.imports.fields import FIELDS
from dispatch.imports.mapping import Mapping
from dispatch.imports.sources import UnlistedValue
from dispatch.imports.values import ValueProblem


class RowError(ValueError):
    """Why a row is not imported, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """`priority` is a lower-case name. None and "" mean that the row says nothing."""

    external_id: str
    customer_name: str
    address: str
    job_type: str
    customer_external_id: str = ""
    customer_phone: str = ""
    customer_email: str = ""
    access_notes: str = ""
    latitude: float | None = None
    longitude: float | None = None
    priority: str = "normal"
    description: str = ""
    created_at: datetime | None = None
    scheduled_on: date | None = None
    window_starts_at: datetime | None = None
    window_ends_at: datetime | None = None
    duration_minutes: int | None = None

    @property
    def has_location(self) -> bool:
        return self.latitude is not None


@dataclass(frozen=True, kw_only=True)
class TechnicianRow:
    username: str
    name: str
    external_id: str = ""
    email: str = ""
    phone: str = ""
    home_address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    zones: tuple[str, ...] = ()
    skills: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class CustomerRow:
    """A customer with several sites has a row for each."""

    name: str
    external_id: str = ""
    phone: str = ""
    email: str = ""
    notes: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    access_notes: str = ""

    @property
    def has_location(self) -> bool:
        return self.latitude is not None


@dataclass(frozen=True, kw_only=True)
class MaintenanceRow:
    """None and "" mean that the row says nothing."""

    external_id: str
    name: str
    customer_name: str
    address: str
    job_type: str
    rule: str
    starts_on: date
    customer_external_id: str = ""
    description: str = ""
    priority: str | None = None
    duration_minutes: int | None = None
    technician: str = ""
    ends_on: date | None = None
    window_starts: time | None = None
    window_ends: time | None = None
    plan_time_zone: str | None = None
    days_ahead: int | None = None
    is_active: bool | None = None


Row = JobRow | TechnicianRow | CustomerRow | MaintenanceRow
_ROWS = {"jobs": JobRow, "technicians": TechnicianRow, "customers": CustomerRow, "maintenance": MaintenanceRow}


def build_row(cells: dict[str, str], mapping: Mapping, *, now: datetime) -> Row:
    """Raises RowError."""
    read = {}
    for name, field in FIELDS[mapping.kind].items():
        source = mapping.fields.get(name)
        try:
            text = source.text(cells) if source else ""
            if text:
                read[name] = field.read(text, mapping)
        except (ValueProblem, UnlistedValue) as problem:
            raise RowError(_about(name, mapping, problem)) from None
        if field.required and not field.may_be_empty and not read.get(name):
            raise RowError(_about(name, mapping, "is empty"))
    _check_coordinates(read)
    if mapping.kind == "customers" and "latitude" in read and "address" not in read:
        raise RowError("address: is empty, so it is not clear of what the coordinates are.")
    if mapping.kind == "jobs":
        _check_times(read, mapping, now=now)
    if mapping.kind == "maintenance":
        _check_plan(read)
    return _ROWS[mapping.kind](**read)


def _about(name: str, mapping: Mapping, problem: object) -> str:
    """Names the columns too where they are called otherwise."""
    columns = ", ".join(dict.fromkeys(mapping.fields[name].columns))
    where = f" ({columns})" if columns not in ("", name) else ""
    return f"{name}{where}: {problem}."


def _check_coordinates(read: dict) -> None:
    if ("latitude" in read) != ("longitude" in read):
        raise RowError("latitude and longitude: only one of the two is given.")
    if read.get("latitude") == 0 and read.get("longitude") == 0:  # what exports write for “unknown”
        del read["latitude"], read["longitude"]


def _check_times(read: dict, mapping: Mapping, *, now: datetime) -> None:
    for name in ("created_at", "window_starts_at", "window_ends_at"):
        try:
            if name in read:
                read[name] = values.join(read[name], read.get("scheduled_on"), mapping)
        except ValueProblem as problem:
            raise RowError(_about(name, mapping, problem)) from None
    starts_at, ends_at = read.get("window_starts_at"), read.get("window_ends_at")
    if (starts_at is None) != (ends_at is None):
        raise RowError("window_starts_at and window_ends_at: only one of the two is given.")
    if starts_at and not values.is_after(ends_at, starts_at):
        raise RowError("window_ends_at: the time block must end after it starts.")
    if starts_at:
        read.setdefault("scheduled_on", starts_at.astimezone(mapping.time_zone).date())
    if "created_at" in read and values.is_after(read["created_at"], now):
        raise RowError(_about("created_at", mapping, f"is in the future: {read['created_at']:%Y-%m-%d %H:%M}"))


def _check_plan(read: dict) -> None:
    starts, ends = read.get("window_starts"), read.get("window_ends")
    if (starts is None) != (ends is None):
        raise RowError("window_starts and window_ends: only one of the two is given.")
    if starts and ends <= starts:
        raise RowError("window_ends: the time block must end after it starts, on the same day.")
    if read.get("ends_on", read["starts_on"]) < read["starts_on"]:
        raise RowError("ends_on: the plan must not end before it starts.")
