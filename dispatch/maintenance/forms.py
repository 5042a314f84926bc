"""The form of a maintenance plan: what is done where, and the builder of its recurrence."""

from datetime import date, time
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from dispatch.board.filters import Checkboxes
from dispatch.forms.fields import TIME_INPUT, YEARS_OF_REPORTS, chosen
from dispatch.maintenance.due import MOST_AHEAD
from dispatch.maintenance.rule import DAYS, LAST, MONTHS, NUMBERS, WORKING_DAYS, Frequency, Rule, RuleError, Schedule
from dispatch.models import Job, JobType, MaintenancePlan, Priority, Site
from technicians.models import Technician

WORKING: Final = "working"
ON_DAY, ON_WEEKDAY = "day", "weekday"
DATE = {"type": "date"}
FREQUENCIES: Final = [
    (Frequency.DAILY.value, "Days"),
    (Frequency.WEEKLY.value, "Weeks"),
    (Frequency.MONTHLY.value, "Months"),
    (Frequency.YEARLY.value, "Years"),
]
MONTH_DAYS: Final = [*((day, str(day)) for day in range(1, 32)), (LAST, "last day")]
WEEKDAYS: Final = [*((str(number), name) for number, name in enumerate(DAYS)), (WORKING, "working day (Mon–Fri)")]
MONTH_CHOICES: Final = list(enumerate(MONTHS, start=1))


def _radios(**attrs) -> forms.RadioSelect:
    return forms.RadioSelect(attrs={"class": "choices"} | attrs)


class DayInput(forms.DateInput):
    def __init__(self):
        super().__init__(attrs=DATE, format="%Y-%m-%d")


