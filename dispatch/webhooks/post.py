"""One call to a receiver: no redirects, no proxy, a limit to how long it takes and to what is read of the answer."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from dispatch.webhooks.addresses import AddressRefused, Target, resolve, target_of

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 10
READ_BYTES: Final = 2000
KEPT_CHARACTERS: Final = 500


@dataclass(frozen=True)
class Answer:
    """Without a status nobody answered, and `error` says why."""

    status: int | None
    error: str = ""
    text: str = ""
    retry_after: str = ""
    took_ms: int = 0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    begun = time.monotonic()
    try:
        target = target_of(url)
        found = _exchange(target, resolve(target), body, headers)
    except AddressRefused as refused:
        found = Answer(None, str(refused))
    except ssl.SSLCertVerificationError as error:
        found = Answer(None, f"Its certificate is not accepted: {error.verify_message}")
    except socket.gaierror:
        found = Answer(None, "The name of the host is not known.")
    except TimeoutError:
        found = Answer(None, f"No answer within {ANSWER_SECONDS} seconds.")
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        why = _readable(str(error).encode(errors="replace")) or type(error).__name__
        found = Answer(None, f"No answer: {why}"[:300])
    took_ms = round((time.monotonic() - begun) * 1000)
    return Answer(found.status, found.error, found.text, found.retry_after, took_ms)


def _exchange(target: Target, address: str, body: bytes, headers: dict[str, str]) -> Answer:
    connection = _connect(target, address)
    try:
        with _hanging_up(connection.sock) as ran_out:
            try:
                if isinstance(connection.sock, ssl.SSLSocket):
                    connection.sock.do_handshake()
                connection.request("POST", target.path, body, {"Host": target.host_header, **headers})
                response = connection.getresponse()
                text = response.read(READ_BYTES)
            except (OSError, http.client.HTTPException):
                if not ran_out.is_set():
                    raise
        if ran_out.is_set():  # also where half a head was enough for http.client
            raise TimeoutError
        error = "Redirects are not followed." if 300 <= response.status < 400 else ""
        return Answer(response.status, error, _readable(text), response.headers.get("Retry-After", ""))
    finally:
        connection.close()


def _connect(target: Target, address: str) -> http.client.HTTPConnection:
    """To the address that was checked, while name and certificate are those of the host."""
    connection = http.client.HTTPConnection(target.host, target.port)
    raw = socket.create_connection((address, target.port), timeout=CONNECT_SECONDS)
    raw.settimeout(ANSWER_SECONDS)
    if target.scheme == "https":
        raw = _trust().wrap_socket(raw, server_hostname=target.host, do_handshake_on_connect=False)
    connection.sock = raw
    return connection


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _hanging_up(sock: socket.socket) -> Iterator[threading.Event]:
    """A socket's own time-out begins anew with every byte: who sends one a second would be listened to for ever."""
    ran_out = threading.Event()

    def hang_up():
        ran_out.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # under TLS: the other thread still uses what is above

    timer = threading.Timer(ANSWER_SECONDS, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield ran_out
    finally:
        timer.cancel()


def _readable(text: bytes) -> str:
    shown = text.decode("utf-8", "replace").replace("\x00", "�")
    return shown[:KEPT_CHARACTERS]
