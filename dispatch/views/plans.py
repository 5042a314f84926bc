"""Plans that were asked for: all of them, how far one is, what it proposes, and doing it."""

import json

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions, realtime
from dispatch.csv_files import csv_response
from dispatch.day import plan_list
from dispatch.day.plan_page import load_plan_page
from dispatch.durations import span
from dispatch.models import Plan
from dispatch.planning.changes import changes_since
from dispatch.planning.describe import PRESETS
from dispatch.planning.problem import MANDATORY
from dispatch.planning.weights import POINTS_A_SECOND
from dispatch.views import routes
from dispatch.views.plan_day import go, numbers_in

Kind, State = Plan.Kind, Plan.State
SHOWN = 50
TEMPLATE = "dispatch/plan.html"


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plans(request):
    """The newest first."""
    found = list(plan_list.listed(request.user)[: SHOWN + 1])
    return render(request, "dispatch/plans.html", {"plans": found[:SHOWN], "has_more": len(found) > SHOWN})


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def export_plans(request):
    rows = plan_list.rows_of_export(request.user)
    return csv_response(request, plan_list.COLUMNS, rows, name=f"plans-{timezone.localdate():%Y-%m-%d}.csv")


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plan(request, pk):
    found = visible_plan(request, pk)
    if found.state in Plan.UNFINISHED:
        return _show_progress(request, found)
    # The fragment asks for itself while it is being worked out; when that is over, the page comes anew.
    if request.htmx.target == "plan-progress":
        return HttpResponse(headers={"HX-Refresh": "true"})
    actions.note_seen(found, by=request.user)
    if found.kind == Kind.ROUTE and found.result and found.technicians.exists():
        return routes.show_route_plan(request, found)
    return _show(request, found)


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plan_changes(request, pk):
    """What has changed since it was worked out."""
    found = visible_plan(request, pk)
    return render(request, f"{TEMPLATE}#changes", {"plan": found, "changes": _changes(found)})


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def apply_plan(request, pk):
    """The routes of those who are ticked; a plan of one route as a whole."""
    found = visible_plan(request, pk)
    ticked = numbers_in(request.POST.getlist("technician"))
    if not ticked and found.kind != Kind.ROUTE:
        return _answer(request, found, problem="Tick the technicians whose routes are to be applied.", status=422)
    # With the last of those that change, those that stay as they are are done with, too.
    is_whole = found.kind == Kind.ROUTE or ticked >= load_plan_page(found, user=request.user).applicable
    try:
        jobs = actions.apply_plan(found, technician_ids=None if is_whole else ticked, by=request.user)
    except actions.PlanOutdated as outdated:
        problem = f"Nothing was applied: {'; '.join(outdated.changes[:3])}."
        return _answer(request, found, problem=problem, ticked=ticked, status=409)
    except actions.ActionRefused as refused:
        return _answer(request, found, problem=refused.reason, ticked=ticked, status=409)
    return _answer(request, found, said=_said(len(jobs), len(ticked)))


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def cancel_plan(request, pk):
    """Gives it up, or takes the best so far."""
    found = actions.cancel_plan(visible_plan(request, pk), by=request.user)
    if not request.htmx:
        return redirect("plan", found.pk)
    return plan(_as_get(request), found.pk)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def discard_plan(request, pk):
    found = visible_plan(request, pk)
    try:
        actions.discard_plan(found, by=request.user)
    except actions.ActionRefused as refused:
        return _answer(request, found, problem=refused.reason, status=409)
    messages.success(request, "The plan was discarded. Nothing was changed.")
    return go(request, reverse("board") + f"?day={found.day.isoformat()}")


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def recompute_plan(request, pk):
    found = visible_plan(request, pk)
    try:
        again = actions.recompute_plan(found, by=request.user)
    except actions.ActionRefused as refused:
        return _answer(request, found, problem=refused.reason, status=409)
    return go(request, reverse("plan", args=[again.pk]))


def visible_plan(request, pk: int) -> Plan:
    plans = Plan.objects.visible_to(request.user).select_related("created_by", "absent__user")
    return get_object_or_404(plans, pk=pk)


# What is shown ------------------------------------------------------------------------------------


def _show_progress(request, found: Plan) -> HttpResponse:
    context = {"plan": found, "best": best_so_far(found)}
    template = f"{TEMPLATE}#progress" if request.htmx.target == "plan-progress" else TEMPLATE
    return render(request, template, context | _around(request, found))


def _show(request, found: Plan, *, ticked: set[int] | None = None, said="", problem="", status=200) -> HttpResponse:
    context = _around(request, found)
    if found.result:
        page = load_plan_page(found, user=request.user)
        context |= {
            "page": page,
            "ticked": page.applicable if ticked is None else ticked,
            "changes": _changes(found),
            "said": said,
            "may_undo": bool(said) or actions.applied_last(found, request.user),
            "problem": problem,
            "tile_url": settings.MAP_TILE_URL,
            "attribution": settings.MAP_ATTRIBUTION,
        }
    template = f"{TEMPLATE}#content" if request.htmx.target == "plan" else TEMPLATE
    return render(request, template, context, status=status)


def _answer(request, found: Plan, *, ticked: set[int] | None = None, said="", problem="", status=200) -> HttpResponse:
    """After a POST: the page in its new state, which htmx puts where it was and others are sent to."""
    found.refresh_from_db()
    if request.htmx:
        if found.state not in (State.PROPOSED, State.APPLIED):
            return HttpResponse(headers={"HX-Refresh": "true"})
        return _show(request, found, ticked=ticked, said=said, problem=problem, status=status)
    if said:
        messages.success(request, said)
    if problem:
        messages.error(request, problem)
    return redirect("plan", found.pk)


def _around(request, found: Plan) -> dict:
    # The versions are read before the rows: an event in between makes the page look again, never miss.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    labels = {preset.key: preset.label for preset in PRESETS}
    return {
        "plan": found,
        "live_versions": versions,
        "preset_label": labels.get(found.preset, ""),
        "board_url": reverse("board") + f"?day={found.day.isoformat()}",
    }


def _changes(found: Plan) -> list[str]:
    return changes_since(found, now=timezone.now()) if found.state == State.PROPOSED else []


def _as_get(request):
    request.method = "GET"
    return request


def _said(jobs: int, technicians: int) -> str:
    routes = f"{technicians} route{'s' if technicians != 1 else ''}" if technicians else "The route"
    verb = "is" if technicians < 2 else "are"
    return f"{routes} {verb} applied: {jobs} job{'s' if jobs != 1 else ''} changed. Whoever has them has been told."


def best_so_far(found: Plan) -> dict:
    """Costs as so much driving, and as parts of the dearer one. No `today` where today's plan breaks a rule.

    What must be done and cannot counts more than everything else together: that is left out of the figures.
    """
    if found.best_cost is None:
        return {}
    best, first = found.best_cost % MANDATORY, found.first_cost
    if first is None or first // MANDATORY != found.best_cost // MANDATORY:
        return {"best": _as_driving(best), "best_percent": 100}
    today = first % MANDATORY
    most = max(today, best, 1)
    return {
        "best": _as_driving(best),
        "best_percent": round(100 * best / most),
        "today": _as_driving(today),
        "today_percent": round(100 * today / most),
        "saved_percent": round(100 * (today - best) / max(today, 1)),
    }


def _as_driving(points: int) -> str:
    return span(round(points / POINTS_A_SECOND / 60))
