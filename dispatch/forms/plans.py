"""What is asked of the route planner."""

from django import forms

from dispatch.forms.fields import YEARS
from dispatch.models import Plan
from dispatch.planning.describe import PRESETS, USUAL
from technicians.models import Technician

SECONDS = (5, 10, 30, 60, 120, 300)
MOST_TECHNICIANS = 200  # more than that nobody can look through


class TechniciansField(forms.ModelMultipleChoiceField):
    def clean(self, value):
        if any(len(str(text)) > 18 for text in value or ()):
            raise forms.ValidationError("Select valid technicians.")  # more than the database takes for a number
        return super().clean(value)


class PlanForm(forms.Form):
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in (Plan.Kind.DAY, Plan.Kind.REPLAN)])
    technician = TechniciansField(
        Technician.objects.none(), error_messages={"required": "Tick the technicians whose day is to be planned."}
    )
    with_unassigned = forms.BooleanField(required=False)
    preset = forms.ChoiceField(choices=[(preset.key, preset.label) for preset in PRESETS])
    stability = forms.IntegerField(min_value=0, max_value=100, required=False)
    # The preset that the slider stood for: without scripts it cannot follow another one, and is then left alone.
    stability_of = forms.CharField(required=False, max_length=20)
    seconds = forms.TypedChoiceField(
        choices=[("", "As set"), *((str(number), f"{number} s") for number in SECONDS)],
        coerce=int,
        required=False,
        empty_value=None,
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["technician"].queryset = Technician.objects.visible_to(user).active().select_related("user")

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day.year not in YEARS:
            raise forms.ValidationError("That day is out of reach.")
        return day

    def clean_technician(self):
        technicians = list(self.cleaned_data["technician"])
        if len(technicians) > MOST_TECHNICIANS:
            raise forms.ValidationError(f"At most {MOST_TECHNICIANS} at once: choose a zone.")
        return technicians

    @property
    def wanted(self) -> dict:
        """For ask_for_plan, as keywords; the usual preset is none at all."""
        data = self.cleaned_data
        follows = data["stability_of"] in ("", data["preset"])
        return {
            "with_unassigned": data["with_unassigned"],
            "preset": "" if data["preset"] == USUAL else data["preset"],
            "stability": data["stability"] if follows else None,
            "seconds": data["seconds"],
        }
