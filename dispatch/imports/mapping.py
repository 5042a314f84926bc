"""A mapping file: which column of somebody's CSV is which field of ours. Knows nothing of Django.

kind = "jobs"
time_zone = "America/New_York"              # of times that do not name theirs

[fields]
external_id = "unique_key"                  # a column
customer_name = { constant = "City hall" }
address = { template = ["{street}[, {city}]", "{landmark}"] }

[fields.priority]
column = "urgency"
values = { "call now" = "Urgent", "next*" = "Low" }
default = "Normal"                          # where the column is empty or its value is not listed
"""

import codecs
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dispatch.imports.fields import FIELDS, Field
from dispatch.imports.sources import Source, SourceError
from dispatch.imports.values import ValueProblem

SHIPPED = Path(__file__).with_name("mappings")


class MappingError(ValueError):
    """Says in one sentence what is wrong with a mapping file."""


@dataclass(frozen=True)
class Mapping:
    kind: str
    fields: dict[str, Source]
    time_zone: ZoneInfo
    date_formats: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ","
    separator: str = ";"  # between the items of a list in one cell
    create_job_types: bool = False
    default_duration_minutes: int = 60
    create_skills: bool = False
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self):
        columns = dict.fromkeys(column for source in self.fields.values() for column in source.columns)
        object.__setattr__(self, "columns", tuple(columns))


def read_mapping(path: Path, *, kind: str, time_zone: str) -> Mapping:
    """`path` may also be the bare name of a mapping that is shipped, as in nyc311.toml."""
    if not path.exists() and (SHIPPED / path.name).exists() and path.name == str(path):
        path = SHIPPED / path.name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise MappingError(f"The mapping {path} cannot be read: {getattr(error, 'strerror', '') or error}.") from None
    try:
        return parse_mapping(text, kind=kind, time_zone=time_zone)
    except MappingError as error:
        raise MappingError(f"The mapping {path.name} is wrong: {error}") from None


def parse_mapping(text: str, *, kind: str, time_zone: str) -> Mapping:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"it is not TOML: {error}.") from None
    return mapping_from(data, kind=kind, time_zone=time_zone)


def mapping_from(data: dict, *, kind: str, time_zone: str) -> Mapping:
    """From what a mapping file says, however it was said."""
    _check_keys(data, {"kind", "fields", *_SETTINGS}, where="the file")
    if data.get("kind", kind) != kind:
        raise MappingError(f"it is for {data['kind']}, not for {kind}.")
    settings = {key: _setting(key, data[key]) for key in _SETTINGS if key in data}
    settings.setdefault("time_zone", ZoneInfo(time_zone))
    mapping = Mapping(kind=kind, fields=_read_fields(data.get("fields"), FIELDS[kind]), **settings)
    _check_outcomes(mapping)
    return mapping


def _read_fields(declared: object, known: dict[str, Field]) -> dict[str, Source]:
    if not isinstance(declared, dict):
        raise MappingError("a [fields] table is expected.")
    _check_keys(declared, known, where="[fields]")
    missing = [name for name, field in known.items() if field.required and name not in declared]
    if missing:
        raise MappingError(f"[fields] must also say where {', '.join(missing)} comes from.")
    try:
        return {name: Source.read(name, spec) for name, spec in declared.items()}
    except SourceError as error:
        raise MappingError(str(error)) from None


def _check_outcomes(mapping: Mapping) -> None:
    """What the file itself says (constants, value maps, defaults) must be readable as the field wants it."""
    for name, source in mapping.fields.items():
        for outcome in filter(None, source.outcomes):
            try:
                FIELDS[mapping.kind][name].read(outcome, mapping)
            except ValueProblem as problem:
                raise MappingError(f"{name}: {problem}.") from None


def _check_keys(data: dict, known, *, where: str) -> None:
    for key in data:
        if key not in known:
            raise MappingError(f"unknown key “{key}” in {where}; known are {', '.join(sorted(known))}.")


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MappingError(f"“{name}” is not a time zone. Write it as in America/New_York.") from None


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise MappingError(f"“{name}” is not an encoding. Write it as in utf-8 or cp1252.") from None


def _one_character(text: str) -> str:
    if len(text) != 1 or text in '\r\n"':
        raise MappingError("delimiter and separator are one character each.")
    return text


def _date_formats(formats: list) -> tuple[str, ...]:
    if not all(isinstance(item, str) and "%" in item for item in formats):
        raise MappingError('date_formats is a list of texts as in ["%m/%d/%Y %H:%M"].')
    return tuple(formats)


def _minutes(number: int) -> int:
    if not 5 <= number <= 1440:
        raise MappingError("default_duration_minutes is between 5 and 1440.")
    return number


_SETTINGS: dict[str, tuple[type, Callable]] = {
    "time_zone": (str, _time_zone),
    "date_formats": (list, _date_formats),
    "encoding": (str, _encoding),
    "delimiter": (str, _one_character),
    "separator": (str, _one_character),
    "create_job_types": (bool, bool),
    "default_duration_minutes": (int, _minutes),
    "create_skills": (bool, bool),
}
_TYPE_NAMES = {str: "a text", list: "a list", bool: "true or false", int: "a whole number"}


def _setting(key: str, value: object) -> object:
    kind, check = _SETTINGS[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise MappingError(f"{key} must be {_TYPE_NAMES[kind]}.")
    return check(value)
