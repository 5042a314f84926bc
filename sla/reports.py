"""SLA compliance of a period, read from the clock tables alone and in the same number of queries however much it is.

Lengths are those of the clocks that were decided in the period and have ended. The heat map is by the hour in which a
clock started: of what came in then some part was breached, while the hour of a deadline has no such whole.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

from sla.breakdowns import break_down
from sla.counting import (
    DAY,
    count_days,
    count_groups,
    count_hours,
    count_lengths,
    count_unacknowledged,
    load_totals,
    tally_of,
)
from sla.decided import clocks_behind, decided_clocks, figure_of, load_clocks
from sla.figures import (
    BANDS,
    Band,
    Dimension,
    Distribution,
    Figure,
    Filters,
    HeatCell,
    KindReport,
    Measure,
    Point,
    Report,
    Tally,
)
from sla.models import CLOCKS, Clock
from sla.periods import Period, Step

__all__ = ["clocks_behind", "figure_of", "load_clocks", "load_report"]


def load_report(
    user,
    filters: Filters,
    period: Period,
    comparison: Period | None = None,
    *,
    step: Step | None = None,
    most: int | None = 10,
) -> Report:
    """`most`: so many technicians, job types, customers and zones each; none: all of them."""
    figure, step = Figure(filters, period), step or period.best_step
    counted = [_KindCount(user, model, figure) for model in CLOCKS]
    return Report(
        figure,
        comparison,
        step,
        kinds=tuple(one.report(comparison, step) for one in counted),
        breakdowns={dimension.value: break_down(figure, dimension, counted, most=most) for dimension in Dimension},
        unacknowledged=sum(one.unacknowledged[Dimension.PRIORITY].total() for one in counted),
    )


class _KindCount:
    """What was counted of one kind of clock."""

    def __init__(self, user, model: type[Clock], figure: Figure):
        self.user, self.model, self.figure = user, model, figure.but(kind=model.kind.value)
        self.clocks = decided_clocks(user, model, self.figure)
        self.groups = count_groups(self.clocks)
        self.tally = tally_of(self.figure, self.groups[DAY].values())
        self.unacknowledged = count_unacknowledged(self.clocks)

    def report(self, comparison: Period | None, step: Step) -> KindReport:
        before, days_before = None, {}
        if comparison:
            figure = self.figure.but(period=comparison)
            clocks = decided_clocks(self.user, self.model, figure)
            days_before = count_days(clocks)
            before = load_totals(clocks, tally_of(figure, days_before.values()))
        return KindReport(
            self.figure.kind,
            totals=load_totals(self.clocks, self.tally),
            before=before,
            trend=tuple(self._trend(comparison, step, days_before)),
            distributions=tuple(self._distributions()),
            heat=self._heat(),
        )

    def _trend(self, comparison: Period | None, step: Step, days_before: Mapping[date, Counter]) -> Iterator[Point]:
        period = self.figure.period
        parts = list(period.split(step))
        others = comparison.split_like(period, step) if comparison else [None] * len(parts)
        for part, other in zip(parts, others, strict=True):
            before = self._tally_on(other, days_before) if other else None
            yield Point(part, self._tally_on(part, self.groups[DAY]), before)

    def _tally_on(self, period: Period, days: Mapping[date, Counter]) -> Tally:
        return tally_of(self.figure.but(period=period), (days[day] for day in period if day in days))

    def _distributions(self) -> Iterator[Distribution]:
        for measure, counts in count_lengths(self.clocks).items():
            bands = (
                Band(begins, ends, self._tally(counts.get(number), measure=measure, band=number))
                for number, (begins, ends) in enumerate(BANDS)
            )
            still_open = counts[None].total() if None in counts else 0
            yield Distribution(Measure(measure), tuple(bands), still_open)

    def _heat(self) -> tuple[tuple[HeatCell, ...], ...]:
        hours = count_hours(self.clocks)
        return tuple(
            tuple(
                HeatCell(weekday, hour, self._tally(hours.get((weekday, hour)), started=(weekday, hour)))
                for hour in range(24)
            )
            for weekday in range(7)
        )

    def _tally(self, outcomes: Counter | None, **narrowed) -> Tally:
        return tally_of(self.figure.but(**narrowed), [outcomes] if outcomes else [])
