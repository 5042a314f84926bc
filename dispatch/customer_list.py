"""Customers: the list with its search, its file, and one customer's page. The number of queries is fixed."""

from collections.abc import Iterator
from dataclasses import dataclass

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from dispatch.csv_files import text_cell
from dispatch.models import Customer, Job, MaintenancePlan, Site
from dispatch.models.customers import phone_digits
from dispatch.models.jobs import OPEN

PAGE_SIZE = 50
JOBS_SHOWN = 20
ROWS_AT_ONCE = 1000
# As an import finds them by themselves: what is sent out here can be mended and taken in again.
COLUMNS = [
    "customer_id",
    "name",
    "phone",
    "email",
    "notes",
    "address",
    "latitude",
    "longitude",
    "access_notes",
    "zone",
    "sla_policy",
]


class CustomerSearch(forms.Form):
    q = forms.CharField(
        required=False,
        max_length=120,
        label="Search",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, phone, address", "data-key": "/"}),
    )
    lost = forms.BooleanField(required=False, label="With a site that has no location")


class CustomerForm(forms.ModelForm):
    class Meta:
        model = Customer
        fields = ["name", "phone", "email", "notes"]
        widgets = {
            "phone": forms.TextInput(attrs={"type": "tel"}),
            "notes": forms.Textarea(attrs={"rows": 4}),
        }


@dataclass(frozen=True)
class CustomerList:
    search: CustomerSearch
    page: Page

    @property
    def is_narrowed(self) -> bool:
        return any(self.search.cleaned_data.values())


def matching_customers(search: CustomerSearch) -> QuerySet:
    search.full_clean()
    customers = Customer.objects.order_by("name", "pk")
    if text := search.cleaned_data.get("q", "").strip():
        match = Q(name__icontains=text) | Q(email__icontains=text) | Q(external_id__iexact=text)
        match |= Q(pk__in=Site.objects.filter(address__icontains=text).values("customer"))
        if len(digits := phone_digits(text)) >= 4:
            match |= Q(phone_digits__contains=digits)
        customers = customers.filter(match)
    if search.cleaned_data.get("lost"):
        customers = customers.filter(pk__in=Site.objects.filter(latitude=None).values("customer"))
    return customers


def with_sites(customers: QuerySet) -> QuerySet:
    sites = Site.objects.select_related("zone").defer("zone__boundary")
    return customers.select_related("sla_policy").prefetch_related(Prefetch("sites", sites))


def load_customers(request) -> CustomerList:
    search = CustomerSearch(request.GET)
    page = Paginator(with_sites(matching_customers(search)), PAGE_SIZE).get_page(request.GET.get("page"))
    shown = Job.objects.visible_to(request.user).filter(status__in=OPEN, customer__in=[one.pk for one in page])
    counted = dict(shown.order_by().values_list("customer").annotate(jobs=Count("pk")))
    for customer in page:
        customer.open_jobs = counted.get(customer.pk, 0)  # those that the user may see
    return CustomerList(search, page)


def rows_of_export(request) -> Iterator[list]:
    """A row for each site; customers without one have a row too."""
    for customer in with_sites(matching_customers(CustomerSearch(request.GET))).iterator(chunk_size=ROWS_AT_ONCE):
        texts = (customer.external_id, customer.name, customer.phone, customer.email, customer.notes)
        begins = [text_cell(text) for text in texts]
        policy = text_cell(str(customer.sla_policy or ""))
        for site in customer.sites.all() or [None]:
            yield [*begins, *_site_cells(site), policy]


def _site_cells(site: Site | None) -> list:
    if site is None:
        return [""] * 5
    at = [site.latitude, site.longitude] if site.has_location else ["", ""]
    return [text_cell(site.address), *at, text_cell(site.access_notes), text_cell(str(site.zone or ""))]


def customer_context(user, customer: Customer) -> dict:
    """All that the page of a customer shows, in as many queries for many sites and jobs as for few."""
    jobs = Job.objects.visible_to(user).filter(customer=customer)
    open_jobs = jobs.filter(status__in=OPEN).with_board_info().order_by("scheduled_on", "planned_starts_at", "pk")
    done = jobs.exclude(status__in=OPEN).with_board_info().order_by("-scheduled_on", "-pk")
    editable = set(Site.objects.dispatchable_by(user).filter(customer=customer).values_list("pk", flat=True))
    return {
        "customer": customer,
        "sites": [(site, site.pk in editable) for site in customer.sites.all()],
        "open_jobs": list(open_jobs[:JOBS_SHOWN]),
        "past_jobs": list(done[:JOBS_SHOWN]),
        "counts": jobs.aggregate(all=Count("pk"), open=Count("pk", filter=Q(status__in=OPEN))),
        "plans": list(MaintenancePlan.objects.visible_to(user).filter(customer=customer).with_names()),
        "all_jobs_url": f"{reverse('board_list')}?{urlencode({'day': 'all', 'q': customer.name})}",
    }
