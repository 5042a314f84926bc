"""The fields that each kind of import fills, and how their texts are read."""

from collections.abc import Callable
from dataclasses import dataclass

from dispatch.imports import values


@dataclass(frozen=True)
class Field:
    read: Callable  # (text, mapping) -> value; raises ValueProblem
    required: bool = False
    may_be_empty: bool = False  # its column is needed, a text in each row is not


_EXTERNAL_ID = Field(values.words(80), required=True)
# Whom nobody has numbered is found in another way.
_NUMBER = Field(values.words(80), required=True, may_be_empty=True)
_LATITUDE = Field(values.degrees(90))
_LONGITUDE = Field(values.degrees(180))

FIELDS: dict[str, dict[str, Field]] = {
    "jobs": {
        "external_id": _EXTERNAL_ID,
        "customer_external_id": Field(values.words(80)),
        "customer_name": Field(values.words(120), required=True),
        "customer_phone": Field(values.words(40)),
        "customer_email": Field(values.email),
        "address": Field(values.words(200), required=True),
        "latitude": _LATITUDE,
        "longitude": _LONGITUDE,
        "access_notes": Field(values.long_text),
        "job_type": Field(values.words(80), required=True),
        "priority": Field(values.one_of(values.PRIORITIES)),
        "description": Field(values.long_text),
        "created_at": Field(values.instant),
        "scheduled_on": Field(values.day),
        "window_starts_at": Field(values.instant),
        "window_ends_at": Field(values.instant),
        "duration_minutes": Field(values.minutes),
    },
    "technicians": {
        "external_id": _NUMBER,
        "username": Field(values.username, required=True),
        "name": Field(values.words(150), required=True),
        "email": Field(values.email),
        "phone": Field(values.words(40)),
        "home_address": Field(values.words(200)),
        "latitude": _LATITUDE,
        "longitude": _LONGITUDE,
        "zones": Field(values.names),
        "skills": Field(values.skill_levels),
    },
    "customers": {
        "external_id": _NUMBER,
        "name": Field(values.words(120), required=True),
        "phone": Field(values.words(40)),
        "email": Field(values.email),
        "notes": Field(values.long_text),
        "address": Field(values.words(200)),
        "latitude": _LATITUDE,
        "longitude": _LONGITUDE,
        "access_notes": Field(values.long_text),
    },
    "maintenance": {
        "external_id": _EXTERNAL_ID,
        "name": Field(values.words(120), required=True),
        "customer_external_id": Field(values.words(80)),
        "customer_name": Field(values.words(120), required=True),
        "address": Field(values.words(200), required=True),
        "job_type": Field(values.words(80), required=True),
        "description": Field(values.long_text),
        "priority": Field(values.one_of(values.PRIORITIES)),
        "duration_minutes": Field(values.minutes),
        "technician": Field(values.words(150)),
        "rule": Field(values.rule, required=True),
        "starts_on": Field(values.day_of_a_plan, required=True),
        "ends_on": Field(values.day_of_a_plan),
        "window_starts": Field(values.time_of_day),
        "window_ends": Field(values.time_of_day),
        "plan_time_zone": Field(values.time_zone),
        "days_ahead": Field(values.days_ahead),
        "is_active": Field(values.yes_or_no),
    },
}
