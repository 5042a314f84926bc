"""ETags: reading what has not changed costs nothing, and nobody overwrites what they have not seen."""

import json
import re
from hashlib import sha256

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse

from dispatch.api.problems import Problem

_TAG = re.compile(r'(?:W/)?"([^"]*)"')  # a proxy that compresses makes it weak


def tag_of(shown: dict, *, version: int | None = None) -> str:
    """The version, by which a change is guarded, and all that is shown, such as predictions that change by themselves.

    Without a version what is shown is the version.
    """
    content = sha256(json.dumps(shown, cls=DjangoJSONEncoder, sort_keys=True).encode()).hexdigest()[:16]
    return f'"{content}"' if version is None else f'"{version}-{content}"'


def show(request: HttpRequest, response: HttpResponse, shown: dict, *, version: int | None = None):
    """With its ETag, or 304 if the caller has it already."""
    response["ETag"] = tag = tag_of(shown, version=version)
    response["Cache-Control"] = "private, no-cache"
    known = request.headers.get("If-None-Match", "")
    if request.method == "GET" and (known.strip() == "*" or tag.strip('"') in _TAG.findall(known)):
        return HttpResponse(status=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    return shown


def check_version(request: HttpRequest, current: str, *, is_required: bool) -> None:
    """`current` is the ETag of the row as it is now, locked: whoever has read another version is refused."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        if is_required:
            raise Problem("version-required", "Send If-Match with the ETag that you read, or “*” to overwrite.")
        return
    versions = {tag.partition("-")[0] for tag in _TAG.findall(wanted)}
    if wanted.strip() != "*" and current.strip('"').partition("-")[0] not in versions:
        raise Problem("version-mismatch", "Read it again, then decide.", headers={"ETag": current})
