"""Who fits a job: in its drawer, while it is being entered, and called to it in the middle of the day."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions
from dispatch.forms.jobs import TechnicianChoiceForm
from dispatch.job_entry import JobEntry
from dispatch.models import AssignmentRule
from dispatch.smart.calling import When
from dispatch.smart.matches import best_few, matches_for_entry
from dispatch.smart.rules import without_a_choice
from dispatch.views.placing import sentence
from dispatch.views.transitions import assign_dialog, dispatchable_job, done


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def best_matches(request, pk):
    """Its own request: the drawer does not wait for it."""
    job = dispatchable_job(request, pk)
    matches = best_few(job, user=request.user) if job.is_assignable else None
    return render(request, "dispatch/_best_matches.html", {"job": job, "matches": matches})


@require_POST
@permission_required("dispatch.add_job", raise_exception=True)
def new_job_candidates(request):
    """For the form as far as it is filled in."""
    entry = JobEntry(request.POST, user=request.user)
    matches = matches_for_entry(entry, user=request.user, now=timezone.now())
    priority, day = (entry.values_so_far()[name] for name in ("priority", "scheduled_on"))
    otherwise = (
        without_a_choice(AssignmentRule.mode_for(priority), priority, has_day=day is not None) if priority else ""
    )
    context = {"matches": matches, "otherwise": otherwise}
    return render(request, "dispatch/_new_job_candidates.html", context)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def call_to_job(request, pk):
    """`call` says when and whom: “now.12”."""
    job = dispatchable_job(request, pk)
    when, _, technician = request.POST.get("call", "").partition(".")
    form = TechnicianChoiceForm({"technician": technician}, user=request.user, required=True)
    if when not in list(When) or not form.is_valid():
        return HttpResponse("Say whom to call, and when.", status=422)
    try:
        job = actions.call_to_job(
            job, form.cleaned_data["technician"], when=When(when), by=request.user, seen=request.POST.get("seen")
        )
    except actions.ActionRefused as refused:
        return assign_dialog(request, dispatchable_job(request, pk), refusal=refused.reason, status=409)
    return done(request, job, sentence(job))
