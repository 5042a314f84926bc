"""Settings > Route planning: what a plan weighs, how fast people drive, how long the planner looks."""

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.decorators import permission_required
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from dispatch import actions
from dispatch.forms.planning import PlanningSettingsForm, TravelForm, WeighingForm
from dispatch.models import BillingSettings, DispatchSettings, PlanningSettings
from dispatch.planning.describe import PRESETS, compare, minutes_by_stability, what_stability_means
from dispatch.planning.weights import Preferences, presets
from dispatch.travel.configured import road_server
from dispatch.travel.known_legs import state_of

VIEW = ("dispatch.view_planningsettings", "dispatch.view_dispatchsettings")
COSTS = ("late_minute", "sla_minute", "left_out_minutes", "balance_percent", "km_seconds")
UNITS = {"balance_percent": "% of a minute of driving", "km_seconds": "seconds of driving"}


@require_http_methods(["GET", "POST"])
@permission_required(VIEW, raise_exception=True)
def planning_settings(request):
    may_change = actions.may_change_planning(request.user)
    if request.method == "POST" and not may_change:
        raise PermissionDenied("Only administrators change how routes are planned.")
    data = request.POST if request.method == "POST" else None
    form = PlanningSettingsForm(data, instance=PlanningSettings.load())
    travel = TravelForm(data, instance=DispatchSettings.load())
    if data is not None and all([form.is_valid(), travel.is_valid()]):
        actions.change_planning_settings(
            form.instance,
            form.changed_columns,
            travel=travel.instance,
            travel_changed=travel.changed_data,
            by=request.user,
        )
        messages.success(request, "Saved. The next plan is worked out by it.")
        return redirect("planning_settings")
    if not may_change:
        for field in (*form.fields.values(), *travel.fields.values()):
            field.disabled = True
    server = road_server()
    context = {
        "form": form,
        "travel": travel,
        "costs": [(form[name], UNITS.get(name, "minutes of driving")) for name in COSTS],
        "times": [form[name] for name in form.TIMES],
        "currency": BillingSettings.load().currency,
        "minutes_by_stability": minutes_by_stability(),
        "changes": _last_changes(),
        "may_change": may_change,
        "road_server": server and server.name,
        "road_server_state": server and state_of(server.provider),
    }
    status = 422 if data is not None else 200
    return render(request, "dispatch/planning_settings.html", context | presets_of(_shown(form)), status=status)


@require_GET
@permission_required(VIEW, raise_exception=True)
def planning_presets(request):
    """The presets side by side, with the weights that are being tried out."""
    form = WeighingForm(request.GET, instance=PlanningSettings())
    context = presets_of(form.preferences()) if form.is_valid() else {"form": form}
    status = 200 if form.is_valid() else 422
    return render(request, "dispatch/planning_settings.html#presets", context, status=status)


def presets_of(preferences: Preferences) -> dict:
    chosen = presets(preferences)
    meaning = what_stability_means(preferences.stability, retime_after_minutes=preferences.retime_after_minutes)
    return {"presets": PRESETS, "comparison": compare(chosen), "meaning": meaning}


def _shown(form: PlanningSettingsForm) -> Preferences:
    return form.preferences() if form.is_bound and form.is_valid() else PlanningSettings.load().preferences


def _last_changes():
    kind = ContentType.objects.get_for_model(PlanningSettings)
    return LogEntry.objects.filter(content_type=kind).select_related("user").order_by("-action_time", "-pk")[:5]
