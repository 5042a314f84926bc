"""The admin's form of a business calendar: whose public holidays, and the weekly hours."""

import json
from collections import defaultdict
from itertools import pairwise

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils import timezone

from sla.calendars import Hours, weekly_calendar
from sla.models import BusinessCalendar, OpeningInterval, SLATarget
from sla.public_holidays import UnknownRegionError, countries, regions_of
from sla.targets import never_due
from technicians.models import Weekday

MIDNIGHT_LATER = 24 * 60


class BusinessCalendarForm(forms.ModelForm):
    """The regions follow the country that is chosen, by calendar_form.js; without it, once the country is saved."""

    class Meta:
        model = BusinessCalendar
        fields = ["name", "time_zone", "country", "subdivision"]
        widgets = {"country": forms.Select, "subdivision": forms.Select}

    class Media:
        js = ["js/calendar_form.js"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "country" not in self.fields:  # of those who may only look
            return
        self._offer("country", "No public holidays", countries())
        regions = {code: self._storable(code) for code in countries()}
        self._offer("subdivision", "The whole country", regions.get(self["country"].value(), {}))
        choices = {code: list(names.items()) for code, names in regions.items() if names}
        self.fields["subdivision"].widget.attrs |= {"data-regions": json.dumps(choices), "data-country": "id_country"}

    def _offer(self, name, nothing, names):
        """What the field holds stays in sight, even where it is none of these."""
        current = self[name].value()
        stray = [(current, current)] if current and current not in names else []
        self.fields[name].widget.choices = [("", nothing), *stray, *names.items()]

    def _storable(self, country):
        longest = BusinessCalendar._meta.get_field("subdivision").max_length
        return {code: name for code, name in regions_of(country).items() if len(code) <= longest}

    def clean(self):
        data = super().clean()
        country, region = data.get("country"), data.get("subdivision")
        if region and not country:
            self.add_error("subdivision", "Choose its country, too.")
        elif country:
            self._check_known(country, region)
        return data

    def _check_known(self, country, region):
        try:
            regions = regions_of(country)
        except UnknownRegionError as error:
            self.add_error("country", str(error))
            return
        if region and region not in regions:
            self.add_error("subdivision", f"“{region}” is not among the states and regions of {countries()[country]}.")


class ClockTimeInput(forms.TimeInput):
    """The browser's own: the admin's speaks of the server's time zone, in which these hours are not."""

    input_type = "time"

    def __init__(self):
        super().__init__(format="%H:%M")


class OpeningIntervalForm(forms.ModelForm):
    class Meta:
        model = OpeningInterval
        fields = ["weekday", "opens_at", "closes_at"]
        widgets = {"opens_at": ClockTimeInput, "closes_at": ClockTimeInput}

    def clean(self):
        data = super().clean()
        opens, closes = data.get("opens_at"), data.get("closes_at")
        if opens is not None and closes is not None and 0 < _minutes(closes) <= _minutes(opens):
            self.add_error("closes_at", "Must be later than the opening; 00:00 is the end of the day.")
        return data


def _minutes(moment) -> int:
    return moment.hour * 60 + moment.minute


class OpeningIntervalFormSet(BaseInlineFormSet):
    def clean(self):
        super().clean()
        if any(self.errors):
            return
        weekly: dict[int, list[Hours]] = defaultdict(list)
        for form in self.forms:
            data = getattr(form, "cleaned_data", None)
            if data and not data.get("DELETE"):
                weekly[data["weekday"]].append((data["opens_at"], data["closes_at"]))
        if not weekly:
            raise ValidationError("Give at least one opening interval: without any, no business hour ever passes.")
        for weekday, hours in weekly.items():
            hours.sort()
            for (_, closes), (opens, _) in pairwise(hours):
                if _minutes(opens) < (_minutes(closes) or MIDNIGHT_LATER):
                    raise ValidationError(f"Two opening intervals on {Weekday(weekday).label} overlap.")
        self._check_targets(weekly)

    def _check_targets(self, weekly):
        """That the policies with this calendar can still be kept."""
        if self.instance.pk is None:
            return
        targets = SLATarget.objects.filter(policy__calendar=self.instance).select_related("policy")
        if names := never_due(targets, weekly_calendar(weekly), now=timezone.now()):
            raise ValidationError(f"These hours are too few: never due would be {', '.join(names)}.")
