"""Keeps suggestions to the truth: which of them stand, who sees them, what a change of jobs and days makes of them."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q
from django.utils import timezone

from dispatch import realtime
from dispatch.models import DispatchSettings, Job, Status, Suggestion
from dispatch.queueing import enqueue

State = Suggestion.State
DISPATCH_JOBS: Final = "dispatch.tasks.dispatch_jobs"  # by name: tasks import actions, and actions import this
SOON: Final = timedelta(days=1)  # today and tomorrow: as far as smart dispatch looks without having been asked
MOST_A_TASK: Final = 50  # jobs, so that after a worker's end there is little to do again


def standing(*, now: datetime):
    return Suggestion.objects.standing(now=now, minutes=DispatchSettings.load().suggestion_minutes)


def attach(jobs: Iterable[Job], *, user, now: datetime) -> None:
    """Gives each job its `suggestion`, or None, as far as the user may know of it. Two queries."""
    jobs = list(jobs)
    waiting = [job.pk for job in jobs if job.status == Status.CREATED]
    found = standing(now=now).visible_to(user).filter(job__in=waiting).with_names() if waiting else ()
    of_job = {suggestion.job_id: suggestion for suggestion in found}
    for job in jobs:
        job.suggestion = of_job.get(job.pk)


def ask_for(job_ids: Collection[int]) -> None:
    """Has smart dispatch look at these jobs, once what was changed has been committed; not while that is muted."""
    if job_ids and not realtime.is_muted():
        enqueue(DISPATCH_JOBS, sorted(job_ids))


def ask_for_imported(jobs: Iterable[Job], *, now: datetime) -> None:
    """Those of today and tomorrow; a file of a thousand jobs for later days waits for somebody who plans them."""
    today = timezone.localdate(now)
    soon = [job.pk for job in jobs if job.scheduled_on and today <= job.scheduled_on <= today + SOON]
    for first in range(0, len(soon), MOST_A_TASK):
        ask_for(soon[first : first + MOST_A_TASK])


def settle(jobs: Collection[Job], technician_ids: Collection[int], *, now: datetime) -> None:
    """After these jobs, and with them the days of these technicians, have changed.

    What was suggested for a job that is another one now expires. What else may not hold any longer is looked at again.
    """
    ids = {job.pk for job in jobs}
    open_ones = Suggestion.objects.open().filter(Q(job__in=ids) | Q(technician__in=technician_ids))
    again = set()
    for suggestion in open_ones.select_related("job__technician__user"):
        if suggestion.job_id not in ids:
            again.add(suggestion.job_id)
        elif why := why_changed(suggestion):
            close(suggestion, State.EXPIRED, why=why, now=now)
    ask_for(again | _waiting(jobs, now=now))
    answered = [job.pk for job in jobs if job.why_unassigned and job.status != Status.CREATED]
    if answered:
        Job.objects.filter(pk__in=answered).exclude(status=Status.CREATED).update(why_unassigned="")


def _waiting(jobs: Collection[Job], *, now: datetime) -> set[int]:
    created = [job.pk for job in jobs if job.status == Status.CREATED]
    if not created:
        return set()
    waiting = Job.objects.awaiting_dispatch(today=timezone.localdate(now)).filter(pk__in=created)
    return set(waiting.exclude(suggestions__state=State.OPEN).values_list("pk", flat=True))


def keep_beside_note(job: Job) -> None:
    """A note makes no other job of it; `job` is as it was before."""
    Suggestion.objects.open().filter(job=job, job_version=job.version).update(job_version=F("job_version") + 1)


def why_changed(suggestion: Suggestion) -> str:
    """Why the job is not the one any more that was looked at, in a sentence; empty while it is."""
    job = suggestion.job
    if job.status != Status.CREATED:
        whom = f" to {job.technician}" if job.status == Status.ASSIGNED else ""
        return f"{job.number} is {job.get_status_display()}{whom} now."
    if job.is_on_hold:
        return f"{job.number} is on hold: {job.hold_reason}."
    return "" if job.version == suggestion.job_version else f"{job.number} has been changed since."


def close(suggestion: Suggestion, state: str, *, now: datetime, why: str = "", by=None) -> bool:
    """False if it was closed already."""
    still_open = Suggestion.objects.open().filter(pk=suggestion.pk)
    return bool(still_open.update(state=state, why_closed=why[:200], closed_at=now, closed_by=by))
