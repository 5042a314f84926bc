"""The week's SLA compliance as the managers' e-mail says it, and as the page that previews it shows it."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from dispatch.reporting.words import KINDS, percent, period_label
from sla.figures import Filters, Report
from sla.periods import ONE_DAY, Period, Step
from sla.reports import load_report

MOST_NAMED: Final = 3  # technicians, job types, customers and zones each


def week_around(day: date) -> Period:
    """Monday to Sunday."""
    monday = day - day.weekday() * ONE_DAY
    return Period(monday, monday + 6 * ONE_DAY)


def last_week(today: date) -> Period:
    """The last one that is over."""
    return week_around(today - 7 * ONE_DAY)


@dataclass(frozen=True)
class WeekReport:
    week: Period
    report: Report
    site: str | None  # what links begin with; none: there can be no links

    @property
    def sentence(self) -> str:
        """“16–22 Nov 2026: response 93.1 %, resolution 88 %, 14 breaches, 3 not acknowledged”"""
        rates = [f"{KINDS[one.kind].lower()} {percent(one.totals.tally.compliance)}" for one in self.report.kinds]
        breaches = f"{self.report.breached} breach{'' if self.report.breached == 1 else 'es'}"
        waiting = f", {self.report.unacknowledged} not acknowledged" if self.report.unacknowledged else ""
        return f"{period_label(self.week)}: {', '.join(rates)}, {breaches}{waiting}"

    @property
    def subject(self) -> str:
        return f"SLA compliance {self.sentence}"

    @property
    def report_path(self) -> str:
        return f"{reverse('sla_report')}?{self.report.figure.query}"

    @property
    def report_url(self) -> str:
        return self._url(self.report_path)

    @property
    def waiting_url(self) -> str:
        return self._url(f"{reverse('sla_report_jobs')}?{self.report.figure.unacknowledged_query}")

    @property
    def preferences_url(self) -> str:
        return self._url(reverse("notification_preferences"))

    def _url(self, path: str) -> str:
        return "" if self.site is None else self.site + path

    @cached_property
    def text(self) -> str:
        return render_to_string("sla/week_mail.txt", {"mail": self})

    @cached_property
    def html(self) -> str:
        return render_to_string("sla/week_mail.html", {"mail": self})


def load_week_report(user, week: Period, *, site: str | None = None) -> WeekReport:
    """What the user may see of it. `site` is "" on the site itself; an e-mail's links need SITE_URL."""
    report = load_report(user, Filters(), week, week.before, step=Step.DAY, most=MOST_NAMED)
    return WeekReport(week, report, settings.SITE_URL or None if site is None else site)
