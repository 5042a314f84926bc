"""Importing a file: records to rows, rows in batches to the database, in constant memory."""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Protocol

from django.db import DataError, IntegrityError, reset_queries, transaction

from dispatch.imports.mapping import Mapping
from dispatch.imports.outcome import Outcome, Summary, rejected
from dispatch.imports.records import CsvFile, Record
from dispatch.imports.rows import Row, RowError, build_row
from dispatch.imports.turns import take_turn

BATCH = 500
BATCH_OF = {"maintenance": 1}  # with the jobs of its visits; several would lock technicians in any order
BATCHES_PER_ANNOUNCEMENT = 20


class Writer(Protocol):
    def write(self, rows: list[Row]) -> list[Outcome]:
        """Writes rows, no two with the same external id (of customers: and address), in a transaction.

        One outcome each, in order.
        """

    def announce(self) -> None:
        """Tells open boards what was written since the last time."""


class ImportRun:
    """`on_rejected(record, reason)` is called in the order of the file; `on_progress()` after each batch.

    `on_turn()` is called before anything is written, when no other import writes; what it raises ends this one.
    """

    def __init__(
        self,
        file: CsvFile,
        mapping: Mapping,
        writer: Writer,
        *,
        now: datetime,
        dry_run: bool,
        on_rejected: Callable[[Record, str], None],
        on_progress: Callable[[], None],
        on_turn: Callable[[], None] = lambda: None,
    ):
        self.file, self.mapping, self.writer = file, mapping, writer
        self.now, self.dry_run = now, dry_run
        self.on_rejected, self.on_progress, self.on_turn = on_rejected, on_progress, on_turn
        self.summary = Summary()
        self._lines: dict[tuple[str, str], int] = {}  # external id (and site) -> the line that has it

    def run(self) -> Summary:
        records, size = self.file.records(), min(BATCH, BATCH_OF.get(self.mapping.kind, BATCH))
        try:
            for number, batch in enumerate(iter(lambda: list(islice(records, size)), []), start=1):
                self._import_batch(batch)
                self.on_progress()
                reset_queries()  # with DEBUG on, Django would keep every statement
                if number % BATCHES_PER_ANNOUNCEMENT == 0:
                    self._announce()
        finally:
            self._announce()
        return self.summary

    def _announce(self) -> None:
        if not self.dry_run:
            self.writer.announce()

    def _import_batch(self, batch: list[Record]) -> None:
        read = [self._read(record) for record in batch]
        written = iter(self._write([row for row in read if not isinstance(row, Outcome)]))
        for record, row in zip(batch, read, strict=True):
            outcome = row if isinstance(row, Outcome) else next(written)
            self.summary.count(outcome)
            if outcome.what == "rejected":
                self.on_rejected(record, outcome.reason)

    def _read(self, record: Record) -> Row | Outcome:
        if record.problem:
            return rejected(record.problem)
        try:
            row = build_row(self.file.named(record), self.mapping, now=self.now)
        except RowError as error:
            return rejected(str(error))
        site = getattr(row, "address", "") if self.mapping.kind == "customers" else ""
        who = row.external_id or getattr(row, "username", "") or f"{row.name} {row.phone}".strip()
        first = self._lines.setdefault((who, site), record.line)
        if first != record.line:
            return rejected(f"external_id: “{who}” is on line {first} already.")
        return row

    def _write(self, rows: list[Row]) -> list[Outcome]:
        if not rows:
            return []
        try:
            with transaction.atomic():
                take_turn()
                self.on_turn()
                outcomes = self.writer.write(rows)
                if self.dry_run:
                    transaction.set_rollback(True)
            return outcomes
        except (IntegrityError, DataError) as error:
            if len(rows) == 1:
                return [rejected(f"The database refuses the row: {str(error).splitlines()[0]}.")]
        return [outcome for row in rows for outcome in self._write([row])]
