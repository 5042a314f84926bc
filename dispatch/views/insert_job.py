"""The dialog “Insert into a route”: where one more job goes best, and what each place costs."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dispatch import actions
from dispatch.forms.jobs import TechnicianChoiceForm
from dispatch.models import Job
from dispatch.planning.urgent import insertions_for
from dispatch.views.placing import sentence
from dispatch.views.transitions import dispatchable_job, done, render_dialog

LONGEST = 12  # digits of an id, and far more stops than a day has
MOST_STOPS = 200


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def insert_job(request, pk):
    """`place` says whose route and in which order: “7:12,15,9”."""
    job = dispatchable_job(request, pk)
    if request.method == "GET":
        return _dialog(request, job)
    technician, _, order = request.POST.get("place", "").partition(":")
    form = TechnicianChoiceForm({"technician": technician}, user=request.user, required=True)
    ids = _ids(order)
    if not ids or not form.is_valid():
        return _dialog(request, job, refusal="Choose whose route it goes into.", status=422)
    try:
        job = actions.insert_job(
            job, form.cleaned_data["technician"], ids, by=request.user, seen=request.POST.get("seen")
        )
    except actions.ActionRefused as refused:
        return _dialog(request, dispatchable_job(request, pk), refusal=refused.reason, status=409)
    return done(request, job, sentence(job))


def _ids(text: str) -> list[int]:
    parts = text.split(",")
    is_plausible = len(parts) <= MOST_STOPS and all(part.isascii() and part.isdigit() for part in parts)
    return [int(part) for part in parts if len(part) <= LONGEST] if is_plausible else []


def _dialog(request, job: Job, *, refusal: str = "", status: int = 200) -> HttpResponse:
    options = insertions_for(job, user=request.user, now=timezone.now()) if job.can_be_inserted else None
    context = {"job": job, "options": options, "refusal": refusal}
    return render_dialog(request, "insert_job", context, status=status)
