"""Business calendars as the clock reads them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from sla.models import BusinessCalendar
from sla.opening_hours import Calendar
from sla.public_holidays import PublicHolidays, public_holidays

logger = logging.getLogger(__name__)

Hours = tuple[time, time]  # opens, closes


@dataclass(frozen=True)
class DaysOff:
    """Public holidays, and closures of our own."""

    public: PublicHolidays | None
    own: Mapping[date, str]

    def __contains__(self, day: date) -> bool:
        return day in self.own or (self.public is not None and day in self.public)

    def name_of(self, day: date) -> str:
        return self.own.get(day) or (self.public and self.public.name_of(day)) or "Closed"


@dataclass(frozen=True)
class DayOff:
    day: date
    names: list[str]
    is_closed_anyway: bool  # on that weekday


def always_open(zone: str = "UTC") -> Calendar:
    return Calendar(ZoneInfo(zone), (((time(0), time(0)),),) * 7)


def weekly_calendar(weekly: Mapping[int, Sequence[Hours]], zone: str = "UTC") -> Calendar:
    """Without days off."""
    return Calendar(ZoneInfo(zone), tuple(tuple(weekly.get(weekday, ())) for weekday in range(7)))


def calendar_of(calendar: BusinessCalendar) -> Calendar:
    """Asks for its opening intervals and closures unless they are prefetched."""
    weekly: list[list[Hours]] = [[] for _ in range(7)]
    for interval in sorted(calendar.opening_intervals.all(), key=lambda interval: interval.opens_at):
        weekly[interval.weekday].append((interval.opens_at, interval.closes_at))
    own = frozenset((closure.date_on, closure.name) for closure in calendar.holidays.all())
    return _calendar(calendar.time_zone, tuple(map(tuple, weekly)), calendar.country, calendar.subdivision, own)


@lru_cache(maxsize=64)
def _calendar(
    zone: str, weekly: tuple[tuple[Hours, ...], ...], country: str, subdivision: str, own: frozenset[tuple[date, str]]
) -> Calendar:
    """One for all who ask while it stays as it is: working out a year of opening hours takes longer than using it."""
    days_off = DaysOff(PublicHolidays(country, subdivision) if country else None, dict(own))
    return Calendar(_zone(zone), weekly, days_off, days_off.name_of)


def _zone(name: str) -> ZoneInfo:
    """The business's own for one that does not exist: a broken calendar must not stop whoever reads all of them."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        logger.error("A business calendar goes by %s: %s", settings.TIME_ZONE, error)
        return ZoneInfo(settings.TIME_ZONE)


def load_calendars(calendars: Iterable[BusinessCalendar] | None = None) -> dict[int, Calendar]:
    """By id, all or those of these; three queries however many."""
    found = BusinessCalendar.objects.prefetch_related("opening_intervals", "holidays")
    if calendars is not None:
        found = found.filter(pk__in={calendar.pk for calendar in calendars})
    return {calendar.pk: calendar_of(calendar) for calendar in found}


def days_off(calendar: BusinessCalendar, year: int) -> list[DayOff]:
    """In order, public holidays and closures of our own. UnknownRegionError."""
    names: dict[date, list[str]] = {}
    if calendar.country:
        for day, name in public_holidays(calendar.country, calendar.subdivision, year).items():
            names[day] = name.split("; ")
    for closure in calendar.holidays.all():
        if closure.date_on.year == year:
            names.setdefault(closure.date_on, []).append(closure.name or "Closed")
    weekdays = {interval.weekday for interval in calendar.opening_intervals.all()}
    return [DayOff(day, names[day], is_closed_anyway=day.weekday() not in weekdays) for day in sorted(names)]
