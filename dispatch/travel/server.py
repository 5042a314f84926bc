"""Asking a travel-time server: JSON over HTTP, with little patience and no trust. Knows nothing of Django.

The address comes from whoever runs Truckroll; no redirect leads anywhere else, no proxy or password of the machine is
used, and an answer may be neither large nor slow nor compressed.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

import numpy as np
import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from dispatch.planning.problem import UNREACHABLE
from dispatch.travel.places import Place

CONNECT_SECONDS: Final = 2
SILENT_SECONDS: Final = 10  # nothing arrives
ANSWER_SECONDS: Final = 15  # the whole of one answer
MOST_BYTES: Final = 8 * 1024 * 1024
ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 0.2  # before the second attempt, twice as long before each further one
MOMENTARY: Final = (429, 502, 503, 504)
AT_ONCE: Final = 4  # questions

NONSENSE: Final = "gave answers that make no sense"
SLOW: Final = "was too slow"
SILENT: Final = "did not answer"


class ServerFailed(Exception):
    """It cannot be relied on; `words` go on after its name: “did not answer”."""

    def __init__(self, words: str):
        super().__init__(words)
        self.words = words


class _Momentary(ServerFailed):
    """It may work in a moment."""


class QuestionRefused(ServerFailed):
    """It does not answer this, but maybe something else. `code` is its own."""

    def __init__(self, code: str = ""):
        super().__init__("refused the question")
        self.code = code


class NoRoadNear(QuestionRefused):
    """One of the places is far from every road that it knows."""


@dataclass(frozen=True, eq=False)
class Table:
    """Seconds and metres from each source (row) to each target (column); NaN where there is no way."""

    seconds: np.ndarray
    metres: np.ndarray


@dataclass(frozen=True)
class Way:
    seconds: float
    metres: float
    points: list[Place]


class RoadServer(Protocol):
    """What a kind of server can do. All raise ServerFailed."""

    provider: str  # as it is stored
    name: str  # as people read it
    most_sources: int
    most_targets: int

    def table(self, sources: Sequence[Place], targets: Sequence[Place]) -> Table: ...

    def way(self, origin: Place, target: Place) -> Way | None:
        """None: one cannot drive there."""


class JsonServer:
    def __init__(self, url: str):
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers = {"User-Agent": "Truckroll", "Accept": "application/json", "Accept-Encoding": "identity"}
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE))

    def ask(self, path: str, body: dict | None = None) -> dict:
        """Posts the body where there is one. What the server refuses raises QuestionRefused with its answer's code."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask_once(path, body)
            except _Momentary:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("The last attempt raises.")

    def _ask_once(self, path: str, body: dict | None) -> dict:
        try:
            with self._session.request(
                "GET" if body is None else "POST",
                f"{self.url}{path}",
                json=body,
                timeout=(CONNECT_SECONDS, SILENT_SECONDS),
                stream=True,
                allow_redirects=False,
            ) as response:
                return _answer(response)
        except (requests.Timeout, ReadTimeoutError):
            raise ServerFailed(SLOW) from None
        except (requests.ConnectionError, HTTPError):
            raise _Momentary(SILENT) from None
        except requests.RequestException:
            raise ServerFailed(SILENT) from None


def _answer(response: requests.Response) -> dict:
    status = response.status_code
    if status in (200, 400):
        answer = _parsed(_body(response))
        if status == 200:
            return answer
        raise QuestionRefused(str(answer.get("code", answer.get("error_code", ""))))
    failure = _Momentary if status in MOMENTARY else ServerFailed
    raise failure("sent us elsewhere" if 300 <= status < 400 else f"answered with an error ({status})")


def _body(response: requests.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ServerFailed(NONSENSE)
    ends_at, body = time.monotonic() + ANSWER_SECONDS, bytearray()
    while part := response.raw.read1(1 << 16):
        body += part
        if len(body) > MOST_BYTES:
            raise ServerFailed("answered with far too much")
        if time.monotonic() > ends_at:
            raise ServerFailed(SLOW)
    return bytes(body)


def _parsed(body: bytes) -> dict:
    try:
        answer = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ServerFailed(NONSENSE) from None
    if not isinstance(answer, dict):
        raise ServerFailed(NONSENSE)
    return answer


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


# What is in an answer -----------------------------------------------------------------------------


def table_of(seconds: object, metres: object, *, height: int, width: int) -> Table:
    """Both as lists of rows of numbers, or of null where there is no way."""
    times, ways = _numbers(seconds, height, width), _numbers(metres, height, width)
    if np.any(np.isnan(ways) & ~np.isnan(times)):
        raise ServerFailed(NONSENSE)
    return Table(times, np.where(np.isnan(times), np.nan, ways))


def _numbers(rows: object, height: int, width: int) -> np.ndarray:
    if not isinstance(rows, list) or len(rows) != height:
        raise ServerFailed(NONSENSE)
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        raise ServerFailed(NONSENSE)
    if not all(type(cell) in (int, float, type(None)) for row in rows for cell in row):  # a bool is no number
        raise ServerFailed(NONSENSE)
    try:
        numbers = np.array(rows, dtype=float).reshape(height, width)  # None becomes NaN
    except (ValueError, OverflowError):
        raise ServerFailed(NONSENSE) from None
    if np.any((numbers < 0) | (numbers >= UNREACHABLE)):
        raise ServerFailed(NONSENSE)
    return numbers


def number_of(value: object) -> float:
    if value is None:
        raise ServerFailed(NONSENSE)
    return float(_numbers([[value]], 1, 1)[0, 0])
