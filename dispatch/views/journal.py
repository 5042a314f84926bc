"""The journal of board actions: what everybody did, and taking it back."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions
from dispatch.models import BoardAction

SHOWN = 40


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board_actions(request):
    """What was done on the board of late, by everyone, in the zones of this user."""
    done = BoardAction.objects.visible_to(request.user).newest_first().select_related("done_by", "undone_by__done_by")
    context = {"board_actions": done[:SHOWN]}
    template = "dispatch/board_actions.html"
    return render(request, f"{template}#dialog" if request.htmx else template, context)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def undo_action(request, pk):
    return _take_back(request, get_object_or_404(BoardAction.objects.visible_to(request.user), pk=pk))


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def undo_last(request):
    return _take_back(request, actions.last_to_undo(request.user), otherwise="Nothing of yours can be undone.")


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def redo_last(request):
    return _take_back(request, actions.last_to_redo(request.user), otherwise="There is nothing to do again.")


def _take_back(request, action: BoardAction | None, *, otherwise: str = "") -> HttpResponse:
    if action is None:
        return _say(request, otherwise, kind="error", status=409)
    try:
        jobs = actions.undo_action(action, by=request.user)
    except actions.ActionRefused as refused:
        return _say(request, f"{action.label}: {refused.reason}", kind="error", status=409)
    verb = "Done again" if action.is_undo else "Undone"
    label = action.label.removeprefix("Undid: ").removeprefix("Redid: ")
    return _say(request, f"{verb}: {label}", jobs=[job.pk for job in jobs])


def _say(request, text: str, *, jobs: list[int] = (), kind: str = "", status: int = 204) -> HttpResponse:
    if not request.htmx:
        (messages.error if kind else messages.success)(request, text)
        return redirect("board_actions")
    events = {"toast": {"text": text, "kind": kind}}
    if jobs:
        events |= {"close-dialog": True, "live-jobs": {"jobs": jobs, "created": []}}
    # A refusal is an answer, not a failure: htmx reads its trigger and swaps nothing.
    return HttpResponse(status=status, headers={"HX-Trigger": json.dumps(events), "HX-Reswap": "none"})
