"""The forms of the job menu and of the bulk bar. Those that ask nothing are plain buttons."""

from typing import Final

from django import forms

from dispatch.forms.fields import DayField, PriorityField
from dispatch.models import Job, Status

USUAL_REASONS: Final[dict[str, list[str]]] = {
    Status.CANCELLED: ["Customer cancelled", "Entered twice", "No longer needed", "Nobody at home"],
    Status.ASSIGNED: ["Waiting for parts", "Customer not ready", "Called to an urgent job"],  # interrupted
    Status.IN_PROGRESS: ["Completed by mistake", "Work left to do"],  # reopened
}
USUAL_HOLDS: Final = ["Waiting for parts", "Waiting for approval", "Customer asked to wait"]


class PriorityForm(forms.Form):
    priority = PriorityField()


class PinForm(forms.Form):
    time = forms.BooleanField(required=False, label="Its day and time")
    technician = forms.BooleanField(required=False)

    def __init__(self, *args, job: Job, **kwargs):
        now = {"time": job.is_time_pinned, "technician": job.is_technician_pinned}
        super().__init__(*args, initial=now, **kwargs)
        # Still to be unticked where it is pinned already.
        self.fields["time"].disabled = job.scheduled_on is None and not job.is_time_pinned
        self.fields["technician"].disabled = job.technician is None and not job.is_technician_pinned
        self.fields["technician"].label = f"Its technician, {job.technician}" if job.technician else "Its technician"


class DuplicateForm(forms.Form):
    day = DayField(help_text="Without one it waits among the unassigned jobs.")


class FollowUpForm(DuplicateForm):
    description = forms.CharField(
        max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), help_text="The first line becomes the title."
    )
    keep_technician = forms.BooleanField(required=False)

    def __init__(self, *args, job: Job, can_keep: bool, **kwargs):
        super().__init__(*args, initial={"description": f"Follow-up of {job.number}\n"}, **kwargs)
        if can_keep:
            self.fields["keep_technician"].label = f"Assign it to {job.technician} again"
        else:
            del self.fields["keep_technician"]


class ReasonForm(forms.Form):
    """A reason of one's own, or one of the usual ones by their buttons (`usual`)."""

    reason = forms.CharField(
        max_length=500, required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
    )
    usual = forms.CharField(max_length=500, required=False, widget=forms.HiddenInput)

    def clean(self):
        data = super().clean()
        data["reason"] = data.get("usual") or data.get("reason", "").strip()
        if not data["reason"] and not self.errors:
            self.add_error("reason", "Give a reason.")
        return data


class NoFieldsForm(forms.Form):
    pass


class RescheduleForm(forms.Form):
    """`clear` is a button of its own: nobody empties a date field to say it."""

    day = DayField()
    clear = forms.BooleanField(required=False, widget=forms.HiddenInput)
    anyway = forms.BooleanField(required=False, label="Even those against which something speaks")

    def clean(self):
        data = super().clean()
        if not data.get("day") and not data.get("clear") and not self.errors:
            self.add_error("day", "Choose the day.")
        return data
