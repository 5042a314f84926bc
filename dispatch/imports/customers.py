"""Writing imported customers and their sites. The file is their truth: what it maps is set at each import.

A customer is found by number. Whom nobody has numbered is found by name and phone, and never made so: a phone put right
in the file would make somebody else.
Only a place on the map is given where there was none: pins are put right by hand here.
"""

from dispatch import actions
from dispatch.actions.ask_where import ask_where
from dispatch.imports.mapping import Mapping
from dispatch.imports.outcome import Outcome, rejected
from dispatch.imports.places import new_site
from dispatch.imports.rows import CustomerRow
from dispatch.models import Customer, Site
from dispatch.models.customers import phone_digits
from zones.models import ServiceZone

FIELDS = ("name", "phone", "email", "notes")
STRENGTH = {"unchanged": 0, "updated": 1, "created": 2}


class CustomerWriter:
    def __init__(self, mapping: Mapping):
        self._mapped = [name for name in FIELDS if name in mapping.fields]
        self._maps_access = "access_notes" in mapping.fields
        self._zones = ServiceZone.objects.index()

    def write(self, rows: list[CustomerRow]) -> list[Outcome]:
        known = _known(rows)
        outcomes = {
            place: rejected("external_id: is empty, and no customer without a number has this name and phone.")
            for place, row in enumerate(rows)
            if not row.external_id and _key(row) not in known
        }
        rest = iter(self._write([row for place, row in enumerate(rows) if place not in outcomes], known))
        return [outcomes.get(place) or next(rest) for place in range(len(rows))]

    def _write(self, rows: list[CustomerRow], known: dict) -> list[Outcome]:
        new, changed, happened = {}, {}, []
        for row in rows:
            customer = known.setdefault(_key(row), Customer(external_id=row.external_id))
            is_different = self._set(customer, row)
            if customer.pk is None:
                happened.append("unchanged" if _key(row) in new else "created")
                new[_key(row)] = customer
            else:
                happened.append("updated" if is_different else "unchanged")
                changed |= {customer.pk: customer} if is_different else {}
        Customer.objects.bulk_create(new.values())
        Customer.objects.bulk_update(changed.values(), [*FIELDS, "phone_digits"])
        sites = self._write_sites(rows, known)
        return [_outcome(row, what, sites) for row, what in zip(rows, happened, strict=True)]

    def announce(self) -> None:
        """Boards show jobs; a customer's new name comes with their next reload."""

    def _set(self, customer: Customer, row: CustomerRow) -> bool:
        different = [name for name in self._mapped if getattr(customer, name) != getattr(row, name)]
        for name in different:
            setattr(customer, name, getattr(row, name))
        customer.phone_digits = phone_digits(customer.phone)
        return bool(different)

    def _write_sites(self, rows: list[CustomerRow], customers: dict) -> dict:
        """(whose, address) -> what happened, and whether the site is on the map."""
        rows = [row for row in rows if row.address]
        of_these = {customers[_key(row)].pk for row in rows}
        stored = Site.objects.filter(customer__in=of_these, address__in={row.address for row in rows})
        known = {(site.customer_id, site.address): site for site in stored.order_by("-pk")}  # of several the oldest
        new, happened = [], {}
        for row in rows:
            customer = customers[_key(row)]
            site = known.get((customer.pk, row.address))
            if site is None:
                site, what = new_site(row, customer, self._zones), "created"
                new.append(site)
            else:
                what = self._update_site(site, row)
            happened[_key(row), row.address] = (what, site.has_location)
        Site.objects.bulk_create(new)
        ask_where(new)
        return happened

    def _update_site(self, site: Site, row: CustomerRow) -> str:
        fields = []
        if row.has_location and not site.has_location:
            site.latitude, site.longitude = row.latitude, row.longitude
            fields += ["latitude", "longitude"]
        if self._maps_access and site.access_notes != row.access_notes:
            site.access_notes = row.access_notes
            fields.append("access_notes")
        if fields:
            actions.save_site(site, fields=fields, by=None)
        return "updated" if fields else "unchanged"


def _key(row: CustomerRow) -> str | tuple[str, str]:
    return row.external_id or (row.name, phone_digits(row.phone))


def _known(rows: list[CustomerRow]) -> dict[str | tuple[str, str], Customer]:
    numbers = {row.external_id for row in rows} - {""}
    known = {customer.external_id: customer for customer in Customer.objects.filter(external_id__in=numbers)}
    names = {row.name for row in rows if not row.external_id}
    for customer in Customer.objects.filter(external_id="", name__in=names).order_by("-pk"):  # of several the oldest
        known[customer.name, customer.phone_digits] = customer
    return known


def _outcome(row: CustomerRow, what: str, sites: dict) -> Outcome:
    site_what, has_location = sites.get((_key(row), row.address), ("unchanged", True))
    return Outcome(max(what, site_what, key=STRENGTH.__getitem__), has_location)
