from django import forms

from sla.models import ClockRecalculation
from sla.models.recalculations import SCOPE


class ScopeForm(forms.ModelForm):
    """Whose open jobs: at most one of the fields says so, none of them means all."""

    class Meta:
        model = ClockRecalculation
        fields = SCOPE
        widgets = dict.fromkeys(SCOPE, forms.HiddenInput)
