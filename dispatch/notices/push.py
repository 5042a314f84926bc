"""Web Push: encrypted messages (RFC 8291) to the browsers' own push services, signed as ours (VAPID, RFC 8292).

Endpoints come from browsers, so anybody may claim one: only the known push services are ever connected to, without
following redirects. Without a VAPID key push is off.
"""

import base64
import binascii
import json
from functools import cache
from urllib.parse import urlsplit

import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from py_vapid import Vapid, VapidException

SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.notify.windows.com",
    "web.push.apple.com",
)
SECONDS = 10
KEPT_SECONDS = 4 * 60 * 60  # by the push service, for a device that is switched off; later news is no news
AUTH_BYTES = 16
LATER = (408, 425, 429)  # and every 5xx
GONE = (404, 410)


class SubscriptionGone(Exception):
    """The browser has unsubscribed: it will never take anything again."""


class PushRefused(Exception):
    """The push service does not take it, and would not take it later."""


class PushDelayed(Exception):
    """It may work later."""


def is_on() -> bool:
    return bool(public_key())


def public_key() -> str:
    """As browsers want it for `applicationServerKey`; empty without a private key that can be read."""
    return _public_key_of(settings.VAPID_PRIVATE_KEY)


@cache
def _public_key_of(private_key: str) -> str:
    try:
        key = Vapid.from_string(private_key).public_key
    except (ValueError, VapidException):
        return ""
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")


def objection_to(*, endpoint: str, p256dh: str, auth: str) -> str:
    """Why this is no subscription that can be used; empty if it is one."""
    if not is_push_service(endpoint):
        return "This is not the address of a push service that Truckroll knows."
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(p256dh))
        is_secret = len(decode(auth)) == AUTH_BYTES
    except (ValueError, UnsupportedAlgorithm):
        is_secret = False
    return "" if is_secret else "The keys of this subscription cannot be read."


def decode(text: str) -> bytes:
    """URL-safe base64 without padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def is_push_service(endpoint: str) -> bool:
    """https to a known host on its usual port. PUSH_HOSTS may name others, with their ports."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or 443
    except ValueError:
        return False
    if parts.scheme != "https" or "@" in parts.netloc or "\\" in endpoint or not parts.hostname:
        return False
    return any(_is_host(parts.hostname, port, known) for known in (*SERVICES, *settings.PUSH_HOSTS))


def _is_host(host: str, port: int, known: str) -> bool:
    name, _, wanted = known.partition(":")
    if port != int(wanted or 443):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


class _NoRedirects(requests.Session):
    def post(self, url, **options):
        return super().post(url, allow_redirects=False, **options)


def send(*, endpoint: str, p256dh: str, auth: str, message: dict[str, str]) -> None:
    """Hands one message to the push service. Raises SubscriptionGone, PushRefused or PushDelayed."""
    if not is_on():
        raise PushRefused("Push is switched off.")
    if objection := objection_to(endpoint=endpoint, p256dh=p256dh, auth=auth):
        raise PushRefused(objection)
    from pywebpush import WebPushException, webpush  # brings aiohttp, which web processes never need

    try:
        with _NoRedirects() as session:
            webpush(
                {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}},
                data=json.dumps(message, ensure_ascii=False, separators=(",", ":")),
                vapid_private_key=Vapid.from_string(settings.VAPID_PRIVATE_KEY),
                vapid_claims={"sub": settings.VAPID_SUBJECT},
                ttl=KEPT_SECONDS,
                timeout=SECONDS,
                headers={"Urgency": "high"},
                requests_session=session,
            )
    except WebPushException as error:
        _explain(error)
    except requests.RequestException as error:
        raise PushDelayed(f"{urlsplit(endpoint).hostname} cannot be reached: {type(error).__name__}") from None


def _explain(error) -> None:
    status = error.status_code
    if status is None:
        raise PushRefused(error.message) from None
    said = f"The push service answered {status}"
    if status in GONE:
        raise SubscriptionGone(said) from None
    if status in LATER or status >= 500:
        raise PushDelayed(said) from None
    raise PushRefused(said) from None
