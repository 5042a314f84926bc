"""Loads what the phone page shows: one loader for the page and for its fragment, so that they cannot disagree."""

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from dispatch.actions.day_plan import sent_to
from dispatch.models import CustomerMessage, Job, Status
from dispatch.models.jobs import ACTIVE
from technicians.models import Technician


@dataclass(frozen=True)
class Day:
    technician: Technician
    today: date
    now: datetime
    on_duty_since: datetime | None
    break_since: datetime | None
    current: Job | None  # under way, or else the next one that can be begun
    following: list[Job]
    finished: list[Job]
    sent_at: datetime | None  # when the office sent this day

    @property
    def is_on_duty(self) -> bool:
        return self.on_duty_since is not None

    @property
    def may_pause(self) -> bool:
        """Between jobs only: the time of one under way would go on running."""
        return self.is_on_duty and not (self.current and self.current.status in ACTIVE)

    @property
    def must_clock_in(self) -> bool:
        """Nobody who is at work already is sent back to the clock."""
        return not self.is_on_duty and not (self.current and self.current.status in ACTIVE)

    @property
    def after_current(self) -> Job | None:
        return next((job for job in self.following if not job.is_on_hold), None)

    @property
    def done_count(self) -> int:
        return sum(job.status == Status.COMPLETED for job in self.finished)

    @property
    def job_count(self) -> int:
        return bool(self.current) + len(self.following) + self.done_count


def load_day(technician: Technician, *, now: datetime | None = None) -> Day:
    now = now or timezone.now()
    today = timezone.localdate(now)
    said = Prefetch("customer_messages", customer_words(), to_attr="said_by_customer")
    jobs = list(jobs_of_day(technician, today).with_board_info().in_route_order().prefetch_related(said))
    open_jobs = sorted((job for job in jobs if job.is_open), key=lambda job: job.scheduled_on is None)
    current = _current(open_jobs)
    record = technician.clock_records.filter(clocked_out_at=None).first()
    pause = record and record.breaks.filter(ended_at=None).first()
    return Day(
        technician=technician,
        today=today,
        now=now,
        on_duty_since=record.clocked_in_at if record else None,
        break_since=pause.began_at if pause else None,
        current=current,
        following=[job for job in open_jobs if job is not current],
        finished=[job for job in jobs if not job.is_open],
        sent_at=sent_to(technician, today),
    )


def jobs_of_day(technician: Technician, today: date):
    """Today's, what is left over from before, what is under way whatever its day, and what was completed today."""
    own = Job.objects.of(technician)
    midnight = timezone.make_aware(datetime.combine(today, time.min))
    completed = own.filter(status=Status.COMPLETED, completed_at__gte=midnight)
    return own.for_dispatch_day(today, today=today) | own.filter(status__in=ACTIVE) | completed


def customer_words() -> QuerySet[CustomerMessage]:
    """What customers tell whoever comes; another time is a matter for the office."""
    return CustomerMessage.objects.of_present_customer().exclude(kind=CustomerMessage.Kind.OTHER_TIME)


def _current(open_jobs: list[Job]) -> Job | None:
    under_way = [job for job in open_jobs if job.status in ACTIVE]
    can_begin = [job for job in open_jobs if not job.is_on_hold]
    return next(iter([*under_way, *can_begin]), None)


def job_in_the_way(job: Job) -> Job | None:
    """The other job that its technician has to finish before this one can be begun."""
    if job.status != Status.ASSIGNED:
        return None
    return Job.objects.of(job.technician).filter(status__in=ACTIVE).exclude(pk=job.pk).first()
