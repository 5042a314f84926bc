"""Periods, lengths and figures as the report says them."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal

from sla.figures import BANDS, Dimension, Figure, Measure, Outcome
from sla.periods import ONE_DAY, Period

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KINDS = {"response": "Response", "resolution": "Resolution"}
DIMENSIONS = {
    Dimension.TECHNICIAN: ("Technician", "Technicians"),
    Dimension.JOB_TYPE: ("Job type", "Job types"),
    Dimension.CUSTOMER: ("Customer", "Customers"),
    Dimension.ZONE: ("Zone", "Zones"),
    Dimension.PRIORITY: ("Priority", "Priorities"),
    Dimension.POLICY: ("SLA policy", "SLA policies"),
}


def period_label(period: Period, *, with_year: bool = True) -> str:
    """“Mon 2 Nov 2026”, “2–8 Nov 2026”, “30 Nov – 6 Dec 2026”, “November 2026”"""
    first, last = period.first, period.last
    year = f" {last.year}" if with_year else ""
    if first == last:
        return f"{first:%a} {first.day} {first:%b}{year}"
    if first.day == 1 and (first.year, first.month) == (last.year, last.month) and (last + ONE_DAY).day == 1:
        return f"{first:%B}{year}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b}{year}"
    first_year = f" {first.year}" if with_year and first.year != last.year else ""
    return f"{first.day} {first:%b}{first_year} – {last.day} {last:%b}{year}"


def axis_label(period: Period, *, by_month: bool) -> str:
    """“2 Nov”; of a month “Nov”, in January with the year."""
    day: date = period.first
    if not by_month:
        return f"{day.day} {day:%b}"
    return f"{day:%b} {day.year}" if day.month == 1 else f"{day:%b}"


def length_label(length: timedelta | float | None) -> str:
    """“40 s”, “42 min”, “3 h 10”, “4 d 2 h”; a number is seconds."""
    if length is None:
        return "–"
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return (f"{hours} h {minutes:02d}" if minutes else f"{hours} h") if hours else f"{minutes} min"
    days, hours = divmod(hours + (minutes >= 30), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def edge_label(length: timedelta) -> str:
    """Of an axis: “0”, “15 min”, “4 h”, “3 d”"""
    return length_label(length) if length else "0"


def band_label(begins: timedelta, ends: timedelta | None) -> str:
    if ends is None:
        return f"{edge_label(begins)} or more"
    return f"{edge_label(begins)} – {edge_label(ends)}"


def percent(value: Decimal | None) -> str:
    """As it was rounded down: “99.9 %”, “100 %”"""
    if value is None:
        return "–"
    return f"{value:.0f} %" if value == value.to_integral_value() else f"{value:.1f} %"


def points(value: Decimal | None) -> str:
    """A difference of percentages: “+1.2 points”, “−0.3 points”, “unchanged”"""
    if value is None:
        return ""
    if not value:
        return "unchanged"
    return f"{'+' if value > 0 else '−'}{abs(value):.1f} points"


def hour_label(weekday: int, hour: int) -> str:
    return f"{WEEKDAYS[weekday]} {hour:02d}:00–{(hour + 1) % 24:02d}:00"


def headline_of(figure: Figure) -> str:
    """“Breached response targets, not acknowledged”"""
    outcome = Outcome(figure.outcome).label if figure.outcome else "Met and breached"
    words = f"{outcome} {figure.kind} targets" if figure.kind else f"{outcome} targets"
    if figure.open:
        words += ", not done"
    if figure.acknowledged is not None:
        words += ", acknowledged" if figure.acknowledged else ", not acknowledged"
    return words


def facts_of(figure: Figure, names: Mapping[str, Mapping[int, str]]) -> list[str]:
    """What else narrows it, each in a few words. `names`: by dimension and key."""
    facts = [
        f"{DIMENSIONS[Dimension(dimension)][0]}: {_listed(names.get(dimension, {}), keys)}"
        for dimension, keys in figure.filters.chosen.items()
    ]
    if figure.started is not None:
        facts.append(f"Started {hour_label(*figure.started)}")
    if figure.band is not None:
        begins, ends = BANDS[figure.band]
        facts.append(f"{Measure(figure.measure).label}: {band_label(begins, ends)}")
    return facts


def _listed(names: Mapping[int, str], keys: Collection[int | None]) -> str:
    known = sorted(names.get(key, f"no. {key}") for key in keys if key is not None)
    return ", ".join([*known, "none"] if None in keys else known)
