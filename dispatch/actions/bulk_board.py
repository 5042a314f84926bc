"""One change to many jobs on the board: one entry of the journal, one live event, and an answer for each job."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch, groups_of_job, publish_jobs
from dispatch.actions.journal import State, board_action, states_of
from dispatch.actions.status import assign_job
from dispatch.models import Job
from dispatch.models.jobs import ACTIVE
from technicians.models import Technician

MOST: Final = 500  # jobs a request: more would hold their rows, and the dispatcher, for too long


@dataclass(frozen=True)
class BulkResult:
    """What became of one job: `refusal` says why nothing did; one that was so already `is_unchanged`.

    A job that is not the user's to see has no `job`.
    """

    job_id: int
    job: Job | None
    refusal: str = ""
    is_unchanged: bool = False

    @property
    def number(self) -> str:
        return f"J-{self.job_id:06d}"

    @property
    def sentence(self) -> str:
        return self.refusal if self.number in self.refusal else f"{self.number}: {self.refusal}"

    @property
    def is_done(self) -> bool:
        return not self.refusal and not self.is_unchanged


@transaction.atomic
def change_jobs(
    job_ids: Iterable[int], change: Callable[[Job], Job], *, by, now: datetime | None = None
) -> list[BulkResult]:
    """Calls an ordinary action for each job; one that is refused holds up none of the others."""
    now = now or timezone.now()
    check_may_dispatch(by)
    wanted = list(dict.fromkeys(job_ids))
    if len(wanted) > MOST:
        raise ActionRefused(f"{len(wanted)} jobs are too many at once: choose at most {MOST}.")
    jobs = Job.objects.dispatchable_by(by).with_board_info().in_bulk(wanted)
    groups = set().union(*map(groups_of_job, jobs.values()))
    with board_action(by=by, now=now) as entry, realtime.muted():
        entry.watch(jobs.values())
        before = states_of(jobs)
        results = [_change(pk, jobs.get(pk), change) for pk in wanted]
        results = _compared(results, before, states_of(jobs))
    if done := [result.job for result in results if result.is_done]:
        publish_jobs(done, also=groups, now=now)
    return results


def _change(pk: int, job: Job | None, change: Callable[[Job], Job]) -> BulkResult:
    if job is None:
        return BulkResult(pk, None, f"J-{pk:06d} was not found.")
    try:
        with transaction.atomic():
            return BulkResult(pk, change(job))
    except ActionRefused as refused:
        return BulkResult(pk, job, refused.reason)


def _compared(results: list[BulkResult], before: dict[int, State], after: dict[int, State]) -> list[BulkResult]:
    return [replace(one, is_unchanged=one.is_done and before[one.job_id] == after[one.job_id]) for one in results]


def assign_waiting_job(
    job: Job, technician: Technician, *, by, seen: str | None = None, now: datetime | None = None
) -> Job:
    """As one of many: taking a job from someone who is on it needs a look at that job alone."""
    if job.status in ACTIVE:
        raise ActionRefused(f"{job.number} is already {job.get_status_display()} with {job.technician}.", job)
    return assign_job(job, technician, by=by, seen=seen, now=now)
