"""The technician's phone: today's jobs and one job. What is tapped there goes through taps.py."""

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.models import DispatchSettings, Job
from dispatch.phone import job_in_the_way, load_day
from dispatch.pictures.gallery import gallery_of
from dispatch.views.notices import push_context
from technicians.models import Technician

LOG_ROWS = 6


@require_GET
def phone(request):
    technician = technician_of(request)
    return render_day(request, technician)


@require_GET
def phone_job(request, pk):
    technician_of(request)
    return render_job(request, own_job(request, pk))


def technician_of(request) -> Technician:
    if not request.user.has_perm("dispatch.work_job"):
        raise PermissionDenied("This page is for technicians.")
    technician = Technician.objects.active().select_related("user").filter(user=request.user).first()
    if technician is None:
        raise PermissionDenied("Your account has no active technician profile. Ask an administrator for one.")
    return technician


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
    context |= {"day": load_day(technician), "live_versions": versions, "is_answer": request.method == "POST"}
    context |= {} if request.htmx else push_context(request.user) | page_context()
    return render(request, template, context, status=status)


def page_context() -> dict[str, object]:
    rules = DispatchSettings.load()
    return {"office_phone": rules.office_phone, "sharing_seconds": rules.position_sharing_seconds}


def render_job(request, job: Job, *, status=200, refusal="", said="") -> HttpResponse:
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    context = {
        "job": job,
        "in_the_way": job_in_the_way(job),
        "notes": job.notes.select_related("author"),
        "gallery": gallery_of(job),
        "customer_messages": job.customer_messages.exclude(kind="other_time"),
        "log": job.status_changes.select_related("actor").order_by("-happened_at", "-pk")[:LOG_ROWS],
        "now": timezone.now(),
        "today": timezone.localdate(),
        "live_versions": versions,
        "is_answer": request.method == "POST",
        "refusal": refusal,
        "said": said,
    }
    context |= {} if request.htmx else page_context()
    template = "dispatch/phone_job.html" + ("#fragment" if request.htmx else "")
    return render(request, template, context, status=status)
