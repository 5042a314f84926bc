"""What phones send: many taps as JSON, or one as a form where there is no script."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dispatch import actions
from dispatch.field.taps import BatchUnreadable, read_batch, read_tap
from dispatch.models import Job, Tap
from dispatch.views.phone import own_jobs
from dispatch.views.phone_door import kept_out, shut_out_user, technician_of

LONGEST_BODY = 512 * 1024
ENVELOPE = {"csrfmiddlewaretoken", "id", "kind", "job", "page", "tapped_at"}


@require_POST
@login_not_required  # a script cannot follow a redirect to the login: it is told by the status
def take_taps(request):
    is_json = request.content_type == "application/json"
    if not request.user.is_authenticated and not shut_out_user(request):
        return _refused("Log in again.", status=401) if is_json else redirect_to_login(reverse("phone"))
    try:
        technician = technician_of(request)
    except PermissionDenied as why:
        if is_json:
            return kept_out(why)
        raise
    now = timezone.now()
    if not is_json:
        return _take_form(request, technician, now=now)
    try:
        sent_at, taps = read_batch(_body(request))
    except BatchUnreadable as error:
        return _refused(str(error), status=400)
    answers = actions.receive_taps(technician, taps, sent_at=sent_at, by=request.user, now=now)
    jobs = own_jobs(request).in_bulk({tap.job_id for tap in answers if tap.job_id})
    told = [
        answer_to(tap, jobs.get(tap.job_id)) | {"id": sent.sent_id} for tap, sent in zip(answers, taps, strict=True)
    ]
    return JsonResponse({"now": int(now.timestamp() * 1000), "taps": told})


def answer_to(tap: Tap, job: Job | None) -> dict[str, object]:
    """As the phone wants it. `job` is the tap's as it is now, if it is theirs."""
    state = {"id": job.pk, "seen": job.seen, "status": job.status} if job else None
    return {"id": str(tap.pk), "outcome": tap.outcome, "answer": tap.answer, "job": state}


def _refused(sentence: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)


def _body(request) -> object:
    if len(request.body) > LONGEST_BODY:
        raise BatchUnreadable("That is too much at once. Send fewer taps.")
    try:
        return json.loads(request.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BatchUnreadable("This is not JSON.") from None


def _refuse_constant(name: str):
    raise ValueError(f"{name} is no JSON.")


def _take_form(request, technician, *, now) -> HttpResponse:
    """Without script there is neither a queue nor a clock of the phone: it happens now."""
    form = request.POST
    content = {name: value for name, value in form.items() if name not in ENVELOPE}
    raw = {name: form.get(name) for name in ("id", "kind", "job")}
    raw |= {"tapped_at": now.timestamp() * 1000, "content": content, **content}
    (tap,) = actions.receive_taps(technician, [read_tap(raw)], sent_at=None, by=request.user, now=now)
    level = messages.SUCCESS if tap.outcome == Tap.Outcome.DONE else messages.ERROR
    messages.add_message(request, level, tap.answer)
    is_on_job_page = form.get("page") == "job" and tap.job_id and own_jobs(request).filter(pk=tap.job_id).exists()
    return redirect("phone_job", tap.job_id) if is_on_job_page else redirect("phone")
