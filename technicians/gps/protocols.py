"""Which protocol a message speaks, and the answers that each protocol's clients understand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from technicians.gps import osmand, owntracks, traccar
from technicians.gps.messages import Message, Reading, Unreadable

OSMAND, OWNTRACKS, TRACCAR = "osmand", "owntracks", "traccar"  # as Device.Client


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = ""
    retry_after: int = 0  # seconds


TAKEN = Answer(200)
HEARD_BY_OWNTRACKS = Answer(200, b"[]", "application/json")  # anything else and its queue piles up
UNKNOWN_IN_FORM, UNKNOWN_IN_JSON = Answer(400), Answer(404)


@dataclass(frozen=True)
class Heard:
    """A message that has been looked at before anybody knows whose it is."""

    message: Message
    speaks: str = ""  # nothing: neither an id nor a type
    data: Any = None

    @property
    def refusal(self) -> Answer:
        """To whoever has no valid secret. It depends on the message alone, so it tells nothing about devices."""
        if self.speaks == OWNTRACKS:
            return HEARD_BY_OWNTRACKS
        return UNKNOWN_IN_JSON if self.message.is_json else UNKNOWN_IN_FORM

    def later(self, seconds: int) -> Answer:
        """On a 4xx OwnTracks on an iPhone drops the message; on a 5xx it keeps it."""
        return Answer(503 if self.speaks == OWNTRACKS else 429, retry_after=seconds)

    def is_for(self, client: str) -> bool:
        """Whether a device with this client may have sent it; whoever says nothing at all may be any."""
        return self.speaks in ("", client)

    def read(self, client: str, *, now: datetime) -> Reading:
        """Raises Unreadable."""
        if self.data is not None:
            return _JSON_DECODERS[client](self.data, now=now)
        if client == OWNTRACKS:
            return Reading()
        if self.message.is_json or client == TRACCAR:
            raise Unreadable("That is no JSON.")
        return osmand.decode_form(self.message, now=now)

    def accepted(self, client: str) -> Answer:
        return HEARD_BY_OWNTRACKS if client == OWNTRACKS else TAKEN


_JSON_DECODERS: dict[str, Callable[..., Reading]] = {
    OSMAND: osmand.decode_json,
    OWNTRACKS: owntracks.decode_json,
    TRACCAR: traccar.decode_json,
}


def hear(message: Message) -> Heard:
    try:
        if not message.is_json:
            given = osmand.parameters_of(message)
            return Heard(message, OSMAND if given.keys() & {"id", "deviceid"} else "")
        data = message.load()
    except Unreadable:
        return Heard(message)
    if owntracks.speaks(data):
        return Heard(message, OWNTRACKS, data)
    if traccar.speaks(data):
        return Heard(message, TRACCAR, data)
    return Heard(message, OSMAND if _has_device_id(data) else "", data)


def _has_device_id(data: Any) -> bool:
    first = data[0] if isinstance(data, list) and data else data
    return isinstance(first, dict) and bool(first.keys() & {"device_id", "deviceid", "id"})
