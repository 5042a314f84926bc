"""Plan the day, and Replan from now: whose day, and what the plan shall care about."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions
from dispatch.day.plan_scope import Scope, load_scope
from dispatch.forms.plans import SECONDS, PlanForm
from dispatch.models import Plan, PlanningSettings
from dispatch.planning.describe import PRESETS, USUAL, minutes_by_stability
from dispatch.planning.weights import presets
from dispatch.views.absence import visible_absence
from dispatch.views.day_review import chosen_day
from dispatch.views.transitions import render_dialog

Kind = Plan.Kind


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def plan_day(request):
    """With `day`, `zone` and `technician` in the address, as the board's filters have them, those are chosen."""
    if request.method == "GET":
        return _ask(request, request.GET)
    form = PlanForm(request.POST, user=request.user)
    if not form.is_valid():
        problem = next(iter(form.errors.values()))[0]
        return _ask(request, request.POST, problem=problem, status=422)
    data = form.cleaned_data
    try:
        plan = actions.ask_for_plan(data["kind"], data["day"], data["technician"], by=request.user, **form.wanted)
    except actions.ActionRefused as refused:
        return _ask(request, request.POST, problem=refused.reason, status=409)
    return go(request, reverse("plan", args=[plan.pk]))


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plan_scope(request):
    """The technicians of another day or zone."""
    scope = _scope(request, request.GET)
    return render(request, "dispatch/plan_day.html#scope", {"scope": scope, "kind": usual_kind(scope)})


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def plan_absence(request, pk):
    """The jobs of who is away that day, shared out among everybody who works."""
    absence, day, now = visible_absence(request, pk), chosen_day(request.POST), timezone.now()
    scope = load_scope(request.user, day, now=now)
    others = [one.technician for one in scope.ticked if one.technician.pk != absence.technician_id]
    asked = {"with_unassigned": False, "absent": absence.technician, "by": request.user, "now": now}
    try:
        plan = actions.ask_for_plan(Kind.ABSENCE, day, others, **asked)
    except actions.ActionRefused as refused:
        return _ask(request, {"day": day.isoformat()}, problem=refused.reason, status=409)
    return go(request, reverse("plan", args=[plan.pk]))


def usual_kind(scope: Scope) -> str:
    return Kind.REPLAN if scope.has_begun else Kind.DAY


def go(request, url: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else redirect(url)


def _ask(request, data, *, problem: str = "", status: int = 200) -> HttpResponse:
    scope, settings = _scope(request, data), PlanningSettings.load()
    preset = data.get("preset") if data.get("preset") in {preset.key for preset in PRESETS} else USUAL
    stability_of = presets(settings.preferences)
    chosen = data.get("stability", "")
    context = {
        "scope": scope,
        "kind": data.get("kind") or usual_kind(scope),
        "presets": [(one, stability_of[one.key].stability) for one in PRESETS],
        "preset": preset,
        "stability": int(chosen) if chosen in _STABILITIES else stability_of[preset].stability,
        "minutes_by_stability": minutes_by_stability(),
        "retime_after_minutes": settings.retime_after_minutes,
        "with_unassigned": request.method == "GET" or "with_unassigned" in data,
        "seconds": data.get("seconds", ""),
        "seconds_offered": SECONDS,
        "chosen_zones": numbers_in(data.getlist("zone")) if hasattr(data, "getlist") else set(),
        "problem": problem,
        "back": reverse("board") + f"?day={scope.day.isoformat()}",
    }
    return render_dialog(request, "plan_day", context, status=status)


_STABILITIES = frozenset(map(str, range(101)))


def _scope(request, data) -> Scope:
    """Ticks are taken as they are sent; else they follow from the zones."""
    sent = data.getlist if hasattr(data, "getlist") else lambda name: []
    ticked = numbers_in(sent("technician"))
    is_sent = request.method == "POST" or bool(ticked)
    return load_scope(
        request.user,
        chosen_day({"day": data.get("day")}),
        now=timezone.now(),
        zones=numbers_in(sent("zone")),
        technicians=ticked if is_sent else None,
    )


def numbers_in(texts) -> set[int]:
    return {int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19}
