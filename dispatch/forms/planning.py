"""Forms of the route planner's settings."""

from django import forms

from dispatch.models import DispatchSettings, PlanningSettings
from dispatch.planning.weights import Preferences

HOURS = range(24)
LEAST_PERCENT, MOST_PERCENT = 10, 300


class WeighingForm(forms.ModelForm):
    """What a plan weighs; also what is being tried out before it is saved."""

    class Meta:
        model = PlanningSettings
        fields = list(PlanningSettings.WEIGHTS)
        labels = {
            "late_minute": "A minute late for a time block",
            "sla_minute": "A minute past an SLA deadline",
            "left_out_minutes": "A Low job left out",
            "balance_percent": "A minute above the fair share of work",
            "km_seconds": "A kilometre, besides its time",
            "stability": "How much of today's plan is kept",
            "retime_after_minutes": "Not called moved up to",
        }
        help_texts = {
            "late_minute": "0: being late does not matter.",
            "sla_minute": "On top of being late for the block.",
            "left_out_minutes": "Twice that for Normal, four times for High, eight times for Urgent.",
            "balance_percent": "0: one may work all day while another waits.",
            "km_seconds": "More: shorter ways win over faster ones.",
            "retime_after_minutes": "A job may begin earlier or later by so much at no cost.",
        }
        widgets = {"stability": forms.NumberInput(attrs={"type": "range", "min": 0, "max": 100})}

    def preferences(self) -> Preferences:
        return Preferences(**{name: self.cleaned_data[name] for name in PlanningSettings.WEIGHTS})


class PlanningSettingsForm(WeighingForm):
    """Also the speeds: of each hour one field, hour_0 to hour_23."""

    TIMES = ("route_seconds", "day_seconds", "replan_seconds")

    class Meta(WeighingForm.Meta):
        fields = [
            *WeighingForm.Meta.fields,
            *("fuel_cost_per_km", "returns_home", "route_seconds", "day_seconds", "replan_seconds"),
        ]
        labels = WeighingForm.Meta.labels | {
            "fuel_cost_per_km": "Fuel for a kilometre",
            "returns_home": "The way home belongs to the working day",
            "route_seconds": "One technician's route (seconds)",
            "day_seconds": "A day of several (seconds)",
            "replan_seconds": "A replan from now (seconds)",
        }
        help_texts = WeighingForm.Meta.help_texts | {
            "fuel_cost_per_km": "Shown with every plan; it does not change it.",
            "returns_home": "Whoever must be home when the shift ends takes the last job earlier.",
            "route_seconds": "Up to about twelve stops the best order is found at once.",
            "day_seconds": "More is better for big days; after a few minutes little is gained.",
            "replan_seconds": "Short, because the day goes on meanwhile.",
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        speeds = self.instance.speed_percent_by_hour or [100] * len(HOURS)
        for hour, percent in zip(HOURS, speeds, strict=True):
            self.fields[f"hour_{hour}"] = forms.IntegerField(
                label=f"{hour:02d}:00 to {hour:02d}:59",
                min_value=LEAST_PERCENT,
                max_value=MOST_PERCENT,
                initial=percent,
            )

    def clean(self):
        data = super().clean()
        speeds = [data.get(f"hour_{hour}") for hour in HOURS]
        if None not in speeds:
            self.instance.speed_percent_by_hour = [] if set(speeds) == {100} else speeds
        return data

    @property
    def changed_columns(self) -> list[str]:
        columns = [name for name in self.changed_data if name in self.Meta.fields]
        return columns + ["speed_percent_by_hour"] * any(name.startswith("hour_") for name in self.changed_data)

    @property
    def hours(self):
        return [self[f"hour_{hour}"] for hour in HOURS]


class TravelForm(forms.ModelForm):
    class Meta:
        model = DispatchSettings
        fields = ["average_speed_kmh", "detour_factor"]
        labels = {"average_speed_kmh": "Average speed (km/h)", "detour_factor": "Detours of roads (factor)"}
        help_texts = {
            "average_speed_kmh": "Where no travel-time server is asked. Used for all predictions.",
            "detour_factor": "Road distance over straight-line distance: 1.3 in most towns.",
        }
