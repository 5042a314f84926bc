"""A request of a device as it came, and what a decoder made of it; and the odd values that devices send."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from technicians.fixes import Fix

KNOT_KMH = 1.852
METRE_PER_SECOND_KMH = 3.6
MAX_INT32 = 2**31 - 1  # a smaller timestamp counts seconds, from here on milliseconds
MOST = 1_000_000  # of whatever: more is a mistake
NONSENSE = (ValueError, OverflowError, OSError)


class Unreadable(Exception):
    """Not what this client sends, or without the id that its protocol requires."""


@dataclass(frozen=True)
class Message:
    """A request without its head: the query as text (after the `?`), the body as bytes."""

    query: str = ""
    body: bytes = b""
    content_type: str = ""

    @property
    def is_json(self) -> bool:
        """Some clients forget to say so."""
        kind = self.content_type.lower()
        return "json" in kind or (not self.query and "form" not in kind and self.body.lstrip()[:1] in (b"{", b"["))

    def load(self) -> Any:
        """The JSON value of the body."""
        try:
            return json.loads(self.body)
        except (*NONSENSE, RecursionError) as error:
            raise Unreadable("That is no JSON.") from error


@dataclass(frozen=True)
class Reading:
    """Without a fix it is a sign of life. `sender` is the id in the message; `trouble` why it cannot be used."""

    fixes: list[Fix] = field(default_factory=list)
    sender: str = ""
    trouble: str = ""


def as_dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def as_text(value: Any) -> str:
    """An id may come as a number. What no database can hold is none."""
    text = str(value) if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)) else ""
    return text[:200] if text.isprintable() else ""


def number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except NONSENSE:
        return None
    return result if isfinite(result) else None


def positive(value: Any, *, factor: float = 1) -> float | None:
    """None for what is below zero, by which clients say that they do not know."""
    result = number(value)
    return None if result is None or not 0 <= result * factor < MOST else round(result * factor, 2)


def degrees(value: Any) -> float | None:
    result = positive(value)
    return result if result is not None and result <= 360 else None


def percent(value: Any, *, factor: float = 1) -> int | None:
    result = positive(value, factor=factor)
    return None if result is None else min(100, round(result))


def epoch(value: Any) -> datetime | None:
    """Seconds or milliseconds, told apart by their size."""
    count = number(value)
    if count is None:
        return None
    try:
        return datetime.fromtimestamp(count if count < MAX_INT32 else count / 1000, tz=UTC)
    except NONSENSE:
        return None


def iso_instant(value: Any) -> datetime | None:
    """ISO 8601; UTC where no zone is given."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except NONSENSE:
        return None


def make_fix(latitude: Any, longitude: Any, recorded_at: datetime | None, **details) -> Fix | None:
    """None if it says no place or no time. A receiver knows nothing of the eighth decimal, which is a millimetre."""
    latitude, longitude = number(latitude), number(longitude)
    if recorded_at is None or latitude is None or longitude is None:
        return None
    return Fix(round(latitude, 7), round(longitude, 7), recorded_at, **details)
