"""Every error of the API: application/problem+json (RFC 9457), with a type that says which one it is."""

import json
import logging
from dataclasses import dataclass, field
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import Field

from dispatch.actions import ActionRefused, ExternalIdTaken, PlacementConflict, PlanOutdated

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
KINDS: Final = {
    "malformed": (400, "The request cannot be read"),
    "unauthorized": (401, "No valid token"),
    "insufficient-scope": (403, "The token has not the scope for this"),
    "forbidden": (403, "The token's user may not do this"),
    "not-found": (404, "There is no such thing, or not for you"),
    "method-not-allowed": (405, "This cannot be done here"),
    "refused": (409, "It cannot be done as things are"),
    "already-exists": (409, "There is one already"),
    "placement-conflict": (409, "Something speaks against this place"),
    "plan-outdated": (409, "The day has changed since the plan was made"),
    "still-working": (409, "The same request is still being worked on"),
    "version-mismatch": (412, "It has changed since you read it"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "The body must be JSON"),
    "invalid": (422, "Some values cannot be used"),
    "idempotency-key-reused": (422, "The key was used for another request"),
    "version-required": (428, "Say which version you read"),
    "too-many-requests": (429, "Too many requests"),
    "internal": (500, "Something broke"),
}


class FieldError(Schema):
    field: str = Field(description="Where: `body.skills.0.level`, `query.limit`")
    message: str


class Objection(Schema):
    kind: str
    text: str


class ProblemOut(Schema):
    type: str = Field(description="Where the kind of problem is described")
    title: str
    status: int
    detail: str = Field(description="What is wrong this time, in a sentence")
    errors: list[FieldError] | None = Field(default=None, description="Of invalid requests: what is wrong where")
    objections: list[Objection] | None = Field(default=None, description="What speaks against this place")


@dataclass
class Problem(Exception):
    kind: str
    detail: str
    more: dict = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        return self.detail


def invalid(field_name: str, message: str) -> Problem:
    return Problem("invalid", message, {"errors": [{"field": f"body.{field_name}", "message": message}]})


def answer(problem: Problem) -> HttpResponse:
    code, title = KINDS[problem.kind]
    content = {
        "type": f"{reverse('api_docs')}#{problem.kind}",
        "title": title,
        "status": code,
        "detail": problem.detail,
        **problem.more,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return HttpResponse(json.dumps(content), status=code, content_type=CONTENT_TYPE, headers=headers)


def as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case Http404():
            return Problem("not-found", "There is no such thing, or this token's user may not know of it.")
        case PermissionDenied():
            return Problem("forbidden", str(error) or "This token's user may not do this.")
        case PlacementConflict():
            objections = [{"kind": one.kind, "text": one.text} for one in error.verdict.objections]
            return Problem("placement-conflict", error.reason, {"objections": objections})
        case PlanOutdated():
            return Problem("plan-outdated", error.reason)
        case ExternalIdTaken():
            return Problem("already-exists", error.reason)
        case ActionRefused():
            return Problem("refused", error.reason)
        case ValidationError():
            return _of_fields(error.errors)
        case HttpError():
            kind = next((name for name, (code, _) in KINDS.items() if code == error.status_code), "malformed")
            return Problem(kind, str(error))
    log.error("The API broke", exc_info=error)
    return Problem("internal", "It has been written down. Nothing was changed.")


def _of_fields(found: list[dict]) -> Problem:
    errors = [{"field": _name(error["loc"]), "message": _sentence(error)} for error in found]
    first = errors[0]
    return Problem("invalid", f"{first['field']}: {first['message']}", {"errors": errors})


def _name(where: tuple) -> str:
    """As it was sent: Ninja puts the name of its function's argument before what is in a body or a list."""
    source, *path = [str(part) for part in where]
    return ".".join([source, *path[1 if source == "body" or len(path) > 1 else 0 :]])


def _sentence(error: dict) -> str:
    if error["type"] == "extra_forbidden":
        return "There is no such field here."
    text = error["msg"].removeprefix("Value error, ")
    return text[:1].upper() + text[1:]


def handle_errors(api: NinjaAPI) -> None:
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, lambda request, error: answer(as_problem(error)))
