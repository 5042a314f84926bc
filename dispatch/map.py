"""Loads the board's map: jobs as points, technicians, and how well each zone is covered."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Left
from django.utils import timezone

from dispatch.crew import rows_of, with_today
from dispatch.filters import JobFilter
from dispatch.frame import filter_jobs
from dispatch.models import Job, Status
from dispatch.models.jobs import OPEN
from technicians.models import Technician
from zones.models import ServiceZone

ON_DUTY = ("available", Status.EN_ROUTE, Status.IN_PROGRESS)
STRETCHED_FROM = 4  # open jobs for each technician on duty
PLAIN = ("pk", "status", "priority", "technician", "site", "site__latitude", "site__longitude")
FIELDS = (*PLAIN, "arrival__late_minutes")


@dataclass(frozen=True)
class TechnicianPanel:
    row: object
    stops: list[Job]

    @property
    def next_job(self) -> Job | None:
        return next((job for job in self.stops if job.status == Status.ASSIGNED), None)


def load_map_data(request, *, now: datetime | None = None) -> dict:
    """What the browser draws. Jobs are lists in the order of `job_fields`, to keep thousands of them small."""
    now = now or timezone.now()
    job_filter = filter_jobs(request, now=now)
    rows = _rows(request.user, now=now)
    return {
        "job_fields": [*PLAIN, "late", "title", "order"],
        "jobs": _jobs(job_filter),
        "technicians": [_technician(row) for row in rows],
        "zones": _zones(job_filter, rows, user=request.user),
    }


def load_technician_panel(technician: Technician, *, user, now: datetime) -> TechnicianPanel:
    today = timezone.localdate(now)
    jobs = Job.objects.visible_to(user).of(technician).on_days(today, today).exclude(status=Status.CANCELLED)
    (row,) = rows_of([technician], user=user, now=now)
    return TechnicianPanel(row, list(jobs.with_board_info().in_route_order()))


def _rows(user, *, now: datetime) -> list:
    technicians = Technician.objects.visible_to(user).active()
    return rows_of(list(with_today(technicians, now=now).by_name()), user=user, now=now)


def _jobs(job_filter: JobFilter) -> list[list]:
    """Numbered before they are narrowed: a stop keeps its number whatever the board shows."""
    scope = job_filter.scope()
    shown = set(job_filter.narrow(scope).values_list("pk", flat=True))
    titled = scope.annotate(text=Left("description", 80), type=F("job_type__name")).in_route_order()
    jobs, orders = [], Counter()
    for *fields, text, job_type in titled.values_list(*FIELDS, "text", "type"):
        pk, status, _, technician = fields[:4]
        if technician and status != Status.CANCELLED:
            orders[technician] += 1
        if pk in shown:
            title = text.strip().split("\n", 1)[0] or job_type
            jobs.append([*fields, title, orders[technician] if technician else None])
    return jobs


def _technician(row) -> dict:
    technician = row.technician
    has_position = technician.latitude is not None
    return {
        "pk": technician.pk,
        "name": str(technician),
        "latitude": technician.latitude if has_position else technician.home_latitude,
        "longitude": technician.longitude if has_position else technician.home_longitude,
        "recorded_at": technician.position_at and technician.position_at.isoformat(),
        "doing": row.doing,
        "label": row.doing_label,
        "jobs": row.jobs_today,
        "maximum": technician.daily_maximum,
    }


def _zones(job_filter: JobFilter, rows: list, *, user) -> list[dict]:
    open_jobs = Counter(job_filter.scope().filter(status__in=OPEN).order_by().values_list("zone", flat=True))
    on_duty = Counter(zone.pk for row in rows if row.doing in ON_DUTY for zone in row.technician.zones.all())
    zones: Iterable = ServiceZone.objects.dispatchable_by(user).active().values_list("pk", flat=True)
    return [
        {
            "pk": pk,
            "open": open_jobs[pk],
            "on_duty": on_duty[pk],
            "coverage": coverage(open_jobs[pk], on_duty=on_duty[pk]),
        }
        for pk in zones
    ]


def coverage(open_jobs: int, *, on_duty: int) -> str:
    if open_jobs and not on_duty:
        return "gap"
    return "stretched" if open_jobs > STRETCHED_FROM * on_duty else "covered"
