"""Who is not there: calling out sick, handing their jobs over, clocking out in their place."""

import json
from datetime import date, datetime, time, timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import BigIntegerField
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dispatch import actions
from dispatch.actions import Handing
from dispatch.day.handover import load_handover
from dispatch.forms.fields import YEARS
from dispatch.models import Job
from dispatch.views.transitions import render_dialog
from technicians.models import Technician, TimeOff

LONGEST = timedelta(days=366)


class SickForm(forms.Form):
    first = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(
        label="Until, with that day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = forms.CharField(required=False, max_length=200)

    def clean(self):
        data = super().clean()
        first, last = data.get("first"), data.get("last")
        if first and first.year not in YEARS:
            self.add_error("first", "That day is out of reach.")
        elif first and last and last < first:
            self.add_error("last", "This is before the first day.")
        elif first and last and last - first > LONGEST:
            self.add_error("last", "At most a year at once.")
        return data

    def instants(self) -> dict[str, datetime]:
        ends = self.cleaned_data["last"] + timedelta(days=1)
        return {"starts_at": _midnight(self.cleaned_data["first"]), "ends_at": _midnight(ends)}


class ClockOutForm(forms.Form):
    at = forms.DateTimeField(
        label="Clocked out at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )
    reason = forms.CharField(max_length=200, initial="Forgot to clock out")


def _midnight(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def visible_technician(request, pk: int) -> Technician:
    return get_object_or_404(Technician.objects.visible_to(request.user).active().select_related("user"), pk=pk)


def visible_absence(request, pk: int) -> TimeOff:
    technicians = Technician.objects.visible_to(request.user).active()
    absences = TimeOff.objects.filter(technician__in=technicians).select_related("technician__user")
    return get_object_or_404(absences, pk=pk)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def mark_sick(request, pk):
    technician = visible_technician(request, pk)
    day = forms.DateField(required=False)
    today = timezone.localdate()
    try:
        first = day.clean(request.GET.get("day")) or today
    except forms.ValidationError:
        first = today
    form = SickForm(request.POST if request.method == "POST" else None, initial={"first": first, "last": first})
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                note = form.cleaned_data["note"]
                absence = actions.mark_sick(technician, **form.instants(), note=note, by=request.user)
            except actions.ActionRefused as refused:
                refusal, status = refused.reason, 409
            else:
                messages.success(request, f"{technician} is marked sick.")
                return _go(request, reverse("redistribute", args=[absence.pk]))
    context = {"technician": technician, "form": form, "refusal": refusal, "day": first}
    return render_dialog(request, "mark_sick", context, status=status)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def end_sickness(request, pk):
    absence = visible_absence(request, pk)
    try:
        actions.end_sickness(absence, by=request.user)
    except actions.ActionRefused as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, f"{absence.technician} is back.")
    return redirect("morning_review")


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def redistribute(request, pk):
    """GET proposes and changes nothing; POST does what is ticked, and says of each job what became of it."""
    absence = visible_absence(request, pk)
    results, problem, status = [], "", 200
    if request.method == "POST":
        handings = _handings(request)
        if handings is None:
            problem, status = "Something on this page is not there any more. Look again.", 422
        elif not handings:
            problem, status = "Tick the jobs that are to be handed over.", 422
        else:
            try:
                results = actions.hand_over_jobs(absence.technician, handings, by=request.user)
            except actions.ActionRefused as refused:
                problem, status = refused.reason, 409
            if any(not result.is_done for result in results):
                status = 409
    handover = load_handover(absence, user=request.user, now=timezone.now())
    context = {
        "absence": absence,
        "handover": handover,
        "done": [result for result in results if result.is_done],
        "refused": [result for result in results if not result.is_done],
        "problem": problem,
        "today": timezone.localdate(),
        "days": _days_to_plan(handover),
    }
    return render(request, "dispatch/redistribute.html", context, status=status)


def _days_to_plan(handover) -> list[date]:
    """The first days with jobs that somebody else could have."""
    today = timezone.localdate()
    days = {line.job.scheduled_on for line in handover.lines if line.job.scheduled_on}
    return sorted(day for day in days if day >= today)[:5]


def _handings(request) -> list[Handing] | None:
    """What is ticked; None when a technician or a job is not one of this user's."""
    try:
        chosen = {int(pk): request.POST.get(f"to-{pk}", "") for pk in request.POST.getlist("job")}
        wanted = {int(to) for to in chosen.values() if to != "none"}
    except ValueError:
        return None
    if any(not 0 < pk <= BigIntegerField.MAX_BIGINT for pk in (*chosen, *wanted)):
        return None
    technicians = Technician.objects.visible_to(request.user).active().select_related("user").in_bulk(wanted)
    own = Job.objects.dispatchable_by(request.user).filter(pk__in=chosen)
    if wanted - technicians.keys() or own.count() < len(chosen):
        return None
    return [
        Handing(pk, None if to == "none" else technicians[int(to)], request.POST.get(f"seen-{pk}", ""))
        for pk, to in chosen.items()
    ]


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def clock_out_for(request, pk):
    technician = visible_technician(request, pk)
    record = technician.clock_records.filter(clocked_out_at=None).first()
    form = ClockOutForm(request.POST or None, initial={"at": timezone.localtime()})
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                actions.clock_out_for(technician, at=data["at"], reason=data["reason"], by=request.user)
            except actions.ActionRefused as refused:
                refusal, status = refused.reason, 409
            else:
                return _told(request, f"{technician} is clocked out.", technician)
    context = {"technician": technician, "record": record, "form": form, "refusal": refusal}
    return render_dialog(request, "clock_out_for", context, status=status)


def _told(request, text: str, technician: Technician) -> HttpResponse:
    if not request.htmx:
        messages.success(request, text)
        return redirect("close_out")
    events = {
        "close-dialog": True,
        "toast": {"text": text},
        "live-technicians": {"technicians": [technician.pk]},
    }
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})


def _go(request, url: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else redirect(url)
