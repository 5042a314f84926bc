"""Secrets that stand in a URL or a header. The database holds only what cannot be turned back into one."""

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

from django.utils.crypto import salted_hmac


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """By which a token is looked up, hexadecimal. It has 256 random bits, so nothing slower than SHA-256 is needed."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def derived_token(purpose: str, nonce: str) -> str:
    """256 bits, URL-safe: the same for the same nonce as long as SECRET_KEY stays, and nothing without that.

    For what has to be shown or used again, such as a link that is sent twice, without being kept.
    """
    return urlsafe_b64encode(salted_hmac(purpose, nonce, algorithm="sha256").digest()).decode().rstrip("=")
