"""The customers and sites of imported jobs: found, or made where there are none."""

from collections import defaultdict

from dispatch.actions.ask_where import ask_where
from dispatch.imports.rows import CustomerRow, JobRow
from dispatch.models import Customer, Site
from dispatch.models.customers import phone_digits
from zones.geometry import ZoneIndex

SAME_PLACE_DEGREES = 1e-5  # about a metre


def customers_of(rows: list[JobRow]) -> list[Customer]:
    """By the customer's external id where the row has one, else by name and phone; one each, in order."""
    known = _known_customers(rows)
    new = []
    for row in rows:
        key = _customer_key(row)
        if key not in known:
            known[key] = Customer(
                external_id=row.customer_external_id,
                name=row.customer_name,
                phone=row.customer_phone,
                phone_digits=phone_digits(row.customer_phone),
                email=row.customer_email,
            )
            new.append(known[key])
    Customer.objects.bulk_create(new)
    return [known[_customer_key(row)] for row in rows]


def _customer_key(row: JobRow) -> str | tuple[str, str]:
    return row.customer_external_id or (row.customer_name, phone_digits(row.customer_phone))


def _known_customers(rows: list[JobRow]) -> dict[str | tuple[str, str], Customer]:
    ids = {row.customer_external_id for row in rows} - {""}
    known = {customer.external_id: customer for customer in Customer.objects.filter(external_id__in=ids)}
    names = {row.customer_name for row in rows if not row.customer_external_id}
    for customer in Customer.objects.filter(name__in=names).order_by("-pk"):  # of several the oldest is kept
        known[customer.name, customer.phone_digits] = customer
    return known


def sites_of(rows: list[JobRow], customers: list[Customer], zones: ZoneIndex) -> list[Site]:
    """By customer, address and coordinates; one each, in order."""
    known = defaultdict(list)
    addresses = {row.address for row in rows}
    for site in Site.objects.filter(customer__in=set(customers), address__in=addresses).order_by("pk"):
        known[site.customer_id, site.address].append(site)
    sites, new = [], []
    for row, customer in zip(rows, customers, strict=True):
        same_address = known[customer.pk, row.address]
        site = _matching(row, same_address)
        if site is None:
            site = new_site(row, customer, zones)
            same_address.append(site)
            new.append(site)
        sites.append(site)
    Site.objects.bulk_create(new)
    ask_where(new)
    return sites


def is_at(site: Site, row: JobRow) -> bool:
    """A row without coordinates contradicts none."""
    if not row.has_location:
        return True
    return (
        site.has_location
        and abs(site.latitude - row.latitude) < SAME_PLACE_DEGREES
        and abs(site.longitude - row.longitude) < SAME_PLACE_DEGREES
    )


def _matching(row: JobRow, same_address: list[Site]) -> Site | None:
    if row.has_location:
        return next((site for site in same_address if is_at(site, row)), None)
    located = [site for site in same_address if site.has_location]
    if len(located) == 1:  # the address was placed on the map before; with several nobody knows which is meant
        return located[0]
    return next((site for site in same_address if not site.has_location), None)


def new_site(row: JobRow | CustomerRow, customer: Customer, zones: ZoneIndex) -> Site:
    zone_id = zones.find(latitude=row.latitude, longitude=row.longitude) if row.has_location else None
    return Site(
        customer=customer,
        address=row.address,
        latitude=row.latitude,
        longitude=row.longitude,
        access_notes=row.access_notes,
        zone_id=zone_id,
    )
