"""Optimize Route: one technician's day in order, the better order that is proposed, and changing that by hand."""

import json

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dispatch import actions, realtime
from dispatch.day.route import load_route_day, map_of_day
from dispatch.models import Plan
from dispatch.views.tracks import day_of_track
from technicians.models import Technician


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def optimize_route(request, pk):
    """The day's jobs in order; POST asks for a better one and goes to where that will be shown."""
    technicians = Technician.objects.visible_to(request.user).active()
    day, error = day_of_track(request)
    if (to := request.GET.get("to", "")).isdecimal() and to.lstrip("0") != str(pk):
        other = get_object_or_404(technicians, pk=int(to[:18]))
        return redirect(f"{reverse('optimize_route', args=[other.pk])}?day={day}")
    technician = get_object_or_404(technicians.select_related("user"), pk=pk)
    if request.method == "GET":
        return _show_day(request, technician, day=day, error=error)
    try:
        asked = {"by": request.user, "with_unassigned": False}
        plan = actions.ask_for_plan(Plan.Kind.ROUTE, day, [technician], **asked)
    except actions.ActionRefused as refused:
        return _show_day(request, technician, day=day, error=refused.reason, status=409)
    return redirect("plan", plan.pk)


def _show_day(request, technician: Technician, *, day, error: str, status: int = 200) -> HttpResponse:
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    route = load_route_day(technician, day=day, user=request.user, now=timezone.now())
    template = "dispatch/optimize_route.html"
    if request.htmx.target == "live-content":
        template += "#content"
    context = {
        "route": route,
        "map": map_of_day(route),
        "technicians": Technician.objects.visible_to(request.user).active().by_name(),
        "error": error,
        "live_versions": versions,
        "tile_url": settings.MAP_TILE_URL,
        "attribution": settings.MAP_ATTRIBUTION,
    }
    return render(request, template, context, status=status)
