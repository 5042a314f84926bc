import json

from django.contrib.auth.decorators import permission_required
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.crew import load_crew


@require_GET
@permission_required("technicians.view_technician", raise_exception=True)
def technicians(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    template = "dispatch/technicians.html"
    if request.htmx.target == "crew":
        template += "#crew"
    return render(request, template, {"crew": load_crew(request), "live_versions": versions})
