"""Writing imported customers. The file is their truth: what it maps is set at each import, and nothing else."""

from dispatch.imports.mapping import Mapping
from dispatch.imports.outcome import Outcome
from dispatch.imports.rows import CustomerRow
from dispatch.models import Customer
from dispatch.models.customers import phone_digits

FIELDS = ("name", "phone", "email", "notes")


class CustomerWriter:
    def __init__(self, mapping: Mapping):
        self._mapped = [name for name in FIELDS if name in mapping.fields]

    def write(self, rows: list[CustomerRow]) -> list[Outcome]:
        ids = [row.external_id for row in rows]
        known = {customer.external_id: customer for customer in Customer.objects.filter(external_id__in=ids)}
        outcomes, new, changed = [], [], []
        for row in rows:
            customer = known.get(row.external_id) or Customer(external_id=row.external_id)
            if not self._set(customer, row):
                outcomes.append(Outcome("unchanged"))
            elif customer.pk is None:
                new.append(customer)
                outcomes.append(Outcome("created"))
            else:
                changed.append(customer)
                outcomes.append(Outcome("updated"))
        Customer.objects.bulk_create(new)
        Customer.objects.bulk_update(changed, [*FIELDS, "phone_digits"])
        return outcomes

    def announce(self) -> None:
        """Boards show jobs; a customer's new name comes with their next reload."""

    def _set(self, customer: Customer, row: CustomerRow) -> bool:
        different = [name for name in self._mapped if getattr(customer, name) != getattr(row, name)]
        for name in different:
            setattr(customer, name, getattr(row, name))
        customer.phone_digits = phone_digits(customer.phone)
        return bool(different)
