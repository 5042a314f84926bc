"""Business calendars as the clock reads them."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from sla.clock import Calendar
from sla.models import BusinessCalendar

NEVER: frozenset[date] = frozenset()


@dataclass(frozen=True)
class DaysOff:
    """Public holidays, and closures of our own."""

    public: Container[date]
    own: frozenset[date]

    def __contains__(self, day: date) -> bool:
        return day in self.own or day in self.public


@lru_cache(maxsize=64)
def public_holidays(country: str, subdivision: str = "") -> Container[date]:
    """Worked out a year at a time, when that year is asked for. KeyError or NotImplementedError: no such country."""
    from holidays import country_holidays  # imported here: it takes its time, and most pages do without

    return country_holidays(country, subdiv=subdivision or None)


def always_open(zone: str = "UTC") -> Calendar:
    return Calendar(ZoneInfo(zone), (((time(0), time(0)),),) * 7)


def calendar_of(calendar: BusinessCalendar) -> Calendar:
    """Asks for its opening intervals and closures unless they are prefetched."""
    weekly: list[list[tuple[time, time]]] = [[] for _ in range(7)]
    for interval in sorted(calendar.opening_intervals.all(), key=lambda interval: interval.opens_at):
        weekly[interval.weekday].append((interval.opens_at, interval.closes_at))
    own = frozenset(closure.date_on for closure in calendar.holidays.all())
    public = public_holidays(calendar.country, calendar.subdivision) if calendar.country else NEVER
    return Calendar(ZoneInfo(calendar.time_zone), tuple(map(tuple, weekly)), DaysOff(public, own))


def load_calendars(calendars: Iterable[BusinessCalendar] | None = None) -> dict[int, Calendar]:
    """By id, all or those of these; three queries however many."""
    found = BusinessCalendar.objects.prefetch_related("opening_intervals", "holidays")
    if calendars is not None:
        found = found.filter(pk__in={calendar.pk for calendar in calendars})
    return {calendar.pk: calendar_of(calendar) for calendar in found}
