"""What a phone sends: its taps as they are read, and when they happened by our clock. Pure.

A phone's clock may be wrong. It says with each batch what it shows, so its taps can be put right by the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

MOST_AT_ONCE: Final = 50
YEAR_2100_MS: Final = 4_102_444_800_000
CLOCKS_DIFFER: Final = timedelta(minutes=1)  # less is the network's delay
OLDEST: Final = timedelta(days=7)
LONGEST_TEXT: Final = 10_000
LARGEST_NUMBER: Final = 2**63  # what follows has no room for larger ones


class BatchUnreadable(Exception):
    """The envelope itself makes no sense, so that not even its taps can be told apart."""


@dataclass(frozen=True)
class SentTap:
    """As it came; what cannot be understood is None or empty, and found out by who does the tap."""

    id: UUID | None
    sent_id: str | None  # as the phone knows it
    kind: str = ""
    job_id: int | None = None
    tapped_at: datetime | None = None
    fix: Mapping[str, object] = field(default_factory=dict)
    content: Mapping[str, object] = field(default_factory=dict)
    offset: timedelta | None = None  # our clock minus the phone's, where the phone knew it when this was tapped


@dataclass(frozen=True)
class Moment:
    """`tapped_at` by the phone's clock, `happened_at` by ours; `is_doubted`: the phone's word counts for nothing."""

    tapped_at: datetime
    happened_at: datetime
    offset: timedelta = timedelta()  # to be added to what the phone says
    is_doubted: bool = False


def read_batch(data: object) -> tuple[datetime, list[SentTap]]:
    """When the phone says that it sent them, and its taps."""
    if not isinstance(data, dict):
        raise BatchUnreadable("Send an object with sent_at and taps.")
    sent_at, taps = instant(data.get("sent_at")), data.get("taps")
    if sent_at is None:
        raise BatchUnreadable("sent_at is the phone's clock in milliseconds since 1970.")
    if not isinstance(taps, list):
        raise BatchUnreadable("taps is a list.")
    if len(taps) > MOST_AT_ONCE:
        raise BatchUnreadable(f"At most {MOST_AT_ONCE} taps at once.")
    return sent_at, [read_tap(raw) for raw in taps]


def read_tap(raw: object) -> SentTap:
    if not isinstance(raw, dict):
        return SentTap(None, None)
    content = raw.get("content")
    return SentTap(
        id=_uuid(raw.get("id")),
        sent_id=raw["id"] if isinstance(raw.get("id"), str) else None,
        kind=raw["kind"] if isinstance(raw.get("kind"), str) else "",
        job_id=_job_id(raw.get("job")),
        tapped_at=instant(raw.get("tapped_at")),
        fix={name: _plain(raw.get(name)) for name in ("latitude", "longitude", "accuracy", "fix_at")},
        content={str(name): _plain(value) for name, value in content.items()} if isinstance(content, dict) else {},
        offset=offset_in(raw),
    )


def moment_of(
    tapped_at: datetime | None, *, sent_at: datetime | None, now: datetime, offset: timedelta | None = None
) -> Moment:
    """Never in the future. What is more than a week ago, or no time at all, is doubted: then it happened now.

    `offset` is what the phone knew when it was tapped: its clock may have been put right before it was sent.
    """
    if tapped_at is None:
        return Moment(now, now, is_doubted=True)
    if offset is None:
        offset = now - sent_at if sent_at else timedelta()
    if abs(offset) <= CLOCKS_DIFFER:
        offset = timedelta()
    happened_at = min(tapped_at + offset, now)
    if happened_at < now - OLDEST:
        return Moment(tapped_at, now, offset, is_doubted=True)
    return Moment(tapped_at, happened_at, offset)


def instant(milliseconds: object) -> datetime | None:
    """Of milliseconds since 1970, also as text; None if they are none."""
    if isinstance(milliseconds, str) and milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 16:
        milliseconds = int(milliseconds)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    if not 0 <= milliseconds < YEAR_2100_MS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def offset_in(raw: Mapping[str, object]) -> timedelta | None:
    """Also as text, for a picture's form."""
    try:
        milliseconds = float(raw.get("offset"))
        return timedelta(milliseconds=milliseconds) if abs(milliseconds) < YEAR_2100_MS else None
    except (OverflowError, TypeError, ValueError):
        return None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _job_id(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        value = int(value)
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
    return value if is_id else None


def _plain(value: object) -> object:
    """What forms and databases can take: no nesting, no halves of characters, no zero bytes."""
    if isinstance(value, str):
        text = value[:LONGEST_TEXT].replace("\0", "")
        return text.encode("utf-8", "ignore").decode("utf-8")
    if isinstance(value, int | float):
        return value if abs(value) < LARGEST_NUMBER else str(value)
    return value if value is None else ""
