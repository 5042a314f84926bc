"""Auto-Assign: which jobs, how far it is, what it proposes, and doing it."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions
from dispatch.actions.auto_assign import State
from dispatch.actions.bulk_board import MOST
from dispatch.board.frame import filter_jobs
from dispatch.models import AutoAssignRun, Job
from dispatch.views.bulk_jobs import chosen_ids
from dispatch.views.transitions import render_dialog
from technicians.models import Technician


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def auto_assign(request):
    """Of the selected jobs, or of all that the board shows, those that nobody has."""
    problem, status = "", 200
    if request.method == "POST":
        try:
            run = actions.ask_for_auto_assign(chosen_ids(request.POST.getlist("jobs")), by=request.user)
            return _go(request, reverse("auto_assign_run", args=[run.pk]))
        except ValueError as error:
            problem, status = str(error), 422
        except actions.ActionRefused as refused:
            problem, status = refused.reason, 409
    jobs = _waiting_jobs(request)
    context = {"jobs": jobs, "ids": ",".join(str(job.pk) for job in jobs), "problem": problem}
    return render_dialog(request, "auto_assign", context, status=status)


def _waiting_jobs(request) -> list[Job]:
    sent = request.POST if request.method == "POST" else request.GET
    if sent.get("jobs"):
        try:
            scope = Job.objects.filter(pk__in=chosen_ids(sent.getlist("jobs")))
        except ValueError:
            return []
    else:
        job_filter = filter_jobs(request, now=timezone.now())
        scope = job_filter.narrow(job_filter.scope())
    waiting = scope.order_by().dispatchable_by(request.user).unassigned().filter(held_at=None)
    return list(waiting.select_related("job_type").order_by("-priority", "pk")[:MOST])


@require_GET
@permission_required("dispatch.change_job", raise_exception=True)
def auto_assign_run(request, pk):
    template = "dispatch/auto_assign_run.html"
    run = own_run(request, pk)
    # The fragment asks for itself while it is being worked out; when that is over, the page comes anew.
    if request.htmx and run.state not in (State.QUEUED, State.RUNNING):
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"run": run, "lines": lines_of(run, user=request.user)}
    return render(request, f"{template}#progress" if request.htmx else template, context)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def apply_auto_assign(request, pk):
    run = own_run(request, pk)
    try:
        chosen = chosen_ids(request.POST.getlist("job"))
    except ValueError:
        messages.error(request, "Tick the jobs that are to be assigned.")
        return redirect("auto_assign_run", pk)
    try:
        results = actions.apply_auto_assign(run, chosen, by=request.user)
    except actions.ActionRefused as refused:
        messages.error(request, refused.reason)
    else:
        done = sum(result.is_done for result in results)
        messages.success(request, f"{done} job{'s' if done != 1 else ''} assigned. One undo takes them back.")
    return redirect("auto_assign_run", pk)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def discard_auto_assign(request, pk):
    actions.discard_auto_assign(own_run(request, pk), by=request.user)
    messages.success(request, "The proposal was discarded.")
    return redirect("board")


def own_run(request, pk: int) -> AutoAssignRun:
    return get_object_or_404(AutoAssignRun, pk=pk, created_by=request.user)


def lines_of(run: AutoAssignRun, *, user) -> list[dict]:
    """The rows with their jobs and technicians, as far as the user may still see them."""
    jobs = Job.objects.visible_to(user).with_board_info().in_bulk([row["job"] for row in run.result])
    people = (
        Technician.objects.visible_to(user)
        .select_related("user")
        .in_bulk({row["technician"] for row in run.result if row["technician"]})
    )
    return [
        {
            **row,
            "job": jobs[row["job"]],
            "technician": people.get(row["technician"]),
            "starts_at": row["starts_at"] and parse_datetime(row["starts_at"]),
            "is_open": bool(row["technician"]) and not row["outcome"] and run.state == State.PROPOSED,
            "is_done": row["outcome"] == "assigned",
        }
        for row in run.result
        if row["job"] in jobs
    ]


def _go(request, url: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else redirect(url)
