"""Plans that were asked for: all of them, how far one is, what it proposes, and doing it."""

import json

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.models import Plan

State = Plan.State
SHOWN = 50


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plans(request):
    """The newest first."""
    shown = Plan.objects.visible_to(request.user).defer("result").select_related("created_by", "absent__user")
    return render(
        request,
        "dispatch/plans.html",
        {"plans": list(shown.prefetch_related("technicians__user")[:SHOWN])} | live(request),
    )


def live(request) -> dict:
    return {"live_versions": json.dumps(realtime.versions_of(realtime.groups_of(request.user)))}


def visible_plan(request, pk: int) -> Plan:
    plans = Plan.objects.visible_to(request.user).select_related("created_by", "absent__user")
    return get_object_or_404(plans, pk=pk)


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def plan(request, pk):
    return HttpResponse(visible_plan(request, pk))
