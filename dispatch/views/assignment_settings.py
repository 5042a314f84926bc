"""Settings > Auto-Assignment: the rule of each priority, and how smart dispatch weighs what it knows."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from dispatch import actions
from dispatch.forms.assignment import AssignmentSettingsForm, RulesForm, WeightsForm
from dispatch.models import AssignmentRule, DispatchSettings
from dispatch.smart.example import JOB, example_scores
from dispatch.smart.scoring import KINDS, Weights
from dispatch.travel.configured import great_circle

VIEW = ("dispatch.view_assignmentrule", "dispatch.view_dispatchsettings")
WHAT_IT_MEANS = {
    "skill": "The closest level that is enough scores best, so that experts stay free for what only they can do.",
    "proximity": "Half the points for 30 minutes of travel from where they will be: a fresh GPS position, "
    "else the site of the job before, else home. Nothing where a place is not known.",
    "availability": "Everything when free at the wanted time, nothing when free four hours later.",
    "workload": "Fewer jobs and booked minutes that day, against the maximum and the shift, score better.",
    "sla": "Arriving within the time block and the response target, without making other jobs on the route late.",
}


@require_http_methods(["GET", "POST"])
@permission_required(VIEW, raise_exception=True)
def assignment_settings(request):
    row, may_change = DispatchSettings.load(), actions.may_change_rules(request.user)
    if request.method == "POST" and not may_change:
        raise PermissionDenied("Only administrators change the assignment rules.")
    modes = dict(AssignmentRule.objects.values_list("priority", "mode"))
    data = request.POST if request.method == "POST" else None
    form = AssignmentSettingsForm(data, instance=row)
    rules = RulesForm(data, modes=modes, disabled=not may_change)
    if data is not None and all([form.is_valid(), rules.is_valid()]):
        actions.change_assignment_rules(rules.modes(), form.instance, form.changed_data, by=request.user)
        messages.success(request, "Saved. Jobs that wait are looked at by these rules now.")
        return redirect("assignment_settings")
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    weights = form.weights() if form.is_bound and form.is_valid() else Weights.of(DispatchSettings.load())
    context = {
        "form": form,
        "rules": rules,
        "limits": [form[name] for name in form.fields if not name.endswith("_weight")],
        "weights": [(kind, form[f"{kind}_weight"], WHAT_IT_MEANS[kind]) for kind in KINDS],
        "may_change": may_change,
    }
    status = 422 if data is not None else 200
    return render(request, "dispatch/assignment_settings.html", context | example_of(weights), status=status)


@require_GET
@permission_required(VIEW, raise_exception=True)
def score_example(request):
    """The example with the weights that are being tried out."""
    form = WeightsForm(request.GET, instance=DispatchSettings())
    context = example_of(form.weights()) if form.is_valid() else {"form": form}
    status = 200 if form.is_valid() else 422
    return render(request, "dispatch/assignment_settings.html#example", context, status=status)


def example_of(weights: Weights) -> dict:
    scores = example_scores(weights, great_circle(), day=timezone.localdate())
    return {
        "shares": weights.out_of(),
        "example_job": JOB,
        "example": [(name, score, 100 - score.total) for name, score in scores],
    }
