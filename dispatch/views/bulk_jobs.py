"""One change to all selected jobs: the dialog that asks for it, and the answer for each of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib.auth.decorators import permission_required
from django.db.models import BigIntegerField
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from dispatch import actions
from dispatch.actions.bulk_board import MOST, BulkResult
from dispatch.forms.actions import USUAL_HOLDS, USUAL_REASONS, NoFieldsForm, PriorityForm, ReasonForm, RescheduleForm
from dispatch.forms.jobs import HoldForm, TechnicianChoiceForm
from dispatch.models import Job, Status
from dispatch.placement import moved_to
from dispatch.smart.bulk_candidates import bulk_candidates_for

IN_A_HEADER = 100  # ids


@dataclass(frozen=True)
class Verb:
    label: str  # on the button
    done: str  # of the jobs that were
    form: Callable[..., forms.Form]
    change: Callable[..., Job]  # of a job and, by keyword, `by` and the form's fields


def _assign(job: Job, *, technician, by) -> Job:
    return actions.assign_waiting_job(job, technician, by=by, seen=job.seen)


def _reschedule(job: Job, *, day, clear, anyway, by) -> Job:
    to = moved_to(job, technician=job.technician, day=None if clear else day)
    return actions.place_job(job, to, by=by, on_conflict=actions.ANYWAY if anyway else actions.ASK, seen=job.seen)


def _cancel(job: Job, *, reason, usual, by) -> Job:
    return actions.change_status(job, Status.CANCELLED, by=by, seen=job.seen, note=reason)


VERBS = {
    "assign": Verb("Assign", "assigned", TechnicianChoiceForm, _assign),
    "unassign": Verb("Unassign", "unassigned", NoFieldsForm, actions.unassign_job),
    "reschedule": Verb("Reschedule", "moved", RescheduleForm, _reschedule),
    "priority": Verb("Set priority", "changed", PriorityForm, actions.set_priority),
    "hold": Verb("Put on hold", "put on hold", HoldForm, actions.hold_job),
    "release": Verb("Release", "released", NoFieldsForm, actions.release_job),
    "cancel": Verb("Cancel jobs", "cancelled", ReasonForm, _cancel),
}

USUAL = {"cancel": USUAL_REASONS[Status.CANCELLED], "hold": USUAL_HOLDS}


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def bulk_jobs(request):
    sent = request.POST if request.method == "POST" else request.GET
    name = sent.get("do", "")
    try:
        ids = chosen_ids(sent.getlist("jobs"))
    except ValueError as error:
        return _show(request, {"problem": str(error)}, status=422)
    if name not in VERBS:
        return _show(request, {"problem": "Choose what to do with them."}, status=422)
    verb = VERBS[name]
    form = _form(request, name)
    if request.method == "POST" and form.is_valid():
        results = actions.change_jobs(
            ids, lambda job: verb.change(job, **form.cleaned_data, by=request.user), by=request.user
        )
        return _answer(request, verb, results)
    jobs = Job.objects.dispatchable_by(request.user).with_board_info().filter(pk__in=ids).order_by("pk")
    context = {
        "do": name,
        "verb": verb,
        "form": form,
        "ids": ",".join(map(str, ids)),
        "jobs": list(jobs),
        "missing": len(ids) - len(jobs),
        "candidates": bulk_candidates_for(jobs, user=request.user) if name == "assign" else [],
        "usual": USUAL.get(name, []),
    }
    return _show(request, context, status=422 if form.is_bound else 200)


def chosen_ids(texts: list[str], *, noun: str = "jobs") -> list[int]:
    """From `jobs=1,2&jobs=3`; ValueError says what is wrong with them."""
    parts = [part for text in texts for part in text.split(",") if part]
    if not parts:
        raise ValueError(f"Select some {noun} first.")
    if not all(part.isdecimal() and int(part) <= BigIntegerField.MAX_BIGINT for part in parts):
        raise ValueError(f"{noun}: numbers with commas between.")
    ids = list(dict.fromkeys(map(int, parts)))
    if len(ids) > MOST:
        raise ValueError(f"{len(ids)} {noun} are too many at once: select at most {MOST}.")
    return ids


def _form(request, name: str) -> forms.Form:
    data = request.POST if request.method == "POST" else None
    more = {"user": request.user, "required": True} if name == "assign" else {}
    return VERBS[name].form(data, **more)


def _answer(request, verb: Verb, results: list[BulkResult]):
    done = [result for result in results if result.is_done]
    context = {
        "verb": verb,
        "done": done,
        "unchanged": [result for result in results if result.is_unchanged],
        "refused": [result for result in results if result.refusal],
        "is_answer": True,
    }
    response = _show(request, context)
    if request.htmx:
        ids = [result.job_id for result in done]
        # A proxy's buffer for headers holds few kilobytes; beyond, everything is asked for again.
        event = {"live-jobs": {"jobs": ids, "created": []}} if len(ids) <= IN_A_HEADER else {"live-refresh": True}
        response["HX-Trigger"] = json.dumps(event)
    return response


def _show(request, context: dict, *, status: int = 200):
    template = "dispatch/bulk_jobs.html"
    return render(request, f"{template}#dialog" if request.htmx else template, context, status=status)
