"""The technician's phone: today's jobs, one job, and the taps."""

import json
from datetime import UTC, datetime, timedelta

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions, realtime
from dispatch.models import Job, Status, StatusChange
from dispatch.phone import job_in_the_way, load_day
from dispatch.views.notices import push_context
from technicians import attendance
from technicians.models import Position, Technician
from technicians.positions import Fix, is_plausible

YEAR_2100_MS = 4_102_444_800_000
LOG_ROWS = 6
DUTY = {
    "in": (actions.clock_in, "Clocked in."),
    "out": (actions.clock_out, "Clocked out."),
    "break": (actions.begin_break, "Your break has begun."),
    "back": (actions.end_break, "Your break is over."),
}
JUST_NOW = timedelta(minutes=5)
SAME_NOTE = timedelta(seconds=30)  # the same words again within this are a second tap


class StepForm(forms.Form):
    to = forms.ChoiceField(choices=Status.choices)
    seen = forms.CharField()
    tap_id = forms.UUIDField()
    note = forms.CharField(required=False, max_length=2000)

    def __init__(self, *args, job: Job, **kwargs):
        super().__init__(*args, **kwargs)
        self.job = job

    def clean_tap_id(self):
        tap_id = self.cleaned_data["tap_id"]
        if StatusChange.objects.filter(tap_id=tap_id).exclude(job=self.job).exists():
            raise forms.ValidationError("This tap was made on another job.")
        return tap_id


class NoteForm(forms.Form):
    text = forms.CharField(
        max_length=2000, error_messages={"required": "Write something first.", "max_length": "That note is too long."}
    )


class FixForm(forms.Form):
    """What the browser's geolocation says; all of it or nothing."""

    latitude = forms.FloatField(min_value=-90, max_value=90)
    longitude = forms.FloatField(min_value=-180, max_value=180)
    accuracy = forms.FloatField(min_value=0, max_value=100_000, required=False)
    fix_at = forms.IntegerField(min_value=0, max_value=YEAR_2100_MS)  # epoch milliseconds


@require_GET
def phone(request):
    technician = technician_of(request)
    return render_day(request, technician)


@require_GET
def phone_job(request, pk):
    technician_of(request)
    return render_job(request, own_job(request, pk))


@require_POST
def take_step(request, pk):
    technician, job = technician_of(request), own_job(request, pk)
    fix = fix_from(request, technician)
    form = StepForm(request.POST, job=job)
    said, refusal, status = "", "", 200
    if not form.is_valid():
        refusal, status = "This tap could not be understood. Nothing was changed; try again.", 422
    else:
        data = form.cleaned_data
        try:
            job = actions.change_status(
                job, data["to"], by=request.user, seen=data["seen"], note=data["note"], fix=fix, tap_id=data["tap_id"]
            )
            said = f"{job.number} is {job.get_status_display()}."
        except actions.ActionRefused as refused:
            # Of the same tap sent twice at once one arrives too late, and is done all the same.
            if not job.status_changes.filter(tap_id=data["tap_id"]).exists():
                refusal, status = refused.reason, 409
    return answer(request, technician, job, said=said, refusal=refusal, status=status)


@require_POST
def phone_note(request, pk):
    technician, job = technician_of(request), own_job(request, pk)
    form = NoteForm(request.POST)
    said, refusal, status = "", "", 422
    if form.is_valid():
        text, since = form.cleaned_data["text"], timezone.now() - SAME_NOTE
        if not job.notes.filter(author=request.user, text=text, written_at__gt=since).exists():
            actions.add_note(job, text, by=request.user)
        said, status = "Note added.", 200
    else:
        refusal = form.errors["text"][0]
    return answer(request, technician, job, said=said, refusal=refusal, status=status)


@require_POST
def change_duty(request):
    technician = technician_of(request)
    fix_from(request, technician)
    if request.POST.get("duty") not in DUTY:
        return answer(request, technician, refusal="Clock in or out?", status=422)
    change, said = DUTY[request.POST["duty"]]
    try:
        change(technician)
    except actions.ActionRefused as refused:
        return answer(request, technician, refusal=refused.reason, status=409)
    return answer(request, technician, said=said)


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


def fix_from(request, technician: Technician) -> Fix | None:
    """Stores where the phone says it is. A position that makes no sense is left out; the tap itself still counts."""
    form, now = FixForm(request.POST), timezone.now()
    if not form.is_valid():
        return None
    data = form.cleaned_data
    fix = Fix(
        latitude=data["latitude"],
        longitude=data["longitude"],
        accuracy_m=data["accuracy"],
        recorded_at=datetime.fromtimestamp(data["fix_at"] / 1000, tz=UTC),
    )
    if not is_plausible(fix, now=now):
        return None
    # The tap that clocks in was made on duty; off duty the place goes into the log of the tap and nowhere else.
    clocks_in = request.POST.get("duty") == "in" and now - fix.recorded_at <= JUST_NOW
    if clocks_in or attendance.was_on_duty(technician, at=fix.recorded_at):
        actions.take_position(technician, fix, source=Position.Source.PHONE, now=now)
    return fix


def answer(request, technician, job=None, *, said="", refusal="", status=200) -> HttpResponse:
    """After a tap: the page it came from as it is now, and what became of the tap."""
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
    context |= {} if request.htmx else push_context(request.user)
    return render(request, template, context, status=status)


def render_job(request, job: Job, *, status=200, refusal="", said="") -> HttpResponse:
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    context = {
        "job": job,
        "in_the_way": job_in_the_way(job),
        "notes": job.notes.select_related("author"),
        "log": job.status_changes.select_related("actor").order_by("-happened_at", "-pk")[:LOG_ROWS],
        "now": timezone.now(),
        "today": timezone.localdate(),
        "live_versions": versions,
        "is_answer": request.method == "POST",
        "refusal": refusal,
        "said": said,
        # What was typed stays typed when the tap was refused.
        "typed_note": request.POST.get("note", "") if refusal else "",
        "typed_text": request.POST.get("text", "") if refusal else "",
    }
    template = "dispatch/phone_job.html" + ("#fragment" if request.htmx else "")
    return render(request, template, context, status=status)
