"""Texts of a CSV cell to values. Each reader raises ValueProblem with what is wrong, to follow the field's name."""

import math
import re
from datetime import UTC, date, datetime, time
from zoneinfo import available_timezones

from dispatch.maintenance.rule import RuleError, parse

PRIORITIES = ("low", "normal", "high", "urgent")
LEVELS = ("beginner", "intermediate", "advanced", "expert")
USUAL_LEVEL = "intermediate"
YES, NO = ("yes", "y", "true", "1", "active"), ("no", "n", "false", "0", "paused")
_YEARS = range(1900, 2201)
_YEARS_OF_PLANS = range(2000, 2101)
_DATE_DIRECTIVE = re.compile(r"%[YyGdjmbBcxDFuUVW]")


class ValueProblem(ValueError):
    pass


def _quoted(text: str) -> str:
    return f"“{text if len(text) <= 60 else text[:57] + '...'}”"


def words(longest: int):
    """One line of text; runs of white space become one space."""

    def read(text, mapping):
        text = " ".join(text.split())
        if len(text) > longest:
            raise ValueProblem(f"is longer than {longest} characters: {_quoted(text)}")
        return text

    return read


def long_text(text, mapping) -> str:
    return text.strip()


def email(text, mapping) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) or len(text) > 254:
        raise ValueProblem(f"is not an e-mail address: {_quoted(text)}")
    return text


def username(text, mapping) -> str:
    if not re.fullmatch(r"[\w.@+-]{1,150}", text):
        raise ValueProblem(f"may have letters, digits and @.+-_ only: {_quoted(text)}")
    return text


def degrees(limit: int):
    def read(text, mapping):
        try:
            number = float(text)
        except ValueError:
            raise ValueProblem(f"is not a number: {_quoted(text)}") from None
        if not math.isfinite(number) or abs(number) > limit:
            raise ValueProblem(f"is off the globe, -{limit} to {limit}: {_quoted(text)}")
        return number

    return read


def whole(first: int, last: int, unit: str):
    def read(text, mapping):
        if not re.fullmatch(r"[0-9]{1,6}", text) or not first <= int(text) <= last:
            raise ValueProblem(f"is not a whole number of {unit} from {first} to {last}: {_quoted(text)}")
        return int(text)

    return read


minutes = whole(5, 1440, "minutes")
days_ahead = whole(1, 400, "days")


def one_of(names: tuple[str, ...]):
    """The lower-case name."""

    def read(text, mapping):
        if text.casefold() not in names:
            listed = ", ".join(name.title() for name in names)
            raise ValueProblem(f"{_quoted(text)} is none of {listed}")
        return text.casefold()

    return read


def names(text, mapping) -> tuple[str, ...]:
    items = (" ".join(item.split()) for item in text.split(mapping.separator))
    return tuple(dict.fromkeys(item for item in items if item))


def skill_levels(text, mapping) -> tuple[tuple[str, str], ...]:
    """“Plumbing: Advanced; Heating” as (name, level) pairs."""
    read_level, pairs = one_of(LEVELS), {}
    for item in names(text, mapping):
        name, _, level = (part.strip() for part in item.partition(":"))
        if not name or len(name) > 60:
            raise ValueProblem(f"has a skill without a name or with more than 60 characters: {_quoted(item)}")
        pairs[name] = read_level(level or USUAL_LEVEL, mapping)
    return tuple(pairs.items())


def instant(text, mapping) -> datetime | time:
    """An aware datetime; a bare time of day stays one, to be joined with the row's date."""
    moment = _parse(text, mapping)
    if isinstance(moment, time):
        return moment
    return moment if moment.tzinfo else moment.replace(tzinfo=mapping.time_zone)


def day(text, mapping) -> date:
    moment = _parse(text, mapping)
    if isinstance(moment, time):
        raise ValueProblem(f"has no date: {_quoted(text)}")
    return (moment.astimezone(mapping.time_zone) if moment.tzinfo else moment).date()


def day_of_a_plan(text, mapping) -> date:
    on = day(text, mapping)
    if on.year not in _YEARS_OF_PLANS:
        raise ValueProblem(f"is not a likely date: {_quoted(text)}")
    return on


def time_of_day(text, mapping) -> time:
    """14:05, 14:05:00, 2:05 PM; of no zone."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?(?: ?([ap])\.?m\.?)?", text, re.ASCII | re.IGNORECASE)
    if found:
        hour, half = int(found[1]), (found[3] or "").lower()
        is_hour = 1 <= hour <= 12 if half else hour < 24
        if is_hour and int(found[2]) < 60:
            return time(hour % 12 + 12 * (half == "p") if half else hour, int(found[2]))
    raise ValueProblem(f"is not a time of day, as in 14:05: {_quoted(text)}")


def time_zone(text, mapping) -> str:
    if text not in available_timezones():
        raise ValueProblem(f"is not a time zone, as in America/New_York: {_quoted(text)}")
    return text


def yes_or_no(text, mapping) -> bool:
    if text.casefold() not in YES + NO:
        raise ValueProblem(f"is neither yes nor no: {_quoted(text)}")
    return text.casefold() in YES


def rule(text, mapping) -> str:
    """An RRULE that plans can have, in the form in which they have it."""
    try:
        return parse(text).text
    except RuleError as error:
        said, wanted = str(error).removesuffix("."), "as in FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO"
        if late := re.search(r"BYMONTHDAY=(29|30|31)\b(?!,)", text.upper()):
            days = ",".join(map(str, range(28, int(late[1]) + 1)))
            wanted = f"with BYMONTHDAY={days};BYSETPOS=-1: shorter months have it on their last day"
        raise ValueProblem(f"{said}, {_quoted(text)}. Write it {wanted}") from None


def _parse(text: str, mapping) -> datetime | time:
    for read in [_reader(form) for form in mapping.date_formats] or [datetime.fromisoformat, time.fromisoformat]:
        try:
            moment = read(text)
        except (ValueError, OverflowError):
            continue
        if isinstance(moment, datetime) and moment.year not in _YEARS:
            raise ValueProblem(f"is not a likely date: {_quoted(text)}")
        return moment
    wanted = " or ".join(mapping.date_formats) or "2026-03-31 or 2026-03-31T14:05"
    raise ValueProblem(f"is not a date that can be read, as in {wanted}: {_quoted(text)}")


def _reader(form: str):
    has_date = _DATE_DIRECTIVE.search(form)

    def read(text):
        moment = datetime.strptime(text, form)  # noqa: DTZ007  # the zone is the mapping's
        return moment if has_date else moment.time()

    return read


def join(moment: datetime | time | None, on: date | None, mapping) -> datetime | None:
    if not isinstance(moment, time):
        return moment
    if on is None:
        raise ValueProblem("is a time of day, but the row has no date")
    return datetime.combine(on, moment, tzinfo=moment.tzinfo or mapping.time_zone)


def is_after(later: datetime, earlier: datetime) -> bool:
    """As instants: Python compares the clock faces of two times in one zone, which differ where the clocks change."""
    return later.astimezone(UTC) > earlier.astimezone(UTC)
