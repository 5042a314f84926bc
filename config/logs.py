"""Structured logs: one JSON object a line, each with the id of the request that caused it."""

import json
import logging
import re
import time
import uuid
from contextvars import ContextVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

request_id: ContextVar[str] = ContextVar("request_id", default="-")
access_log = logging.getLogger("truckroll.access")
_SAFE_ID = re.compile(r"[\w.-]{1,64}")
_SECRET = re.compile(r"(/(?:gps|visit|calendar)/)[^/\s?]+")


class RequestIdFilter(logging.Filter):
    def filter(self, record):
        record.request_id = request_id.get()
        return True


class SecretFilter(logging.Filter):
    """Of a device's address, or a customer's link, the log shows all but its secret."""

    def filter(self, record):
        if _SECRET.search(message := record.getMessage()):
            record.msg, record.args = hide_secret(message), ()
        return True


def hide_secret(path: str) -> str:
    return _SECRET.sub(r"\1…", path)


class JsonFormatter(logging.Formatter):
    def format(self, record):
        entry = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class RequestIdMiddleware:
    """Takes the proxy's X-Request-ID or makes one, answers with it and logs the request under it."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request):
        if iscoroutinefunction(self):
            return self._acall(request)
        started = self._begin(request)
        return self._end(request, self.get_response(request), started)

    async def _acall(self, request):
        started = self._begin(request)
        return self._end(request, await self.get_response(request), started)

    def _begin(self, request) -> float:
        given = request.headers.get("X-Request-ID", "")
        request_id.set(given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex[:16])
        return time.perf_counter()

    def _end(self, request, response, started):
        response["X-Request-ID"] = request_id.get()
        fields = {
            "method": request.method,
            "path": hide_secret(request.path),
            "status": response.status_code,
            "ms": round((time.perf_counter() - started) * 1000, 1),
        }
        access_log.info("%(method)s %(path)s %(status)s", fields, extra={"fields": fields})
        return response
