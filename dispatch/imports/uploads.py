"""What somebody's file is: its encoding, its delimiter, its columns, how it begins. Knows nothing of Django."""

import codecs
import csv
from collections import Counter
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

from dispatch.imports.records import FileError, open_csv

MOST_BYTES = 25 * 1024 * 1024
MOST_ROWS = 200_000
FIRST_ROWS = 5
DELIMITERS = ",;\t|"
HEAD_BYTES = 64 * 1024
OTHER_FORMATS = {
    b"PK\x03\x04": "a workbook or an archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


@dataclass(frozen=True)
class Upload:
    encoding: str
    delimiter: str
    columns: list[str]  # as the header names them; what it names twice or not at all cannot be chosen
    rows: int


def look_at(path: Path, *, name: str) -> Upload:
    """Raises FileError with a sentence for whoever uploaded it."""
    encoding = _encoding_of(path, name)
    delimiter = _delimiter_of(path, encoding)
    with open_csv(path, encoding=encoding, delimiter=delimiter, needs=(), name=name) as file:
        columns = choosable(file.header)
        rows = sum(1 for _ in islice(file.records(), MOST_ROWS + 1))
    if len(columns) < 2:
        raise FileError(
            f"{name} has no columns that can be told apart. A CSV file is expected whose first line names its columns."
        )
    if not rows:
        raise FileError(f"{name} has a header line and no rows.")
    if rows > MOST_ROWS:
        raise FileError(f"{name} has more than {MOST_ROWS:,} rows. Split it, or import it on the server.")
    return Upload(encoding, delimiter, columns, rows)


def choosable(header: list[str]) -> list[str]:
    times = Counter(header)
    return [name for name in header if name and times[name] == 1]


def first_rows(path: Path, *, encoding: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The header, and the rows that can be read among the first ones."""
    with open_csv(path, encoding=encoding, delimiter=delimiter, needs=()) as file:
        records = islice(file.records(), 4 * FIRST_ROWS)
        return file.header, [record.cells for record in records if not record.problem][:FIRST_ROWS]


def _encoding_of(path: Path, name: str) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        for mark, what in OTHER_FORMATS.items():
            if head.startswith(mark):
                raise FileError(f"{name} is {what}. Save it as CSV (in Excel: “CSV UTF-8”) and upload that.")
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in head:
            raise FileError(f"{name} is not a text file. A CSV file is expected.")
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = file.read(HEAD_BYTES)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"  # what Windows programs in the West write when it is not UTF-8
    return "utf-8"


def _delimiter_of(path: Path, encoding: str) -> str:
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace", newline="") as file:
        head = file.read(HEAD_BYTES)
    return max(DELIMITERS, key=lambda delimiter: _fit(head, delimiter))


def _fit(head: str, delimiter: str) -> tuple[int, int]:
    """How many of the first rows have as many cells as the header, then how many those are; 0 for a single column."""
    try:
        rows = [row for row in islice(csv.reader(StringIO(head), delimiter=delimiter), 20) if row]
    except csv.Error:
        return 0, 0
    columns = len(rows[0]) if rows else 0
    return (sum(len(row) == columns for row in rows), columns) if columns > 1 else (0, 0)
