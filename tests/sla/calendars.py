"""Business calendars that the tests of the clock have in common, and instants as people in a zone write them."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sla.opening_hours import Calendar

NEW_YORK = "America/New_York"
SYDNEY = "Australia/Sydney"
DAYTIME = (("08:00", "17:00"),)
WITH_LUNCH = (("08:00", "12:00"), ("13:00", "17:00"))
ROUND_THE_CLOCK = (("00:00", "00:00"),)


def week(*, weekdays=(), saturday=(), sunday=(), zone=NEW_YORK, holidays=()):
    """Hours as pairs of “08:00”; holidays as dates in ISO."""
    days = [*[weekdays] * 5, saturday, sunday]
    hours = tuple(tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in day) for day in days)
    return Calendar(ZoneInfo(zone), hours, frozenset(map(date.fromisoformat, holidays)))


def at(text, zone=NEW_YORK, *, fold=0):
    """“2026-11-16 10:00” by the clock on a wall of that zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
