"""What positions suggest, answered: by a dispatcher on the board, by the technician on the phone."""

from django import forms
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from dispatch import actions
from dispatch.models import Status
from dispatch.views.phone import answer, own_job, technician_of
from dispatch.views.transitions import dispatchable_job, done

CHOICES = [(status.value, status.label) for status in (Status.IN_PROGRESS, Status.COMPLETED)]


class HintForm(forms.Form):
    hinted = forms.ChoiceField(choices=CHOICES)
    seen = forms.CharField(required=False)
    is_taken = forms.BooleanField(required=False)


@require_POST
@permission_required("dispatch.change_job", raise_exception=True)
def answer_hint(request, pk):
    job, form = dispatchable_job(request, pk), HintForm(request.POST)
    if not form.is_valid():
        return HttpResponse("Which hint?", status=422, content_type="text/plain")
    data = form.cleaned_data
    if not data["is_taken"]:
        actions.dismiss_hint(job, data["hinted"], by=request.user)
        return done(request, job, f"{job.number} stays {job.get_status_display()}.")
    try:
        job = actions.change_status(job, data["hinted"], by=request.user, seen=data["seen"])
    except actions.ActionRefused as refused:
        return done(request, job, refused.reason)
    return done(request, job, f"{job.number} is {job.get_status_display()}.")


@require_POST
def refuse_hint(request, pk):
    """Taking it is an ordinary step of the phone page."""
    technician, job = technician_of(request), own_job(request, pk)
    form = HintForm(request.POST)
    if not form.is_valid():
        return answer(request, technician, job, refusal="This tap could not be understood.", status=422)
    actions.dismiss_hint(job, form.cleaned_data["hinted"], by=request.user)
    return answer(request, technician, job, said="You will not be asked again.")
