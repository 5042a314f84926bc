from django import forms

from dispatch.models import WebhookEndpoint
from dispatch.webhooks.addresses import AddressRefused, target_of
from dispatch.webhooks.events import Kind


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://erp.example.com/truckroll", "autocomplete": "off"}),
    )
    description = forms.CharField(label="What it is", max_length=120, required=False)
    kinds = forms.MultipleChoiceField(
        label="Events",
        choices=Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them, also those that come with a later version.",
    )

    def clean_url(self):
        url = self.cleaned_data["url"]
        try:
            target_of(url)
        except AddressRefused as refused:
            raise forms.ValidationError(str(refused)) from None
        return url

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, data=None) -> "WebhookForm":
        initial = {"url": endpoint.url, "description": endpoint.description, "kinds": endpoint.kinds}
        return cls(data, initial=initial)
