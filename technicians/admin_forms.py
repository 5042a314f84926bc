from datetime import time
from itertools import pairwise

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils import timezone

from technicians.models import OnCall, Technician, Weekday

DAY = 24 * 60
WEEK = 7 * DAY


class TechnicianForm(forms.ModelForm):
    class Meta:
        model = Technician
        fields = "__all__"  # noqa: DJ007 the admin's own list of fields decides

    def clean(self):
        data = super().clean()
        check_coordinates(self, "home_latitude", "home_longitude")
        return data


def check_coordinates(form: forms.ModelForm, latitude: str, longitude: str) -> None:
    """Adds an error unless both are on the globe or both are empty."""
    for name, limit in ((latitude, 90), (longitude, 180)):
        value = form.cleaned_data.get(name)
        if value is not None and not -limit <= value <= limit:
            form.add_error(name, f"Must lie between -{limit} and {limit} degrees.")
    for name, other in ((latitude, longitude), (longitude, latitude)):
        given = form.cleaned_data.get(other) is not None
        if name not in form.errors and given and form.cleaned_data.get(name) is None:
            form.add_error(name, "Give both the latitude and the longitude, or neither.")


class TechnicianSkillForm(forms.ModelForm):
    def clean_certificate_expires_on(self):
        expires_on = self.cleaned_data["certificate_expires_on"]
        if expires_on and abs(expires_on.year - timezone.localdate().year) > 30:
            raise ValidationError(f"Check the year: {expires_on.year} is more than 30 years away.")
        return expires_on


class WorkingHoursForm(forms.ModelForm):
    def clean(self):
        data = super().clean()
        start, end = data.get("starts_at"), data.get("ends_at")
        if start is None or end is None:
            return data
        if start == end:
            self.add_error("ends_at", "A shift cannot end at the minute at which it starts.")
        else:
            self._check_break(start, end)
        return data

    def _check_break(self, start: time, end: time) -> None:
        begins, ends = (self.cleaned_data.get(f"break_{edge}_at") for edge in ("starts", "ends"))
        if begins is None and ends is None:
            return
        if begins is None or ends is None:
            missing = "break_starts_at" if begins is None else "break_ends_at"
            if missing not in self.errors:
                self.add_error(missing, "Give both the start and the end of the break, or neither.")
            return
        # Counted from the start of the shift, a shift past midnight is as easy as any other.
        if not _minutes_after(start, begins) < _minutes_after(start, ends) <= _minutes_after(start, end):
            self.add_error("break_ends_at", "The break must end after it starts and lie within the shift.")


def _minutes_after(start: time, moment: time) -> int:
    """Minutes from `start` to the next `moment`, over midnight if need be."""
    return (moment.hour * 60 + moment.minute - start.hour * 60 - start.minute) % DAY


class WorkingHoursFormSet(BaseInlineFormSet):
    def clean(self):
        super().clean()
        shifts = sorted(
            (data["weekday"] * DAY + _minutes_after(time(), data["starts_at"]), data["starts_at"], data["ends_at"])
            for form in self.forms
            if (data := getattr(form, "cleaned_data", None)) and not form.errors and not data.get("DELETE")
        )
        if len(shifts) < 2:
            return
        first_again = (shifts[0][0] + WEEK, *shifts[0][1:])
        for (begins, start, end), (next_begins, *_) in pairwise([*shifts, first_again]):
            if next_begins < begins + _minutes_after(start, end):
                day = Weekday(begins // DAY).label
                raise ValidationError(f"The shift on {day} from {start:%H:%M} to {end:%H:%M} overlaps the next one.")


class TimeOffForm(forms.ModelForm):
    def clean(self):
        data = super().clean()
        start, end = data.get("starts_at"), data.get("ends_at")
        if start and end and end <= start:
            self.add_error("ends_at", "Time off must end after it starts.")
        return data


class OnCallForm(forms.ModelForm):
    def clean(self):
        data = super().clean()
        start, end = data.get("starts_at"), data.get("ends_at")
        if start and end and end <= start:
            self.add_error("ends_at", "Being on call must end after it starts.")
        return data


class OneOnCallForm(OnCallForm):
    """On a page of its own: whether it overlaps another is for the database to say."""

    class Meta:
        model = OnCall
        fields = ("technician", "starts_at", "ends_at")

    def clean(self):
        data = super().clean()
        start, end, technician = (data.get(name) for name in ("starts_at", "ends_at", "technician"))
        if technician and start and end and not self.errors:
            others = technician.on_call.exclude(pk=self.instance.pk)
            if other := others.filter(starts_at__lt=end, ends_at__gt=start).first():
                raise ValidationError(f"{technician} is on call already {_span(other.starts_at, other.ends_at)}.")
        return data


class OnCallFormSet(BaseInlineFormSet):
    def clean(self):
        super().clean()
        spans = sorted(
            (data["starts_at"], data["ends_at"])
            for form in self.forms
            if (data := getattr(form, "cleaned_data", None)) and not form.errors and not data.get("DELETE")
        )
        for (start, end), (next_start, next_end) in pairwise(spans):
            if next_start < end:
                raise ValidationError(f"On call {_span(start, end)} overlaps {_span(next_start, next_end)}.")


def _span(starts_at, ends_at) -> str:
    start, end = timezone.localtime(starts_at), timezone.localtime(ends_at)
    return f"from {start:%d %b %H:%M} to {end:%d %b %H:%M}"
