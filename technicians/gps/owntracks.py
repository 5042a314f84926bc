"""OwnTracks in HTTP mode. Source: owntracks/booklet, docs/tech/json.md and http.md.

A location leaves out what is zero. Messages of other types are signs of life; an encrypted one cannot be read.
"""

from datetime import UTC, datetime
from typing import Any

from technicians.fixes import Fix
from technicians.gps.messages import (
    NONSENSE,
    Message,
    Reading,
    as_dict,
    as_text,
    degrees,
    make_fix,
    number,
    percent,
    positive,
)

ENCRYPTED = "It sends encrypted messages: remove the encryption key in OwnTracks' preferences."


def speaks(data: Any) -> bool:
    return any("_type" in message for message in _messages(data))


def decode(message: Message, *, now: datetime) -> Reading:
    """An empty body is as good as any."""
    return decode_json(message.load(), now=now) if message.body.strip() else Reading()


def decode_json(data: Any, *, now: datetime) -> Reading:
    messages = _messages(data)
    fixes = [_fix_of(message) for message in messages if message.get("_type") == "location"]
    is_encrypted = any(message.get("_type") == "encrypted" for message in messages)
    sender = next((as_text(message.get("topic") or message.get("tid")) for message in messages), "")
    return Reading([fix for fix in fixes if fix], sender, ENCRYPTED if is_encrypted else "")


def _messages(data: Any) -> list[dict]:
    return [as_dict(one) for one in (data if isinstance(data, list) else [data])]


def _fix_of(message: dict) -> Fix | None:
    speed = positive(message.get("vel", 0))
    return make_fix(
        message.get("lat"),
        message.get("lon"),
        _instant(message.get("tst")),
        accuracy_m=positive(message.get("acc")) or None,  # a radius of zero is none
        speed_kmh=speed,
        # Left out it is north, but of somebody who stands it says nothing.
        heading_degrees=degrees(message.get("cog", 0 if speed else None)),
        battery_percent=percent(message.get("batt")),
    )


def _instant(seconds: Any) -> datetime | None:
    count = number(seconds)
    try:
        return None if count is None else datetime.fromtimestamp(count, tz=UTC)
    except NONSENSE:
        return None
