"""What stands in a technician's calendar: their jobs, and those that were theirs and are not any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from dispatch.models import FieldChange, Job, JobNote, Status, StatusChange
from dispatch.models.jobs import ACTIVE, OPEN
from technicians.models import Technician

BACK: Final = timedelta(days=60)
AHEAD: Final = timedelta(days=180)


@dataclass(frozen=True)
class Entry:
    """`starts` and `ends` are instants, or dates for what has no time; `ends` is then the day after."""

    job: Job
    starts: datetime | date
    ends: datetime | date
    changed_at: datetime
    is_theirs: bool  # otherwise of the job nothing is told but that
    is_cancelled: bool


def load_agenda(technician: Technician, *, now: datetime) -> Iterator[Entry]:
    """In a constant number of queries, in the order of the jobs' ids."""
    today = timezone.localdate(now)
    period = (today - BACK, today + AHEAD)
    for job in _with_last_change(_theirs(technician, period, now=now)).order_by("pk"):
        starts, ends = _when(job, today=today)
        yield Entry(job, starts, ends, job.changed_at, is_theirs=True, is_cancelled=job.status == Status.CANCELLED)
    for job in _with_last_change(_given_away(technician, period, now=now)).order_by("pk"):
        starts, ends = _when(job, today=today)
        yield Entry(job, starts, ends, job.changed_at, is_theirs=False, is_cancelled=True)


def _theirs(technician: Technician, period: tuple[date, date], *, now: datetime) -> QuerySet[Job]:
    """With what is left over from before, which waits on today as it does on the phone."""
    of_period = Q(scheduled_on__range=period) | Q(completed_at__gte=now - BACK) | Q(status__in=OPEN)
    known = Q(scheduled_on=None) | Q(scheduled_on__lte=period[1])
    return Job.objects.of(technician).filter(of_period, known)


def _given_away(technician: Technician, period: tuple[date, date], *, now: datetime) -> QuerySet[Job]:
    lost = StatusChange.objects.filter(job=OuterRef("pk"), from_technician=technician, received_at__gte=now - BACK)
    others = Job.objects.exclude(technician=technician)  # nobody's as well
    return others.filter(Exists(lost), Q(scheduled_on=None) | Q(scheduled_on__range=period))


def _with_last_change(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """When the job's version grew last, as its logs say."""
    logs = ((StatusChange, "received_at"), (FieldChange, "changed_at"), (JobNote, "written_at"))
    last = [
        Coalesce(
            Subquery(model.objects.filter(job=OuterRef("pk")).order_by(f"-{at}").values(at)[:1]),
            "created_at",
            output_field=DateTimeField(),
        )
        for model, at in logs
    ]
    return jobs.select_related("customer", "site", "job_type").annotate(changed_at=Greatest(*last))


def _when(job: Job, *, today: date) -> tuple[datetime | date, datetime | date]:
    """What is done, when it was done; what is left over or has no day, today; the rest as it is planned."""
    length = timedelta(minutes=job.duration_minutes)
    if job.status == Status.COMPLETED and job.started_at and job.completed_at:
        return job.started_at, max(job.completed_at, job.started_at + timedelta(minutes=1))
    if job.status in OPEN and (job.scheduled_on is None or job.scheduled_on < today):
        return _whole(today)
    if job.status in ACTIVE and job.scheduled_on != today:
        return _whole(today)
    if job.planned_starts_at:
        return job.planned_starts_at, job.planned_starts_at + length
    if job.window_starts_at:
        return job.window_starts_at, job.window_ends_at
    return _whole(job.scheduled_on or timezone.localdate(job.changed_at))


def _whole(day: date) -> tuple[date, date]:
    return day, day + timedelta(days=1)
