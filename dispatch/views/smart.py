"""What dispatchers do with a suggestion: one click takes it, or it is dismissed."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dispatch import actions
from dispatch.forms.assignment import DismissForm
from dispatch.models import Job, Suggestion
from dispatch.views.transitions import done, render_dialog


def dispatchable_suggestion(request, pk: int) -> Suggestion:
    visible = Suggestion.objects.visible_to(request.user).filter(job__in=Job.objects.dispatchable_by(request.user))
    return get_object_or_404(visible.select_related("job__job_type", "job__customer", "technician__user"), pk=pk)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def confirm_suggestion(request, pk):
    suggestion = dispatchable_suggestion(request, pk)
    try:
        job = actions.confirm_suggestion(suggestion, by=request.user)
    except actions.ActionRefused as refused:
        return _refused(request, suggestion.job, refused.reason)
    at = f", {timezone.localtime(job.planned_starts_at):%H:%M}" if job.planned_starts_at else ""
    return done(request, job, f"{job.number} assigned to {job.technician}{at}.")


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def dismiss_suggestion(request, pk):
    suggestion = dispatchable_suggestion(request, pk)
    form = DismissForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.dismiss_suggestion(suggestion, by=request.user, reason=form.cleaned_data["reason"])
        except actions.ActionRefused as refused:
            return _refused(request, suggestion.job, refused.reason)
        return done(request, suggestion.job, f"The suggestion for {suggestion.job.number} is dismissed.")
    context = {"suggestion": suggestion, "job": suggestion.job, "form": form, "refusal": ""}
    return render_dialog(request, "dismiss_suggestion", context, status=422 if form.errors else 200)


def _refused(request, job: Job, reason: str) -> HttpResponse:
    """There is nothing to insist on: the board shows what is true now."""
    if not request.htmx:
        messages.error(request, reason)
        return redirect("job", job.pk)
    events = {
        "close-dialog": True,
        "toast": {"text": reason, "kind": "error"},
        "live-jobs": {"jobs": [job.pk], "created": []},
    }
    return HttpResponse(status=409, headers={"HX-Trigger": json.dumps(events), "HX-Reswap": "none"})
