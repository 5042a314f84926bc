"""Loads the report with its charts: one loader for the page, its files and the e-mail, so that they cannot disagree."""

from dataclasses import dataclass
from functools import cached_property

from dispatch.reporting.report_form import Choice
from dispatch.reporting.words import axis_label, edge_label
from sla.charts import BandChart, TrendChart, band_chart, heat_level, trend_chart
from sla.figures import Breakdown, Dimension, Distribution, HeatCell, KindReport, Report
from sla.periods import Step
from sla.reports import load_report


@dataclass(frozen=True)
class HeatSquare:
    cell: HeatCell
    level: int  # 0 to 4

    @property
    def is_hot(self) -> bool:
        return self.cell.tally.breached > 0


@dataclass(frozen=True)
class KindSection:
    """Response or resolution."""

    report: KindReport
    choice: Choice

    @property
    def kind(self) -> str:
        return self.report.kind

    @cached_property
    def trend(self) -> TrendChart:
        by_month = self.choice.step == Step.MONTH
        labels = [axis_label(point.period, by_month=by_month) for point in self.report.trend]
        return trend_chart(self.report.trend, labels=labels)

    @cached_property
    def distribution(self) -> Distribution:
        return next(one for one in self.report.distributions if one.measure == self.choice.measure)

    @cached_property
    def bands(self) -> BandChart:
        bands = self.distribution.bands
        return band_chart(bands, labels=[edge_label(band.begins) for band in bands])

    @cached_property
    def heat(self) -> list[list[HeatSquare]]:
        most = self.most_in_an_hour
        rows = self.report.heat
        return [[HeatSquare(cell, heat_level(cell.tally.breached, most=most)) for cell in row] for row in rows]

    @cached_property
    def most_in_an_hour(self) -> int:
        return max((cell.tally.breached for row in self.report.heat for cell in row), default=0)

    @cached_property
    def worst_hours(self) -> list[HeatCell]:
        """The five hours in which most of what was breached came in."""
        hot = [cell for row in self.report.heat for cell in row if cell.tally.breached]
        return sorted(hot, key=lambda cell: (-cell.tally.breached, cell.weekday, cell.hour))[:5]


@dataclass(frozen=True)
class ReportPage:
    choice: Choice
    report: Report

    @cached_property
    def sections(self) -> list[KindSection]:
        return [KindSection(kind, self.choice) for kind in self.report.kinds]

    @property
    def others(self) -> list[Breakdown]:
        return [self.report.breakdowns[dimension] for dimension in (Dimension.PRIORITY, Dimension.POLICY)]


def load_report_page(user, choice: Choice, *, most: int | None = 10) -> ReportPage:
    report = load_report(user, choice.filters, choice.period, choice.comparison, step=choice.step, most=most)
    return ReportPage(choice, report)
