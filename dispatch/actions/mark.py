"""What dispatchers mark on a job without touching its plan: how urgent it is, and what must not be moved."""

from datetime import datetime

from django.db.models import F

from dispatch.actions.base import ActionRefused, check_may_dispatch, describe_state, fresh, log_edits, publish_job
from dispatch.actions.edit import edit_job
from dispatch.actions.journal import journalled
from dispatch.models import FieldChange, Job


@journalled
def set_priority(job: Job, priority: int, *, by, now: datetime | None = None) -> Job:
    """The last word counts: one click says what it wants, whatever the priority was."""
    job = fresh(job)
    _check_open(job)
    return edit_job(job, {"priority": priority}, by=by, base_version=job.version, now=now)


@journalled
def pin_job(job: Job, *, time: bool, technician: bool, by, now: datetime | None = None) -> Job:
    """Locks the job's time, its technician, both or neither: the optimiser leaves alone what is pinned."""
    check_may_dispatch(by)
    was = fresh(job)
    _check_open(was)
    if technician and was.technician_id is None:
        raise ActionRefused(f"{was.number} has no technician yet who could be pinned.", was)
    if time and was.scheduled_on is None:
        raise ActionRefused(f"{was.number} has no day yet that could be pinned.", was)
    if (time, technician) == (was.is_time_pinned, was.is_technician_pinned):
        return was
    unchanged = Job.objects.open().filter(pk=was.pk, version=was.version)
    if not unchanged.update(is_time_pinned=time, is_technician_pinned=technician, version=F("version") + 1):
        raise ActionRefused("Someone changed this at the same moment. Try again.", fresh(job))
    job = fresh(job)
    changes = {"pinned": [pins_of(was), pins_of(job)]}
    log_edits([FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=changes)], now=now)
    publish_job(job, now=now)
    return job


def pins_of(job: Job) -> str:
    return ", ".join(
        name
        for name, is_pinned in (("time", job.is_time_pinned), ("technician", job.is_technician_pinned))
        if is_pinned
    )


def _check_open(job: Job) -> None:
    if not job.is_open:
        raise ActionRefused(f"{describe_state(job)}: there is nothing left to plan.", job)
