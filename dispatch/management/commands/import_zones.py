import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction
from tqdm import tqdm

from dispatch import actions
from dispatch.imports.outcome import Summary
from dispatch.imports.records import FileError
from dispatch.imports.zones import Feature, ZoneWriter, read_features


class Command(BaseCommand):
    help = (
        "Import service zones from the polygons of a GeoJSON file and find the zones of open jobs anew. A zone of the "
        "same name gets the new boundary; boundaries that cross themselves are repaired."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE.geojson")
        parser.add_argument("--name", required=True, metavar="PROPERTY", help="the property that names a zone")
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")

    def handle(self, *, file: Path, name: str, dry_run: bool, **options):
        try:
            self._import(read_features(file, name_property=name), dry_run=dry_run)
        except FileError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database failed, nothing was imported: {str(error).strip()}") from None

    @transaction.atomic
    def _import(self, features: list[Feature], *, dry_run: bool) -> None:
        summary, repaired = Summary(), []

        def on_repaired(feature: Feature, problem: str) -> None:
            repaired.append(feature.name)
            self._say(f"Repaired {feature.name}: {problem}.")

        writer = ZoneWriter(on_repaired=on_repaired)
        for feature in tqdm(features, unit="zone", leave=False, disable=None):
            outcome = writer.write(feature)
            summary.count(outcome)
            if outcome.reason:
                self._say(f"Feature {feature.number}: {outcome.reason}")
        if summary.created or summary.updated:
            moved = actions.rezone_open_jobs()
            self.stderr.write(f"{moved} open jobs have another zone now.")
        if dry_run:
            transaction.set_rollback(True)
            self.stderr.write("A dry run: nothing was written.")
        self.stdout.write(json.dumps({**summary.as_dict(), "repaired": len(repaired)}))

    def _say(self, sentence: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(sentence)
