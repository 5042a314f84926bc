"""Putting a job into the middle of somebody's route."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch, describe_state, fresh, groups_of_job, publish_jobs
from dispatch.actions.journal import board_action
from dispatch.actions.place import ANYWAY, place_job
from dispatch.models import Job
from dispatch.placement import Placement
from dispatch.planning.urgent import option_at
from dispatch.smart.facts import day_of
from technicians.models import Technician


@transaction.atomic
def insert_job(
    job: Job,
    technician: Technician,
    order: Sequence[int],
    *,
    by,
    seen: str | None = None,
    note: str = "",
    now: datetime | None = None,
) -> Job:
    """`order` are the ids of what the technician has still to begin that day, with the job where it is to go.

    What it pushes back is shifted, but for pins and fixed appointments. Refused if the route is another by now.
    """
    now = now or timezone.now()
    check_may_dispatch(by)
    with board_action(by=by, now=now, label=f"Inserted {job.number} into the route of {technician}") as entry:
        entry.watch(Job.objects.filter(pk__in={job.pk, *order}))  # rows are locked in one order for everybody
        job = fresh(job)
        _check(job, seen=seen)
        option = option_at(job, technician, order, by=by, now=now)
        if option is None:
            raise ActionRefused(f"The route of {technician} has changed since you looked, or has no room there.", job)
        groups, day, changed = groups_of_job(job), day_of(job, now=now), []
        with realtime.muted():
            for pk, starts_at in option.planned.items():
                other, words = fresh(Job(pk=pk)), note if pk == job.pk else ""
                to = Placement(technician, day, starts_at)
                changed.append(place_job(other, to, by=by, on_conflict=ANYWAY, note=words, now=now))
        publish_jobs(changed, also=groups, now=now)
    return fresh(job)


def _check(job: Job, *, seen: str | None) -> None:
    if seen is not None and seen != job.seen:
        raise ActionRefused(f"This has changed since you looked: {describe_state(job)} now.", job)
    if not job.can_be_inserted:
        raise ActionRefused(f"{describe_state(job)} already.", job)
