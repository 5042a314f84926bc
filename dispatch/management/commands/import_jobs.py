from dispatch.imports.command import CsvImportCommand
from dispatch.imports.jobs import JobWriter


class Command(CsvImportCommand):
    help = (
        "Import jobs from any CSV file through a column mapping. What was imported before is updated, never made twice."
    )
    kind = "jobs"

    def make_writer(self, mapping, *, now):
        return JobWriter(mapping, now=now)
