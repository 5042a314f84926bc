"""The New Job form: customer, site, job, skills and technician, each found or made, saved as a whole or not at all."""

from django.db import transaction
from django.utils import timezone

from dispatch import actions
from dispatch.forms import (
    CustomerForm,
    JobForm,
    SiteForm,
    SkillsForm,
    TechnicianChoiceForm,
    chosen,
    customers_with_phone,
)
from dispatch.models import Customer, Job, Site


class JobEntry:
    """`customer` and `site` in the data are ids of existing ones; without them new ones are made."""

    def __init__(self, data=None, *, user):
        self.user = user
        self.customer = chosen(Customer.objects, data.get("customer")) if data else None
        self.site = chosen(self.customer.sites, data.get("site")) if self.customer else None
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

    @transaction.atomic
    def create(self) -> Job:
        """Raises actions.ActionRefused; then nothing is left of the customer and site either."""
        customer = self.customer or self.customer_form.save()
        site = self.site
        if site is None:
            self.site_form.instance.customer = customer
            site = self.site_form.save()
        return actions.create_job(
            customer=customer,
            site=site,
            by=self.user,
            technician=self.technician_form.cleaned_data["technician"],
            skills=self.skills_form.needs(),
            **self.job_form.job_values(),
        )
