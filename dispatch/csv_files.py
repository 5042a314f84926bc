"""CSV files that a spreadsheet opens as what they are."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils import timezone

BOM = "\ufeff"  # without it Excel takes UTF-8 for something else
LINES_AT_ONCE = 500


def csv_response(request, columns: list[str], rows: Iterable[list], *, name: str) -> StreamingHttpResponse:
    """Sent while it is made. Whoever fills a row puts what people typed through text_cell()."""
    parts = _parts(columns, rows)
    return StreamingHttpResponse(
        _made_in_threads(parts) if isinstance(request, ASGIRequest) else parts,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
    )


class _Line:
    """What csv.writer takes for a file: `writerow` gives back the line."""

    def write(self, text: str) -> str:
        return text


def _parts(columns: list[str], rows: Iterable[list]) -> Iterator[str]:
    write = csv.writer(_Line()).writerow
    yield BOM + write(columns)
    rows = iter(rows)
    while part := "".join(write(row) for row in islice(rows, LINES_AT_ONCE)):
        yield part


async def _made_in_threads(parts: Iterator[str]):
    """Under ASGI an ordinary generator would be read to its end before anything is sent."""
    while (part := await sync_to_async(next)(parts, None)) is not None:
        yield part


def cell_of_a_file(text: str) -> str:
    """What stood in somebody's file: a number stays one."""
    try:
        float(text)
    except ValueError:
        return text_cell(text)
    return text


def time_cell(instant: datetime | None) -> str:
    """ISO 8601 in the business's time, with its offset."""
    return timezone.localtime(instant).isoformat(timespec="minutes") if instant else ""


def text_cell(text: str) -> str:
    """Text that a spreadsheet would run as a formula is shown as text."""
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) or text[:1] in ("\t", "\r") else text
