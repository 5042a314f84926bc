"""A plan being written or changed: its two forms, what was found for the place, and the question about made visits."""

from copy import copy
from datetime import date

from django.db.models import Q
from django.http import QueryDict

from dispatch import actions
from dispatch.maintenance.consequences import Consequence
from dispatch.maintenance.dates import calendar_for, preview
from dispatch.maintenance.forms import PlanForm, ScheduleForm, initial_from
from dispatch.models import Job, JobType, MaintenancePlan, Site
from dispatch.models.customers import phone_digits

PLACES_FOUND = 10
SEVERAL = ("weekdays", "months")


class PlanEntry:
    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user,
        today: date,
        plan: MaintenancePlan | None = None,
        initial: dict | None = None,
    ):
        self.user, self.today, self.plan = user, today, plan
        given = (ScheduleForm.initial_of(plan) if plan else ScheduleForm.initial_on(today)) | (initial or {})
        self.form = PlanForm(data, user=user, instance=copy(plan) if plan else None, initial=initial)
        self.schedule_form = ScheduleForm(data, initial=given)
        self.version = number_in(data.get("version")) if data else plan.version if plan else 0
        self.consequences: list[Consequence] = []
        self.search = (data or initial or {}).get("q", "")

    @property
    def has_errors(self) -> bool:
        return bool(self.form.is_bound and (self.form.errors or self.schedule_form.errors))

    def is_valid(self) -> bool:
        verdicts = [self.form.is_valid(), self.schedule_form.is_valid()]  # both, so that all errors show
        return all(verdicts)

    def save(self, *, made: str, now) -> MaintenancePlan:
        """ActionRefused; MadeAlready leaves the question in `consequences`."""
        plan = copy(self.plan) if self.plan else MaintenancePlan()
        self.form.fill(plan)
        self.schedule_form.fill(plan)
        answer = {"made": made} if made in (actions.FOLLOW, actions.STAY) else {}
        version = self.version if self.plan else None
        try:
            return actions.save_maintenance_plan(plan, by=self.user, base_version=version, now=now, **answer)
        except actions.MadeAlready as asked:
            self.consequences = asked.consequences
            raise

    @property
    def site(self) -> Site | None:
        return self.form.chosen_site

    @property
    def found_sites(self) -> list[Site]:
        return [site for site in find_sites(self.user, self.search) if site != self.site]

    @property
    def dates(self):
        """The next ones, as far as the fields make sense."""
        form = self.schedule_form
        if not form.is_bound:
            shown = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
            form = ScheduleForm({name: value for name, value in shown.items() if value is not None})
        kind = self.form["job_type"].value()
        return dates_of(form, today=self.today, site=self.site, job_type_id=kind, plan=self.plan)


def dates_of(
    form: ScheduleForm, *, today: date, site: Site | None, job_type_id, plan: MaintenancePlan | None = None
) -> dict:
    """What the preview shows: the sentence and the days, or what is wrong."""
    if not form.is_valid():
        return {"errors": [errors[0] for errors in form.errors.values()]}
    job_type = JobType.objects.filter(pk=number_in(job_type_id)).first()
    calendar = calendar_for(customer=site and site.customer, job_type=job_type)
    schedule = form.schedule
    return {
        "sentence": schedule.rule.sentence,
        "days": preview(schedule, today=today, calendar=calendar, plan=plan),
        "times": form.times,
        "zone": form.cleaned_data["time_zone"],
    }


def find_sites(user, text: str) -> list[Site]:
    """By customer, phone or address; where the user dispatches."""
    text = text.strip()
    if len(text) < 2:
        return []
    match = Q(customer__name__icontains=text) | Q(address__icontains=text)
    if len(digits := phone_digits(text)) >= 4:
        match |= Q(customer__phone_digits__contains=digits)
    sites = Site.objects.dispatchable_by(user).filter(match).select_related("customer")
    return list(sites.order_by("customer__name", "address", "pk")[:PLACES_FOUND])


def initial_of(query: QueryDict, *, user) -> dict[str, object]:
    """What a link to the form brings along: a job or a site to begin with, or what was filled in so far."""
    initial: dict[str, object] = {}
    if job_id := number_in(query.get("job")):
        job = Job.objects.visible_to(user).select_related("customer", "job_type").filter(pk=job_id).first()
        initial |= initial_from(job) if job else {}
    names = {*PlanForm.base_fields, *ScheduleForm.base_fields, "q"}
    return initial | {name: query.getlist(name) if name in SEVERAL else query[name] for name in query if name in names}


def number_in(text) -> int:
    text = str(text or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
