"""What the page about an import shows: the columns to choose from, and how its first rows are read so far."""

from dataclasses import dataclass
from datetime import datetime, time

from django.conf import settings
from django.utils import timezone

from dispatch.actions.file_imports import local_copy
from dispatch.imports.choices import guess, mapping_of
from dispatch.imports.fields import FIELDS
from dispatch.imports.forms import in_words, label_of
from dispatch.imports.mapping import MappingError
from dispatch.imports.rows import RowError, build_row
from dispatch.imports.uploads import choosable, first_rows
from dispatch.models import FileImport

REMEMBERED = 10  # the last imports of a kind are looked through for the same columns


@dataclass(frozen=True)
class Beginning:
    header: list[str]
    rows: list[list[str]]

    @property
    def columns(self) -> list[str]:
        return choosable(self.header)

    def cells(self, row: list[str]) -> dict[str, str]:
        return dict(zip(self.header, row, strict=True))


def load_beginning(file_import: FileImport) -> Beginning:
    with local_copy(file_import) as path:
        form = {name: file_import.mapping[name] for name in ("encoding", "delimiter")}
        return Beginning(*first_rows(path, **form))


def suggested_choices(file_import: FileImport, beginning: Beginning) -> tuple[dict, str]:
    """What was chosen for this file, or for one like it, or what the names suggest; and from where it is."""
    if "fields" in file_import.mapping:
        return file_import.mapping, ""
    earlier = FileImport.objects.filter(kind=file_import.kind, mapping__has_key="fields").exclude(pk=file_import.pk)
    for one in earlier.only("mapping", "file_name")[:REMEMBERED]:
        used = {column for chosen in one.mapping["fields"].values() for column in chosen["columns"]}
        if used and used <= set(beginning.columns):
            return one.mapping, f"as for {one.file_name}"
    return guess(file_import.kind, beginning.columns, beginning.rows, beginning.header), "by their names"


@dataclass(frozen=True)
class Preview:
    fields: list[str]
    rows: list[tuple[list[str], str]]  # one text a field, or what is wrong with the row


def preview(file_import: FileImport, beginning: Beginning, choices: dict, *, now: datetime) -> Preview | None:
    """None while the columns make no mapping yet."""
    chosen = {name: file_import.mapping[name] for name in ("encoding", "delimiter")} | choices
    try:
        mapping = mapping_of(file_import.kind, chosen, time_zone=settings.TIME_ZONE)
    except MappingError:
        return None
    names = [name for name in FIELDS[file_import.kind] if name in mapping.fields]
    rows = []
    for row in beginning.rows:
        try:
            read = build_row(beginning.cells(row), mapping, now=now)
            rows.append(([_shown(name, getattr(read, name)) for name in names], ""))
        except RowError as error:
            rows.append(([], in_words(str(error), file_import.kind)))
    return Preview([label_of(name) for name in names], rows)


def _shown(name: str, value: object) -> str:
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%a %-d %b %Y %H:%M}"
    if isinstance(value, tuple):
        return "; ".join(": ".join(part) if isinstance(part, tuple) else str(part) for part in value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name == "priority":
        return str(value or "").title()
    return "" if value is None else str(value)
