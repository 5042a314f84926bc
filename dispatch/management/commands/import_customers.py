from dispatch.imports.command import CsvImportCommand
from dispatch.imports.customers import CustomerWriter


class Command(CsvImportCommand):
    help = (
        "Import customers from a CSV file through a column mapping. What was imported before is updated, not doubled."
    )
    kind = "customers"

    def make_writer(self, mapping, *, now):
        return CustomerWriter(mapping)
