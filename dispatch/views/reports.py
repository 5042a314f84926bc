from datetime import date, datetime, time

from django import forms
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch.billing import FinancialMonth, totals
from dispatch.billing import financial_report as compute_financial_report
from dispatch.csv_files import csv_response, text_cell
from dispatch.forms.fields import YEARS_OF_REPORTS
from dispatch.models import BillingRecord

DEFAULT_MONTHS = 3
COLUMNS = ["Month", "Technician", "Completed jobs", "Hours", "Revenue", "Commission", "Currency"]


class MonthField(forms.DateField):
    """A month as its first day."""

    widget = forms.DateInput(format="%Y-%m", attrs={"type": "month", "placeholder": "2026-01"})
    default_validators = YEARS_OF_REPORTS

    def __init__(self, **kwargs):
        invalid = {"invalid": "Write a month as in 2026-01."}
        super().__init__(input_formats=["%Y-%m"], required=False, error_messages=invalid, **kwargs)


class PeriodForm(forms.Form):
    """Both months belong to the period; one that is not given follows from the other and from today."""

    first = MonthField(label="From")
    last = MonthField(label="To")

    def __init__(self, data, *, today: date):
        super().__init__({name: data.get(name, "") for name in ("first", "last")})
        self.this_month = today.replace(day=1)

    def clean(self):
        if self.errors:
            return self.cleaned_data
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        if first and last and first > last:
            raise forms.ValidationError("The period ends before it begins.")
        last = last or max(first or self.this_month, self.this_month)
        first = first or shifted(last, months=1 - DEFAULT_MONTHS)
        self.data = {"first": f"{first:%Y-%m}", "last": f"{last:%Y-%m}"}  # the fields show what was chosen
        return {"first": first, "last": last}


def shifted(month: date, *, months: int) -> date:
    years, index = divmod(month.month - 1 + months, 12)
    return date(month.year + years, index + 1, 1)


def records_between(first: date, last: date):
    """Of the months from `first` to `last` inclusive, in the business's time."""
    begins, ends = (timezone.make_aware(datetime.combine(day, time.min)) for day in (first, shifted(last, months=1)))
    return BillingRecord.objects.filter(completed_at__gte=begins, completed_at__lt=ends)


@require_GET
@permission_required("dispatch.view_financial_report", raise_exception=True)
def financial_report(request):
    form = PeriodForm(request.GET, today=timezone.localdate())
    months, status = [], 422
    if form.is_valid():
        months, status = compute_financial_report(records_between(**form.cleaned_data)), 200
        if request.GET.get("format") == "csv":
            return as_csv(request, months, name="finances-{first:%Y-%m}-{last:%Y-%m}.csv".format(**form.cleaned_data))
    context = {
        "form": form,
        "months": months,
        "totals": totals(row for month in months for row in month.rows),
        "period": form.cleaned_data,
    }
    return render(request, "dispatch/financial_report.html", context, status=status)


def as_csv(request, months: list[FinancialMonth], *, name: str) -> HttpResponse:
    rows = (
        [
            f"{row.month:%Y-%m}",
            text_cell(row.technician),
            row.jobs,
            row.hours,
            f"{row.revenue:.2f}",  # SQLite drops the last zeros
            f"{row.commission:.2f}",
            row.currency,
        ]
        for month in months
        for row in month.rows
    )
    return csv_response(request, COLUMNS, rows, name=name)
