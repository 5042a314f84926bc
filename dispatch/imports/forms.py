"""Which columns are which fields, chosen on a page; and the file itself."""

import re
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from dispatch.imports.choices import DATED, DATES, JOINED, MOST_JOINED, is_joinable
from dispatch.imports.fields import FIELDS
from dispatch.models import FileImport

LABELS = {
    "external_id": (
        "Their own number",
        "An id that names each row once: by it a second import finds the row.",
    ),
    "customer_external_id": ("Customer's number", ""),
    "customer_name": ("Customer's name", ""),
    "customer_phone": ("Customer's phone", ""),
    "customer_email": ("Customer's e-mail", ""),
    "name": ("Name", ""),
    "email": ("E-mail", ""),
    "address": ("Address", "Of one site. A customer with several has a row for each."),
    "access_notes": ("Access notes", "Gate codes, dogs, where to park."),
    "job_type": ("Job type", "By its name."),
    "priority": (
        "Priority",
        "Low, Normal, High, Urgent and words like them; all others are as if empty.",
    ),
    "description": ("Description", "The first line becomes the title."),
    "created_at": ("Created", "When it was reported; the SLA counts from then."),
    "scheduled_on": ("Date", ""),
    "window_starts_at": ("Time block from", ""),
    "window_ends_at": ("Time block to", ""),
    "duration_minutes": ("Minutes", ""),
    "username": ("User name", "They log in with it, once somebody has set a password."),
    "home_address": ("Home address", ""),
    "zones": ("Zones", "Several with a semicolon between them."),
    "skills": ("Skills", "As in “Plumbing: Advanced; Heating”."),
    "technician": ("Usual technician", "By user name, by their own number or by full name."),
    "rule": ("Recurrence", "An RRULE, as in FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO."),
    "starts_on": ("From", "“Every third month” is counted from that day on."),
    "ends_on": ("Until", ""),
    "window_starts": ("Time block from", ""),
    "window_ends": ("Time block to", ""),
    "plan_time_zone": ("Time zone", "As in America/New_York; without one, the business's."),
    "days_ahead": ("Days ahead", "So long before a visit is due its job is made."),
    "is_active": ("Active", "Yes or no; a plan that is not is paused."),
}
HELP = {
    ("jobs", "address"): "",
    ("maintenance", "address"): "Of a site that the customer has here already.",
    ("maintenance", "description"): "Of each visit; the first line becomes its title.",
}


def label_of(name: str) -> str:
    return LABELS[name][0] if name in LABELS else name.replace("_", " ").capitalize()


def in_words(reason: str, kind: str) -> str:
    """A reason begins with the names of one or two of our fields, or does not."""
    names = re.match(r"[a-z_]*(?: and [a-z_]+)?", reason)[0]
    fields = names.split(" and ")
    if not all(name in FIELDS[kind] for name in fields):
        return reason
    first, *second = map(label_of, fields)
    return " and ".join([first, *(label.lower() for label in second)]) + reason.removeprefix(names)


class UploadForm(forms.Form):
    kind = forms.ChoiceField(
        choices=FileImport.Kind.choices, label="What is in it", widget=forms.RadioSelect(attrs={"class": "choices"})
    )
    file = forms.FileField(
        label="CSV file", widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"})
    )


class MappingForm(forms.Form):
    """Fields of the form: `address`, `address_2`, `address_3`, `address_otherwise` and so on for each of ours."""

    dates = forms.ChoiceField(choices=DATES.items(), label="Dates look like")
    time_zone = forms.ChoiceField(label="Times are of")
    creates_missing = forms.BooleanField(required=False)

    def __init__(self, *args, kind: str, columns: list[str], chosen: dict, **kwargs):
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.initial = _initial(chosen)
        for name, field in FIELDS[kind].items():
            self._add(name, columns, is_required=field.required)
        self._tune(kind, chosen)

    def _add(self, name: str, columns: list[str], *, is_required: bool) -> None:
        label, help_text = label_of(name), LABELS.get(name, ("", ""))[1]
        for place in range(1, MOST_JOINED + 1 if name in JOINED else 2):
            offered = [column for column in columns if place == 1 or is_joinable(column)]
            choices = [("", "– none –" if place == 1 else "– and –"), *((column, column) for column in offered)]
            field = forms.ChoiceField(choices=choices, required=False, label=label if place == 1 else f"{label}, then")
            field.help_text = HELP.get((self.kind, name), help_text) if place == 1 else ""
            field.is_needed = is_required
            self.fields[_key(name, place)] = field
        self.fields[f"{name}_otherwise"] = forms.CharField(
            required=False, max_length=200, label=f"{label}, if empty", widget=forms.TextInput(attrs={"size": 12})
        )

    def _tune(self, kind: str, chosen: dict) -> None:
        if kind in ("customers", "maintenance"):
            del self.fields["creates_missing"]
        else:
            missing = "job types" if kind == "jobs" else "skills"
            self.fields["creates_missing"].label = f"Make {missing} that are not known yet"
        if kind == "jobs":
            zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
            self.fields["time_zone"].choices = [(name, name) for name in zones]
            self.initial.setdefault("time_zone", settings.TIME_ZONE)
        else:
            del self.fields["time_zone"]
        if not FIELDS[kind].keys() & set(DATED):
            del self.fields["dates"]

    def rows(self) -> list[dict]:
        """For the page: a line for each of our fields."""
        return [
            {
                "name": name,
                "columns": [self[_key(name, place)] for place in range(1, 4) if _key(name, place) in self.fields],
                "otherwise": self[f"{name}_otherwise"],
                "is_needed": field.required,
            }
            for name, field in FIELDS[self.kind].items()
        ]

    def options(self) -> list:
        return [self[name] for name in ("dates", "time_zone", "creates_missing") if name in self.fields]

    def clean(self):
        data = super().clean()
        for name, field in FIELDS[self.kind].items():
            chosen = self._columns(name)
            if field.required and not chosen and not data.get(f"{name}_otherwise"):
                self.add_error(name, ValidationError("Choose its column."))
            if len(chosen) > 1 and not all(map(is_joinable, chosen)):
                self.add_error(name, "A column with brackets in its name cannot be put together with another one.")
        if not self._columns("external_id"):
            self.add_error("external_id", "It must come from a column: one text for all rows names none of them.")
        return data

    def _columns(self, name: str) -> list[str]:
        picked = (self.cleaned_data.get(_key(name, place), "") for place in range(1, MOST_JOINED + 1))
        return [column for column in dict.fromkeys(picked) if column]

    @property
    def choices(self) -> dict:
        """As dispatch/imports/choices.py has them."""
        data = self.cleaned_data
        return {
            "fields": {
                name: {"columns": self._columns(name), "otherwise": data.get(f"{name}_otherwise", "")}
                for name in FIELDS[self.kind]
            },
            "dates": data.get("dates", "iso"),
            "time_zone": data.get("time_zone", settings.TIME_ZONE),
            "creates_missing": data.get("creates_missing", False),
        }


def _key(name: str, place: int) -> str:
    return name if place == 1 else f"{name}_{place}"


def _initial(chosen: dict) -> dict:
    initial = {name: value for name, value in chosen.items() if name != "fields"}
    for name, one in chosen.get("fields", {}).items():
        initial |= {_key(name, place): column for place, column in enumerate(one["columns"], start=1)}
        initial[f"{name}_otherwise"] = one["otherwise"]
    return initial
