from typing import Final

from django import forms

USUAL_CAUSES: Final = ["No technician free", "Waiting for parts", "Customer not reached", "Traffic"]


class AcknowledgeForm(forms.Form):
    """A note of one's own, or a usual one by its button (`usual`); it may be empty."""

    note = forms.CharField(
        required=False,
        max_length=4000,
        label="What happened, and what was done about it",
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )
    usual = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    @property
    def said(self) -> str:
        return " ".join(filter(None, [self.cleaned_data["usual"], self.cleaned_data["note"].strip()]))
