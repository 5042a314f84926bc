"""Moving a job to a technician, a day, a time: a form of its own, what a drop posts, and what the drop would do."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions
from dispatch.effects import effect_of
from dispatch.forms.jobs import PlaceForm
from dispatch.models import Job
from dispatch.placement import at_bottom, at_top, judge
from dispatch.views.transitions import dispatchable_job, done, render_dialog


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def place_job(request, pk):
    job = dispatchable_job(request, pk)
    form = PlaceForm(request.POST if request.method == "POST" else None, job=job, user=request.user)
    verdict, refusal, status = None, "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                job = actions.place_job(
                    job,
                    form.placement(),
                    by=request.user,
                    on_conflict=data["on_conflict"] or actions.ASK,
                    seen=data["seen"] or None,
                    base_version=data["version"],
                )
                return done(request, job, sentence(job))
            except actions.PlacementConflict as conflict:
                verdict, status = conflict.verdict, 409
            except actions.ActionRefused as refused:
                job, refusal, status = dispatchable_job(request, pk), refused.reason, 409
    context = {"job": job, "form": form, "verdict": verdict, "refusal": refusal}
    return render_dialog(request, "place_job", context, status=status)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def reorder_job(request, pk):
    """To the top or the bottom of its technician's day; the stops that are in the way shift along."""
    job = dispatchable_job(request, pk)
    find_place = {"top": at_top, "bottom": at_bottom}.get(request.POST.get("to"))
    if find_place is None or job.technician is None or job.scheduled_on is None:
        return HttpResponse("Only a job of a technician's day goes to its top or bottom.", status=422)
    if job.scheduled_on < timezone.localdate():
        return HttpResponse("That day is over: move the job to another one.", status=422)
    verdict, refusal = None, ""
    try:
        placement = find_place(job, now=timezone.now())
        is_asked = any(objection.kind != "overlap" for objection in judge(job, placement, by=request.user).objections)
        on_conflict = actions.ASK if is_asked else actions.SHIFT
        moved = actions.place_job(
            job, placement, by=request.user, on_conflict=on_conflict, seen=request.POST.get("seen")
        )
        return done(request, moved, sentence(moved))
    except actions.PlacementConflict as conflict:
        verdict = conflict.verdict
    except actions.ActionRefused as refused:
        job, refusal = dispatchable_job(request, pk), refused.reason
    context = {"job": job, "form": PlaceForm(job=job, user=request.user), "verdict": verdict, "refusal": refusal}
    return render_dialog(request, "place_job", context, status=409)


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def placement_preview(request, pk):
    """What a drop there would do, for the ghost under the pointer; the same judgement as the drop's own."""
    job = dispatchable_job(request, pk)
    form = PlaceForm(request.GET, job=job, user=request.user)
    if not form.is_valid():
        return render(
            request, "dispatch/_placement.html", {"job": job, "verdict": None, "errors": form.errors}, status=422
        )
    placement = form.placement()
    verdict = judge(job, placement, by=request.user, base_version=form.cleaned_data["version"])
    effect = None if verdict.refusal else effect_of(job, placement, user=request.user, now=timezone.now())
    return render(request, "dispatch/_placement.html", {"job": job, "verdict": verdict, "effect": effect})


def sentence(job: Job) -> str:
    if job.technician is None:
        return f"{job.number} waits in the tray."
    if job.planned_starts_at is None:
        return f"{job.number} is with {job.technician}."
    return f"{job.number} is with {job.technician} at {timezone.localtime(job.planned_starts_at):%H:%M}."
