"""How other systems talk to us: the API's description as a page, made from the same schema that programs read."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.views.decorators.http import require_GET


@require_GET
@login_not_required
def api_docs(request):
    return HttpResponse("soon")
