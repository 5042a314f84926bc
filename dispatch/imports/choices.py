"""Columns chosen by hand: guessed from their names, kept as plain data, made into a mapping. Knows nothing of Django.

{"fields": {"address": {"columns": ["street", "city"], "otherwise": ""}}, "encoding": "utf-8", "delimiter": ",",
 "dates": "iso", "time_zone": "America/New_York", "creates_missing": true}
"""

import re
from collections.abc import Sequence

from dispatch.imports.fields import FIELDS
from dispatch.imports.mapping import Mapping, mapping_from
from dispatch.imports.values import PRIORITIES

# Several columns make one text of these, joined so.
JOINED = {"address": ", ", "home_address": ", ", "name": " ", "customer_name": " ", "description": "\n"}
MOST_JOINED = 3
DATES = {
    "iso": "2026-03-31 14:05",
    "month_first": "3/31/2026 2:05 PM",
    "day_first": "31/3/2026 14:05 or 31.3.2026",
}
DATED = ("created_at", "scheduled_on", "window_starts_at", "starts_on", "ends_on")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DAYS = {
    "month_first": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y"),
    "day_first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y"),
}
_BARE_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p")
PRIORITY_WORDS = {name: name.title() for name in PRIORITIES} | {
    "medium": "Normal",
    "standard": "Normal",
    "routine": "Low",
    "critical": "Urgent",
    "emergency": "Urgent",
    "asap": "Urgent",
}
# By what else people call a field; first what is said most exactly.
NAMES = {
    "external_id": (
        "external_id plan_id id number no ref reference key account code unique_key ticket staff_no customer_id"
    ),
    "customer_external_id": "customer_external_id customer_id customer_no customer_number account account_id client_id",
    "customer_name": "customer_name customer client client_name company account_name",
    "customer_phone": "customer_phone phone telephone tel mobile phone_number contact_phone",
    "customer_email": "customer_email email mail e_mail email_address contact_email",
    "name": "name full_name plan plan_name company company_name customer customer_name client technician last_name",
    "phone": "phone telephone tel mobile phone_number cell",
    "email": "email mail e_mail email_address",
    "notes": "notes note remarks remark comment comments",
    "address": "address street street_address site_address incident_address service_address address_1 location",
    "home_address": "home_address home address street",
    "latitude": "latitude lat y home_latitude",
    "longitude": "longitude lon lng long x home_longitude",
    "access_notes": "access_notes access gate gate_code site_notes",
    "job_type": "job_type type work work_type complaint_type service trade category",
    "priority": "priority urgency severity",
    "description": "description problem details notes summary subject descriptor text",
    "created_at": "created_at created created_date opened opened_at reported reported_at",
    "scheduled_on": "scheduled_on date scheduled scheduled_date visit_date due_date day",
    "window_starts_at": "window_starts_at window_start from start starts_at block_from time_from start_time",
    "window_ends_at": "window_ends_at window_end to end ends_at block_to time_to end_time",
    "duration_minutes": "duration_minutes minutes duration length",
    "username": "username user login user_name account",
    "zones": "zones zone areas area districts territory territories",
    "skills": "skills skill trades qualifications certificates",
    "technician": "technician usual_technician technician_id staff_no username assigned_to",
    "rule": "rule rrule recurrence",
    "starts_on": "starts_on start_date begins_on valid_from first_visit starts start",
    "ends_on": "ends_on end_date valid_until until ends end",
    "window_starts": "window_starts from time_from start_time block_from",
    "window_ends": "window_ends to time_to end_time block_to",
    "plan_time_zone": "time_zone timezone tz",
    "days_ahead": "days_ahead ahead lead_days",
    "is_active": "is_active active enabled",
}
FURTHER = {"address": (("city", "town"), ("zip", "zip_code", "postcode", "postal_code", "state"))}


def guess(kind: str, columns: Sequence[str], rows: Sequence[Sequence[str]], header: Sequence[str]) -> dict:
    """Each column at most once, but where a job has no id of its own customer."""
    free = {_plain(column): column for column in columns}
    fields = {}
    wanted = {name: [_plain(word) for word in NAMES[name].split()] for name in FIELDS[kind]}
    for rank in range(max(map(len, wanted.values()))):
        for name, words in wanted.items():
            if name not in fields and rank < len(words) and words[rank] in free:
                fields[name] = {"columns": [free.pop(words[rank])], "otherwise": ""}
    for name, groups in FURTHER.items():
        if name in fields:
            found = [next((free.pop(word) for word in map(_plain, group) if word in free), None) for group in groups]
            fields[name]["columns"] += [column for column in found if column]
    if kind == "jobs" and "priority" not in fields:
        fields["priority"] = {"columns": [], "otherwise": "Normal"}
    return {"fields": fields, "dates": _guess_dates(fields, rows, header)}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _guess_dates(fields: dict, rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    dated = [fields[name]["columns"][0] for name in DATED if name in fields]
    texts = [row[header.index(column)] for column in dated for row in rows]
    first = [numbers for text in texts if (numbers := re.match(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}", text))]
    if not first:
        return "iso"
    if any("." in numbers[0] or int(numbers[1]) > 12 for numbers in first):
        return "day_first"
    return "month_first"


def mapping_of(kind: str, choices: dict, *, time_zone: str) -> Mapping:
    """Raises MappingError with a sentence."""
    fields = {
        name: _source(name, chosen)
        for name, chosen in choices["fields"].items()
        if chosen["columns"] or chosen["otherwise"]
    }
    data = {
        "fields": fields,
        "encoding": choices["encoding"],
        "delimiter": choices["delimiter"],
        "time_zone": choices.get("time_zone") or time_zone,
        "date_formats": formats_of(choices["dates"]),
        "create_job_types": bool(choices.get("creates_missing")),
        "create_skills": bool(choices.get("creates_missing")),
    }
    return mapping_from(data, kind=kind, time_zone=time_zone)


def formats_of(dates: str) -> list[str]:
    """None for ISO 8601, which needs none."""
    days = _DAYS.get(dates, ())
    return [*(day + time for day in days for time in _TIMES), *(_BARE_TIMES if days else ())]


def _source(name: str, chosen: dict) -> dict:
    columns, otherwise = chosen["columns"], chosen["otherwise"]
    if not columns:
        return {"constant": otherwise}
    if len(columns) == 1:
        spec = {"column": columns[0]}
    else:
        named = ["{" + column + "}" for column in columns]
        # A template that begins with each: the first one that is filled begins the text.
        rest = ["".join(f"[{JOINED[name]}{column}]" for column in named[place + 1 :]) for place in range(len(named))]
        spec = {"template": [first + others for first, others in zip(named, rest, strict=True)]}
    spec |= {"default": otherwise} if otherwise else {}
    return spec | ({"values": PRIORITY_WORDS} if name == "priority" else {})


def is_joinable(column: str) -> bool:
    return not set("{}[]") & set(column)
