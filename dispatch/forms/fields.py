"""What several forms have in common: fields, the years that are taken, times of day."""

from datetime import UTC, date, datetime, time

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from dispatch.models import Priority

TIME_INPUT = {"type": "time", "step": 300}
YEARS = range(1900, 2201)  # as imports accept them
YEARS_OF_REPORTS = [
    MinValueValidator(date(2000, 1, 1), "The year 2000 is the earliest."),
    MaxValueValidator(date(2100, 1, 1), "The year 2100 is the latest."),
]


class LatitudeField(forms.FloatField):
    def __init__(self, **kwargs):
        super().__init__(min_value=-90, max_value=90, required=False, **kwargs)
        self.widget.attrs |= {"step": "any", "inputmode": "decimal"}


class LongitudeField(forms.FloatField):
    def __init__(self, **kwargs):
        super().__init__(min_value=-180, max_value=180, required=False, **kwargs)
        self.widget.attrs |= {"step": "any", "inputmode": "decimal"}


class DayField(forms.DateField):
    def __init__(self, **kwargs):
        super().__init__(
            required=False,
            widget=forms.DateInput(attrs={"type": "date", "autofocus": True}, format="%Y-%m-%d"),
            **kwargs,
        )

    def clean(self, value):
        day = super().clean(value)
        if day and day.year not in YEARS:
            raise ValidationError(f"Check the year: {day.year}.")
        return day


class PriorityField(forms.TypedChoiceField):
    def __init__(self, **kwargs):
        choices = list(reversed(Priority.choices))
        super().__init__(coerce=int, choices=choices, widget=forms.RadioSelect(attrs={"class": "choices"}), **kwargs)


def carry_what_is_shown(form: forms.Form, merging: bool) -> None:
    for field in form.fields.values():
        field.show_hidden_initial = merging


def instant_of(day, at: time | None) -> datetime | None:
    """In the hour that the clocks repeat, the first time round; a time that they skip raises ValidationError."""
    if at is None:
        return None
    instant = timezone.make_aware(datetime.combine(day, at))
    if timezone.localtime(instant.astimezone(UTC)).time() != at:
        raise ValidationError(f"There is no {at:%H:%M} on that day: the clocks are put forward.")
    return instant


def chosen(queryset, key: str):
    """The row with the key that a form sent; None for no key and for one that is none."""
    try:
        return forms.ModelChoiceField(queryset, required=False).clean(key)
    except ValidationError:
        return None
