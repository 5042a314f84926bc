from dispatch.imports.command import CsvImportCommand


class Command(CsvImportCommand):
    help = (
        "Import technicians from a CSV file through a column mapping. What was imported before is updated, not doubled."
    )
    kind = "technicians"
