"""Addresses that nobody has placed yet as rows of a CSV file: with coordinates filled in, an import takes it in."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet

from dispatch.csv_files import text_cell
from dispatch.models import Geocoding

# As an import of customers finds them by themselves; then what is said beside that.
COLUMNS: Final = ["customer_id", "name", "phone", "address", "latitude", "longitude", "problem", "found", "open_jobs"]
ROWS_AT_ONCE: Final = 500


def rows_of_export(asked: QuerySet) -> Iterator[list]:
    return (_cells(one) for one in asked.iterator(chunk_size=ROWS_AT_ONCE))


def _cells(one: Geocoding) -> list:
    customer = one.site.customer
    return [
        text_cell(customer.external_id),
        text_cell(customer.name),
        text_cell(customer.phone),
        text_cell(one.site.address),
        "",
        "",
        text_cell(one.error) or one.get_state_display(),
        text_cell("; ".join(candidate["label"] for candidate in one.candidates)),
        one.open_jobs,
    ]
