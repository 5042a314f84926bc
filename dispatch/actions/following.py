"""What follows from positions: moving markers, new predictions, hints that somebody has come to a site or left it."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, fields
from datetime import datetime

from django.db import transaction

from dispatch import arrivals, geofence, realtime
from dispatch.actions.base import ActionRefused, groups_of_job, publish_arrivals
from dispatch.actions.moves import announce_moves, is_time_to_predict, take_unpredicted
from dispatch.actions.status import change_status
from dispatch.geofence import Sighting, Visit
from dispatch.models import DispatchSettings, Job, SiteVisit, Status
from dispatch.models.jobs import ACTIVE
from dispatch.queueing import enqueue
from technicians.positions import Fix
from zones.geometry import distance_km

VISIT = [field.name for field in fields(Visit)]
BY_POSITION = "Arrived, as the position says."


def follow(technician_ids: Collection[int], *, now: datetime, promptly: bool = False) -> None:
    """Call it in the transaction that stored their newest fixes, for any number of technicians at once.

    Arrivals are predicted by a task, every fifteen seconds for all who have moved; `promptly`: at once, for somebody
    who waits for it.
    """
    if not technician_ids or realtime.is_muted():
        return
    ids = sorted(technician_ids)
    changed = observe_sites(under_way_with(ids), now=now)
    if promptly:
        publish_arrivals(ids, now=now)

    def go_on():  # not a partial: Django asks a robust hook that fails for its name
        announce_moves(ids)
        _predict_soon(ids, changed, now=now, promptly=promptly)

    transaction.on_commit(go_on, robust=True)


def _predict_soon(ids: list[int], changed: list[Job], *, now: datetime, promptly: bool) -> None:
    if changed and not promptly:
        publish_arrivals({job.technician_id for job in changed}, now=now)
    if not promptly and is_time_to_predict(ids):
        enqueue("dispatch.tasks.predict_moved")


def predict_moved(*, now: datetime) -> int:
    """The arrivals of all who have moved since the last time. Returns how many are shown otherwise."""
    ids, changed = take_unpredicted(), {}
    for first in range(0, len(ids), arrivals.CHUNK):
        changed |= arrivals.refresh(ids[first : first + arrivals.CHUNK], now=now)
    if changed:
        realtime.publish("job-changed", groups=set(map(realtime.zone_group, changed.values())), jobs=sorted(changed))
    return len(changed)


# Sites --------------------------------------------------------------------------------------------


def under_way_with(technician_ids: Iterable[int]) -> list[Job]:
    """What these technicians drive to or work at, where a place and a position are known."""
    jobs = Job.objects.filter(technician__in=list(technician_ids), status__in=ACTIVE, held_at=None)
    placed = jobs.filter(site__latitude__isnull=False, technician__position_at__isnull=False)
    return list(placed.select_related("site", "technician__user", "job_type").order_by("pk"))


def observe_sites(jobs: list[Job], *, now: datetime, seen_at: datetime | None = None) -> list[Job]:
    """Looks at each job's site from its technician's newest fix; returns the jobs that are shown otherwise now.

    `seen_at` says that the fix still holds then, although the phone has sent no other.
    """
    if not jobs:
        return []
    settings = DispatchSettings.load()
    rows = {row.pk: row for row in SiteVisit.objects.select_for_update(no_key=True).filter(pk__in=jobs).order_by("pk")}
    written, shown = [], []
    for job in jobs:
        was = visit_of(job, rows.get(job.pk))
        sighting = _sighting(job, at=seen_at)
        visit = geofence.observe(
            was or Visit(), sighting, status=job.status, since=_since(job), radius_m=settings.site_radius_m
        )
        if visit == was:
            continue
        written.append(SiteVisit(job=job, technician_id=job.technician_id, **asdict(visit)))
        if _shown(visit) != _shown(was or Visit()):
            shown.append(job)
    if written:
        SiteVisit.objects.bulk_create(
            written, update_conflicts=True, unique_fields=["job"], update_fields=["technician", *VISIT]
        )
    publish_hints(shown)
    arrived = [visit.job for visit in written if visit.job in shown and visit.hinted_status == Status.IN_PROGRESS]
    if arrived and settings.changes_status_by_position:

        def start():  # afterwards: a change of status locks in another order than positions do
            start_by_position(arrived, now=now)

        transaction.on_commit(start, robust=True)
    return shown


def visit_of(job: Job, row: SiteVisit | None) -> Visit | None:
    """What is remembered; nothing where it is of another technician."""
    if row is None or row.technician_id != job.technician_id:
        return None
    return Visit(**{name: getattr(row, name) for name in VISIT})


def publish_hints(jobs: list[Job]) -> None:
    if jobs:
        groups = set().union(*map(groups_of_job, jobs))
        realtime.publish("job-changed", groups=groups, jobs=sorted(job.pk for job in jobs))


def start_by_position(jobs: list[Job], *, now: datetime) -> None:
    """What the setting asks for. Where it cannot be done, the hint stays for a human being."""
    for job in jobs:
        technician = job.technician
        fix = Fix(technician.latitude, technician.longitude, technician.position_at, technician.accuracy_m)
        try:
            change_status(job, Status.IN_PROGRESS, by=None, seen=job.seen, note=BY_POSITION, fix=fix, now=now)
        except ActionRefused:
            continue


def _sighting(job: Job, *, at: datetime | None) -> Sighting:
    technician, site = job.technician, job.site
    km = distance_km(
        from_latitude=technician.latitude,
        from_longitude=technician.longitude,
        to_latitude=site.latitude,
        to_longitude=site.longitude,
    )
    return Sighting(at or technician.position_at, km * 1000, technician.accuracy_m)


def _since(job: Job) -> datetime | None:
    return job.en_route_at if job.status == Status.EN_ROUTE else job.started_at


def _shown(visit: Visit) -> tuple:
    return visit.is_inside, visit.hinted_status, visit.stuck_since
