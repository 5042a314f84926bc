"""The board's filters. What is chosen is in the URL, so that a view can be bookmarked and shared."""

from datetime import date

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Case, F, Q, When
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from dispatch.models import Job, JobType, Priority, Status
from dispatch.models.job_clocks import is_at_risk, is_breached, next_due_at
from technicians.models import Technician
from zones.models import ServiceZone

ALL_DAYS = "all"


class DayField(forms.DateField):
    """A date, or the word `all`."""

    def to_python(self, value):
        return ALL_DAYS if value == ALL_DAYS else super().to_python(value)


class DayFilter(filters.Filter):
    field_class = DayField


class NamesIterator(filters.fields.ModelChoiceIterator):
    """Keys and names without model objects, which for 200 technicians took a fifteenth of the page's time."""

    def __iter__(self):
        if self.field.null_label is not None:
            yield self.field.null_value, self.field.null_label
        yield from self.queryset.values_list("pk", "name")


class RowsField(filters.fields.ModelMultipleChoiceField):
    iterator = NamesIterator

    def _check_values(self, value):
        try:
            return super()._check_values(value)
        except OverflowError:  # SQLite, of a number that is no row's key
            raise ValidationError("One of the numbers is too large.") from None


class RowsFilter(filters.ModelMultipleChoiceFilter):
    field_class = RowsField


def visible_technicians(request):
    return Technician.objects.visible_to(request.user).by_name().with_name()


def visible_zones(request):
    return ServiceZone.objects.dispatchable_by(request.user)


class Checkboxes(forms.CheckboxSelectMultiple):
    def render(self, name, value, attrs=None, renderer=None):
        """Without a template: with 200 technicians it took as long as half the rows of the board."""
        chosen = set(map(str, value or ()))
        boxes = (
            (name, choice, mark_safe(" checked") if str(choice) in chosen else "", label)
            for choice, label in self.choices
        )
        box = '<label><input type="checkbox" name="{}" value="{}"{}> {}</label>'
        return format_html('<div class="checks">{}</div>', format_html_join("", box, boxes))


def many(**kwargs) -> dict:
    return {"widget": Checkboxes, "null_value": "none", **kwargs}


class JobFilter(filters.FilterSet):
    """Two kinds: what makes the scope that the counts describe, and what narrows the list to some of it."""

    NARROWING = ("status", "late", "sla", "hold", "location")
    DATES = ("day", "from", "to")

    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": "Number, customer, phone, address",
                "autocomplete": "off",
                "data-key": "/",
            }
        ),
    )
    day = DayFilter(method="ignore", label="Day")
    status = filters.MultipleChoiceFilter(choices=Status.choices, widget=Checkboxes, label="Status")
    priority = filters.TypedMultipleChoiceFilter(
        choices=reversed(Priority.choices), coerce=int, widget=Checkboxes, label="Priority"
    )
    zone = RowsFilter(queryset=visible_zones, null_label="No zone", label="Zone", **many())
    technician = RowsFilter(queryset=visible_technicians, null_label="Nobody", label="Technician", **many())
    job_type = RowsFilter(queryset=JobType.objects.all(), label="Type", widget=Checkboxes)
    late = filters.ChoiceFilter(
        choices=[("true", "Block missed"), ("behind", "Running behind")], method="only_late", label="Late"
    )
    sla = filters.ChoiceFilter(
        choices=[("at_risk", "SLA at risk"), ("breached", "SLA breached")], method="only_sla", label="SLA"
    )
    hold = filters.BooleanFilter(method="only_on_hold", label="On hold")
    location = filters.ChoiceFilter(choices=[("none", "No location")], method="without_location", label="Location")

    class Meta:
        model = Job
        fields = []

    def __init__(self, *args, now, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.now, self.today = now, today
        self.form.is_valid()

    @classmethod
    def get_filters(cls):
        # `from` is a keyword of Python, so these two cannot be written as attributes.
        found = super().get_filters()
        for name, label in (("from", "From"), ("to", "To")):
            found[name] = filters.DateFilter(
                method="ignore", label=label, widget=forms.DateInput(attrs={"type": "date"})
            )
        return found

    @property
    def chosen(self) -> dict:
        return {name: value for name, value in self.form.cleaned_data.items() if value}

    @property
    def anchor(self) -> date:
        """The day around which a calendar opens: the chosen one, the first of the chosen range, or today."""
        chosen = self.chosen
        day = chosen.get("from") or chosen.get("to") or chosen.get("day")
        return day if isinstance(day, date) else self.today

    def scope(self, days: tuple[date, date] | None = None):
        """The jobs of the chosen days, or of all from the first to the last of `days`, without what narrows them."""
        jobs = self.queryset.on_days(*days) if days else self._on_chosen_days()
        return self._scope_of(jobs)

    def to_plan(self, first: date, last: date):
        """As `scope` of these days, with what has no day yet."""
        return self._scope_of(self.queryset.on_days_or_none(first, last))

    def _scope_of(self, jobs):
        return self._apply([name for name in self.filters if name not in self.NARROWING], jobs)

    def narrow(self, jobs):
        return self._apply(self.NARROWING, jobs)

    def _apply(self, names, jobs):
        for name in names:
            if name in self.form.cleaned_data:
                jobs = self.filters[name].filter(jobs, self.form.cleaned_data[name])
        return jobs

    def _on_chosen_days(self):
        first, last = self.form.cleaned_data.get("from"), self.form.cleaned_data.get("to")
        if first or last:
            return self.queryset.on_days(first or date.min, last or date.max)
        day = self.form.cleaned_data.get("day")
        if day == ALL_DAYS:
            return self.queryset
        return self.queryset.for_dispatch_day(day or self.today, today=self.today)

    def search(self, jobs, name, text):
        return jobs.matching(text)

    def only_late(self, jobs, name, value):
        if value == "behind":
            return jobs.running_behind()
        late = Q(status__in=(Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE), window_ends_at__lt=self.now)
        return jobs.filter(late)

    def only_sla(self, jobs, name, value):
        return jobs.filter(is_breached(now=self.now) if value == "breached" else is_at_risk(now=self.now))

    def only_on_hold(self, jobs, name, value):
        return jobs.filter(held_at__isnull=False) if value else jobs

    def without_location(self, jobs, name, value):
        return jobs.filter(site__latitude=None)

    def ignore(self, jobs, name, value):
        return jobs


def _nulls_last(name: str):
    return F(name).asc(nulls_last=True)


SORTS = {
    "when": (
        Case(When(status__in=(Status.COMPLETED, Status.CANCELLED), then=1), default=0),
        _nulls_last("scheduled_on"),
        _nulls_last("planned_starts_at"),
        _nulls_last("window_starts_at"),
        "-priority",
        "pk",
    ),
    "number": ("pk",),
    "priority": ("-priority", "created_at", "pk"),
    "sla": (next_due_at().asc(nulls_last=True), "pk"),
    "status": (Case(*(When(status=status, then=step) for step, status in enumerate(Status))), "pk"),
    "customer": ("customer__name", "pk"),
    "zone": (_nulls_last("zone__name"), "pk"),
    "type": ("job_type__name", "pk"),
    "technician": (_nulls_last("technician__user__first_name"), _nulls_last("technician__user__last_name"), "pk"),
}
DEFAULT_SORT = "when"


def sorted_by(jobs, sort: str):
    """`sort` is a key of SORTS, with a minus in front for the reverse; anything else counts as the default."""
    key = sort.removeprefix("-")
    jobs = jobs.order_by(*SORTS.get(key, SORTS[DEFAULT_SORT]))
    return jobs.reverse() if sort.startswith("-") else jobs
