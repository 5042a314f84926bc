from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils import timezone

from sla.calendars import calendar_of
from sla.models import Priority, SLAPolicy, SLATarget, Unit
from sla.targets import never_due

MINUTES_OF = {Unit.MINUTES: 1, Unit.HOURS: 60}
# At least so many by the clock: a business hour may take a weekend, a day is short when the clocks go forward.
MINUTES_AT_LEAST = MINUTES_OF | {Unit.BUSINESS_HOURS: 60, Unit.BUSINESS_DAYS: 23 * 60}


class SLAPolicyForm(forms.ModelForm):
    class Meta:
        model = SLAPolicy
        fields = ["name", "calendar", "is_default", "hold_pauses_response"]

    def clean_is_default(self):
        is_default = self.cleaned_data["is_default"]
        if self.instance.pk and self.instance.is_default and not is_default:
            raise ValidationError("One policy must be the default: make another one the default instead.")
        return is_default

    def _get_validation_exclusions(self):
        # That another policy is the default is no error here: saving this one moves the default.
        return super()._get_validation_exclusions() | {"is_default"}


class SLATargetForm(forms.ModelForm):
    class Meta:
        model = SLATarget
        fields = ["response_amount", "response_unit", "resolution_amount", "resolution_unit"]

    def has_changed(self):
        return self.instance.pk is None or super().has_changed()

    def clean(self):
        data = super().clean()
        for name in ("response_amount", "resolution_amount"):
            if data.get(name) == 0:
                self.add_error(name, "Give at least 1, or leave it empty for no target.")
        if not self.errors and self._response_is_later():
            self.add_error("resolution_amount", "Resolution cannot be due before the response.")
        return data

    def _response_is_later(self) -> bool:
        """Wherever the job was created; units of which one or the other may be longer do not compare."""
        response, resolution = (
            (self.cleaned_data[f"{kind}_amount"], self.cleaned_data[f"{kind}_unit"])
            for kind in ("response", "resolution")
        )
        if None in (response[0], resolution[0]):
            return False
        if resolution[1] in MINUTES_OF:
            return response[0] * MINUTES_AT_LEAST[response[1]] > resolution[0] * MINUTES_OF[resolution[1]]
        return response[1] == resolution[1] and response[0] > resolution[0]


class SLATargetFormSet(BaseInlineFormSet):
    """One row for each priority: those that the policy has, then those that it lacks."""

    def _construct_form(self, i, **kwargs):
        form = super()._construct_form(i, **kwargs)
        if form.instance.pk is None and i is not None:
            taken = {target.priority for target in self.get_queryset()}
            missing = [priority for priority in reversed(Priority) if priority not in taken]
            position = i - self.initial_form_count()
            if position < len(missing):
                form.instance.priority = missing[position]
        return form

    def clean(self):
        super().clean()
        if any(self.errors) or self.instance.calendar_id is None:
            return
        calendar = calendar_of(self.instance.calendar)
        if names := never_due([form.instance for form in self.forms], calendar, now=timezone.now()):
            raise ValidationError(f"Never due in the hours of “{self.instance.calendar}”: {', '.join(names)}.")
