"""What a customer's browser sends."""

from datetime import UTC, datetime, timedelta

from django import forms
from django.utils import timezone

from dispatch.models import CustomerMessage

Kind = CustomerMessage.Kind
SHORTEST = timedelta(minutes=30)


class MessageForm(forms.Form):
    kind = forms.ChoiceField(choices=[(kind, kind.label) for kind in (Kind.READY, Kind.ACCESS, Kind.MESSAGE)])
    text = forms.CharField(
        required=False, max_length=1000, error_messages={"max_length": "That is too long: 1000 characters at most."}
    )


class OtherTimeForm(forms.Form):
    """A day and from when to when, in the business's time; as instants in `starts_at` and `ends_at`."""

    day = forms.DateField(error_messages={"required": "Which day?", "invalid": "Which day?"})
    begins = forms.TimeField(error_messages={"required": "From when?", "invalid": "From when?"})
    ends = forms.TimeField(error_messages={"required": "Until when?", "invalid": "Until when?"})
    text = forms.CharField(required=False, max_length=1000)

    def clean(self):
        data = super().clean()
        if self.errors:
            return data
        try:
            starts_at, ends_at = (_instant(data["day"], data[name]) for name in ("begins", "ends"))
        except (OverflowError, ValueError):
            raise forms.ValidationError("Choose a time that is still to come.") from None
        if ends_at - starts_at < SHORTEST:
            raise forms.ValidationError("Leave us half an hour at least between from and until.")
        return data | {"starts_at": starts_at, "ends_at": ends_at}


def _instant(day, clock) -> datetime:
    return timezone.make_aware(datetime.combine(day, clock)).astimezone(UTC)


class RatingForm(forms.Form):
    stars = forms.IntegerField(min_value=1, max_value=5, error_messages={"required": "How many stars?"})
    comment = forms.CharField(required=False, max_length=1000)
