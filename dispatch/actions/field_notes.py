"""What a phone reports and no longer fits: kept as a note on the job, for the dispatcher to see to."""

from datetime import datetime

from django.utils import timezone

from dispatch.actions.base import bump, describe_state, fresh, publish_job
from dispatch.models import Job, JobNote, Notification
from dispatch.models.history import TOLD_LATER
from dispatch.notices.notify import dispatchers_of, notify
from dispatch.smart import suggestions
from dispatch.webhooks import events

DAY_AND_TIME = "%d %b %H:%M"


class Conflict(Exception):
    """The job has been changed meanwhile. `answer` is what the technician reads, if not the job's state."""

    def __init__(self, job: Job, answer: str = ""):
        super().__init__(job.number)
        self.job = job
        self.answer = answer or f"{describe_state(job)} now."


def keep_for_dispatcher(job: Job, words: str, *, at: datetime, by, now: datetime) -> str:
    """`words` say what the technician did, such as “Tapped Completed”. Changes nothing of the job."""
    job = fresh(job)
    received = f", received at {_time(now, now=now)}" if now - at >= TOLD_LATER else ""
    text = f"{words} at {_time(at, now=now)}{received}; by then {describe_state(job)}."
    note = JobNote.objects.create(job=job, text=text, author=by, written_at=now)
    bump(job)
    events.tell_of_note(note, now=now)
    suggestions.keep_beside_note(job)
    publish_job(job, now=now)
    notify(dispatchers_of(job.zone_id), Notification.Kind.FIELD_CONFLICT, f"{by}: {text}", job=job, now=now)
    return text


def _time(instant: datetime, *, now: datetime) -> str:
    local, today = timezone.localtime(instant), timezone.localdate(now)
    return f"{local:%H:%M}" if local.date() == today else f"{local:{DAY_AND_TIME}}"
