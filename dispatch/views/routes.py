"""Optimize Route: one technician's day in order, the better order that is proposed, and changing that by hand."""

import json

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions, realtime
from dispatch.day.route import load_route_day, map_of_day
from dispatch.day.route_review import load_route_review, map_of_proposal
from dispatch.models import Plan
from dispatch.planning.changes import changes_since
from dispatch.planning.store import load_proposal
from dispatch.views.tracks import day_of_track
from technicians.models import Technician

SHOWN = (Plan.State.PROPOSED, Plan.State.APPLIED)


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


# The proposal -------------------------------------------------------------------------------------


def show_route_plan(
    request, plan: Plan, *, problem: str = "", is_fresh: bool = False, status: int = 200
) -> HttpResponse:
    """The page of a plan of kind route that is proposed or applied; plans.py shows all others."""
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    is_open = plan.state == Plan.State.PROPOSED
    context = {
        "plan": plan,
        "review": load_route_review(plan, user=request.user),
        "changes": changes_since(plan, now=timezone.now()) if is_open else [],
        "problem": problem,
        "is_fresh": is_fresh or actions.applied_last(plan, request.user),
        "live_versions": versions,
        "tile_url": settings.MAP_TILE_URL,
        "attribution": settings.MAP_ATTRIBUTION,
    }
    template = "dispatch/optimize_route_plan.html"
    if request.htmx.target == "route-review":
        template += "#reordered"
    elif request.htmx.target == "route-plan":
        template += "#route_plan"
    return render(request, template, context, status=status)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def reorder_route(request, pk, technician_pk):
    """The order in which the stops are sent, with the times that follow from it."""
    plan = _visible_plan(request, pk)
    technician = get_object_or_404(plan.technicians, pk=technician_pk)
    order = _order_in(request.POST)
    if not order:
        return _stays(request, plan, "The order was not understood.", status=422)
    try:
        actions.adjust_route(plan, technician, order, by=request.user)
    except actions.ActionRefused as refused:
        return _stays(request, plan, refused.reason)
    plan.refresh_from_db()
    return show_route_plan(request, plan) if request.htmx else redirect("plan", pk)


def _order_in(sent) -> list[int]:
    """With `move` (“12:-1”) that stop comes one earlier or later, as the buttons send it where no script runs."""
    texts = sent.getlist("job")
    if any(not (text.isascii() and text.isdecimal() and len(text) < 19) for text in texts):
        return []
    order = [int(text) for text in texts]
    stop, _, by = sent.get("move", "").partition(":")
    if by in ("1", "-1") and stop in texts:
        place = texts.index(stop)
        order.insert(max(0, place + int(by)), order.pop(place))
    return order


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def apply_route(request, pk):
    plan = _visible_plan(request, pk)
    try:
        actions.apply_plan(plan, by=request.user)
    except actions.ActionRefused as refused:
        return _stays(request, plan, refused.reason)
    plan.refresh_from_db()
    if not request.htmx:
        messages.success(request, "The route is applied. One undo takes it back.")
        return redirect("plan", pk)
    response = show_route_plan(request, plan, is_fresh=True)
    response.headers["HX-Trigger"] = json.dumps({"toast": {"text": "The route is applied.", "undo": True}})
    return response


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def discard_route(request, pk):
    """Back to the day as it is."""
    plan = _visible_plan(request, pk)
    try:
        actions.discard_plan(plan, by=request.user)
    except actions.ActionRefused as refused:
        return _stays(request, plan, refused.reason)
    return _go(request, f"{reverse('optimize_route', args=[plan.technicians.get().pk])}?day={plan.day}")


def _stays(request, plan: Plan, problem: str, *, status: int = 409) -> HttpResponse:
    """What is true now, and why nothing came of it."""
    plan.refresh_from_db()
    if plan.state not in SHOWN:
        return _go(request, reverse("plan", args=[plan.pk]))
    return show_route_plan(request, plan, problem=problem, status=status)


def _go(request, url: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else redirect(url)


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plan_map(request, pk):
    """Of any plan, what plan_map.js draws."""
    plan = get_object_or_404(Plan.objects.visible_to(request.user), pk=pk)
    drawn = map_of_proposal(load_proposal(plan, user=request.user))
    return JsonResponse(drawn, json_dumps_params={"separators": (",", ":")})


def _visible_plan(request, pk: int) -> Plan:
    of_somebody = Plan.objects.visible_to(request.user).filter(kind=Plan.Kind.ROUTE, technicians__isnull=False)
    return get_object_or_404(of_somebody, pk=pk)
