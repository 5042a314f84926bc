"""Files that people import in the browser: uploaded, columns chosen, tried without writing, then done by a worker.

Each batch is committed on its own, and a row that was imported before is found again by its own id: whoever takes over
from a dead worker begins at the first row and makes nothing twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone

from dispatch.actions.base import ActionRefused
from dispatch.imports.choices import mapping_of
from dispatch.imports.mapping import MappingError
from dispatch.imports.records import FileError, Record, open_csv
from dispatch.imports.run import ImportRun
from dispatch.imports.uploads import MOST_BYTES, Upload, look_at
from dispatch.imports.writers import writer_for
from dispatch.models import FileImport
from dispatch.models.integrations import UPLOADS
from dispatch.notices import notify
from dispatch.queueing import BACKGROUND, enqueue

State = FileImport.State
RIGHT: Final = "dispatch.add_fileimport"
TASK: Final = "dispatch.tasks.work_out_import"
TASK_SECONDS: Final = 60 * 60
MOST_REPORTED: Final = 2000  # rows that were not taken; the summary counts all
MOST_REPORTED_CHARACTERS: Final = 5_000_000
MOST_ATTEMPTS: Final = 3
SILENT_AFTER: Final = timedelta(minutes=3)  # a worker that says nothing for so long is gone
KEPT: Final = timedelta(days=90)
ORPHAN_AFTER: Final = timedelta(days=1)


class _Stopped(Exception):
    """Somebody asked for it."""


class _TakenOver(Exception):
    """Another worker has it: this one was silent for too long."""


def check_may_import(by) -> None:
    if not by.has_perm(RIGHT):
        raise PermissionDenied("Only those who may import files may do this.")


def upload_import(file, *, kind: str, by, now: datetime | None = None) -> FileImport:
    """`file` is what a form gives. What cannot be imported at all is refused and not kept."""
    check_may_import(by)
    name = Path(file.name).name[-120:]
    if file.size > MOST_BYTES:
        raise ActionRefused(f"{name} is larger than {MOST_BYTES // 2**20} MB. Split it, or import it on the server.")
    try:
        with _as_path(file) as path:
            upload = look_at(path, name=name)
        file.seek(0)
        return _keep(file, upload, kind=kind, name=name, by=by, now=now or timezone.now())
    except FileError as error:
        raise ActionRefused(str(error)) from None
    except OSError as error:
        raise ActionRefused(
            f"The file cannot be kept: {error.strerror or error}. Tell whoever runs the server."
        ) from None


def _keep(file, upload: Upload, *, kind: str, name: str, by, now: datetime) -> FileImport:
    kept = FileImport(kind=kind, file_name=name, uploaded_by=by, uploaded_at=now, rows_total=upload.rows)
    kept.mapping = {"encoding": upload.encoding, "delimiter": upload.delimiter}
    kept.file.save(name, File(file), save=False)
    try:
        kept.save(force_insert=True)
    except DatabaseError:
        kept.file.delete(save=False)
        raise
    return kept


@contextmanager
def local_copy(file_import: FileImport) -> Iterator[Path]:
    """Wherever the storage keeps it."""
    with file_import.file.open("rb") as file, _as_path(file) as path:
        yield path


@contextmanager
def _as_path(file) -> Iterator[Path]:
    with TemporaryDirectory(prefix="import-") as folder:
        path = Path(folder) / "rows.csv"
        with path.open("wb") as copy:
            for chunk in file.chunks():
                copy.write(chunk)
        yield path


@transaction.atomic
def map_import(file_import: FileImport, choices: dict, *, by) -> None:
    """Chooses the columns and asks for a dry run."""
    check_may_import(by)
    mapping = {name: file_import.mapping[name] for name in ("encoding", "delimiter")} | choices
    try:
        mapping_of(file_import.kind, mapping, time_zone=settings.TIME_ZONE)
    except MappingError as error:
        raise ActionRefused(f"The columns do not fit: {error}") from None
    _queue(file_import, is_dry_run=True, mapping=mapping)


@transaction.atomic
def run_import(file_import: FileImport, *, by) -> None:
    """For real, after a dry run or what was left of an earlier one."""
    check_may_import(by)
    file_import.refresh_from_db()
    if "fields" not in file_import.mapping:
        raise ActionRefused("Choose the columns first.")
    _queue(file_import, is_dry_run=False, mapping=file_import.mapping)


def _queue(file_import: FileImport, *, is_dry_run: bool, mapping: dict) -> None:
    done = FileImport.objects.filter(pk=file_import.pk).exclude(state__in=FileImport.UNFINISHED)
    fresh = {"rows_done": 0, "attempts": 0, "summary": {}, "report": [], "error": "", "is_cancel_asked": False}
    if not done.update(state=State.QUEUED, is_dry_run=is_dry_run, mapping=mapping, ended_at=None, **fresh):
        raise ActionRefused("It is being worked on already.")
    enqueue(TASK, file_import.pk, timeout=TASK_SECONDS, queue=BACKGROUND)


def stop_import(file_import: FileImport, *, by, now: datetime | None = None) -> None:
    """What has been imported until then stays."""
    check_may_import(by)
    this = FileImport.objects.filter(pk=file_import.pk)
    if not this.filter(state=State.QUEUED).update(state=State.STOPPED, ended_at=now or timezone.now()):
        this.filter(state=State.RUNNING).update(is_cancel_asked=True)


def work_out_import(pk: int, *, now: datetime | None = None) -> FileImport | None:
    """None if somebody else has it, or nobody wants it any more."""
    claim = now or timezone.now()
    queued = FileImport.objects.filter(pk=pk, state=State.QUEUED)
    if not queued.update(
        state=State.RUNNING, started_at=claim, seen_alive_at=claim, attempts=F("attempts") + 1, rows_done=0
    ):
        return None
    work = _Work(FileImport.objects.select_related("uploaded_by").get(pk=pk), now=claim)
    try:
        work.run()
        work.end(State.DONE)
    except _TakenOver:
        return None
    except _Stopped:
        work.end(State.STOPPED)
    except (MappingError, FileError) as error:
        work.end(State.FAILED, error=str(error))
    except OSError as error:
        work.end(State.FAILED, error=f"The file cannot be read any more: {error.strerror or error}.")
    except Exception as error:
        work.end(State.FAILED, error=f"It broke off: {str(error).strip() or type(error).__name__}")
        raise
    return FileImport.objects.get(pk=pk)


class _Work:
    """One worker's turn. It is the owner as long as the row has the instant at which it began."""

    def __init__(self, file_import: FileImport, *, now: datetime):
        self.file_import, self.now = file_import, now
        self.own = FileImport.objects.filter(pk=file_import.pk, state=State.RUNNING, started_at=now)
        self.report: list[dict] = []
        self.room = MOST_REPORTED_CHARACTERS
        self.summary: dict[str, int] = file_import.summary

    def run(self) -> None:
        one = self.file_import
        mapping = mapping_of(one.kind, one.mapping, time_zone=settings.TIME_ZONE)
        written = {"encoding": mapping.encoding, "delimiter": mapping.delimiter}
        with (
            local_copy(one) as path,
            open_csv(path, needs=mapping.columns, name=one.file_name, **written) as file,
        ):

            def keep(record: Record, reason: str) -> None:
                if len(self.report) < MOST_REPORTED and self.room > 0:
                    cells = [_storable(cell) for cell in file.original_cells(record)]
                    self.room -= sum(len(cell) + 1 for cell in cells)
                    self.report.append({"line": record.line, "reason": _storable(reason)[:1000], "cells": cells})

            run = ImportRun(
                file,
                mapping,
                writer_for(mapping, by=one.uploaded_by, now=self.now),
                now=self.now,
                dry_run=one.is_dry_run,
                on_rejected=keep,
                on_progress=lambda: self.go_on(run),
                on_turn=self.check_is_mine,
            )
            self.summary = run.summary.as_dict()
            run.run()
            self.summary = run.summary.as_dict()

    def check_is_mine(self) -> None:
        """Whoever takes it over after this waits with writing until this turn is over, and finds what it wrote."""
        if not self.own.exists():
            raise _TakenOver

    def go_on(self, run: ImportRun) -> None:
        """After each batch."""
        self.summary = run.summary.as_dict()
        is_mine = self.own.update(
            rows_done=run.summary.read, summary=self.summary, seen_alive_at=max(self.now, timezone.now())
        )
        if not is_mine:
            raise _TakenOver
        if self.own.filter(is_cancel_asked=True).exists():
            raise _Stopped

    @transaction.atomic
    def end(self, state: str, *, error: str = "") -> None:
        is_mine = self.own.update(
            state=state,
            error=error[:300],
            ended_at=max(self.now, timezone.now()),
            summary=self.summary,
            rows_done=self.summary.get("read", 0),
            report=self.report,
        )
        if is_mine and not self.file_import.is_dry_run and state != State.STOPPED:
            _tell(self.file_import, state, self.summary, now=self.now)


