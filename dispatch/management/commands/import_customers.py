from dispatch.imports.command import CsvImportCommand


class Command(CsvImportCommand):
    help = (
        "Import customers from a CSV file through a column mapping. What was imported before is updated, not doubled."
    )
    kind = "customers"
