"""The decided clocks behind a number of the SLA report, as querysets."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from django.db.models import Case, CharField, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.http import QueryDict
from django.utils import timezone

from sla.figures import BANDS, NONE, Dimension, Figure, Filters, Key, Measure, Outcome
from sla.models import CLOCKS, Clock, ClockKind, Violation
from sla.periods import Period

YEARS: Final = range(2000, 2101)
LONGEST_ID: Final = 18  # digits, so that the database can hold it
SECONDS: Final = {Measure.WALL: "wall_seconds", Measure.COUNTED: "counted_seconds"}
# Of the start, in the business's time; Monday is 1.
WEEKDAY, HOUR = ExtractIsoWeekDay("started_at"), ExtractHour("started_at")


def decided_clocks(user, model: type[Clock], figure: Figure) -> QuerySet:
    """Those of one kind that the number counts."""
    begins, ends = figure.period.instants(timezone.get_current_timezone())
    clocks = model.objects.visible_to(user).decided_between(begins, ends)
    for name, keys in figure.filters.chosen.items():
        among = Q(**{f"{name}__in": keys - {None}})
        clocks = clocks.filter(among | Q(**{name: None}) if None in keys else among)
    if figure.outcome:
        clocks = clocks.filter(state=figure.outcome)
    if figure.open:
        clocks = clocks.filter(ended_at=None)
    if figure.acknowledged is not None:
        waits = Exists(unacknowledged(model))
        clocks = clocks.filter(~waits if figure.acknowledged else waits, state=Outcome.BREACHED)
    if figure.started is not None:
        weekday, hour = figure.started
        clocks = clocks.alias(weekday=WEEKDAY, hour=HOUR).filter(weekday=weekday + 1, hour=hour)
    if figure.band is not None:
        clocks = clocks.filter(_in_band(figure.band, SECONDS[Measure(figure.measure)]))
    return clocks


def unacknowledged(model: type[Clock]) -> QuerySet:
    """The violation of the clock that the query around it is at, unless somebody has acknowledged it."""
    return Violation.objects.unacknowledged().filter(job=OuterRef("pk"), kind=model.kind)


def _in_band(index: int, field: str) -> Q:
    begins, ends = BANDS[index]
    longer = Q(**{f"{field}__gte": int(begins.total_seconds())})
    return longer if ends is None else longer & Q(**{f"{field}__lt": int(ends.total_seconds())})


def band_of(measure: Measure) -> Case:
    """The index in BANDS; none of what has not ended."""
    field = SECONDS[measure]
    bands = [When(_in_band(number, field), then=number) for number in range(len(BANDS))]
    return Case(*bands, default=None, output_field=IntegerField())


def clocks_behind(user, figure: Figure) -> QuerySet:
    """(job id, kind, decided_at) of each clock that the number counts, the latest first; to be counted and sliced."""
    of_kinds = [
        decided_clocks(user, model, figure)
        .annotate(kind_name=Value(model.kind.value, CharField()))
        .values_list("pk", "kind_name", "decided_at")
        for model in CLOCKS
        if figure.kind in ("", model.kind)
    ]
    return of_kinds[0].union(*of_kinds[1:], all=True).order_by("-decided_at", "pk", "kind_name")


def load_clocks(rows: Iterable[tuple]) -> list[Clock]:
    """The clocks of some rows of `clocks_behind`, in their order, with what names them; two queries at most."""
    rows = list(rows)
    found = {}
    for model in CLOCKS:
        ids = [pk for pk, kind, _ in rows if kind == model.kind]
        named = model.objects.select_related(
            "policy", "zone", "job_type", "customer", "technician__user", "job__site", "job__job_type"
        )
        if ids:
            clocks = named.defer("zone__boundary").in_bulk(ids)
            found |= {(pk, model.kind.value): clock for pk, clock in clocks.items()}
    return [found[pk, kind] for pk, kind, _ in rows if (pk, kind) in found]


# What a figure's query string says -----------------------------------------------------------------


def figure_of(params: QueryDict) -> Figure:
    """Of a URL's query; ValueError where it says nothing sensible."""
    weekday, hour = _number(params, "weekday", range(7)), _number(params, "hour", range(24))
    measure, band = _choice(params, "measure", Measure.values), _number(params, "band", range(len(BANDS)))
    if (weekday is None) != (hour is None) or bool(measure) != (band is not None):
        raise ValueError("Half of it is missing.")
    return Figure(
        Filters(**{name: frozenset(map(_key, params.getlist(name))) for name in Dimension.values}),
        _period(params),
        kind=_choice(params, "kind", ClockKind.values),
        outcome=_choice(params, "outcome", Outcome.values),
        open=_flag(params, "open") is True,
        acknowledged=_flag(params, "acknowledged"),
        started=None if weekday is None else (weekday, hour),
        measure=measure,
        band=band,
    )


def _period(params: QueryDict) -> Period:
    first, last = (date.fromisoformat(params.get(name, "")) for name in ("from", "to"))
    if first > last or first.year not in YEARS or last.year not in YEARS:
        raise ValueError("That is no period.")
    return Period(first, last)


def _key(text: str) -> Key:
    return None if text == NONE else _whole(text)


def _whole(text: str) -> int:
    if len(text) > LONGEST_ID:
        raise ValueError("That is no number that we have.")
    return int(text)


def _choice(params: QueryDict, name: str, choices: list[str]) -> str:
    value = params.get(name, "")
    if value and value not in choices:
        raise ValueError(f"There is no {name} “{value}”.")
    return value


def _flag(params: QueryDict, name: str) -> bool | None:
    value = _choice(params, name, ["true", "false"])
    return value == "true" if value else None


def _number(params: QueryDict, name: str, possible: range) -> int | None:
    value = params.get(name, "")
    if not value:
        return None
    if _whole(value) not in possible:
        raise ValueError(f"There is no {name} {value}.")
    return int(value)
