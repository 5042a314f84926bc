"""Lists come in pages, the newest first; each page says where the next begins.

By key and not by number: what is added or goes meanwhile shifts nothing, and the thousandth page costs what the first
does.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from dispatch.api.fields import MOST
from dispatch.api.problems import Problem


class PageQuery(Schema):
    limit: int = Field(50, ge=1, le=200, description="How many at most")
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before; none: the first")


def page_of(rows: QuerySet, query: PageQuery, request: HttpRequest, response: HttpResponse, shown: Callable) -> dict:
    """`shown` makes of a list of rows what is answered."""
    if query.cursor is not None:
        rows = rows.filter(pk__lt=_key_of(query.cursor))
    found = list(rows.order_by("-pk")[: query.limit + 1])
    following = None
    if len(found) > query.limit:
        found = found[: query.limit]
        following = urlsafe_b64encode(f"before:{found[-1].pk}".encode()).decode()
        parameters = request.GET.copy()
        parameters["cursor"] = following
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{parameters.urlencode()}>; rel="next"'
    return {"items": shown(found), "next_cursor": following}


def _key_of(cursor: str) -> int:
    try:
        word, _, key = urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").partition(":")
        if word == "before" and key.isdecimal() and int(key) <= MOST:
            return int(key)
    except ValueError:
        pass
    message = "Not a cursor of ours."
    raise Problem("invalid", message, {"errors": [{"field": "query.cursor", "message": message}]})
