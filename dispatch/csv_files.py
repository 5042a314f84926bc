"""CSV files that a spreadsheet opens as what they are."""

import csv
import re
import zlib
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
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    headers["Vary"] = "Accept-Encoding"
    parts = map(str.encode, _parts(columns, rows))
    if re.search(r"\bgzip\b", request.META.get("HTTP_ACCEPT_ENCODING", "")):
        headers["Content-Encoding"] = "gzip"
        parts = _packed(parts)
    return StreamingHttpResponse(
        _made_in_threads(parts) if isinstance(request, ASGIRequest) else parts,
        content_type="text/csv; charset=utf-8",
        headers=headers,
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


def _packed(parts: Iterator[bytes]) -> Iterator[bytes]:
    """As one stream. Django's middleware makes each part its own under ASGI, and browsers read the first only."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    for part in parts:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


async def _made_in_threads(parts: Iterator[bytes]):
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
