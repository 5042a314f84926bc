"""What the logs of jobs that have no clocks yet say about holds, closures and the first response.

For jobs from before there were clocks, and for targets that came later than the response.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from dispatch.models import FieldChange, Job, Status, StatusChange
from dispatch.models.jobs import ACTIVE
from sla.models import ClockPause

Cause = ClockPause.Cause
CLOSED = {Status.COMPLETED: Cause.COMPLETED, Status.CANCELLED: Cause.CANCELLED}
RESPONDED = (*ACTIVE, Status.COMPLETED)
NOT_BEGUN = (Status.CREATED, Status.ASSIGNED)
UNDID = "Undid: "  # how the note of a change that was taken back begins


@dataclass
class History:
    """Of one job, in the order in which it happened. The pauses are not saved."""

    pauses: list[ClockPause] = field(default_factory=list)
    responded_at: datetime | None = None

    def pause(self, job_id: int, cause: str, at: datetime, reason: str = "") -> None:
        self.go_on(at)
        self.pauses.append(ClockPause(job_id=job_id, cause=cause, reason=reason, starts_at=at))

    def go_on(self, at: datetime) -> None:
        if self.pauses and self.pauses[-1].ends_at is None:
            self.pauses[-1].ends_at = at


def load_histories(jobs: Iterable[Job]) -> dict[int, History]:
    """By job, of open jobs; two queries however many."""
    jobs = {job.pk: job for job in jobs}
    histories: dict[int, History] = defaultdict(History)
    if jobs:
        rows = [*StatusChange.objects.filter(job__in=jobs), *FieldChange.objects.filter(job__in=jobs)]
        for row in sorted(rows, key=_happened_at):
            take = _take_status if isinstance(row, StatusChange) else _take_fields
            take(histories[row.job_id], row)
    for pk, job in jobs.items():
        _agree(histories[pk], job)
    return histories


def _happened_at(row: StatusChange | FieldChange) -> datetime:
    return row.happened_at if isinstance(row, StatusChange) else row.changed_at


def _take_status(history: History, row: StatusChange) -> None:
    if cause := CLOSED.get(row.to_status):
        history.pause(row.job_id, cause, row.happened_at)
    elif row.from_status in CLOSED:
        history.go_on(row.happened_at)
    if row.to_status in RESPONDED:
        history.responded_at = history.responded_at or row.happened_at
    elif row.to_status in NOT_BEGUN and row.note.startswith(UNDID):  # whoever only turned back has responded
        history.responded_at = None


def _take_fields(history: History, row: FieldChange) -> None:
    """A hold is logged as `hold`; where it was undone or done again, as `hold_reason`."""
    if held := row.changes.get("hold") or row.changes.get("hold_reason"):
        reason = held[1]
        if reason:
            history.pause(row.job_id, Cause.HOLD, row.changed_at, reason)
        else:
            history.go_on(row.changed_at)


def _agree(history: History, job: Job) -> None:
    """The open job itself knows best whether and since when it is on hold."""
    if history.pauses and history.pauses[-1].ends_at is None:
        history.pauses.pop()
    if job.is_on_hold:
        history.pause(job.pk, Cause.HOLD, job.held_at, job.hold_reason)