class ScheduleForm(forms.Form):
    """What the chosen unit has no use for is left alone: it stays as it is when somebody tries another unit."""

    interval = forms.IntegerField(label="Every", min_value=1, max_value=366, initial=1)
    frequency = forms.ChoiceField(choices=FREQUENCIES, widget=_radios(), label="Unit", initial=Frequency.MONTHLY.value)
    weekdays = forms.TypedMultipleChoiceField(
        coerce=int, choices=list(enumerate(DAYS)), required=False, widget=Checkboxes, label="On these days of the week"
    )
    on = forms.ChoiceField(
        choices=[(ON_DAY, "a day of the month"), (ON_WEEKDAY, "a weekday of the month")],
        required=False,
        widget=forms.RadioSelect,
        initial=ON_DAY,
    )
    month_day = forms.TypedChoiceField(coerce=int, choices=MONTH_DAYS, required=False, label="Day of the month")
    nth = forms.TypedChoiceField(coerce=int, choices=list(NUMBERS.items()), required=False, label="Which")
    weekday = forms.ChoiceField(choices=WEEKDAYS, required=False, label="Weekday")
    month = forms.TypedChoiceField(coerce=int, choices=MONTH_CHOICES, required=False, label="Month")
    months = forms.TypedMultipleChoiceField(
        coerce=int, choices=MONTH_CHOICES, required=False, widget=Checkboxes, label="Only in these months"
    )
    starts_on = forms.DateField(label="From", widget=DayInput(), validators=YEARS_OF_REPORTS)
    ends_on = forms.DateField(label="Until", required=False, widget=DayInput(), validators=YEARS_OF_REPORTS)
    window_starts = forms.TimeField(
        label="Time block from", required=False, widget=forms.TimeInput(attrs=TIME_INPUT, format="%H:%M")
    )
    window_ends = forms.TimeField(
        label="Time block to", required=False, widget=forms.TimeInput(attrs=TIME_INPUT, format="%H:%M")
    )
    time_zone = forms.CharField(max_length=60, label="Time zone", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    OF_RULE = ("interval", "frequency", "weekdays", "on", "month_day", "nth", "weekday", "month", "months")
    OF_PLAN = ("starts_on", "ends_on", "window_starts", "window_ends", "time_zone")

    @staticmethod
    def initial_on(day: date) -> dict[str, object]:
        """For a new plan that begins then."""
        return {
            "starts_on": day,
            "time_zone": settings.TIME_ZONE,
            "weekdays": [day.weekday()],
            "month_day": day.day,
            "nth": min((day.day + 6) // 7, 4),
            "weekday": str(day.weekday()),
            "month": day.month,
        }

    @classmethod
    def initial_of(cls, plan: MaintenancePlan) -> dict[str, object]:
        initial = cls.initial_on(plan.starts_on) | {name: getattr(plan, name) for name in cls.OF_PLAN}
        try:
            return initial | _fields_of(plan.schedule.rule)
        except RuleError:  # whoever saves the plan gives it another one
            return initial

    def clean_time_zone(self):
        name = self.cleaned_data["time_zone"]
        if name not in available_timezones():
            raise ValidationError(f"“{name}” is not a time zone. Write it as in America/New_York.")
        return name

    def clean(self):
        data = super().clean()
        starts, ends = data.get("window_starts"), data.get("window_ends")
        if (starts is None) != (ends is None) and not {"window_starts", "window_ends"} & self.errors.keys():
            self.add_error(
                "window_ends" if ends is None else "window_starts", "A time block has a beginning and an end."
            )
        elif starts and ends and ends <= starts:
            self.add_error("window_ends", "The time block ends before it begins.")
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", "It ends before it begins.")
        self._clean_rule()
        return data

    def _clean_rule(self) -> None:
        if set(self.OF_RULE) & self.errors.keys():
            return
        data = self.cleaned_data
        frequency = Frequency(data["frequency"])
        try:
            data["rule"] = Rule(frequency, data["interval"], months=self._months(frequency), **self._days(frequency))
        except RuleError as error:
            wrong = {Frequency.WEEKLY: "weekdays", Frequency.YEARLY: "month", Frequency.MONTHLY: "on"}
            self.add_error("interval" if "between" in str(error) else wrong.get(frequency, "interval"), str(error))
            return
        if data.get("starts_on"):
            self._check_is_ever()

    def _check_is_ever(self) -> None:
        schedule = self.schedule
        if not schedule.is_ever:
            self.add_error("months", "In these months it would never be due: choose others, or another first day.")
        elif schedule.ends_on and not schedule.since(schedule.starts_on, count=1):
            self.add_error("ends_on", "Nothing is due until then.")

    def _months(self, frequency: Frequency) -> tuple[int, ...]:
        data = self.cleaned_data
        if frequency == Frequency.YEARLY:
            return (data["month"],) if data["month"] else ()
        months = tuple(sorted(data["months"]))
        return () if len(months) == 12 else months

    def _days(self, frequency: Frequency) -> dict[str, object]:
        data = self.cleaned_data
        if frequency == Frequency.DAILY:
            return {}
        if frequency == Frequency.WEEKLY:
            return {"weekdays": tuple(sorted(data["weekdays"]))}
        if data["on"] != ON_WEEKDAY:
            return {"month_day": data["month_day"] or 0}
        chosen_days = WORKING_DAYS if data["weekday"] == WORKING else (int(data["weekday"] or 0),)
        return {"nth": data["nth"] or 0, "weekdays": chosen_days}

    @property
    def schedule(self) -> Schedule:
        data = self.cleaned_data
        return Schedule(data["rule"], data["starts_on"], data.get("ends_on"))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.cleaned_data["time_zone"])

    @property
    def times(self) -> tuple[time, time] | None:
        data = self.cleaned_data
        return (data["window_starts"], data["window_ends"]) if data["window_starts"] else None

    def fill(self, plan: MaintenancePlan) -> None:
        plan.rule = self.cleaned_data["rule"].text
        for name in self.OF_PLAN:
            setattr(plan, name, self.cleaned_data[name])


def _fields_of(rule: Rule) -> dict[str, object]:
    fields: dict[str, object] = {"interval": rule.interval, "frequency": rule.frequency.value}
    if rule.frequency == Frequency.YEARLY:
        fields["month"] = rule.months[0]
    else:
        fields["months"] = list(rule.months)
    if rule.frequency == Frequency.WEEKLY:
        fields["weekdays"] = list(rule.weekdays)
    elif rule.month_day:
        fields |= {"on": ON_DAY, "month_day": rule.month_day}
    elif rule.nth:
        is_any = rule.weekdays == WORKING_DAYS
        fields |= {"on": ON_WEEKDAY, "nth": rule.nth, "weekday": WORKING if is_any else str(rule.weekdays[0])}
    return fields


class PlanForm(forms.ModelForm):
    priority = forms.TypedChoiceField(
        coerce=int, choices=Priority.choices, initial=Priority.NORMAL, widget=_radios(), label="Priority"
    )
    duration_minutes = forms.IntegerField(
        min_value=5, max_value=24 * 60, initial=60, label="Minutes", widget=forms.NumberInput(attrs={"step": 5})
    )
    days_ahead = forms.IntegerField(
        min_value=1,
        max_value=400,
        initial=30,
        label="Days ahead",
        help_text=f"So long before a visit is due its job is made; of the next {MOST_AHEAD} visits at most.",
    )

    class Meta:
        model = MaintenancePlan
        fields = ["name", "site", "job_type", "description", "priority", "duration_minutes", "technician", "days_ahead"]
        labels = {"job_type": "Type", "technician": "Usual technician"}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Quarterly boiler service"}),
            "description": forms.Textarea(
                attrs={"rows": 3, "placeholder": "What each visit's job says; the first line becomes its title"}
            ),
            "site": forms.HiddenInput,
        }
        error_messages = {"site": {"required": "Choose the place."}}

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        plan = self.instance
        self.fields["site"].queryset = Site.objects.dispatchable_by(user).select_related("customer")
        kinds = JobType.objects.filter(is_active=True)
        self.fields["job_type"].queryset = kinds | JobType.objects.filter(pk=plan.job_type_id)
        self.fields["job_type"].empty_label = "Choose a type"
        people = Technician.objects.visible_to(user).active().by_name()
        if plan.technician_id and not people.filter(pk=plan.technician_id).exists():
            people = Technician.objects.filter(pk=plan.technician_id).select_related("user")
        self.fields["technician"].queryset = people
        self.fields["technician"].empty_label = "Nobody in particular"

    def _post_clean(self):
        """The action saves; the instance is left alone so that a refused edit shows the plan as it is."""

    def fill(self, plan: MaintenancePlan) -> None:
        for name in self._meta.fields:
            setattr(plan, name, self.cleaned_data[name])

    @property
    def chosen_site(self) -> Site | None:
        return chosen(self.fields["site"].queryset, str(self["site"].value() or ""))


def initial_from(job: Job) -> dict[str, object]:
    """The same again and again."""
    return {
        "site": job.site_id,
        "job_type": job.job_type_id,
        "name": f"{job.job_type}, {job.customer}"[:120],
        "description": job.description,
        "duration_minutes": job.duration_minutes,
        "technician": job.technician_id,
        "priority": min(job.priority, Priority.NORMAL),
    }


class SkipForm(forms.Form):
    day = forms.DateField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=200, label="Why is this visit skipped?", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class DayForm(forms.Form):
    day = forms.DateField()
