from dispatch.imports.command import CsvImportCommand
from dispatch.imports.technicians import TechnicianWriter


class Command(CsvImportCommand):
    help = (
        "Import technicians from a CSV file through a column mapping. What was imported before is updated, not doubled."
    )
    kind = "technicians"

    def make_writer(self, mapping, *, now):
        return TechnicianWriter(mapping)
