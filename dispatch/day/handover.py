"""What becomes of the jobs of somebody who is away: loads the proposal that a dispatcher looks through and applies."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from dispatch.day.redistribution import Option, Suggestion, Task, Worker, share_out
from dispatch.models import DispatchSettings, Job, Status
from dispatch.models.jobs import ACTIVE
from dispatch.smart.facts import booking_of, needs_of, qualification_of, with_that_day
from dispatch.travel import Place, StraightLine
from technicians.models import Technician, TimeOff

MOST_JOBS = 100  # for longer absences it is done week by week


@dataclass(frozen=True)
class Line:
    """One job of the proposal."""

    job: Job
    suggestion: Suggestion

    @property
    def chosen(self) -> Option | None:
        return self.suggestion.chosen

    @property
    def fitting(self) -> list[Option]:
        return [option for option in self.suggestion.options if not option.objections]

    @property
    def doubtful(self) -> list[Option]:
        return [option for option in self.suggestion.options if option.objections]


@dataclass(frozen=True)
class Handover:
    technician: Technician
    first: date
    last: date
    lines: list[Line]
    under_way: list[Job]  # to be interrupted before anybody else can have them
    elsewhere: int  # in zones where this user does not dispatch
    left_out: int


def days_of(absence: TimeOff) -> tuple[date, date]:
    last = timezone.localdate(absence.ends_at - timedelta(microseconds=1))
    return timezone.localdate(absence.starts_at), last


def load_handover(absence: TimeOff, *, user, now: datetime) -> Handover:
    today = timezone.localdate(now)
    first, last = days_of(absence)
    first = max(first, today)
    affected = jobs_of_absence(absence, first=first, last=last, today=today)
    own = affected.dispatchable_by(user)
    jobs = list(own.with_board_info().in_route_order())
    waiting = [job for job in jobs if job.status == Status.ASSIGNED]
    lines = _propose(waiting[:MOST_JOBS], absence.technician, user=user, first=first)
    return Handover(
        technician=absence.technician,
        first=first,
        last=last,
        lines=lines,
        under_way=[job for job in jobs if job.status in ACTIVE],
        elsewhere=affected.count() - len(jobs),
        left_out=max(0, len(waiting) - MOST_JOBS),
    )


def jobs_of_absence(absence: TimeOff, *, first: date, last: date, today: date):
    """Their open jobs of those days; of today also what is overdue or has no day."""
    jobs = Job.objects.of(absence.technician).open()
    planned = jobs.on_days(first, last)
    return planned | jobs.for_dispatch_day(today, today=today) if first <= today <= last else planned


def _propose(jobs: list[Job], technician: Technician, *, user, first: date) -> list[Line]:
    def workers_on(day: date) -> list[Worker]:
        others = Technician.objects.visible_to(user).active().exclude(pk=technician.pk)
        there = with_that_day(others, day=day, besides=jobs[0])
        sites = _places({job.pk for other in there for job in other.others_that_day})
        return [_worker(other, day, sites, user=user) for other in there]

    settings = DispatchSettings.load()
    travel = StraightLine(settings.detour_factor, settings.average_speed_kmh)
    suggestions = share_out([_task(job, max(job.scheduled_on or first, first)) for job in jobs], workers_on, travel)
    return [Line(job, suggestion) for job, suggestion in zip(jobs, suggestions, strict=True)]


def _task(job: Job, day: date) -> Task:
    starts_at = job.planned_starts_at if job.scheduled_on == day else None
    return Task(
        job_id=job.pk,
        needs=needs_of(job, day=day, starts_at=starts_at),
        place=_place(job.site.latitude, job.site.longitude),
        priority=job.priority,
        booking=booking_of(job) if starts_at else None,
    )


def _worker(technician: Technician, day: date, sites: dict[int, Place], *, user) -> Worker:
    home = _place(technician.home_latitude, technician.home_longitude)
    stops = [sites[job.pk] for job in technician.others_that_day if job.pk in sites]
    return Worker(
        technician_id=technician.pk,
        name=str(technician),
        has=qualification_of(technician, day=day, user=user),
        places=[home, *stops] if home else stops,
    )


def _places(job_ids: set[int]) -> dict[int, Place]:
    located = Job.objects.filter(pk__in=job_ids).exclude(site__latitude=None)
    return {pk: (lat, lon) for pk, lat, lon in located.values_list("pk", "site__latitude", "site__longitude")}


def _place(latitude: float | None, longitude: float | None) -> Place | None:
    return None if latitude is None else (latitude, longitude)
