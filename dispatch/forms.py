"""Forms check what people type; what is done with it is for dispatch.actions."""

from datetime import UTC, date, datetime, time

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from dispatch.actions import SkillNeed
from dispatch.models import Customer, Job, JobType, Priority, Site
from dispatch.models.customers import phone_digits
from dispatch.placement import Placement, moved_to
from technicians.models import Proficiency, Skill, Technician

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


class JobForm(forms.ModelForm):
    """What the job is, when, and what it takes. Times of day are on `scheduled_on`, in the business's time.

    With `merging` the page carries what it showed, so that `changed_values` are only those that the editor touched.
    """

    INSTANTS = {
        "planned_starts_at": ("scheduled_on", "planned_time"),
        "window_starts_at": ("scheduled_on", "block_from"),
        "window_ends_at": ("scheduled_on", "block_to"),
    }

    priority = forms.TypedChoiceField(
        coerce=int,
        choices=Priority.choices,
        initial=Priority.NORMAL,
        widget=forms.RadioSelect(attrs={"class": "choices"}),
    )
    planned_time = forms.TimeField(required=False, label="Planned start", widget=forms.TimeInput(attrs=TIME_INPUT))
    block_from = forms.TimeField(required=False, label="Time block from", widget=forms.TimeInput(attrs=TIME_INPUT))
    block_to = forms.TimeField(required=False, label="Time block to", widget=forms.TimeInput(attrs=TIME_INPUT))
    duration_minutes = forms.IntegerField(
        min_value=5,
        max_value=24 * 60,
        initial=60,
        label="Duration in minutes",
        widget=forms.NumberInput(attrs={"step": 5}),
    )

    class Meta:
        model = Job
        fields = ["job_type", "priority", "description", "scheduled_on", "duration_minutes", "is_fixed"]
        labels = {"scheduled_on": "Date", "job_type": "Type"}
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3, "placeholder": "The first line becomes the title"}),
            "scheduled_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args, merging=False, **kwargs):
        super().__init__(*args, **kwargs)
        carry_what_is_shown(self, merging)
        self.fields["job_type"].queryset = _still_choosable(JobType, self.instance.job_type_id)
        job = self.instance
        for name, instant in (
            ("planned_time", job.planned_starts_at),
            ("block_from", job.window_starts_at),
            ("block_to", job.window_ends_at),
        ):
            if instant:
                self.initial[name] = timezone.localtime(instant).time().replace(second=0, microsecond=0)

    def clean_scheduled_on(self):
        day = self.cleaned_data["scheduled_on"]
        if day and day.year not in YEARS:
            raise ValidationError(f"Check the year: {day.year}.")
        return day

    def clean(self):
        data = super().clean()
        day, starts, ends = data.get("scheduled_on"), data.get("block_from"), data.get("block_to")
        if (starts is None) != (ends is None):
            self.add_error("block_to" if ends is None else "block_from", "A time block has a beginning and an end.")
        elif starts and ends <= starts:
            self.add_error("block_to", "The time block ends before it begins.")
        if not day and (starts or ends or data.get("planned_time")):
            self.add_error("scheduled_on", "Choose the date that these times are on.")
        if data.get("is_fixed") and not (starts or data.get("planned_time")):
            self.add_error("is_fixed", "A fixed appointment needs a time block or a planned start.")
        if not self.errors:
            for name, (_, at) in self.INSTANTS.items():
                try:
                    data[name] = _instant(day, data.get(at))
                except ValidationError as error:
                    self.add_error(at, error)
        return data

    def _post_clean(self):
        """The actions save; the instance is left alone so that a refused edit shows the job as it is."""

    def job_values(self) -> dict[str, object]:
        """Fields of Job by name."""
        return {name: self.cleaned_data[name] for name in (*self._meta.fields, *self.INSTANTS)}

    def changed_values(self) -> dict[str, object]:
        changed = set(self.changed_data)
        touched = [name for name in self._meta.fields if name in changed]
        touched += [name for name, made_of in self.INSTANTS.items() if changed & set(made_of)]
        return {name: self.cleaned_data[name] for name in touched}


def carry_what_is_shown(form: forms.Form, merging: bool) -> None:
    for field in form.fields.values():
        field.show_hidden_initial = merging


def _instant(day, at: time | None) -> datetime | None:
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


def _still_choosable(model, current_id):
    """The active ones, and the one chosen before it became inactive."""
    return model.objects.filter(is_active=True) | model.objects.filter(pk=current_id)


