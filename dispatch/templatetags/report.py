from decimal import Decimal

from django import template
from django.utils import timezone

from dispatch.reporting import words
from sla.figures import Band, Breakdown, HeatCell
from sla.periods import Period

register = template.Library()


@register.filter
def kind_name(kind: str) -> str:
    return words.KINDS[kind]


@register.filter
def period(value: Period) -> str:
    """“2–8 Nov 2026”"""
    return words.period_label(value)


@register.filter
def short_period(value: Period) -> str:
    """“2–8 Nov”"""
    return words.period_label(value, with_year=False)


@register.filter
def length_of(seconds: float | None) -> str:
    """“3 h 10”"""
    return words.length_label(seconds)


@register.filter
def percent(value: Decimal | None) -> str:
    """“99.9 %”"""
    return words.percent(value)


@register.filter
def points(value: Decimal | None) -> str:
    """“+1.2 points”"""
    return words.points(value)


@register.filter
def band_label(band: Band) -> str:
    """“1 h – 2 h”"""
    return words.band_label(band.begins, band.ends)


@register.filter
def hour_label(cell: HeatCell) -> str:
    """“Monday 08:00–09:00”"""
    return words.hour_label(cell.weekday, cell.hour)


@register.filter
def weekday(number: int) -> str:
    return words.WEEKDAYS[number]


@register.filter
def group_name(breakdown: Breakdown) -> str:
    """“Job type”"""
    return words.DIMENSIONS[breakdown.dimension][0]


@register.filter
def group_names(breakdown: Breakdown) -> str:
    """“Job types”"""
    return words.DIMENSIONS[breakdown.dimension][1]


@register.filter
def instant(value) -> str:
    """“Mon 2 Nov 2026 13:05” in the business's time."""
    local = timezone.localtime(value)
    return f"{local:%a} {local.day} {local:%b} {local.year} {local:%H:%M}"
