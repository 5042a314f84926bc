from dispatch.imports.command import CsvImportCommand


class Command(CsvImportCommand):
    help = (
        "Import jobs from any CSV file through a column mapping. What was imported before is updated, never made twice."
    )
    kind = "jobs"
