"""What dispatchers do about a job's customer: the link, and the other time that was asked for."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions
from dispatch.actions import ActionRefused, PlacementConflict
from dispatch.forms.jobs import NoteForm
from dispatch.models import CustomerMessage, Job
from dispatch.views.customer_link import TYPED, visit_context
from dispatch.views.jobs import visible_job
from dispatch.views.transitions import dispatchable_job, done, render_dialog


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def send_customer_link(request, pk):
    job = dispatchable_job(request, pk)
    try:
        sent = actions.send_link(job, by=request.user)
    except ActionRefused as refused:
        return _refused(request, job, refused.reason)
    text = "The customer gets the link." if sent else "The link is made: copy it to the customer."
    return done(request, job, text)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def revoke_customer_link(request, pk):
    job = dispatchable_job(request, pk)
    is_done = actions.revoke_link(job, by=request.user)
    return done(request, job, "The link leads nowhere from now on." if is_done else "There is no link any more.")


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def preview_visit(request, pk):
    """The customer's page as it is now; nothing in it can be sent."""
    job = visible_job(request, pk)
    nothing = {"base_url": "", "said": "", "errors": [], "about": "", "typed": dict.fromkeys(TYPED, "")}
    return render(request, "customer/visit.html", visit_context(job) | nothing | {"is_preview": True})


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def accept_other_time(request, pk):
    wish, job = dispatchable_wish(request, pk)
    refusal, objections, status = "", [], 200
    if request.method == "POST":
        try:
            job = actions.accept_other_time(
                wish, by=request.user, anyway="anyway" in request.POST, base_version=_version(request, job)
            )
        except PlacementConflict as conflict:
            objections, status = conflict.verdict.objections, 409
        except ActionRefused as refused:
            refusal, status = refused.reason, 409
        else:
            return done(request, job, f"{job.number} is at the customer's time; they are told.")
        wish, job = dispatchable_wish(request, pk)
    context = {"wish": wish, "job": job, "refusal": refusal, "objections": objections}
    return render_dialog(request, "accept_other_time", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_job", raise_exception=True)
def decline_other_time(request, pk):
    wish, job = dispatchable_wish(request, pk)
    form = NoteForm(request.POST or None)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.decline_other_time(wish, form.cleaned_data["text"][:300], by=request.user)
            except ActionRefused as refused:
                refusal, status = refused.reason, 409
            else:
                return done(request, job, "The customer is told.")
    context = {"wish": wish, "job": job, "form": form, "refusal": refusal}
    return render_dialog(request, "decline_other_time", context, status=status)


def dispatchable_wish(request, pk: int) -> tuple[CustomerMessage, Job]:
    wishes = CustomerMessage.objects.filter(kind=CustomerMessage.Kind.OTHER_TIME).select_related("answered_by")
    wish = get_object_or_404(wishes, pk=pk, job__in=Job.objects.dispatchable_by(request.user))
    return wish, dispatchable_job(request, wish.job_id)


def _version(request, job: Job) -> int:
    version = request.POST.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 10 else job.version


def _refused(request, job: Job, reason: str) -> HttpResponse:
    if request.htmx:
        return done(request, job, reason)
    messages.error(request, reason)
    return redirect("job", job.pk)
