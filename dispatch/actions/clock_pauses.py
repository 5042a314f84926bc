"""When a job's clocks stand still: while it is on hold, and while it was completed or cancelled and is open again."""

from datetime import datetime

from dispatch.models import Job, Status
from sla.models import ClockPause

Cause = ClockPause.Cause
Stretch = tuple[str, datetime]  # the cause of a pause and when it begins


def keep_pauses(was: Job, job: Job, *, at: datetime) -> list[ClockPause]:
    pauses = {(pause.cause, pause.starts_at): pause for pause in ClockPause.objects.filter(job=job)}
    for before, after, reason in (
        (_held(was), _held(job), was.hold_reason),
        (_closed(was), _closed(job), ""),
    ):
        if before and before != after:
            _pause(pauses, job, before, until=at, reason=reason)
    if _held(job):  # a release that is undone has never been: its pause goes on
        _pause(pauses, job, _held(job), until=None, reason=job.hold_reason)
    if _closed(job) in pauses:  # nor has a reopening that is undone
        pauses.pop(_closed(job)).delete()
    return sorted(pauses.values(), key=lambda pause: pause.starts_at)


def _held(job: Job) -> Stretch | None:
    return (Cause.HOLD, job.held_at) if job.is_on_hold else None


def _closed(job: Job) -> Stretch | None:
    if job.status == Status.CANCELLED:
        return Cause.CANCELLED, job.cancelled_at
    return (Cause.COMPLETED, job.completed_at) if job.status == Status.COMPLETED else None


def _pause(
    pauses: dict[Stretch, ClockPause], job: Job, stretch: Stretch, *, until: datetime | None, reason: str = ""
) -> None:
    """Until then, or for as long as it lasts. One that takes no time is none."""
    cause, starts_at = stretch
    pause = pauses.get(stretch) or ClockPause(
        job=job, cause=cause, reason=reason, starts_at=starts_at, ends_at=starts_at
    )
    if until is not None and until <= starts_at:
        if pauses.pop(stretch, None):
            pause.delete()
    elif pause.ends_at != until:
        pauses[stretch] = pause
        pause.ends_at = until
        pause.save()
