"""The SLA pages: live clocks, violations, and acknowledging them."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions, realtime
from dispatch.csv_files import csv_response
from dispatch.forms.jobs import NoteForm
from dispatch.service_levels import live_export
from dispatch.service_levels.forms import USUAL_CAUSES, AcknowledgeForm
from dispatch.service_levels.live_clocks import load_live_clocks
from dispatch.service_levels.timelines import load_timelines
from dispatch.service_levels.violation_export import COLUMNS, rows_of_export
from dispatch.service_levels.violations import load_violations, row_of, with_details
from dispatch.views.bulk_jobs import IN_A_HEADER, chosen_ids
from sla.models import Violation

NAMED = 12  # in the dialog


@require_GET
@permission_required("sla.view_violation", raise_exception=True)
def sla(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    context = {"live_versions": _versions(request), "now": timezone.now()}
    context["live"] = load_live_clocks(request.user, request.GET, now=context["now"])
    return _show_live(request, "sla", context)


@require_GET
@permission_required("sla.view_violation", raise_exception=True)
def export_sla(request):
    """All open clocks, as the page is narrowed."""
    now = timezone.now()
    rows = live_export.rows_of_export(request, now=now)
    return csv_response(request, live_export.COLUMNS, rows, name=f"sla-{timezone.localdate(now):%Y-%m-%d}.csv")


@require_GET
@permission_required("sla.view_violation", raise_exception=True)
def violations(request):
    context = {"live_versions": _versions(request)}
    context["found"] = load_violations(request, now=timezone.now())
    return _show_live(request, "violations", context)


@require_GET
@permission_required("sla.view_violation", raise_exception=True)
def export_violations(request):
    """The list as it is narrowed, all its pages."""
    now = timezone.now()
    rows = rows_of_export(request, now=now)
    return csv_response(request, COLUMNS, rows, name=f"violations-{timezone.localdate(now):%Y-%m-%d}.csv")


@require_GET
@permission_required("sla.view_violation", raise_exception=True)
def violation(request, pk):
    context = {"live_versions": _versions(request)} | violation_context(request, pk)
    return _show_live(request, "violation", context)


@require_http_methods(["GET", "POST"])
@permission_required("sla.acknowledge_violation", raise_exception=True)
def acknowledge_violations(request):
    """One or several. Of those that somebody else has acknowledged meanwhile it says who."""
    try:
        ids = chosen_ids((request.POST or request.GET).getlist("violations"), noun="violations")
    except ValueError as error:
        return _show_dialog(request, {"problem": str(error)}, status=422)
    form = AcknowledgeForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return _ask(request, ids, form)
    result = actions.acknowledge_violations(ids, note=form.said, by=request.user)
    if result.earlier:
        return _tell_earlier(request, result, note=form.said)
    if not result.done:
        return _show_dialog(request, {"problem": "They are no longer there for you."}, status=409)
    return _say_done(request, result.done)


@require_POST
@permission_required("sla.acknowledge_violation", raise_exception=True)
def add_violation_note(request, pk):
    found = get_object_or_404(Violation.objects.visible_to(request.user), pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        actions.add_violation_note(found, form.cleaned_data["text"], by=request.user)
    if not request.htmx:
        if not form.is_valid():
            messages.error(request, "The note was empty.")
        return redirect("violation", pk)
    context = violation_context(request, pk) | ({} if form.is_valid() else {"note_form": form})
    return render(request, "sla/violation.html#notes", context, status=200 if form.is_valid() else 422)


def violation_context(request, pk: int) -> dict:
    now = timezone.now()
    found = get_object_or_404(with_details(Violation.objects.visible_to(request.user)), pk=pk)
    row = row_of(found, user=request.user, now=now)
    return {
        "row": row,
        "violation": found,
        "timelines": load_timelines(row.job, now=now, kind=found.kind) if row.job else None,
        "note_form": NoteForm(),
        "now": now,
    }


def _versions(request) -> str:
    return json.dumps(realtime.versions_of(realtime.groups_of(request.user)))


def _show_live(request, name: str, context: dict) -> HttpResponse:
    template = f"sla/{name}.html"
    return render(request, f"{template}#content" if request.htmx.target == "live-content" else template, context)


def _show_dialog(request, context: dict, *, status: int = 200) -> HttpResponse:
    template = "sla/acknowledge_violations.html"
    return render(request, f"{template}#dialog" if request.htmx else template, context, status=status)


def _ask(request, ids: list[int], form: AcknowledgeForm) -> HttpResponse:
    now = timezone.now()
    asked = with_details(Violation.objects.visible_to(request.user).filter(pk__in=ids)).order_by("breached_at", "pk")
    rows = [row_of(found, user=request.user, now=now) for found in asked]
    free = [row for row in rows if row.violation.acknowledged_at is None]
    if rows and not free and not form.is_bound:
        return _tell_earlier(request, actions.Acknowledged([], [row.violation for row in rows]), note="")
    context = {
        "form": form,
        "rows": free[:NAMED],
        "more": len(free) - NAMED,
        "count": len(free),
        "ids": ",".join(str(row.violation.pk) for row in free),
        "earlier_count": len(rows) - len(free),
        "usual": USUAL_CAUSES,
        "problem": "" if rows else "They are not there for you.",
    }
    return _show_dialog(request, context, status=422 if form.is_bound or not rows else 200)


def _tell_earlier(request, result: actions.Acknowledged, *, note: str) -> HttpResponse:
    response = _show_dialog(request, {"result": result, "note": note}, status=409)
    if request.htmx and result.done:
        response["HX-Trigger"] = json.dumps(_changed(result.done))
    return response


def _say_done(request, done: list[Violation]) -> HttpResponse:
    several = len(done) > 1
    text = f"{len(done)} violations acknowledged." if several else f"{done[0].job.number} acknowledged."
    if not request.htmx:
        messages.success(request, text)
        return redirect("violations") if several else redirect("violation", done[0].pk)
    events = {"close-dialog": True, "toast": {"text": text}} | _changed(done)
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})


def _changed(done: list[Violation]) -> dict:
    """A proxy's buffer for headers holds few kilobytes; beyond, everything is asked for again."""
    ids = sorted({found.job_id for found in done})
    return {"live-jobs": {"jobs": ids, "created": []}} if len(ids) <= IN_A_HEADER else {"live-refresh": True}
