"""The OsmAnd protocol: Traccar Client of all generations, OsmAnd, and many trackers.

Source: traccar/traccar, OsmAndProtocolDecoder.java; traccar.org/osmand. JSON is of Traccar Client 9 and of its plug-in:
metres a second, -1 for unknown, the battery from 0 to 1. Everything else is a query or a form, in knots and per cent.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from technicians.fixes import Fix
from technicians.gps.messages import (
    KNOT_KMH,
    METRE_PER_SECOND_KMH,
    NONSENSE,
    Message,
    Reading,
    Unreadable,
    as_dict,
    as_text,
    degrees,
    epoch,
    iso_instant,
    make_fix,
    number,
    percent,
    positive,
)

MAX_FIELDS = 200


def decode(message: Message, *, now: datetime) -> Reading:
    return decode_json(message.load(), now=now) if message.is_json else decode_form(message, now=now)


def parameters_of(message: Message) -> dict[str, str]:
    """Of the query, and if that is empty of the body; of a name that comes twice the last counts."""
    text = message.query or message.body.decode("utf-8", "replace")
    try:
        values = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
    except NONSENSE as error:
        raise Unreadable("That is no form.") from error
    return {name: given[-1] for name, given in values.items()}


# Query and form -----------------------------------------------------------------------------------


def decode_form(message: Message, *, now: datetime) -> Reading:
    given = parameters_of(message)
    sender = as_text(given.get("id") or given.get("deviceid"))
    if not sender:
        raise Unreadable("It sends no id.")
    fix = _fix_of_form(given, now=now)
    return Reading([fix] if fix else [], sender)


def _fix_of_form(given: dict[str, str], *, now: datetime) -> Fix | None:
    if given.get("valid", "1").lower() not in ("1", "true"):
        return None
    latitude, longitude = given.get("lat"), given.get("lon")
    if given.get("location"):
        latitude, _, longitude = given["location"].partition(",")
    return make_fix(
        latitude,
        longitude,
        instant_of(given["timestamp"]) if given.get("timestamp") else now,
        accuracy_m=positive(given.get("accuracy")),
        speed_kmh=positive(given.get("speed"), factor=KNOT_KMH),
        heading_degrees=degrees(given.get("bearing", given.get("heading"))),
        battery_percent=percent(given.get("batt")),
    )


def instant_of(text: str) -> datetime | None:
    if number(text) is not None:
        return epoch(text)
    if "T" in text:
        return iso_instant(text.replace(" ", "+"))  # a plus that nobody encoded
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except NONSENSE:
        return None


# JSON ---------------------------------------------------------------------------------------------


def decode_json(data: Any, *, now: datetime) -> Reading:
    """One message or a list of them; each with one location or a list."""
    messages = [as_dict(one) for one in (data if isinstance(data, list) else [data])]
    senders = [as_text(one.get("device_id") or one.get("deviceid") or one.get("id")) for one in messages]
    sender = next(filter(None, senders), "")
    if not sender:
        raise Unreadable("It sends no id.")
    found = [_fix_of_json(one, now=now) for message in messages for one in _locations(message)]
    return Reading([fix for fix in found if fix], sender)


def _locations(message: dict) -> list[dict]:
    location = message.get("location")
    if location is None and "coords" in message:
        location = message  # in a list the plug-in leaves out what is around it
    return [as_dict(one) for one in (location if isinstance(location, list) else [location])]


def _fix_of_json(location: dict, *, now: datetime) -> Fix | None:
    coords, battery = as_dict(location.get("coords")), as_dict(location.get("battery"))
    timestamp = location.get("timestamp")
    if isinstance(timestamp, str):
        recorded_at = instant_of(timestamp)
    else:
        recorded_at = now if timestamp is None else epoch(timestamp)
    return make_fix(
        coords.get("latitude"),
        coords.get("longitude"),
        recorded_at,
        accuracy_m=positive(coords.get("accuracy")),
        speed_kmh=positive(coords.get("speed"), factor=METRE_PER_SECOND_KMH),
        heading_degrees=degrees(coords.get("heading")),
        battery_percent=percent(battery.get("level"), factor=100),
    )
