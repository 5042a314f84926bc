"""The technician's phone: today's jobs and one job. What is tapped there goes through taps.py."""

import json

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions, realtime
from dispatch.field.phone import customer_words, job_in_the_way, load_day
from dispatch.field.tap_forms import FixForm
from dispatch.field.work import load_field_work, load_for_day
from dispatch.models import DispatchSettings, Job
from dispatch.pictures.gallery import gallery_of
from dispatch.templatetags.board import hours
from dispatch.views.notices import push_context
from dispatch.views.phone_door import page_for_technicians, technician_of
from technicians import attendance
from technicians.models import Position
from technicians.positions import Fix, is_plausible

LOG_ROWS = 6


@require_GET
@page_for_technicians
def phone(request):
    technician = technician_of(request)
    return render_day(request, technician)


@require_GET
@page_for_technicians
def phone_job(request, pk):
    technician_of(request)
    return render_job(request, own_job(request, pk))


@require_POST
def share_position(request):
    """While the page is open on duty: where the phone is now. Says whether it counts, so that the page can stop."""
    technician, now = technician_of(request), timezone.now()
    form = FixForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": "Where?"}, status=422)
    if not attendance.is_on_duty(technician) or attendance.is_on_break(technician):
        return JsonResponse({"is_shared": False})
    data = form.cleaned_data
    # Asked for at once: the phone's own clock says nothing more, and may be wrong.
    fix = Fix(data["latitude"], data["longitude"], now, data["accuracy"])
    if is_plausible(fix, now=now):
        actions.take_position(technician, fix, source=Position.Source.PHONE, now=now)
    return JsonResponse({"is_shared": True, "at": hours(now)})


def own_jobs(request):
    return Job.objects.visible_to(request.user).filter(technician__user=request.user)


def own_job(request, pk: int) -> Job:
    return get_object_or_404(own_jobs(request).with_board_info(), pk=pk)


def answer(request, technician, job=None, *, said="", refusal="", status=200) -> HttpResponse:
    """After something that is no tap: the page it came from as it is now, and what became of it."""
    on_job_page = job is not None and request.POST.get("page") == "job"
    if not request.htmx:
        messages.add_message(request, messages.ERROR if refusal else messages.SUCCESS, refusal or said)
        return redirect("phone_job", job.pk) if on_job_page else redirect("phone")
    if on_job_page:
        current = own_jobs(request).with_board_info().filter(pk=job.pk).first()
        if current is None:  # given to someone else in this very moment
            return HttpResponse(headers={"HX-Redirect": redirect("phone").url})
        return render_job(request, current, said=said, refusal=refusal, status=status)
    return render_day(request, technician, said=said, refusal=refusal, status=status)


def render_day(request, technician, *, status=200, **context) -> HttpResponse:
    # The versions are read before the jobs: an event in between makes the page reload, never miss.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    template = "dispatch/phone.html" + ("#fragment" if request.htmx else "")
    day = load_day(technician)
    context |= load_for_day(technician, day.current, now=day.now)
    context |= {"day": day, "live_versions": versions, "is_answer": request.method == "POST"}
    context |= {} if request.htmx else push_context(request.user) | page_context()
    return render(request, template, context, status=status)


def page_context() -> dict[str, object]:
    rules = DispatchSettings.load()
    return {
        "office_phone": rules.office_phone,
        "sharing_seconds": rules.position_sharing_seconds,
        "keeps_photo_location": rules.keeps_photo_location,
    }


def render_job(request, job: Job, *, status=200, refusal="", said="") -> HttpResponse:
    versions, now = json.dumps(realtime.versions_of(realtime.groups_of(request.user))), timezone.now()
    job.said_by_customer = list(customer_words().filter(job=job))
    log = list(job.status_changes.select_related("actor", "to_technician__user").order_by("-happened_at", "-pk"))
    context = {
        "job": job,
        "in_the_way": job_in_the_way(job),
        "notes": job.notes.select_related("author"),
        "gallery": gallery_of(job),
        "work": load_field_work(job, log, now=now),
        "log": log[:LOG_ROWS],
        "now": now,
        "today": timezone.localdate(),
        "live_versions": versions,
        "is_answer": request.method == "POST",
        "refusal": refusal,
        "said": said,
    }
    context |= {} if request.htmx else page_context()
    template = "dispatch/phone_job.html" + ("#fragment" if request.htmx else "")
    return render(request, template, context, status=status)
