"""What every action does: know the actor, refuse with a reason, log, publish."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.utils import timezone

from dispatch import arrivals, realtime
from dispatch.models import FieldChange, Job, Site, Status, StatusChange
from dispatch.smart import suggestions
from dispatch.webhooks import events
from technicians.models import Technician
from technicians.positions import fix_at
from zones import access

Actor = StatusChange.Actor
LINKS = {Status.ASSIGNED: "to", Status.COMPLETED: "by"}


class ActionRefused(Exception):
    """Why the action was not done, in a sentence. `job` is re-read: the current truth."""

    def __init__(self, reason: str, job: Job | None = None):
        super().__init__(reason)
        self.reason = reason
        self.job = job


@dataclass(frozen=True)
class SkillNeed:
    skill_id: int
    level: int


def describe_state(job: Job) -> str:
    """“J-000123 is En Route with Tess Moreau”"""
    state = f"{job.number} is {job.get_status_display()}"
    if job.technician is None or job.status == Status.CANCELLED:
        return state
    return f"{state} {LINKS.get(job.status, 'with')} {job.technician}"


def name_for(by, job: Job) -> str:
    """The job's number, for whoever may know of the job."""
    is_known = by is None or Job.objects.visible_to(by).filter(pk=job.pk).exists()
    return job.number if is_known else "a job in another zone"


def check_may_dispatch(by) -> None:
    if by is not None and not by.has_perm("dispatch.change_job"):
        raise PermissionDenied("Only dispatchers may do this.")


def check_may_dispatch_at(site: Site, by) -> None:
    zone_ids = access.ALL_ZONES if by is None else access.dispatch_zone_ids(by)
    if not access.reaches(zone_ids, site.zone_id):
        raise ActionRefused(f"{site.address} lies in {site.zone}, where you do not dispatch.")


def kind_of_dispatcher(by) -> str:
    return Actor.SYSTEM if by is None else Actor.DISPATCHER


def actor_on(job: Job, by) -> str:
    """As whom the user acts on this job; nobody without a right to it gets an answer."""
    if by is None or by.has_perm("dispatch.change_job"):
        return kind_of_dispatcher(by)
    if by.has_perm("dispatch.work_job") and job.technician_id and job.technician.user_id == by.pk:
        return Actor.TECHNICIAN
    raise PermissionDenied("This job is not yours.")


def fresh(job: Job) -> Job:
    return Job.objects.select_related("technician__user", "job_type").get(pk=job.pk)


def bump(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(version=F("version") + 1)


def groups_of_job(job: Job) -> set[str]:
    """Who must hear of the job: its zone's boards and its technician's phone."""
    groups = {realtime.zone_group(job.zone_id)}
    if job.technician_id:
        groups.add(realtime.user_group(job.technician.user_id))
    return groups


def groups_of_technician(technician: Technician) -> set[str]:
    """The boards on which the technician is shown."""
    zone_ids = [zone.pk for zone in technician.zones.all()] or [None]
    return set(map(realtime.zone_group, zone_ids))


def publish_job(
    job: Job, *, also: set[str] = frozenset(), event: str = "job-changed", now: datetime | None = None
) -> None:
    publish_jobs([job], also=also, event=event, now=now)


def publish_jobs(
    jobs: list[Job], *, also: set[str] = frozenset(), event: str = "job-changed", now: datetime | None = None
) -> None:
    """One event for all of them and for those whose predicted arrival they change; `also` are groups they have left.

    Inside `realtime.muted()` it does nothing: whoever muted it calls it once for all jobs afterwards.
    """
    if realtime.is_muted():
        return
    ids = {job.pk for job in jobs}
    technician_ids = {job.technician_id for job in jobs if job.technician_id} | arrivals.technicians_of(ids)
    now = now or timezone.now()
    dragged_along = arrivals.refresh(technician_ids, now=now)
    if event != "job-created":  # whoever creates a job knows whether it is given to somebody at once
        suggestions.settle(jobs, technician_ids, now=now)
    groups = set(also).union(*map(groups_of_job, jobs), map(realtime.zone_group, dragged_along.values()))
    realtime.publish(event, groups=groups, jobs=sorted(ids | dragged_along.keys()))


def publish_arrivals(technician_ids: Iterable[int], *, now: datetime) -> None:
    """Predicts the technicians' arrivals anew, and tells the boards of those that are shown otherwise now."""
    if realtime.is_muted():
        return
    changed = arrivals.refresh(technician_ids, now=now)
    if changed:
        realtime.publish("job-changed", groups=set(map(realtime.zone_group, changed.values())), jobs=sorted(changed))


def log_change(job, *, from_status, from_technician_id, by, actor, at, now, note="", fix=None, tap_id=None) -> None:
    where = {}
    technician = job.technician or (from_technician_id and Technician.objects.get(pk=from_technician_id))
    fix = fix or (technician and fix_at(technician, at))
    if fix:
        where = {"latitude": fix.latitude, "longitude": fix.longitude, "accuracy_m": fix.accuracy_m}
        where["position_age_seconds"] = max(0, int((at - fix.recorded_at).total_seconds()))
    row = StatusChange.objects.create(
        job=job,
        from_status=from_status,
        to_status=job.status,
        from_technician_id=from_technician_id,
        to_technician_id=job.technician_id,
        happened_at=at,
        received_at=now,
        actor_kind=actor,
        actor=by,
        note=note,
        tap_id=tap_id,
        **where,
    )
    events.tell_of_log([row], now=now)


def log_edits(rows: Iterable[FieldChange], *, now: datetime) -> None:
    rows = FieldChange.objects.bulk_create(rows)
    events.tell_of_edits(rows, now=now)
