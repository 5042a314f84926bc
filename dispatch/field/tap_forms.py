"""What each kind of tap has to say. A phone sends it as JSON, a page without script as a form: both are read here."""

from datetime import timedelta

from django import forms

from dispatch.field.taps import YEAR_2100_MS, SentTap, instant
from dispatch.models import Status, Tap
from technicians.positions import Fix

Kind = Tap.Kind
NOT_UNDERSTOOD = "This tap could not be understood. Nothing was changed; try again."
DUTY = [("in", "Clock in"), ("out", "Clock out"), ("break", "Break"), ("back", "End break")]


class Content(forms.Form):
    """The errors of the fields in `told` are sentences for technicians; the others are a phone's own mistakes."""

    told: tuple[str, ...] = ()


class StepContent(Content):
    to = forms.ChoiceField(choices=Status.choices)
    seen = forms.CharField(max_length=60)
    note = forms.CharField(required=False, max_length=2000)


class NoteContent(Content):
    text = forms.CharField(
        max_length=2000, error_messages={"required": "Write something first.", "max_length": "That note is too long."}
    )
    told = ("text",)


class CheckContent(Content):
    item = forms.IntegerField(min_value=1, max_value=2**31)
    is_done = forms.BooleanField(required=False)


class MaterialContent(Content):
    """So much of something, or that it was not used after all."""

    withdraws = forms.UUIDField(required=False)
    material = forms.IntegerField(required=False, min_value=1, max_value=2**31)
    name = forms.CharField(required=False, max_length=120, error_messages={"max_length": "That name is too long."})
    unit = forms.CharField(required=False, max_length=20, error_messages={"max_length": "That unit is too long."})
    quantity = forms.DecimalField(
        required=False,
        max_digits=9,
        decimal_places=2,
        error_messages={
            "invalid": "How many? Write a number.",
            "max_digits": "That is too many.",
            "max_whole_digits": "That is too many.",
            "max_decimal_places": "At most two digits after the point.",
        },
    )
    told = ("name", "unit", "quantity")

    def clean(self):
        data = super().clean()
        if data.get("withdraws") or self.errors:
            return data
        if not (data.get("material") or data.get("name")):
            self.add_error("name", "What did you use? Choose it or write its name.")
        elif not data.get("quantity") or data["quantity"] <= 0:
            self.add_error("quantity", "How many? Write a number above 0.")
        return data


class DutyContent(Content):
    duty = forms.ChoiceField(choices=DUTY)


class LateContent(Content):
    minutes = forms.IntegerField(
        min_value=1,
        max_value=480,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), "How many minutes? Write a number from 1 to 480."
        ),
    )
    told = ("minutes",)


class SickContent(Content):
    note = forms.CharField(required=False, max_length=200, error_messages={"max_length": "That note is too long."})
    told = ("note",)


class FixForm(forms.Form):
    """What the browser's geolocation says; all of it or nothing."""

    latitude = forms.FloatField(min_value=-90, max_value=90)
    longitude = forms.FloatField(min_value=-180, max_value=180)
    accuracy = forms.FloatField(min_value=0, max_value=100_000, required=False)
    fix_at = forms.FloatField(min_value=0, max_value=YEAR_2100_MS)  # epoch milliseconds


CONTENT: dict[str, type[Content]] = {
    Kind.STEP: StepContent,
    Kind.NOTE: NoteContent,
    Kind.CHECK: CheckContent,
    Kind.MATERIAL: MaterialContent,
    Kind.DUTY: DutyContent,
    Kind.LATE: LateContent,
    Kind.SICK: SickContent,
}


def objection_in(form: Content) -> str:
    told = [form.errors[name][0] for name in form.told if name in form.errors]
    return told[0] if told else NOT_UNDERSTOOD


def read_fix(sent: SentTap, *, offset: timedelta) -> Fix | None:
    """By our clock: the phone's tells of its positions as wrongly as of its taps."""
    form = FixForm(dict(sent.fix))
    at = instant(form.cleaned_data["fix_at"]) if form.is_valid() else None
    if at is None:
        return None
    data = form.cleaned_data
    return Fix(data["latitude"], data["longitude"], at + offset, data["accuracy"])
