"""Text messages, through a gateway that the setting SMS_BACKEND names: one class with `send`, more is not needed."""

import json
import logging
from http.client import HTTPException
from typing import Final, Protocol
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)

SECONDS: Final = 15


class SmsRefused(Exception):
    """And trying again would not help."""


class Gateway(Protocol):
    is_real: bool  # whether somebody's phone rings

    def send(self, *, to: str, text: str) -> None:
        """Raises SmsRefused; any OSError means: try again later."""


class Console:
    """Writes into the log that there was one. Neither the number nor the link is anybody's who reads logs."""

    is_real = False

    def send(self, *, to: str, text: str) -> None:
        log.info("Text message to …%s: %s", to[-2:], text)


class HttpGateway:
    """POSTs {"to", "text", "from"} as JSON to SMS_GATEWAY_URL, with SMS_GATEWAY_TOKEN as a bearer token."""

    is_real = True

    def send(self, *, to: str, text: str) -> None:
        message = {"to": to, "text": text, "from": settings.COMPANY_NAME}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {settings.SMS_GATEWAY_TOKEN}"}
        request = Request(settings.SMS_GATEWAY_URL, json.dumps(message).encode(), headers, method="POST")  # noqa: S310
        try:
            with build_opener(_NoRedirects).open(request, timeout=SECONDS):
                pass
        except HTTPError as error:
            if error.code in (408, 425, 429) or error.code >= 500:
                raise OSError(f"The gateway answers {error.code}.") from error
            raise SmsRefused(f"The gateway answers {error.code}.") from error
        except HTTPException as error:
            raise OSError("The gateway answers nonsense.") from error


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None  # the number and the link go to the configured place only


def gateway() -> Gateway:
    return import_string(settings.SMS_BACKEND)()
