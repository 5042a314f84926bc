"""Reading a CSV file record by record, whatever is wrong with single ones. Knows nothing of Django."""

import csv
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

LINE, REASON = "import_line", "import_reason"  # the columns that a file of rejected rows has in front
_UNDECODED = re.compile("[\udc80-\udcff]")  # how surrogateescape marks bytes that are not in the encoding
_LONGEST_CELL = csv.field_size_limit()
LONGEST_LINE = 1_000_000  # characters: of a line without end millions of cells would be made at once
MOST_COLUMNS = 500


class FileError(ValueError):
    """Why a file cannot be imported at all, in a sentence."""


@dataclass(frozen=True)
class Record:
    """`line` is the physical line on which it starts; `problem` says why it cannot be used."""

    line: int
    cells: list[str]
    problem: str = ""


class _Lines:
    """The physical lines for csv.reader, which raises what is raised here and then goes on."""

    def __init__(self, file: TextIO):
        self._file = file
        self.number = 0

    def __iter__(self):
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) <= LONGEST_LINE:
            return line
        while line and not line.endswith(("\n", "\r")):
            line = self._file.readline(LONGEST_LINE)
        raise csv.Error(f"it is longer than {LONGEST_LINE:,} characters")


class CsvFile:
    """An open CSV file whose header has been checked."""

    def __init__(self, file: TextIO, *, name: str, delimiter: str, needs: Collection[str]):
        self._file = file
        self._lines = _Lines(file)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self.header = self._read_header(name)
        self._check_header(name, needs)
        self._needed = {column: self.header.index(column) for column in needs}
        self._offset = 2 if self.header[:2] == [LINE, REASON] else 0

    def _read_header(self, name: str) -> list[str]:
        try:
            header = next((cells for cells in self._reader if any(cells)), None)
        except csv.Error as error:
            raise FileError(f"The header line of {name} cannot be read: {error}.") from None
        if header is None:
            raise FileError(f"{name} is empty: a header line with the names of the columns is expected.")
        if any(_UNDECODED.search(cell) or "\0" in cell for cell in header):
            encoding = self._file.encoding.removesuffix("-sig").upper()
            raise FileError(f"{name} is not {encoding} text. Save it so, or name its encoding in the mapping.")
        if len(header) > MOST_COLUMNS:
            raise FileError(f"{name} has {len(header):,} columns; more than {MOST_COLUMNS} are not read.")
        return [_as_typed(cell).strip() for cell in header]

    def _check_header(self, name: str, needs: Collection[str]) -> None:
        listed = ", ".join(self.header)
        if missing := [column for column in needs if column not in self.header]:
            raise FileError(f"{name} has no column {', '.join(missing)}, which the mapping names. It has: {listed}.")
        if twice := [column for column in needs if self.header.count(column) > 1]:
            raise FileError(f"{name} has more than one column {', '.join(twice)}, so it is not clear which is meant.")

    def records(self) -> Iterator[Record]:
        while True:
            line = self._lines.number + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(line, [], self._unreadable(error, line))
                continue
            if cells:
                yield Record(line, cells, self._problem(cells))

    def _unreadable(self, error: csv.Error, line: int) -> str:
        last = self._lines.number
        where = f" (lines {line} to {last})" if last > line else ""
        if "field larger" in str(error):
            return f"A cell is longer than {_LONGEST_CELL:,} characters{where}; is a quotation mark not closed?"
        if str(error).startswith("it is longer"):
            return f"The line cannot be read{where}: {error}."
        return f"A quotation mark is misplaced or not closed{where}: {error}."

    def _problem(self, cells: list[str]) -> str:
        if len(cells) != len(self.header):
            return f"The row has {len(cells)} columns, the header has {len(self.header)}."
        text = "".join(cells)
        if not text.isascii() and _UNDECODED.search(text):
            column = next(name for name, cell in zip(self.header, cells, strict=True) if _UNDECODED.search(cell))
            return f"{column}: there are bytes that are not {self._file.encoding.removesuffix('-sig').upper()}."
        if "\0" in text:
            return "There is a NUL character in the row."
        return ""

    def named(self, record: Record) -> dict[str, str]:
        """The cells that the mapping needs, by column."""
        return {column: _as_typed(record.cells[index]) for column, index in self._needed.items()}

    def original_header(self) -> list[str]:
        return self.header[self._offset :]

    def original_cells(self, record: Record) -> list[str]:
        """Without what an earlier import put in front of a rejected row."""
        return record.cells[self._offset :]

    def bytes_read(self) -> int:
        return self._file.buffer.tell()


def _as_typed(cell: str) -> str:
    """Without the mark that keeps a spreadsheet from running a text as a formula: our own exports have it."""
    text = cell.removeprefix("'")
    is_marked = text != cell and (text.lstrip().startswith(("=", "+", "-", "@")) or text[:1] in ("\t", "\r"))
    return text if is_marked else cell


@contextmanager
def open_csv(path: Path, *, encoding: str, delimiter: str, needs: Collection[str], name: str = "") -> Iterator[CsvFile]:
    """`name`: what people know the file by, if it is not the path's."""
    name = name or path.name
    with_mark = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        file = path.open(encoding=with_mark, errors="surrogateescape", newline="")
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        try:
            yield CsvFile(file, name=name, delimiter=delimiter, needs=needs)
        except UnicodeError:  # encodings of several bytes a character cannot always go on
            raise FileError(f"{name} is not {encoding.upper()} text.") from None
