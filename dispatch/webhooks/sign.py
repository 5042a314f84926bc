"""How a receiver knows that a call is ours and of now: an HMAC over the time and the body, as many services do it."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from config.tokens import derived_token

PURPOSE: Final = "webhook"
EARLIER_SIGNS_FOR: Final = timedelta(days=1)


def secret_of(nonce: str) -> str:
    return f"whsec_{derived_token(PURPOSE, nonce)}"


def secrets_of(endpoint, *, now: datetime) -> list[str]:
    """The newest first. For a day after a roll the earlier one signs too, so that receivers can change over."""
    nonces = [endpoint.nonce]
    if endpoint.earlier_nonce and endpoint.rolled_at and now - endpoint.rolled_at < EARLIER_SIGNS_FOR:
        nonces.append(endpoint.earlier_nonce)
    return [secret_of(nonce) for nonce in nonces]


def signature(body: bytes, *, secrets: Iterable[str], at: int) -> str:
    """“t=<epoch>,v1=<hex>”, with one v1 for each secret. The key is the whole secret as it is shown."""
    signed = f"{at}.".encode() + body
    parts = [f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={at}", *parts])