def _storable(text: str) -> str:
    """Without bytes that no encoding has, and without NUL, which PostgreSQL does not take."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _tell(one: FileImport, state: str, summary: dict[str, int], *, now: datetime) -> None:
    if state == State.FAILED:
        text = f"The import of {one.file_name} broke off after {summary.get('read', 0):,} rows."
    else:
        figures = [
            f"{summary[name]:,} {name}" for name in ("created", "updated", "unchanged", "rejected") if summary[name]
        ]
        text = f"{one.file_name} is imported: {', '.join(figures)}."
    url = reverse("file_import", args=[one.pk])
    notify.notify([one.uploaded_by], notify.Kind.IMPORT_DONE, text, url=url, now=now)


def sweep_imports(*, now: datetime | None = None) -> int:
    """Hands what no worker has taken up, or a worker has left lying, to the next one; a few times only."""
    now = now or timezone.now()
    _begin_anew(FileImport.objects.filter(seen_alive_at__lt=now - SILENT_AFTER))
    ids = list(FileImport.objects.filter(state=State.QUEUED).values_list("pk", flat=True))
    for pk in ids:
        enqueue(TASK, pk, timeout=TASK_SECONDS, queue=BACKGROUND)
    return len(ids)


def take_import_from_dead_worker(pk: int) -> None:
    """As soon as it is known that the worker was killed."""
    _begin_anew(FileImport.objects.filter(pk=pk))
    enqueue(TASK, pk, timeout=TASK_SECONDS, queue=BACKGROUND)


def _begin_anew(left: QuerySet) -> None:
    left = left.filter(state=State.RUNNING)
    for one in left.filter(attempts__gte=MOST_ATTEMPTS):
        error = f"The worker died {one.attempts} times. Split the file, or import it on the server."
        _Work(one, now=one.started_at).end(State.FAILED, error=error)
    left.filter(attempts__lt=MOST_ATTEMPTS).update(state=State.QUEUED)


def forget_old_imports(*, now: datetime | None = None) -> int:
    """Files hold names and addresses: they go with their reports."""
    now = now or timezone.now()
    old = FileImport.objects.filter(uploaded_at__lt=now - KEPT).defer("report")
    forgotten = _forget_orphans(before=now - ORPHAN_AFTER)
    for one in old.exclude(state__in=FileImport.UNFINISHED):
        one.file.delete(save=False)
        one.delete()
        forgotten += 1
    return forgotten


def _forget_orphans(*, before: datetime) -> int:
    """Files without a row, of whoever was killed between storing and committing."""
    storage = FileImport._meta.get_field("file").storage
    try:
        paths = [f"{UPLOADS}/{name}" for name in storage.listdir(UPLOADS)[1]]
    except FileNotFoundError:
        return 0
    known = set(FileImport.objects.values_list("file", flat=True))
    orphans = [path for path in paths if path not in known and storage.get_modified_time(path) < before]
    for path in orphans:
        storage.delete(path)
    return len(orphans)
