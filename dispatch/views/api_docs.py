"""How other systems talk to us: the API's description as a page, made from the same schema that programs read."""

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dispatch.api.description import describe
from dispatch.api.door import MOST_BYTES
from dispatch.api.scopes import SCOPES
from dispatch.api.tokens import DOORKEEPER
from dispatch.api.v1 import api


@require_GET
@login_not_required
def api_docs(request):
    """For whoever writes a program, who may have no account here."""
    context = {
        "description": describe(api.get_openapi_schema()),
        "scopes": SCOPES,
        "address": request.build_absolute_uri("/api/v1"),
        "rate": DOORKEEPER.known.per_second,
        "burst": DOORKEEPER.known.at_once,
        "most_kilobytes": MOST_BYTES // 1024,
    }
    return render(request, "dispatch/api_docs.html", context)
