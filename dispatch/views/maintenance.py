"""Maintenance plans: the list, one of them, writing and changing them, skipping single visits."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions, realtime
from dispatch.csv_files import csv_response
from dispatch.maintenance.consequences import not_begun
from dispatch.maintenance.entry import PlanEntry, dates_of, find_sites, initial_of, number_in
from dispatch.maintenance.forms import DayForm, PlanForm, ScheduleForm, SkipForm
from dispatch.maintenance.plan_list import COLUMNS, load_plans, rows_of_export
from dispatch.maintenance.plan_page import load_plan_page
from dispatch.maintenance.rule import RuleError
from dispatch.models import MaintenancePlan
from dispatch.views.transitions import render_dialog

USUAL_SKIPS = ["Customer asked for it", "Closed on that day", "Done with another visit"]
VIEW, ADD, CHANGE = (f"dispatch.{verb}_maintenanceplan" for verb in ("view", "add", "change"))


@require_GET
@permission_required(VIEW, raise_exception=True)
def maintenance_plans(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    context = {"live_versions": _versions(request)}
    context["found"] = load_plans(request, now=timezone.now())
    return _show_live(request, "maintenance_plans", context)


@require_GET
@permission_required(VIEW, raise_exception=True)
def export_maintenance(request):
    now = timezone.now()
    rows = rows_of_export(request, now=now)
    return csv_response(request, list(COLUMNS), rows, name=f"maintenance-{timezone.localdate(now):%Y-%m-%d}.csv")


@require_GET
@permission_required(VIEW, raise_exception=True)
def maintenance_plan(request, pk):
    context = {"live_versions": _versions(request), "plan": visible_plan(request, pk)}
    try:
        context["page"] = load_plan_page(context["plan"], user=request.user, now=timezone.now())
    except (RuleError, LookupError, ValueError) as error:  # whoever edits it gives it another recurrence
        context["problem"] = str(error)
    return _show_live(request, "maintenance_plan", context)


@require_http_methods(["GET", "POST"])
@permission_required(ADD, raise_exception=True)
def new_maintenance_plan(request):
    today = timezone.localdate()
    if request.method == "GET":
        entry = PlanEntry(user=request.user, today=today, initial=initial_of(request.GET, user=request.user))
        return _show_entry(request, entry)
    return _save(request, PlanEntry(request.POST, user=request.user, today=today))


@require_http_methods(["GET", "POST"])
@permission_required(CHANGE, raise_exception=True)
def edit_maintenance_plan(request, pk):
    plan = visible_plan(request, pk)
    data = request.POST if request.method == "POST" else None
    initial = initial_of(request.GET, user=request.user)  # without scripts, a search for another place comes back
    entry = PlanEntry(data, user=request.user, today=timezone.localdate(), plan=plan, initial=initial)
    return _show_entry(request, entry) if data is None else _save(request, entry)


@require_GET
@permission_required(VIEW, raise_exception=True)
def maintenance_preview(request):
    """The next days, while the recurrence is being put together."""
    form = ScheduleForm(request.GET)
    plan_form = PlanForm(request.GET, user=request.user)
    plan = MaintenancePlan.objects.visible_to(request.user).filter(pk=number_in(request.GET.get("plan"))).first()
    kind, today = request.GET.get("job_type"), timezone.localdate()
    dates = dates_of(form, today=today, site=plan_form.chosen_site, job_type_id=kind, plan=plan)
    return render(request, "dispatch/edit_maintenance_plan.html#preview", {"dates": dates})


@require_GET
@permission_required(ADD, raise_exception=True)
def maintenance_sites(request):
    """Places by customer, phone or address, for the form."""
    text = request.GET.get("q", "")
    context = {"sites": find_sites(request.user, text), "search": text.strip()}
    return render(request, "dispatch/edit_maintenance_plan.html#sites", context)


@require_http_methods(["GET", "POST"])
@permission_required(CHANGE, raise_exception=True)
def pause_maintenance(request, pk):
    """Pauses an active plan, lets a paused one go on."""
    plan = visible_plan(request, pk)
    refusal, status = "", 200
    if request.method == "POST":
        is_active, made = request.POST.get("do") == "resume", request.POST.get("made")
        answer = {"made": made} if made in (actions.FOLLOW, actions.STAY) else {}
        try:
            actions.set_maintenance_active(plan, is_active, by=request.user, **answer)
        except actions.MadeAlready:
            status = 422
        except actions.ActionRefused as refused:
            refusal, status = refused.reason, 409
        else:
            return _done(request, plan, f"“{plan}” {'goes on' if is_active else 'is paused'}.")
        plan = visible_plan(request, pk)
    context = {"plan": plan, "made": len(not_begun(plan, now=timezone.now())), "refusal": refusal}
    return render_dialog(request, "pause_maintenance", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(CHANGE, raise_exception=True)
def skip_visit(request, pk):
    plan = visible_plan(request, pk)
    day = DayForm(request.POST or request.GET)
    if not day.is_valid():
        return redirect("maintenance_plan", plan.pk)
    day = day.cleaned_data["day"]
    form = SkipForm(request.POST if request.method == "POST" else None, initial={"day": day})
    visit = plan.visits.select_related("job").filter(due_on=day).first()
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.skip_visit(plan, day, form.cleaned_data["reason"], by=request.user)
            except actions.ActionRefused as refused:
                refusal, status = refused.reason, 409
            else:
                return _done(request, plan, f"The visit of {day:%a} {day.day} {day:%b} is skipped.")
    context = {"plan": plan, "day": day, "form": form, "visit": visit, "refusal": refusal, "usual": USUAL_SKIPS}
    return render_dialog(request, "skip_visit", context, status=status)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def unskip_visit(request, pk):
    plan = visible_plan(request, pk)
    form = DayForm(request.POST)
    if form.is_valid():
        day = form.cleaned_data["day"]
        try:
            actions.unskip_visit(plan, day, by=request.user)
        except actions.ActionRefused as refused:
            messages.error(request, refused.reason)
        else:
            messages.success(request, f"The visit of {day:%a} {day.day} {day:%b} is due again.")
    return redirect("maintenance_plan", plan.pk)


def visible_plan(request, pk: int) -> MaintenancePlan:
    plans = MaintenancePlan.objects.visible_to(request.user).with_names()
    return get_object_or_404(plans.select_related("created_by"), pk=pk)


def _save(request, entry: PlanEntry) -> HttpResponse:
    if not entry.is_valid():
        return _show_entry(request, entry, status=422)
    try:
        plan = entry.save(made=request.POST.get("made", ""), now=timezone.now())
    except actions.MadeAlready:
        return _show_entry(request, entry, status=422)
    except actions.ActionRefused as refused:
        entry.form.add_error(None, refused.reason)
        return _show_entry(request, entry, status=409)
    messages.success(request, f"“{plan}” is saved.")
    return redirect("maintenance_plan", plan.pk)


def _show_entry(request, entry: PlanEntry, *, status: int = 200) -> HttpResponse:
    context = {"entry": entry, "plan": entry.plan, "dates": entry.dates}
    return render(request, "dispatch/edit_maintenance_plan.html", context, status=status)


def _versions(request) -> str:
    return json.dumps(realtime.versions_of(realtime.groups_of(request.user)))


def _show_live(request, name: str, context: dict) -> HttpResponse:
    template = f"dispatch/{name}.html"
    return render(request, f"{template}#content" if request.htmx.target == "live-content" else template, context)


def _done(request, plan: MaintenancePlan, text: str) -> HttpResponse:
    """Tells the page to close its dialog and to look again."""
    if not request.htmx:
        messages.success(request, text)
        return redirect("maintenance_plan", plan.pk)
    events = {"close-dialog": True, "toast": {"text": text}, "live-refresh": True}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})
