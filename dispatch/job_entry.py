"""The New Job form: customer, site, job, skills and technician, each found or made, saved as a whole or not at all."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dispatch import actions
from dispatch.forms.customers import CustomerForm, SiteForm, customers_with_phone
from dispatch.forms.fields import chosen
from dispatch.forms.jobs import JobForm, SkillsForm, TechnicianChoiceForm
from dispatch.models import Customer, Job, Site
from dispatch.smart.qualification import NeededSkill
from technicians.models import Skill

USUAL_MINUTES: Final = 60  # as long as no duration is given


class JobEntry:
    """`customer` and `site` in the data are ids of existing ones; without them new ones are made.

    `asked` names them for a form that is still empty.
    """

    def __init__(self, data=None, *, user, asked=None):
        self.user, self.data = user, data or {}
        known = data or asked or {}
        self.customer = chosen(Customer.objects, known.get("customer"))
        self.site = chosen(self.customer.sites, known.get("site")) if self.customer else None
        self.customer_form = CustomerForm(None if self.customer else data, prefix="customer")
        # Beside the sites of a known customer the address may stay empty, which only the server can tell.
        self.site_form = SiteForm(None if self.site else data, prefix="site", use_required_attribute=not self.customer)
        self.job_form = JobForm(data, initial={"scheduled_on": timezone.localdate()})
        self.skills_form = SkillsForm(data)
        self.technician_form = TechnicianChoiceForm(data, user=user)
        self.phone_owners = customers_with_phone(data.get("customer-phone", "")) if data and not self.customer else []

    @property
    def create_anyway(self) -> bool:
        return bool(self.customer_form["create_anyway"].value())

    @property
    def sites(self):
        return self.customer.sites.all() if self.customer else Site.objects.none()

    @property
    def _used_forms(self):
        forms = [self.job_form, self.skills_form, self.technician_form]
        return forms + [form for form in (self.customer_form, self.site_form) if form.is_bound]

    @property
    def has_errors(self) -> bool:
        return any(form.is_bound and form.errors for form in self._used_forms)

    def is_valid(self) -> bool:
        verdicts = [form.is_valid() for form in self._used_forms]  # every one, so that all errors show
        return all(verdicts)

    def values_so_far(self) -> dict[str, object]:
        """What the fields say of the job as far as they make sense; customer and site may not be saved."""
        forms = self.job_form, self.skills_form, self.site_form
        for form in forms:
            form.full_clean()
        job, site = self.job_form.cleaned_data, self.site_form
        names = {skill.pk: skill.name for skill in Skill.objects.all()}
        return {
            "customer": self.customer or Customer(),
            "job_type": job.get("job_type"),
            "priority": job.get("priority"),
            "scheduled_on": job.get("scheduled_on"),
            **{name: job.get(name) for name in JobForm.INSTANTS},
            "duration_minutes": job.get("duration_minutes") or USUAL_MINUTES,
            "skills": tuple(NeededSkill(n.skill_id, names[n.skill_id], n.level) for n in self._needs_so_far()),
            "site": self.site or (site.instance if site.is_bound and not site.errors else None),
        }

    def _needs_so_far(self) -> list[actions.SkillNeed]:
        return [] if self.skills_form.errors else self.skills_form.needs()

    @property
    def proposed_start(self) -> datetime | None:
        """The start that was shown beside the chosen technician; a planned start that was typed goes before it."""
        try:
            found = parse_datetime(self.data.get("proposed_start", ""))
        except ValueError:
            return None
        day = self.job_form.cleaned_data["scheduled_on"]
        if not (day and found and found.tzinfo):
            return None
        return found if timezone.localdate(found) - day in (timedelta(0), timedelta(days=1)) else None  # a night shift

    @transaction.atomic
    def create(self) -> Job:
        """Raises actions.ActionRefused; then nothing is left of the customer and site either."""
        customer = self.customer or self.customer_form.save()
        site = self.site
        if site is None:
            self.site_form.instance.customer = customer
            site = self.site_form.save()
        values = self.job_form.job_values()
        return actions.create_job(
            customer=customer,
            site=site,
            by=self.user,
            technician=self.technician_form.cleaned_data["technician"],
            proposed_start=None if values["planned_starts_at"] else self.proposed_start,
            skills=self.skills_form.needs(),
            **values,
        )
