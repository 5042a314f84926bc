"""Kinds of values, each with what can be stored of it. JSON is taken at its word: "5" is no number."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from dispatch.forms.fields import YEARS
from dispatch.models import Priority, Status
from technicians.models import Proficiency

MOST: Final = 2**53 - 1  # beyond that JSON numbers are not exact
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class In(Schema):
    """What is sent: a name that we do not know is a mistake of the sender, who wants to be told."""

    model_config = ConfigDict(extra="forbid")


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("a number, without quotes")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _instant(value: Any) -> Any:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("an instant as in 2026-11-22T14:05:00Z or 2026-11-22T09:05:00-05:00")
    return value.upper()


def _in_utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"check the year: {value.year}")
    return value.astimezone(UTC)


def _day(value: Any) -> Any:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a date as in 2026-11-22")
    return value


def _in_our_time(value: date) -> date:
    if value.year not in YEARS:
        raise ValueError(f"check the year: {value.year}")
    return value


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("no text may hold the character NUL")
    return value.strip()


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("say something")
    return value


Id = Annotated[int, BeforeValidator(_number), Field(ge=1, le=MOST)]
Key = Annotated[int, Field(ge=1, le=MOST)]  # in a path or query, where all is text
Whole = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_in_utc)]
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_in_our_time)]
Text = Annotated[str, AfterValidator(_storable)]
Said = Annotated[str, AfterValidator(_said), AfterValidator(_storable)]
Latitude = Annotated[Number, Field(ge=-90, le=90)]
Longitude = Annotated[Number, Field(ge=-180, le=180)]

PriorityName = Literal["low", "normal", "high", "urgent"]
LevelName = Literal["beginner", "intermediate", "advanced", "expert"]
StatusName = Literal["created", "assigned", "en_route", "in_progress", "completed", "cancelled"]
assert set(StatusName.__args__) == set(Status.values)  # noqa: S101  (a new status must be told to those who read us)


def priority_of(name: str) -> Priority:
    return Priority[name.upper()]


def level_of(name: str) -> Proficiency:
    return Proficiency[name.upper()]


class Named(Schema):
    id: int
    name: str


def named(thing) -> dict | None:
    return thing and {"id": thing.pk, "name": str(thing)}
