"""“Every 3 months on the first Monday” as an RRULE (RFC 5545) and as a sentence. Pure.

A day that a month does not have is its last one: a plan for the 31st comes on 30 April too, one for 29 February on the
28th in most years. An RRULE says that as “the last of the days 28 to 31”.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cached_property
from typing import Final

from dateutil.rrule import rrule, rrulestr

LAST: Final = -1  # of the days or weeks of a month
WORKING_DAYS: Final = (0, 1, 2, 3, 4)
SHORTEST_MONTH: Final = 28
FEW_MONTHS: Final = 3  # so many that are left out are named, not those that stay
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LENGTHS: Final = (31, SHORTEST_MONTH, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
NUMBERS: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}
CODES: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class RuleError(ValueError):
    """Why this is no rule, in a sentence."""


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


UNITS: Final = {
    Frequency.DAILY: "day",
    Frequency.WEEKLY: "week",
    Frequency.MONTHLY: "month",
    Frequency.YEARLY: "year",
}
MOST: Final = {Frequency.DAILY: 366, Frequency.WEEKLY: 104, Frequency.MONTHLY: 60, Frequency.YEARLY: 20}


@dataclass(frozen=True)
class Rule:
    """Weeks have weekdays (Monday is 0). Months and years have either a `month_day`, or a weekday and which one it is.

    `nth` and `month_day` count from 1, LAST is the last one; WORKING_DAYS as weekdays of a month mean any of them.
    `months` are those in which alone it comes; a year has exactly one.
    """

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    nth: int = 0
    month_day: int = 0
    months: tuple[int, ...] = ()

    def __post_init__(self):
        if problem := self._problem():
            raise RuleError(problem)

    def _problem(self) -> str:
        if not 1 <= self.interval <= MOST[self.frequency]:
            return f"Choose between 1 and {MOST[self.frequency]} {UNITS[self.frequency]}s."
        if any(days != tuple(sorted(set(days))) for days in (self.weekdays, self.months)):
            return "Weekdays and months come once each, in order."
        if not set(self.weekdays) <= set(range(7)) or not set(self.months) <= set(range(1, 13)):
            return "There is no such weekday or month."
        if self.frequency in (Frequency.DAILY, Frequency.WEEKLY):
            is_weekly = self.frequency == Frequency.WEEKLY
            if bool(self.weekdays) != is_weekly or self.nth or self.month_day:
                return "Choose on which days of the week." if is_weekly else "Every so many days has no weekdays."
            return ""
        if self.frequency == Frequency.YEARLY and len(self.months) != 1:
            return "Choose the month."
        return self._problem_in_the_month()

    def _problem_in_the_month(self) -> str:
        if self.month_day:
            is_day = self.month_day == LAST or 1 <= self.month_day <= 31
            return "" if is_day and not self.nth and not self.weekdays else "Choose the day of the month."
        is_one = len(self.weekdays) == 1 or self.weekdays == WORKING_DAYS
        return "" if self.nth in NUMBERS and is_one else "Choose which weekday of the month."

    @cached_property
    def text(self) -> str:
        """The RRULE."""
        parts = [f"FREQ={self.frequency}", f"INTERVAL={self.interval}"]
        if self.months:
            parts.append(f"BYMONTH={','.join(map(str, self.months))}")
        if self.month_day > SHORTEST_MONTH:
            days = ",".join(map(str, range(SHORTEST_MONTH, self.month_day + 1)))
            parts += [f"BYMONTHDAY={days}", "BYSETPOS=-1"]
        elif self.month_day:
            parts.append(f"BYMONTHDAY={self.month_day}")
        elif self.nth and len(self.weekdays) == 1:
            parts.append(f"BYDAY={self.nth}{CODES[self.weekdays[0]]}")
        elif self.weekdays:
            parts.append(f"BYDAY={','.join(CODES[day] for day in self.weekdays)}")
            parts.append(f"BYSETPOS={self.nth}" if self.nth else "WKST=MO")
        return ";".join(parts)

    @property
    def sentence(self) -> str:
        unit = UNITS[self.frequency]
        words = f"every {unit}" if self.interval == 1 else f"every {self.interval} {unit}s"
        if self.frequency == Frequency.WEEKLY:
            words += f" {_days_named(self.weekdays)}"
        elif self.frequency == Frequency.YEARLY:
            month = MONTHS[self.months[0] - 1]
            words += f" on {self.month_day} {month}" if self.month_day > 0 else f" on {self._in_the_month()} of {month}"
            return words + (" (or the last day of the month)" if self._is_clamped else "")
        elif self.frequency == Frequency.MONTHLY:
            words += f" on {self._in_the_month()}"
        if self._is_clamped:
            words += " or, in shorter months, the last day"
        return words + self._season()

    @property
    def _is_clamped(self) -> bool:
        """There is a month of it that does not have the day."""
        return any(self.month_day > LENGTHS[month - 1] for month in self.months or range(1, 13))

    def _season(self) -> str:
        left_out = tuple(month for month in range(1, 13) if month not in self.months)
        if not self.months or not left_out:
            return ""
        is_short = len(left_out) <= FEW_MONTHS
        return f", but not {_months_named(left_out)}" if is_short else f", only {_months_named(self.months)}"

    def _in_the_month(self) -> str:
        if self.month_day:
            return "the last day" if self.month_day == LAST else f"the {_ordinal(self.month_day)}"
        is_any = self.weekdays == WORKING_DAYS
        return f"the {NUMBERS[self.nth]} {'working day' if is_any else DAYS[self.weekdays[0]]}"


def parse(text: str) -> Rule:
    """Of an RRULE as `Rule.text` writes it, in whichever order. RuleError for others."""
    parts = _parts(text)
    try:
        rule = Rule(
            Frequency(parts.get("FREQ", "")),
            interval=int(parts.get("INTERVAL", "1")),
            months=_numbers(parts.get("BYMONTH", "")),
            **_days_of(parts),
        )
    except RuleError:
        raise
    except ValueError:
        raise RuleError("This recurrence is not understood.") from None
    if _meaning(_parts(rule.text)) != _meaning(parts):
        raise RuleError("This recurrence is not understood.")
    return rule


def _parts(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.strip().upper().removeprefix("RRULE:").split(";")]
    found = {name: value for name, _, value in parts}
    if len(found) != len(parts):
        raise RuleError("This recurrence says something twice.")
    return found


def _meaning(parts: dict[str, str]) -> dict[str, object]:
    said = {"INTERVAL": "1", "WKST": "MO"} | parts
    return {name: sorted(value.split(",")) for name, value in said.items()}


def _days_of(parts: dict[str, str]) -> dict[str, object]:
    position = int(parts.get("BYSETPOS", "0"))
    if month_days := _numbers(parts.get("BYMONTHDAY", "")):
        return {"month_day": max(month_days)}
    days = parts.get("BYDAY", "")
    if match := re.fullmatch(r"\+?(-?\d)([A-Z]{2})", days):
        return {"nth": int(match[1]), "weekdays": (CODES.index(match[2]),)}
    weekdays = tuple(sorted(CODES.index(code) for code in days.split(","))) if days else ()
    return {"nth": position, "weekdays": weekdays}


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(map(int, text.split(",")))) if text else ()


# Days ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule:
    """A rule from its first day on, which counts also what “every third” is the third from."""

    rule: Rule
    starts_on: date
    ends_on: date | None = None

    @property
    def is_ever(self) -> bool:
        """Every second month from January on is never one in February."""
        rule = self.rule
        if rule.frequency != Frequency.MONTHLY or not rule.months:
            return True
        reached = ((self.starts_on.month - 1 + turn * rule.interval) % 12 + 1 for turn in range(12))
        return any(month in rule.months for month in reached)

    def between(self, first: date, last: date) -> list[date]:
        """Both included."""
        last = last if self.ends_on is None else min(last, self.ends_on)
        if last < first or not self.is_ever:
            return []
        return [found.date() for found in self._rrule.between(_midnight(first), _midnight(last), inc=True)]

    def since(self, first: date, *, count: int) -> list[date]:
        """The next so many from that day on; fewer where it ends."""
        if not self.is_ever:
            return []
        found = (moment.date() for moment in self._rrule.xafter(_midnight(first), count=count, inc=True))
        return [day for day in found if self.ends_on is None or day <= self.ends_on]

    def includes(self, day: date) -> bool:
        return bool(self.between(day, day))

    @cached_property
    def _rrule(self) -> rrule:
        return rrulestr(self.rule.text, dtstart=_midnight(self.starts_on))


def _midnight(day: date) -> datetime:
    """Days are counted without any zone: no change of the clocks makes one longer or shorter."""
    return datetime.combine(day, time.min)


# Words --------------------------------------------------------------------------------------------


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _days_named(weekdays: tuple[int, ...]) -> str:
    if len(weekdays) == 7:
        return "on all days"
    is_usual = weekdays == WORKING_DAYS
    return "from Monday to Friday" if is_usual else f"on {_joined([DAYS[day] for day in weekdays])}"


def _months_named(months: tuple[int, ...]) -> str:
    """“from May to September”, over the end of the year too; else each of them."""
    begins = [month for month in months if (month - 2) % 12 + 1 not in months]
    if len(begins) == 1 and len(months) > 2:
        last = (begins[0] + len(months) - 2) % 12
        return f"from {MONTHS[begins[0] - 1]} to {MONTHS[last]}"
    return f"in {_joined([MONTHS[month - 1] for month in months])}"


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
