"""Devices that send positions: their secrets, and the links by which an app is set up in one scan."""

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

import segno

from config.tokens import hash_of, new_token
from technicians.models import Device, Technician

# What Traccar Client is told: a fix every 15 seconds, or every 50 metres, kept while there is no signal.
SET_UP = {"interval": 15, "distance": 50, "accuracy": "high", "buffer": "true"}


@dataclass(frozen=True)
class NewDevice:
    """The one moment in which the secret is known."""

    device: Device
    secret: str


def register(technician: Technician, client: str, *, by, now: datetime, unique_id: str = "") -> NewDevice:
    secret = new_token()
    device = Device.objects.create(
        technician=technician,
        client=client,
        secret_hash=hash_of(secret),
        unique_id=unique_id,
        created_at=now,
        created_by=by,
    )
    return NewDevice(device, secret)


def set_up_link(device: Device, url: str) -> str:
    """What the app reads from the QR code; `url` is where the device shall send to."""
    if device.client == Device.Client.OSMAND:
        return f"{url}?{urlencode({'id': f'truckroll-{device.pk}', **SET_UP})}"
    if device.client == Device.Client.OWNTRACKS:
        configuration = json.dumps({"_type": "configuration", "mode": 3, "url": url})
        return f"owntracks:///config?inline={quote(b64encode(configuration.encode()), safe='')}"
    return url


def qr_code(text: str) -> str:
    """Inline SVG without fixed size: black on white in the dark theme too, or no phone could read it."""
    code = segno.make(text, error="m", micro=False)
    return code.svg_inline(omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass="qr-line")
