"""The list of maintenance plans: what narrows it, and what each row says. The number of queries is fixed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import django_filters as filters
from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from dispatch.board.filters import Checkboxes, RowsFilter, many, visible_technicians, visible_zones
from dispatch.csv_files import text_cell
from dispatch.maintenance.rule import RuleError
from dispatch.models import Customer, Job, JobType, MaintenancePlan, MaintenanceVisit, Site
from dispatch.models.customers import phone_digits

PAGE_SIZE: Final = 50
ROWS_AT_ONCE: Final = 500
ACTIVE, PAUSED, ENDED, ALL = "active", "paused", "ended", "all"
STATES: Final = [(ACTIVE, "Active"), (PAUSED, "Paused"), (ENDED, "Ended"), (ALL, "All")]


class PlanFilter(filters.FilterSet):
    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Plan, customer, address", "autocomplete": "off", "data-key": "/"}
        ),
    )
    state = filters.ChoiceFilter(choices=STATES, method="ignore", label="State")
    zone = RowsFilter(field_name="site__zone", queryset=visible_zones, null_label="No zone", label="Zone", **many())
    job_type = RowsFilter(queryset=JobType.objects.all(), label="Type", widget=Checkboxes)
    technician = RowsFilter(queryset=visible_technicians, null_label="Nobody", label="Technician", **many())
    customer = filters.ModelChoiceFilter(queryset=Customer.objects.all(), widget=forms.HiddenInput)
    site = filters.ModelChoiceFilter(queryset=Site.objects.all(), widget=forms.HiddenInput)

    class Meta:
        model = MaintenancePlan
        fields = []

    def __init__(self, *args, today: date, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = today
        self.form.is_valid()

    @property
    def shown_state(self) -> str:
        return self.form.cleaned_data.get("state") or ACTIVE

    @property
    def chosen(self) -> dict:
        return {name: value for name, value in self.form.cleaned_data.items() if value and name != "state"}

    @property
    def of_whom(self) -> Customer | Site | None:
        return self.chosen.get("site") or self.chosen.get("customer")

    @property
    def menus(self) -> list[forms.BoundField]:
        return [self.form[name] for name in ("zone", "job_type", "technician")]

    def states(self) -> dict[str, Q]:
        over = Q(ends_on__lt=self.today)
        return {ACTIVE: Q(is_active=True) & ~over, PAUSED: Q(is_active=False) & ~over, ENDED: over, ALL: Q()}

    def in_state(self) -> QuerySet:
        return self.qs.filter(self.states()[self.shown_state])

    def filter_queryset(self, queryset):
        for name, value in self.form.cleaned_data.items():
            queryset = self.filters[name].filter(queryset, value)
        return queryset

    def search(self, plans, name, text):
        found = Q(name__icontains=text) | Q(customer__name__icontains=text) | Q(site__address__icontains=text)
        if len(digits := phone_digits(text)) >= 4:
            found |= Q(customer__phone_digits__contains=digits)
        return plans.filter(found)

    def ignore(self, plans, name, value):
        return plans


@dataclass(frozen=True)
class Row:
    plan: MaintenancePlan
    next_on: date | None
    job: Job | None  # of that day, as far as the user may see it
    skipped: int = 0  # of the days to come


@dataclass(frozen=True)
class PlanList:
    filter: PlanFilter
    page: Page
    rows: list[Row]
    counts: dict[str, int]

    @property
    def tabs(self) -> list[tuple[str, str, int]]:
        return [(state, label, self.counts[state]) for state, label in STATES]


def filter_plans(request, *, now: datetime) -> PlanFilter:
    visible = MaintenancePlan.objects.visible_to(request.user)
    return PlanFilter(request.GET, queryset=visible, request=request, today=timezone.localdate(now))


def load_plans(request, *, now: datetime) -> PlanList:
    chosen = filter_plans(request, now=now)
    states = chosen.states()
    counts = chosen.qs.order_by().aggregate(
        **{name: Count("pk", filter=which) for name, which in states.items() if which}
    )
    counts[ALL] = chosen.qs.count()
    paginator = Paginator(chosen.in_state().with_names().order_by("name", "pk"), PAGE_SIZE)
    paginator.count = counts[chosen.shown_state]
    page = paginator.get_page(request.GET.get("page"))
    return PlanList(chosen, page, rows_of(page.object_list, user=request.user, now=now), counts)


def rows_of(plans: Iterable[MaintenancePlan], *, user, now: datetime) -> list[Row]:
    """Two queries beside that of the plans."""
    plans = list(plans)
    since = timezone.localdate(now) - timedelta(days=1)  # it may still be yesterday in a plan's zone
    to_come = MaintenanceVisit.objects.filter(plan__in=[plan.pk for plan in plans], due_on__gte=since)
    visits = defaultdict(dict)
    for visit in to_come:
        visits[visit.plan_id][visit.due_on] = visit
    jobs = Job.objects.visible_to(user).select_related("technician__user")
    visible = jobs.in_bulk([visit.job_id for of_plan in visits.values() for visit in of_plan.values() if visit.job_id])
    return [_row(plan, visits[plan.pk], visible, now=now) for plan in plans]


def _row(plan: MaintenancePlan, visits: dict[date, MaintenanceVisit], jobs: dict[int, Job], *, now: datetime) -> Row:
    try:
        schedule, today = plan.schedule, plan.today(now=now)
    except (RuleError, LookupError, ValueError):
        return Row(plan, None, None)
    skipped = {day for day, visit in visits.items() if visit.is_skipped and day >= today}
    due = schedule.since(today, count=len(skipped) + 1) if plan.is_active else []
    made = [day for day, visit in visits.items() if day >= today and visit.job_id]
    next_on = min((day for day in (*due, *made) if day not in skipped), default=None)
    visit = visits.get(next_on)
    return Row(plan, next_on, visit and jobs.get(visit.job_id), len(skipped))


# CSV ----------------------------------------------------------------------------------------------

# As an import finds them by themselves; then what is said beside that.
COLUMNS: Final = (
    *("plan_id", "name", "customer_id", "customer", "address", "job_type", "description", "priority", "minutes"),
    *("technician", "rule", "starts_on", "ends_on", "from", "to", "time_zone", "days_ahead", "active"),
    *("zone", "technician_name", "sentence", "next_visit", "next_job"),
)


def rows_of_export(request, *, now: datetime) -> Iterator[list]:
    """What the list's query string asks for, all its pages; three queries for each ROWS_AT_ONCE."""
    plans = filter_plans(request, now=now).in_state().with_names().order_by("name", "pk")
    part: list[MaintenancePlan] = []
    for plan in plans.iterator(chunk_size=ROWS_AT_ONCE):
        part.append(plan)
        if len(part) == ROWS_AT_ONCE:
            yield from map(_cells, rows_of(part, user=request.user, now=now))
            part = []
    yield from map(_cells, rows_of(part, user=request.user, now=now))


def _cells(row: Row) -> list:
    plan = row.plan
    return [
        text_cell(plan.external_id),
        text_cell(plan.name),
        text_cell(plan.customer.external_id),
        text_cell(plan.customer.name),
        text_cell(plan.site.address),
        text_cell(plan.job_type.name),
        text_cell(plan.description),
        plan.get_priority_display(),
        plan.duration_minutes,
        text_cell(plan.technician.user.username if plan.technician else ""),
        text_cell(plan.rule),
        plan.starts_on,
        plan.ends_on or "",
        f"{plan.window_starts:%H:%M}" if plan.window_starts else "",
        f"{plan.window_ends:%H:%M}" if plan.window_ends else "",
        plan.time_zone,
        plan.days_ahead,
        "yes" if plan.is_active else "no",
        text_cell(str(plan.site.zone or "")),
        text_cell(str(plan.technician or "")),
        plan.sentence,
        row.next_on or "",
        row.job.number if row.job else "",
    ]
