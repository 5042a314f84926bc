import json

from django.contrib.auth.decorators import permission_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.day.dashboard import load_dashboard


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def dashboard(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    template = "dispatch/dashboard.html"
    if request.htmx.target == "live-content":
        template += "#content"
    board = load_dashboard(request.user, now=timezone.now())
    return render(request, template, {"dashboard": board, "today": board.today, "live_versions": versions})
