"""What the commands that import a CSV share: arguments, progress, the rejected rows, the summary."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from dispatch.imports.mapping import Mapping, MappingError, read_mapping
from dispatch.imports.records import LINE, REASON, CsvFile, FileError, Record, open_csv
from dispatch.imports.run import ImportRun
from dispatch.imports.writers import writer_for

MOST_SHOWN = 50


class CsvImportCommand(BaseCommand):
    kind: str
    by = None  # in whose name, where that matters

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument(
            "--mapping", type=Path, required=True, metavar="MAPPING.toml", help="which column is which field"
        )
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument(
            "--errors",
            type=Path,
            metavar="FILE.csv",
            help="write the rejected rows there, with line and reason, to be mended and imported again",
        )

    def handle(self, *, file: Path, mapping: Path, dry_run: bool, errors: Path | None, **options):
        try:
            read = read_mapping(mapping, kind=self.kind, time_zone=settings.TIME_ZONE)
            self._import(file, read, dry_run=dry_run, errors=errors)
        except (MappingError, FileError) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database failed, and the import stopped: {str(error).strip()}") from None

    def _import(self, path: Path, mapping: Mapping, *, dry_run: bool, errors: Path | None) -> None:
        now = timezone.now()
        opened = open_csv(path, encoding=mapping.encoding, delimiter=mapping.delimiter, needs=mapping.columns)
        with opened as file, _rejected_file(errors, file, path, mapping) as keep, _progress_bar(path) as bar:
            shown = 0

            def on_rejected(record: Record, reason: str) -> None:
                nonlocal shown
                shown += 1
                keep(record, reason)
                if shown <= MOST_SHOWN:
                    with tqdm.external_write_mode(file=sys.stderr):
                        self.stderr.write(f"Line {record.line}: {reason}")

            run = ImportRun(
                file,
                mapping,
                writer_for(mapping, by=self.by, now=now),
                now=now,
                dry_run=dry_run,
                on_rejected=on_rejected,
                on_progress=lambda: bar.update(file.bytes_read() - bar.n),
            )
            summary = run.run()
        self._report(summary.as_dict(), dry_run=dry_run, errors=errors)

    def _report(self, summary: dict[str, int], *, dry_run: bool, errors: Path | None) -> None:
        if summary["rejected"] > MOST_SHOWN:
            more = summary["rejected"] - MOST_SHOWN
            where = f"all are in {errors}" if errors else "--errors FILE.csv keeps them all"
            self.stderr.write(f"... and {more:,} more rejected rows; {where}.")
        if dry_run:
            self.stderr.write("A dry run: nothing was written.")
        self.stdout.write(json.dumps(summary))


def _progress_bar(path: Path) -> tqdm:
    """On a terminal only."""
    return tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=path.name, leave=False, disable=None)


@contextmanager
def _rejected_file(errors: Path | None, source: CsvFile, path: Path, mapping: Mapping) -> Iterator:
    """Gives a function (record, reason) that keeps a rejected row: in front its line and reason, then its own cells."""
    if errors is None:
        yield lambda record, reason: None
        return
    if errors.exists() and errors.samefile(path):
        raise FileError(f"{errors} is the file that is being imported; keep the rejected rows in another one.")
    try:
        file = errors.open("w", encoding=mapping.encoding, errors="surrogateescape", newline="")
    except OSError as error:
        raise FileError(f"{errors} cannot be written: {error.strerror}.") from None
    with file:
        rows = csv.writer(file, delimiter=mapping.delimiter)
        rows.writerow([LINE, REASON, *source.original_header()])
        yield lambda record, reason: rows.writerow([record.line, reason, *source.original_cells(record)])
