import json

from django.contrib.auth.decorators import permission_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.crew import load_crew
from dispatch.crew_export import COLUMNS, rows_of_export
from dispatch.csv_files import csv_response


@require_GET
@permission_required("technicians.view_technician", raise_exception=True)
def technicians(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    template = "dispatch/technicians.html"
    if request.htmx.target == "crew":
        template += "#crew"
    return render(request, template, {"crew": load_crew(request), "live_versions": versions})


@require_GET
@permission_required("technicians.view_technician", raise_exception=True)
def export_technicians(request):
    """The list as it is narrowed, all its pages."""
    name = f"technicians-{timezone.localdate():%Y-%m-%d}.csv"
    return csv_response(request, COLUMNS, rows_of_export(request), name=name)
