"""Forms of a job: what it is, what it takes, its next step, its place."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from dispatch.actions import SkillNeed
from dispatch.forms.fields import TIME_INPUT, YEARS, carry_what_is_shown, instant_of
from dispatch.models import Job, JobType, Priority
from dispatch.placement import Placement, moved_to
from technicians.models import Proficiency, Skill, Technician


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
        self.fields["job_type"].empty_label = "Choose a type"
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
                    data[name] = instant_of(day, data.get(at))
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
        return moved_to(self.job, technician=technician, day=day, starts_at=instant_of(day, at) if day else None)
