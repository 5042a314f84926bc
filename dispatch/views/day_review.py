"""The morning review and the close-out, and what is done from them in one click."""

import json
from datetime import date, timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions, realtime
from dispatch.day.day_review import load_close_out, load_morning
from dispatch.forms.fields import YEARS
from dispatch.models import Job
from dispatch.placement import moved_to
from dispatch.views.bulk_jobs import chosen_ids

PAGES = ("morning_review", "close_out")


class DayForm(forms.Form):
    day = forms.DateField(required=False)

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day and day.year not in YEARS:
            raise forms.ValidationError("That day is out of reach.")
        return day


def chosen_day(data) -> date:
    form = DayForm(data)
    return (form.is_valid() and form.cleaned_data["day"]) or timezone.localdate()


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def morning_review(request):
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    morning = load_morning(request.user, chosen_day(request.GET), now=timezone.now())
    return _show(request, "morning_review", {"morning": morning, "live_versions": versions}, day=morning.day)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def close_out(request):
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    closing = load_close_out(request.user, chosen_day(request.GET), now=timezone.now())
    return _show(request, "close_out", {"closing": closing, "live_versions": versions}, day=closing.day)


def _show(request, name: str, context: dict, *, day: date) -> HttpResponse:
    template = f"dispatch/{name}.html"
    if request.htmx.target == "live-content":
        template += "#content"
    context |= {
        "day": day,
        "today": timezone.localdate(),
        "now": timezone.now(),
        "previous_day": day - timedelta(days=1),
        "next_day": day + timedelta(days=1),
    }
    return render(request, template, context)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def move_jobs(request):
    """To a day, each keeping its time of day. What something speaks against is told, and done if insisted upon."""
    form = DayForm(request.POST)
    try:
        ids = chosen_ids(request.POST.getlist("jobs"))
    except ValueError as error:
        return _say(request, str(error), kind="error", status=422)
    if not (form.is_valid() and form.cleaned_data["day"]):
        return _say(request, "Choose a day.", kind="error", status=422)
    day = form.cleaned_data["day"]
    on_conflict = actions.ANYWAY if "anyway" in request.POST else actions.ASK

    def move(job: Job) -> Job:
        to = moved_to(job, technician=job.technician, day=day)
        return actions.place_job(job, to, by=request.user, on_conflict=on_conflict, seen=job.seen)

    results = actions.change_jobs(ids, move, by=request.user)
    refused = [result for result in results if not result.is_done]
    done = [result.job_id for result in results if result.is_done]
    said = f"{len(done)} job{'s' if len(done) != 1 else ''} moved to {day:%a} {day.day} {day:%b}."
    if not refused or not request.htmx:
        told = [f"{result.number}: {result.refusal}" for result in refused]
        return _say(request, " ".join([said, *told]), jobs=done, kind="error" if refused else "")
    context = {"day": day, "said": said if done else "", "refused": refused, "page": _page(request)}
    response = render(request, "dispatch/moved_jobs.html", context, status=409)
    response["HX-Trigger"] = json.dumps({"live-jobs": {"jobs": done, "created": []}})
    return response


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def send_day(request):
    day = chosen_day(request.POST)
    return render(request, "dispatch/sent_day.html", {"day": day, "told": actions.send_day(day, by=request.user)})


def _page(request) -> str:
    name = request.POST.get("page")
    return name if name in PAGES else "dashboard"


def _say(request, text: str, *, jobs: list[int] = (), kind: str = "", status: int = 204) -> HttpResponse:
    if not request.htmx:
        (messages.error if kind else messages.success)(request, text)
        back = reverse(_page(request))
        shown = chosen_day({"day": request.POST.get("shown")})
        return redirect(back if _page(request) == "dashboard" else f"{back}?day={shown}")
    events = {"toast": {"text": text, "kind": kind}}
    if not kind:
        events |= {"close-dialog": True, "live-jobs": {"jobs": list(jobs), "created": []}}
    return HttpResponse(status=status, headers={"HX-Trigger": json.dumps(events), "HX-Reswap": "none"})
