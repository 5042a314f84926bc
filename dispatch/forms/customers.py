"""Forms of customers and their sites."""

from django import forms
from django.core.exceptions import ValidationError

from dispatch.forms.fields import LatitudeField, LongitudeField, carry_what_is_shown
from dispatch.models import Customer, Site
from dispatch.models.customers import phone_digits


class CustomerForm(forms.ModelForm):
    """A new customer. One whose phone we know already is asked about before a second one is made."""

    create_anyway = forms.BooleanField(required=False, label="This is another customer with the same phone")

    class Meta:
        model = Customer
        fields = ["name", "phone", "email"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "data-customer-name": ""}),
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        }

    def clean(self):
        data = super().clean()
        owners = customers_with_phone(data.get("phone", ""))
        if owners and not data.get("create_anyway"):
            names = ", ".join(customer.name for customer in owners)
            self.add_error("phone", f"{names} has this phone already. Choose them, or say that this is someone else.")
        return data


class CustomerSearchForm(forms.Form):
    name = forms.CharField(min_length=2, max_length=120)


def customers_with_phone(phone: str) -> list[Customer]:
    digits = phone_digits(phone)
    return list(Customer.objects.filter(phone_digits=digits)[:3]) if len(digits) >= 6 else []


class SiteForm(forms.ModelForm):
    latitude = LatitudeField()
    longitude = LongitudeField()

    class Meta:
        model = Site
        fields = ["address", "latitude", "longitude", "access_notes"]
        widgets = {
            "access_notes": forms.Textarea(attrs={"rows": 2}),
            "address": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args, merging=False, **kwargs):
        super().__init__(*args, **kwargs)
        carry_what_is_shown(self, merging)

    def clean(self):
        data = super().clean()
        if (data.get("latitude") is None) != (data.get("longitude") is None) and not self.errors:
            self.add_error("latitude", "Give both latitude and longitude, or neither.")
        return data


class PointForm(forms.Form):
    latitude = forms.FloatField(min_value=-90, max_value=90)
    longitude = forms.FloatField(min_value=-180, max_value=180)

    def clean(self):
        if self.errors:
            raise ValidationError("No such place.")
        return super().clean()
