"""SLA deadlines: whether open jobs follow the rules as they are now, how far that is, what came of it."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from dispatch import actions
from dispatch.actions.clock_cases import preview
from dispatch.actions.recalculation import RIGHT
from dispatch.forms.recalculation import ScopeForm
from sla.models import ClockRecalculation, SLAPolicy
from sla.models.recalculations import SCOPE

LAST = 20  # are listed


@require_http_methods(["GET", "POST"])
@permission_required(RIGHT, raise_exception=True)
def recalculations(request):
    """The question, of one policy, calendar, customer or job type, or of all open jobs."""
    form = ScopeForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        raise Http404("There is no such policy, calendar, customer or job type.")
    scope = form.instance
    if request.method == "POST":
        if "follow" in request.POST:
            return redirect("recalculation", actions.ask_for_recalculation(scope, by=request.user).pk)
        messages.success(request, "Open jobs keep their deadlines; new jobs are given those of the new rules.")
        return redirect(_page_of(scope))
    recent = ClockRecalculation.objects.select_related(*SCOPE, "asked_by")[:LAST]
    context = {"scope": scope, "form": form, "preview": preview(scope, now=timezone.now()), "recent": recent}
    return render(request, "sla/recalculations.html", context)


@require_http_methods(["GET", "POST"])
@permission_required(RIGHT, raise_exception=True)
def recalculation(request, pk):
    """How far it is; one that broke off goes on by POST."""
    template = "sla/recalculation.html"
    one = get_object_or_404(ClockRecalculation.objects.select_related(*SCOPE, "asked_by"), pk=pk)
    if request.method == "POST":
        try:
            actions.go_on_with_recalculation(one, by=request.user)
        except actions.ActionRefused as refused:
            messages.error(request, refused.reason)
        return redirect("recalculation", pk)
    # The fragment asks for itself while it is being worked out; when that is over, the page comes anew.
    if request.htmx and not one.is_unfinished:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, f"{template}#progress" if request.htmx else template, {"recalculation": one})


def address_of(scope: ClockRecalculation) -> str:
    chosen = {name: pk for name in SCOPE if (pk := getattr(scope, f"{name}_id"))}
    return f"{reverse('recalculations')}?{urlencode(chosen)}"


def _page_of(scope: ClockRecalculation) -> str:
    """Where the admin lists such rules."""
    model = type(scope.scope) if scope.scope else SLAPolicy
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
