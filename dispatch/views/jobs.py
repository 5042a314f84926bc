import json
import re

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Prefetch, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions, realtime
from dispatch.customer_link.contact import load_contact
from dispatch.field.work import attach_taps, load_field_work
from dispatch.forms.fields import chosen
from dispatch.forms.jobs import JobForm, NoteForm, SkillsForm
from dispatch.job_entry import JobEntry
from dispatch.maintenance.of_jobs import plans_at, visit_of
from dispatch.models import Delivery, Job, JobType, Notification
from dispatch.pictures.gallery import gallery_of
from dispatch.service_levels.timelines import load_timelines
from dispatch.smart import suggestions
from dispatch.smart.rules import numbers_in, without_other_jobs
from dispatch.views.transitions import dispatchable_job

HISTORY_SHOWN = 8
NOTICES_SHOWN = 30


def visible_job(request, pk: int) -> Job:
    return get_object_or_404(Job.objects.visible_to(request.user).with_board_info(), pk=pk)


def job_context(request, job: Job) -> dict:
    """What drawer and page show alike."""
    now = timezone.now()
    suggestions.attach([job], user=request.user, now=now)
    changes = job.status_changes.select_related("actor", "from_technician__user", "to_technician__user")
    log = list(changes.order_by("-happened_at", "-pk"))
    attach_taps(log)
    return {
        "job": job,
        "log": log,
        "work": load_field_work(job, log, now=now),
        "notes": list(job.notes.select_related("author").order_by("-written_at", "-pk")),
        "note_form": NoteForm(),
        "gallery": gallery_of(job),
        "contact": load_contact(job, now=now),
        "timelines": load_timelines(job, now=now),
        "plan_visit": visit_of(job, user=request.user),
        "now": now,
        "today": timezone.localdate(),
    }


def job_notices(job: Job, *, user) -> list[list[Notification]]:
    """The newest, with what became of them on each channel; what several people were told at once is together.

    Of other jobs they name those that the user may see.
    """
    sent = Prefetch("deliveries", Delivery.objects.select_related("subscription").order_by("pk"))
    about = Notification.objects.about(job).select_related("recipient").prefetch_related(sent)
    notices = list(about[:NOTICES_SHOWN])
    named = set().union(*(numbers_in(notice.text) for notice in notices))
    visible = {other.number for other in Job.objects.visible_to(user).filter(pk__in=named).only("pk")}
    for notice in notices:
        notice.text = without_other_jobs(notice.text, visible)
    told_at_once = {}
    for notice in notices:
        told_at_once.setdefault((notice.created_at, notice.kind, notice.text), []).append(notice)
    return list(told_at_once.values())


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def job_drawer(request, pk):
    return render(request, "dispatch/job_drawer.html", job_context(request, visible_job(request, pk)))


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def job_page(request, pk):
    versions = realtime.versions_of(realtime.groups_of(request.user))
    job = visible_job(request, pk)
    related = Q(site=job.site_id) | Q(follow_up_of=job) | Q(pk=job.follow_up_of_id)
    visible = Job.objects.visible_to(request.user).select_related("job_type", "technician__user")
    context = job_context(request, job) | {
        "changes": list(job.field_changes.select_related("actor").order_by("-changed_at", "-pk")),
        "notices": job_notices(job, user=request.user),
        "related": visible.filter(related).exclude(pk=job.pk).order_by("-created_at")[:HISTORY_SHOWN],
        "plans_here": plans_at(job.site, user=request.user),
        "live_versions": json.dumps(versions),
    }
    template = "dispatch/job.html"
    return render(request, f"{template}#job_content" if request.htmx else template, context)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def add_note(request, pk):
    job = dispatchable_job(request, pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        actions.add_note(job, form.cleaned_data["text"], by=request.user)
    if not request.htmx:
        if not form.is_valid():
            messages.error(request, "The note was empty.")
        return redirect("job", pk)
    context = job_context(request, job) | ({} if form.is_valid() else {"note_form": form})
    return render(request, "dispatch/_job_notes.html", context, status=200 if form.is_valid() else 422)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.add_job", raise_exception=True)
def new_job(request):
    entry = JobEntry(request.POST if request.method == "POST" else None, user=request.user, asked=request.GET)
    status = 200
    if request.method == "POST":
        status = 422
        if entry.is_valid():
            try:
                job = entry.create()
            except actions.ActionRefused as refused:
                entry.job_form.add_error(None, refused.reason)
                status = 409
            else:
                messages.success(request, f"{actions.describe_state(job)}.")
                return redirect("new_job" if "again" in request.POST else "board")
    return render(request, "dispatch/new_job.html", {"entry": entry}, status=status)


@require_GET
@permission_required("dispatch.add_job", raise_exception=True)
def job_type_defaults(request):
    """The skills that the chosen type usually takes, and its duration, for the form being filled in."""
    job_type = chosen(JobType.objects, request.GET.get("job_type"))
    if job_type is None:
        raise Http404
    needs = [actions.SkillNeed(need.skill_id, need.level) for need in job_type.required_skills.all()]
    context = {"skills_form": SkillsForm(needs=needs), "duration_minutes": job_type.default_duration_minutes}
    return render(request, "dispatch/_skills.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def edit_job(request, pk):
    job = dispatchable_job(request, pk)
    needs = [actions.SkillNeed(need.skill_id, need.level) for need in job.required_skills.all()]
    data = request.POST if request.method == "POST" else None
    form, skills_form = JobForm(data, instance=job, merging=True), SkillsForm(data, needs=needs, merging=True)
    conflict, status, version = None, 200, job.version
    if data is not None:
        status = 422
        if form.is_valid() and skills_form.is_valid():
            try:
                job = actions.edit_job(
                    job,
                    form.changed_values(),
                    skills=skills_form.needs() if skills_form.has_changed() else None,
                    by=request.user,
                    base_version=_base_version(data, job),
                )
            except actions.EditConflict as found:
                conflict, job, status, version = found, found.job, 409, found.job.version
            except actions.ActionRefused as refused:
                form.add_error(None, refused.reason)
                status = 409
            else:
                messages.success(request, f"{job.number} is saved.")
                return redirect("job", pk)
        else:
            version = _base_version(data, job)
    context = {"job": job, "form": form, "skills_form": skills_form, "conflict": conflict, "version": version}
    return render(request, "dispatch/edit_job.html", context, status=status)


def _base_version(data, job: Job) -> int:
    version = data.get("version", "")
    return int(version) if re.fullmatch("[0-9]{1,9}", version) else 0
