"""Forms of smart dispatch: its rules and settings, and dismissing what it suggests."""

from django import forms
from django.core.exceptions import ValidationError

from dispatch.models import AssignmentRule, DispatchSettings, Priority
from dispatch.smart.scoring import KINDS, Weights

WEIGHT_FIELDS = [f"{kind}_weight" for kind in KINDS]
NO_WEIGHT = "At least one weight must be above 0: otherwise every technician scores the same."


class DismissForm(forms.Form):
    reason = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )


class WeightsForm(forms.ModelForm):
    """Any form that holds the weights; also what is being tried out before it is saved."""

    class Meta:
        model = DispatchSettings
        fields = WEIGHT_FIELDS

    def clean(self):
        data = super().clean()
        weights = [data.get(name) for name in WEIGHT_FIELDS]
        if not any(weights) and None not in weights:
            raise ValidationError(NO_WEIGHT)
        return data

    def weights(self) -> Weights:
        return Weights(**{kind: self.cleaned_data[f"{kind}_weight"] for kind in KINDS})


class AssignmentSettingsForm(WeightsForm):
    class Meta(WeightsForm.Meta):
        fields = [
            *WEIGHT_FIELDS,
            "automatic_minimum_score",
            "suggestion_minutes",
            "fresh_position_minutes",
            "detour_factor",
            "average_speed_kmh",
        ]
        labels = {
            "automatic_minimum_score": "Assign from (points)",
            "suggestion_minutes": "A suggestion holds for (minutes)",
            "fresh_position_minutes": "A position is fresh for (minutes)",
            "detour_factor": "Detours of roads (factor)",
        }


class RulesForm(forms.Form):
    """One choice for each priority, the most urgent first."""

    def __init__(self, data=None, *, modes: dict[int, str], disabled: bool = False):
        super().__init__(data, prefix="rule")
        for priority in sorted(Priority, reverse=True):
            self.fields[priority.name.lower()] = forms.ChoiceField(
                label=priority.label,
                choices=AssignmentRule.Mode.choices,
                initial=modes.get(priority, AssignmentRule.Mode.MANUAL),
                widget=forms.RadioSelect,
                disabled=disabled,
            )

    def modes(self) -> dict[int, str]:
        return {priority: self.cleaned_data[priority.name.lower()] for priority in Priority}
