from django.core.management.base import CommandError

from dispatch.imports.command import CsvImportCommand
from dispatch.models import User


class Command(CsvImportCommand):
    help = (
        "Import maintenance plans from any CSV file through a column mapping. Their customers, sites and job types "
        "must be known here. What was imported before is updated, never made twice."
    )
    kind = "maintenance"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--by", required=True, metavar="USER", help="in whose name plans, and with them jobs, are made and changed"
        )

    def handle(self, *, by: str, **options):
        self.by = User.objects.filter(username=by, is_active=True).first()
        if self.by is None:
            raise CommandError(f"There is no active user “{by}”.")
        super().handle(**options)
