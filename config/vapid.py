"""Keys for Web Push (RFC 8292). Imports nothing slow: the supervisor makes the demo's own."""

import base64
import secrets
from typing import Final

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, 2.4.2


def new_private_key() -> str:
    """A scalar of the curve P-256 as 32 bytes in URL-safe base64, as `web-push generate-vapid-keys` writes it too."""
    number = 1 + secrets.randbelow(P256_ORDER - 1)
    return base64.urlsafe_b64encode(number.to_bytes(32)).decode().rstrip("=")
