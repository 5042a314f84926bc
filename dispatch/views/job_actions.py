"""What the job menu asks for: each a page of its own, and a dialog on the board."""

import json

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from dispatch import actions
from dispatch.board.job_menu import menu_of
from dispatch.forms.actions import USUAL_REASONS, DuplicateForm, FollowUpForm, PinForm, PriorityForm, ReasonForm
from dispatch.models import Job, Status
from dispatch.views.transitions import dispatchable_job, done, render_dialog
from technicians.models import Technician


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def job_menu(request, pk):
    job = dispatchable_job(request, pk)
    template = "dispatch/job_menu.html"
    context = {"job": job, "groups": menu_of(job)}
    return render(request, f"{template}#menu" if request.htmx else template, context)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def pin_job(request, pk):
    job = dispatchable_job(request, pk)
    form = PinForm(request.POST if request.method == "POST" else None, job=job)
    refusal, status = "", 200
    if request.method == "POST" and form.is_valid():
        try:
            job = actions.pin_job(job, **form.cleaned_data, by=request.user)
            return done(request, job, f"{job.number} is {'pinned' if job.is_pinned else 'no longer pinned'}.")
        except actions.ActionRefused as refused:
            job, refusal, status = dispatchable_job(request, pk), refused.reason, 409
            form = PinForm(job=job)
    return render_dialog(request, "pin_job", {"job": job, "form": form, "refusal": refusal}, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def set_priority(request, pk):
    job = dispatchable_job(request, pk)
    form = PriorityForm(request.POST if request.method == "POST" else None, initial={"priority": job.priority})
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                job = actions.set_priority(job, form.cleaned_data["priority"], by=request.user)
                return done(request, job, f"{job.number} is {job.get_priority_display()} now.")
            except actions.ActionRefused as refused:
                job, refusal, status = dispatchable_job(request, pk), refused.reason, 409
    return render_dialog(request, "set_priority", {"job": job, "form": form, "refusal": refusal}, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def follow_up_job(request, pk):
    job = dispatchable_job(request, pk)
    technicians = Technician.objects.visible_to(request.user).active()
    again = technicians.filter(pk=job.technician_id).first()
    form = FollowUpForm(request.POST if request.method == "POST" else None, job=job, can_keep=again is not None)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                new = actions.follow_up_job(
                    job,
                    day=data["day"],
                    description=data["description"],
                    technician=again if data.get("keep_technician") else None,
                    by=request.user,
                )
                return made(request, new, f"{new.number} follows up {job.number}.")
            except actions.ActionRefused as refused:
                refusal, status = refused.reason, 409
    return render_dialog(request, "follow_up_job", {"job": job, "form": form, "refusal": refusal}, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def duplicate_job(request, pk):
    job = dispatchable_job(request, pk)
    form = DuplicateForm(request.POST if request.method == "POST" else None, initial={"day": job.scheduled_on})
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                new = actions.duplicate_job(job, day=form.cleaned_data["day"], by=request.user)
                return made(request, new, f"{new.number} is the same as {job.number}.")
            except actions.ActionRefused as refused:
                refusal, status = refused.reason, 409
    return render_dialog(request, "duplicate_job", {"job": job, "form": form, "refusal": refusal}, status=status)


def made(request, job: Job, text: str) -> HttpResponse:
    """As `done`, of a job that no board has shown yet."""
    if not request.htmx:
        return redirect("job", job.pk)
    events = {"close-dialog": True, "toast": {"text": text}, "live-jobs": {"jobs": [job.pk], "created": [job.pk]}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def cancel_job(request, pk):
    return change_with_reason(request, pk, Status.CANCELLED, name="cancel_job", verb="Cancel")


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def interrupt_job(request, pk):
    return change_with_reason(request, pk, Status.ASSIGNED, name="interrupt_job", verb="Interrupt")


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def reopen_job(request, pk):
    return change_with_reason(request, pk, Status.IN_PROGRESS, name="reopen_job", verb="Reopen")


def change_with_reason(request, pk: int, to: str, *, name: str, verb: str) -> HttpResponse:
    job = dispatchable_job(request, pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                job = actions.change_status(
                    job, to, by=request.user, seen=request.POST.get("seen"), note=form.cleaned_data["reason"]
                )
                return done(request, job, f"{actions.describe_state(job)}.")
            except actions.ActionRefused as refused:
                job, refusal, status = dispatchable_job(request, pk), refused.reason, 409
    context = {"job": job, "form": form, "refusal": refusal, "verb": verb, "name": name, "usual": USUAL_REASONS[to]}
    return render_dialog(request, "reason", context, status=status)
