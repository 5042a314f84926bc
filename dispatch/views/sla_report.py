from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch.actions.sla_report import sent_notices
from dispatch.csv_files import csv_response
from dispatch.reporting.report_form import Choice, ReportForm, WeekForm
from dispatch.reporting.report_jobs import COLUMNS, load_jobs_page, load_names, rows_of_jobs
from dispatch.reporting.report_page import load_report_page
from dispatch.reporting.report_tables import TABLES
from dispatch.reporting.week_report import last_week, load_week_report, week_around
from dispatch.reporting.words import facts_of, headline_of
from sla.figures import Figure
from sla.periods import ONE_DAY, Period
from sla.reports import figure_of


@require_GET
@permission_required("sla.view_sla_report", raise_exception=True)
def sla_report(request):
    """With `csv` one of its tables as a file, with all the groups that the page has no room for."""
    form = ReportForm(request, today=timezone.localdate())
    if not form.is_valid():
        return render(request, "sla/report.html", {"form": form, "page": None}, status=422)
    if name := request.GET.get("csv"):
        return _table(request, form.choice, name)
    page = load_report_page(request.user, form.choice)
    facts = facts_of(page.report.figure, load_names(request.user, page.report.figure))
    return render(request, "sla/report.html", {"form": form, "page": page, "facts": facts})


def _table(request, choice: Choice, name: str) -> HttpResponse:
    if name not in TABLES:
        raise Http404("There is no such table.")
    table, page = TABLES[name], load_report_page(request.user, choice, most=None)
    return csv_response(request, table.columns, table.rows(page), name=_file_name(name, choice.period))


def _file_name(name: str, period: Period) -> str:
    return f"sla-{name.replace('_', '-')}-{period.first}-{period.last}.csv"


@require_GET
@permission_required("sla.view_sla_report", raise_exception=True)
def sla_report_jobs(request):
    """The jobs that a number of the report counts."""
    try:
        figure = figure_of(request.GET)
    except ValueError:
        return render(request, "sla/report_jobs.html", {"jobs": None}, status=422)
    if request.GET.get("csv"):
        rows = rows_of_jobs(request.user, figure)
        return csv_response(request, COLUMNS, rows, name=_file_name("jobs", figure.period))
    return render(request, "sla/report_jobs.html", _about(request, figure))


def _about(request, figure: Figure) -> dict:
    jobs = load_jobs_page(request.user, figure, number=request.GET.get("page"))
    return {"jobs": jobs, "headline": headline_of(figure), "facts": facts_of(figure, jobs.names)}


@require_GET
@permission_required(["sla.view_sla_report", "dispatch.view_financial_report"], raise_exception=True)
def sla_report_week(request):
    """The managers' e-mail of the week around a date, as it would be now; last week's without one."""
    form = WeekForm(request.GET)
    if not form.is_valid():
        return render(request, "sla/report_week.html", {"mail": None}, status=422)
    today = timezone.localdate()
    week = week_around(form.cleaned_data["week"] or last_week(today).first)
    context = {
        "mail": load_week_report(request.user, week, site=""),
        "sent": sent_notices(week).select_related("recipient"),
        "previous": week.first - 7 * ONE_DAY,
        "next": week.last + ONE_DAY if week.last < today else None,
        "is_over": week.last < today,
        "can_send": bool(settings.EMAIL_HOST),
    }
    return render(request, "sla/report_week.html", context)