class SkillsForm(forms.Form):
    """One select a skill: not needed, or from which level."""

    def __init__(self, *args, needs: list[SkillNeed] = (), merging=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.levels = levels = {need.skill_id: need.level for need in needs}
        for skill in Skill.objects.all():
            if skill.is_active or skill.pk in levels:
                self.fields[f"skill_{skill.pk}"] = forms.TypedChoiceField(
                    label=skill.name,
                    coerce=int,
                    empty_value=None,
                    required=False,
                    choices=[("", "Not needed"), *Proficiency.choices],
                    initial=levels.get(skill.pk, ""),
                )
        carry_what_is_shown(self, merging)

    def needs(self) -> list[SkillNeed]:
        """What was chosen; a skill that the editor left alone keeps the level that it has by now."""
        levels = dict(self.levels)
        for name in self.changed_data:
            levels[int(name.removeprefix("skill_"))] = self.cleaned_data[name]
        return [SkillNeed(skill_id, level) for skill_id, level in levels.items() if level is not None]


class TechnicianChoiceForm(forms.Form):
    technician = forms.ModelChoiceField(
        queryset=Technician.objects.none(), required=False, empty_label="Smart dispatch", label="Assign to"
    )

    def __init__(self, *args, user, required=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["technician"].queryset = Technician.objects.visible_to(user).active().by_name()
        self.fields["technician"].required = required


class StatusForm(forms.Form):
    """`to` and `note`; `seen` is what the user was looking at (Job.seen)."""

    def __init__(self, *args, steps, **kwargs):
        super().__init__(*args, **kwargs)
        self.needing_reason = {step.to for step in steps if step.needs_reason}
        self.fields["to"].choices = [(step.to, step.label) for step in steps]

    to = forms.ChoiceField(label="Next", widget=forms.RadioSelect(attrs={"class": "choices"}))
    note = forms.CharField(required=False, label="Note or reason", widget=forms.Textarea(attrs={"rows": 2}))
    seen = forms.CharField(widget=forms.HiddenInput)

    def clean(self):
        data = super().clean()
        if data.get("to") in self.needing_reason and not data.get("note", "").strip():
            self.add_error("note", "Give a reason.")
        return data


class NoteForm(forms.Form):
    text = forms.CharField(label="Note", max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))


class HoldForm(forms.Form):
    reason = forms.CharField(max_length=200, label="Why is it on hold?")


class PointForm(forms.Form):
    latitude = forms.FloatField(min_value=-90, max_value=90)
    longitude = forms.FloatField(min_value=-180, max_value=180)

    def clean(self):
        if self.errors:
            raise ValidationError("No such place.")
        return super().clean()


class PlaceForm(forms.Form):
    """Where a job is to be. What is left empty stays as it is; `none` for the technician means back to the tray."""

    NOBODY = "none"

    technician = forms.ChoiceField(required=False)
    day = forms.DateField(required=False, label="Day", widget=forms.DateInput(attrs={"type": "date"}))
    at = forms.TimeField(required=False, label="Planned start", widget=forms.TimeInput(attrs=TIME_INPUT))
    on_conflict = forms.ChoiceField(
        required=False, choices=[(word, word) for word in ("ask", "shift", "anyway")], widget=forms.HiddenInput
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31, widget=forms.HiddenInput)

    def __init__(self, *args, job: Job, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.job = job
        self.technicians = {str(t.pk): t for t in Technician.objects.visible_to(user).active().by_name()}
        if job.technician_id:  # whoever has it may keep it
            self.technicians.setdefault(str(job.technician_id), job.technician)
        names = [(pk, str(technician)) for pk, technician in self.technicians.items()]
        self.fields["technician"].choices = [(self.NOBODY, "Nobody: back to the tray"), *names]

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day and day.year not in YEARS:
            raise ValidationError("Choose a day between 1900 and 2200.")
        return day

    def clean(self):
        data = super().clean()
        if not self.errors:
            try:
                data["placement"] = self._placement()
            except ValidationError as error:
                self.add_error("at", error)
        return data

    def placement(self) -> Placement:
        return self.cleaned_data["placement"]

    def _placement(self) -> Placement:
        chosen, day = self.cleaned_data["technician"], self.cleaned_data["day"] or self.job.scheduled_on
        technician = self.technicians.get(chosen) if chosen else self.job.technician
        at = self.cleaned_data["at"]
        if technician and day is None:
            day = timezone.localdate()
        return moved_to(self.job, technician=technician, day=day, starts_at=_instant(day, at) if day else None)
