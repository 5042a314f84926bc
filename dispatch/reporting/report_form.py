"""What a report is asked for: period, comparison and filters, all of it in the URL."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django import forms
from django.db.models import TextChoices

from dispatch.board.filters import Checkboxes, RowsField, visible_technicians, visible_zones
from dispatch.forms.fields import YEARS_OF_REPORTS
from dispatch.models import Customer, JobType, Priority
from dispatch.reporting.week_report import last_week
from sla.figures import NONE, Dimension, Filters, Measure
from sla.models import SLAPolicy
from sla.periods import ONE_DAY, Period, Step

USUAL_DAYS: Final = 30
MOST_DAYS: Final = {Step.DAY: 100, Step.WEEK: 740, Step.MONTH: 3660}  # so that a trend can be read
MOST_CUSTOMERS: Final = 20  # to choose from when several are called so


class Comparison(TextChoices):
    BEFORE = "before", "The period before"
    YEAR = "year", "The same days a year before"
    DATES = "dates", "These dates"
    NONE = "none", "Nothing"


def _quarter(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def _until_before(day: date, begin: Callable[[date], date]) -> Period:
    last = day - ONE_DAY
    return Period(begin(last), last)


def _month(day: date) -> date:
    return day.replace(day=1)


# Said in the URL as it is here: a bookmark of the last month stays one.
PRESETS: Final[dict[str, tuple[str, Callable[[date], Period]]]] = {
    "last-week": ("Last week", last_week),
    "30-days": ("30 days", lambda today: Period(today - (USUAL_DAYS - 1) * ONE_DAY, today)),
    "month": ("This month", lambda today: Period(_month(today), today)),
    "last-month": ("Last month", lambda today: _until_before(_month(today), _month)),
    "quarter": ("This quarter", lambda today: Period(_quarter(today), today)),
    "last-quarter": ("Last quarter", lambda today: _until_before(_quarter(today), _quarter)),
    "year": ("This year", lambda today: Period(date(today.year, 1, 1), today)),
}
USUAL: Final = "30-days"


@dataclass(frozen=True)
class Choice:
    """What somebody asked for, made whole."""

    period: Period
    comparison: Period | None
    filters: Filters
    step: Step
    measure: Measure
    preset: str = ""


class DayField(forms.DateField):
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    default_validators = YEARS_OF_REPORTS

    def __init__(self, **kwargs):
        invalid = {"invalid": "Write a date as in 2026-01-31."}
        super().__init__(input_formats=["%Y-%m-%d"], required=False, error_messages=invalid, **kwargs)


class WeekForm(forms.Form):
    week = DayField()


def rows(queryset, label: str, *, without: str | None = None) -> RowsField:
    """`without`: what those that have none are called."""
    kwargs = {"label": label, "widget": Checkboxes, "required": False}
    return RowsField(queryset=queryset, null_label=without, null_value=NONE, **kwargs)


class ReportForm(forms.Form):
    """`choice` is what it comes to, once it is valid."""

    FILTERS = ("technician", "zone", "job_type", "priority", "policy")

    period = forms.ChoiceField(choices=[(name, label) for name, (label, _) in PRESETS.items()], required=False)
    compare = forms.ChoiceField(choices=Comparison.choices, required=False, label="Compare with")
    compare_from = DayField(label="From")
    compare_to = DayField(label="To")
    step = forms.ChoiceField(choices=[("", "Fitting"), *Step.choices], required=False, label="Trend")
    measure = forms.ChoiceField(choices=Measure.choices, required=False, label="Lengths")
    priority = forms.TypedMultipleChoiceField(
        choices=list(reversed(Priority.choices)), coerce=int, widget=Checkboxes, required=False
    )
    customer_name = forms.CharField(
        max_length=100,
        required=False,
        label="Find a customer",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": "Name, or part of it"}),
    )

    def __init__(self, request, *, today: date):
        super().__init__(request.GET.copy())
        self.today = today
        # `from` is a keyword of Python, so these two cannot be written as attributes.
        self.fields["from"], self.fields["to"] = DayField(label="From"), DayField(label="To")
        self.fields["technician"] = rows(visible_technicians(request), "Technician", without="Nobody")
        self.fields["zone"] = rows(visible_zones(request), "Zone", without="No zone")
        self.fields["job_type"] = rows(JobType.objects.all(), "Job type")
        self.fields["policy"] = rows(SLAPolicy.objects.all(), "SLA policy")
        self.fields["customer"] = rows(self._customers(), "Customer")  # cleaned after the name, which may add one
        self.choice: Choice | None = None

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.FILTERS]

    @property
    def chosen_count(self) -> int:
        return sum(len(self.data.getlist(name)) for name in (*self.FILTERS, "customer"))

    def _customers(self, *others: int):
        """Those in the URL and these others: all of them would be too many for a menu."""
        given = {int(pk) for pk in self.data.getlist("customer") if pk.isdecimal() and len(pk) < 19}
        return Customer.objects.filter(pk__in=given.union(others)).order_by("name", "pk")

    def clean_customer_name(self) -> str:
        """A name that fits one customer chooses them; of several it offers the first ones."""
        name = self.cleaned_data["customer_name"].strip()
        if not name:
            return ""
        called_so = Customer.objects.filter(name__icontains=name).order_by("name", "pk")
        found = list(called_so.values_list("pk", "name")[: MOST_CUSTOMERS + 1])
        exact = [(pk, full) for pk, full in found if full.casefold() == name.casefold()]
        found = exact if len(exact) == 1 else found
        self.fields["customer"].queryset = self._customers(*(pk for pk, _ in found[:MOST_CUSTOMERS]))
        if not found:
            raise forms.ValidationError(f"No customer is called “{name}”.")
        if len(found) > 1:
            many = f"More than {MOST_CUSTOMERS}" if len(found) > MOST_CUSTOMERS else str(len(found))
            raise forms.ValidationError(f"{many} customers are called so: tick those that you mean.")
        self.data.appendlist("customer", str(found[0][0]))
        self.data["customer_name"] = ""
        return name

    def clean(self):
        if not {"from", "to", "period"} & set(self.errors):
            period = self._period()  # the fields show it whatever else is wrong
            if not self.errors:
                self.choice = self._choice(period)
        return self.cleaned_data

    def _choice(self, period: Period) -> Choice:
        step = Step(self.cleaned_data["step"] or period.best_step)
        if period.days > MOST_DAYS[step]:
            raise forms.ValidationError(f"{step.label}, a report has at most {MOST_DAYS[step]:,} days.")
        return Choice(
            period=period,
            comparison=self._comparison(period),
            filters=self._filters(),
            step=step,
            measure=Measure(self.cleaned_data["measure"] or Measure.WALL),
            preset=next((name for name, (_, of) in PRESETS.items() if of(self.today) == period), ""),
        )

    def _period(self) -> Period:
        """A date that is not given follows from the other one and from today."""
        first, last = self.cleaned_data["from"], self.cleaned_data["to"]
        if not first and not last:
            period = PRESETS[self.cleaned_data["period"] or USUAL][1](self.today)
        else:
            last = last or max(first, self.today)
            period = checked(Period(first or last - (USUAL_DAYS - 1) * ONE_DAY, last))
        self._show("from", "to", period)
        return period

    def _comparison(self, period: Period) -> Period | None:
        kind = Comparison(self.cleaned_data["compare"] or Comparison.BEFORE)
        if kind == Comparison.NONE:
            return None
        if kind == Comparison.DATES:
            first, last = self.cleaned_data["compare_from"], self.cleaned_data["compare_to"]
            if not first or not last:
                raise forms.ValidationError("Say from when to when the other period goes.")
            return checked(Period(first, last))
        other = period.before if kind == Comparison.BEFORE else a_year_before(period)
        self._show("compare_from", "compare_to", other)
        return other

    def _show(self, first: str, last: str, period: Period) -> None:
        """The fields show what is meant."""
        self.data[first], self.data[last] = period.first.isoformat(), period.last.isoformat()

    def _filters(self) -> Filters:
        return Filters(**{name: frozenset(map(_key, self.cleaned_data[name])) for name in Dimension.values})


def _key(value) -> int | None:
    return None if value == NONE else getattr(value, "pk", value)


def checked(period: Period) -> Period:
    if period.first > period.last:
        raise forms.ValidationError("A period ends before it begins.")
    return period


def a_year_before(period: Period) -> Period:
    return Period(_year_before(period.first), _year_before(period.last))


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)
