"""Positions forwarded by a Traccar server (forward.type=json): {"position": {...}, "device": {...}}, speed in knots."""

from datetime import datetime
from typing import Any

from technicians.gps.messages import (
    KNOT_KMH,
    Message,
    Reading,
    Unreadable,
    as_dict,
    as_text,
    degrees,
    iso_instant,
    make_fix,
    percent,
    positive,
)


def speaks(data: Any) -> bool:
    message = as_dict(data)
    return isinstance(message.get("position"), dict) and isinstance(message.get("device"), dict)


def decode(message: Message, *, now: datetime) -> Reading:
    return decode_json(message.load(), now=now)


def decode_json(data: Any, *, now: datetime) -> Reading:
    """`sender` is the device's uniqueId: one server forwards all its devices to one address."""
    message = as_dict(data)
    position, device = as_dict(message.get("position")), as_dict(message.get("device"))
    sender = as_text(device.get("uniqueId"))
    if not sender:
        raise Unreadable("It sends no device with a uniqueId.")
    if position.get("valid") is False:
        return Reading(sender=sender)
    fix = make_fix(
        position.get("latitude"),
        position.get("longitude"),
        iso_instant(position.get("fixTime") or position.get("deviceTime")),
        accuracy_m=positive(position.get("accuracy")) or None,  # Traccar's zero means that nobody said
        speed_kmh=positive(position.get("speed"), factor=KNOT_KMH),
        heading_degrees=degrees(position.get("course")),
        battery_percent=percent(as_dict(position.get("attributes")).get("batteryLevel")),
    )
    return Reading([fix] if fix else [], sender)
