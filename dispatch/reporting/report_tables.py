"""The report's tables as rows of CSV files. Lengths are minutes, percentages are numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from dispatch.csv_files import text_cell
from dispatch.reporting.report_page import ReportPage
from dispatch.reporting.words import DIMENSIONS, KINDS, WEEKDAYS
from sla.figures import Dimension, Lengths, Measure, Tally, Totals

Rows = Iterator[list]


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: Callable[[ReportPage], Rows]


TALLY: Final = ["Met", "Breached", "Compliance %"]


def _tally(tally: Tally | None) -> list:
    return [tally.met, tally.breached, _blank(tally.compliance)] if tally else ["", "", ""]


def _lengths(lengths: Lengths) -> list:
    return [_minutes(seconds) for seconds in (lengths.average, lengths.median, lengths.p90)]


def _minutes(length: timedelta | float | None) -> float | str:
    if length is None:
        return ""
    return round((length.total_seconds() if isinstance(length, timedelta) else length) / 60, 1)


def _blank(value: Decimal | None) -> Decimal | str:
    return "" if value is None else value


def _totals(page: ReportPage) -> Rows:
    for kind in page.report.kinds:
        yield _totals_row(kind.kind, kind.totals)
        if kind.before:
            yield _totals_row(kind.kind, kind.before)


def _totals_row(kind: str, totals: Totals) -> list:
    period = totals.tally.figure.period
    lengths = [*_lengths(totals.wall), *_lengths(totals.counted)]
    return [KINDS[kind], period.first, period.last, *_tally(totals.tally), totals.still_open, *lengths]


def _trend(page: ReportPage) -> Rows:
    for kind in page.report.kinds:
        for point in kind.trend:
            days = [point.period.first, point.period.last]
            yield [KINDS[kind.kind], *days, *_tally(point.tally), *_tally(point.before)]


def _distribution(page: ReportPage) -> Rows:
    for kind in page.report.kinds:
        for one in kind.distributions:
            for band in one.bands:
                edges = [_minutes(band.begins), _minutes(band.ends)]
                yield [KINDS[kind.kind], Measure(one.measure).label, *edges, band.tally.met, band.tally.breached]


def _hours(page: ReportPage) -> Rows:
    for kind in page.report.kinds:
        for row in kind.heat:
            for cell in row:
                yield [KINDS[kind.kind], WEEKDAYS[cell.weekday], f"{cell.hour:02d}:00", *_tally(cell.tally)]


def _groups(dimension: Dimension, page: ReportPage) -> Rows:
    for group in page.report.breakdowns[dimension].groups:
        both = [*_tally(group.response), *_tally(group.resolution)]
        rest = [group.breached, _blank(group.share), group.acknowledged, group.unacknowledged]
        yield [text_cell(group.name), *both, *rest]


def _each(kind: str) -> list[str]:
    return [f"{kind}: {column.lower()}" for column in TALLY]


_LENGTHS: Final = [
    f"{what} minutes ({of})" for of in ("wall-clock", "counted") for what in ("Average", "Median", "P90")
]
_GROUPS: Final = [*_each("Response"), *_each("Resolution"), "Breaches", "Share %", "Acknowledged", "Not acknowledged"]
TABLES: Final[dict[str, Table]] = {
    "totals": Table(["Target", "From", "To", *TALLY, "Not done", *_LENGTHS], _totals),
    "trend": Table(["Target", "From", "To", *TALLY, *_each("Before")], _trend),
    "distribution": Table(["Target", "Time", "From minutes", "To minutes", "Met", "Breached"], _distribution),
    "hours": Table(["Target", "Weekday", "Hour", *TALLY], _hours),
    **{
        dimension.value: Table([DIMENSIONS[dimension][0], *_GROUPS], partial(_groups, dimension))
        for dimension in Dimension
    },
}
