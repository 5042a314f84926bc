"""What narrows and orders the list of violations. All of it is in the URL."""

from datetime import date, datetime, time, timedelta
from typing import Final

import django_filters as filters
from django import forms
from django.db.models import F, QuerySet
from django.utils import timezone

from dispatch.board.filters import Checkboxes, RowsFilter, many, visible_technicians, visible_zones
from dispatch.forms.fields import YEARS_OF_REPORTS
from dispatch.models import Job, JobType, Priority
from sla.models import ClockKind, SLAPolicy, Violation

OPEN, ACKNOWLEDGED, ALL = "open", "acknowledged", "all"
STATES: Final = [(OPEN, "To acknowledge"), (ACKNOWLEDGED, "History"), (ALL, "All")]
PERIODS: Final = [("Today", 1), ("7 days", 7), ("30 days", 30), ("90 days", 90)]  # those that end today


class ViolationFilter(filters.FilterSet):
    """Technician, zone, type and policy are those of the moment of the breach."""

    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Job, customer, address", "autocomplete": "off", "data-key": "/"}
        ),
    )
    state = filters.ChoiceFilter(choices=STATES, method="ignore", label="State")
    kind = filters.MultipleChoiceFilter(choices=ClockKind.choices, widget=Checkboxes, label="Target")
    priority = filters.TypedMultipleChoiceFilter(
        choices=reversed(Priority.choices), coerce=int, widget=Checkboxes, label="Priority"
    )
    zone = RowsFilter(queryset=visible_zones, null_label="No zone", label="Zone", **many())
    technician = RowsFilter(queryset=visible_technicians, null_label="Nobody", label="Technician", **many())
    job_type = RowsFilter(queryset=JobType.objects.all(), label="Type", widget=Checkboxes)
    policy = RowsFilter(queryset=SLAPolicy.objects.all(), label="Policy", widget=Checkboxes)

    class Meta:
        model = Violation
        fields = []

    def __init__(self, *args, today: date, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = today
        self.form.is_valid()

    @classmethod
    def get_filters(cls):
        # `from` is a keyword of Python, so these two cannot be written as attributes.
        found = super().get_filters()
        for name, label, method in (("from", "From", "since"), ("to", "To", "until")):
            date_input = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            found[name] = filters.DateFilter(method=method, label=label, widget=date_input, validators=YEARS_OF_REPORTS)
        return found

    @property
    def shown_state(self) -> str:
        return self.form.cleaned_data.get("state") or OPEN

    @property
    def chosen(self) -> dict:
        return {name: value for name, value in self.form.cleaned_data.items() if value and name != "state"}

    @property
    def menus(self) -> list[forms.BoundField]:
        return [self.form[name] for name in ("zone", "priority", "kind")]

    @property
    def more_menus(self) -> list[forms.BoundField]:
        return [self.form[name] for name in ("technician", "job_type", "policy")]

    @property
    def more_count(self) -> int:
        return sum(len(field.data or ()) for field in self.more_menus)

    @property
    def has_period(self) -> bool:
        return "from" in self.chosen or "to" in self.chosen

    @property
    def periods(self) -> list[tuple[str, date]]:
        """(label, first day)"""
        return [(label, self.today - timedelta(days=days - 1)) for label, days in PERIODS]

    def in_state(self) -> QuerySet:
        if self.shown_state == OPEN:
            return self.qs.unacknowledged()
        return self.qs.filter(acknowledged_at__isnull=False) if self.shown_state == ACKNOWLEDGED else self.qs

    def filter_queryset(self, queryset):
        for name, value in self.form.cleaned_data.items():
            queryset = self.filters[name].filter(queryset, value)
        return queryset

    def search(self, violations, name, text):
        # Not by what a job is called that has moved to a zone which the user does not see.
        return violations.filter(job__in=Job.objects.visible_to(self.request.user).matching(text).order_by())

    def since(self, violations, name, day):
        return violations.filter(breached_at__gte=_midnight(day))

    def until(self, violations, name, day):
        return violations.filter(breached_at__lt=_midnight(day + timedelta(days=1)))

    def ignore(self, violations, name, value):
        return violations


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _nulls_last(name: str):
    return F(name).asc(nulls_last=True)


SORTS: Final = {
    "deadline": ("breached_at", "pk"),
    "job": ("job_id", "pk"),
    "priority": ("priority", "breached_at", "pk"),
    "technician": (_nulls_last("technician__user__first_name"), _nulls_last("technician__user__last_name"), "pk"),
    "zone": (_nulls_last("zone__name"), "pk"),
    "type": ("job_type__name", "pk"),
    "acknowledged": (_nulls_last("acknowledged_at"), "pk"),
}
DEFAULT_SORT: Final = "-deadline"


def sorted_by(violations, sort: str):
    """`sort` is a key of SORTS, with a minus in front for the reverse; anything else counts as the default."""
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    violations = violations.order_by(*SORTS[sort.removeprefix("-")])
    return violations.reverse() if sort.startswith("-") else violations
