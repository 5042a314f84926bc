"""Assigning, status changes and holds: each a page of its own, and a dialog on the board."""

import json
from datetime import datetime

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from dispatch import actions
from dispatch.forms.actions import USUAL_HOLDS
from dispatch.forms.jobs import HoldForm, StatusForm, TechnicianChoiceForm
from dispatch.models import Job
from dispatch.smart.facts import start_to_keep
from dispatch.smart.matches import load_matches
from dispatch.workflow import Actor, steps_from


def dispatchable_job(request, pk: int) -> Job:
    jobs = Job.objects.dispatchable_by(request.user).with_board_info()
    return get_object_or_404(jobs, pk=pk)


def render_dialog(request, name: str, context: dict, *, status: int = 200) -> HttpResponse:
    """The fragment for htmx, the page around it for everyone else."""
    template = f"dispatch/{name}.html"
    return render(request, f"{template}#dialog" if request.htmx else template, context, status=status)


def done(request, job: Job, text: str) -> HttpResponse:
    """Tells the board to close its dialog and to load the row; without htmx goes to the job."""
    if not request.htmx:
        return redirect("job", job.pk)
    events = {
        "close-dialog": True,
        "toast": {"text": text},
        "live-jobs": {"jobs": [job.pk], "created": []},
    }
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def assign_job(request, pk):
    """With `plan` the job gets the start that was shown beside the technician, if it has none of its own."""
    job = dispatchable_job(request, pk)
    if request.method == "GET":
        return assign_dialog(request, job)
    form = TechnicianChoiceForm(request.POST, user=request.user, required=True)
    if not form.is_valid():
        return assign_dialog(request, job, form=form, status=422)
    technician, data = form.cleaned_data["technician"], request.POST
    starts_at = _instant(data.get(f"start-{technician.pk}")) if data.get("plan") else None
    try:
        job = actions.assign_as_proposed(job, technician, starts_at=starts_at, by=request.user, seen=data.get("seen"))
    except actions.ActionRefused as refused:
        return assign_dialog(request, dispatchable_job(request, pk), refusal=refused.reason, status=409)
    return done(request, job, f"{job.number} assigned to {job.technician}.")


def assign_dialog(request, job: Job, *, form=None, refusal: str = "", status: int = 200) -> HttpResponse:
    now = timezone.now()
    context = {
        "job": job,
        "matches": load_matches(job, user=request.user, now=now),
        "form": form or TechnicianChoiceForm(user=request.user, required=True),
        "refusal": refusal,
        "may_plan": start_to_keep(job, now=now) is None,
    }
    return render_dialog(request, "assign_job", context, status=status)


def _instant(text: str | None) -> datetime | None:
    try:
        found = parse_datetime(text or "")
    except ValueError:
        return None
    return found if found and found.tzinfo else None


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def change_status(request, pk):
    job = dispatchable_job(request, pk)
    steps = steps_from(job.status, actor=Actor.DISPATCHER)
    form = StatusForm(request.POST or None, steps=steps, initial={"seen": job.seen, "to": steps[0].to})
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        # A step that no longer exists is a refusal with the truth, not a typing error.
        if request.POST.get("seen") != job.seen:
            refusal = f"This has changed since you looked: {actions.describe_state(job)} now."
            status = 409
        elif form.is_valid():
            data = form.cleaned_data
            try:
                job = actions.change_status(job, data["to"], by=request.user, seen=data["seen"], note=data["note"])
                return done(request, job, f"{actions.describe_state(job)}.")
            except actions.ActionRefused as refused:
                refusal, status = refused.reason, 409
    if status == 409:
        job = dispatchable_job(request, pk)
        steps = steps_from(job.status, actor=Actor.DISPATCHER)
        form = StatusForm(steps=steps, initial={"seen": job.seen, "note": request.POST.get("note", "")})
    return render_dialog(request, "change_status", {"job": job, "form": form, "refusal": refusal}, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def hold_job(request, pk):
    """Puts the job on hold with a reason; a job on hold is released instead."""
    job = dispatchable_job(request, pk)
    releasing = request.POST.get("release") == "1" if request.method == "POST" else job.is_on_hold
    form = HoldForm(request.POST if request.method == "POST" and not releasing else None)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        try:
            if releasing:
                return done(request, actions.release_job(job, by=request.user), f"{job.number} goes on.")
            if form.is_valid():
                job = actions.hold_job(job, form.cleaned_data["reason"], by=request.user)
                return done(request, job, f"{job.number} is on hold.")
        except actions.ActionRefused as refused:
            job, refusal, status = dispatchable_job(request, pk), refused.reason, 409
    context = {"job": job, "form": form, "refusal": refusal, "usual": USUAL_HOLDS}
    return render_dialog(request, "hold_job", context, status=status)
