"""Which jobs the planner may move, what each asks, and which it leaves aside and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Q
from django.utils import timezone

from dispatch.models import Job, Plan, Status
from dispatch.models.jobs import CLOCK_NAMES
from dispatch.placement import block_on
from dispatch.planning.crews import Workday
from dispatch.planning.problem import FOREVER, MANDATORY, Stop, Was
from dispatch.planning.weights import Preferences
from dispatch.smart.facts import place_of
from dispatch.travel import Place
from technicians.models import Technician
from zones import access

MOST: Final = 1500  # jobs: more would take minutes to look at and nobody reads such a plan

# Without the technician and their account once more for each job: they are at hand.
JOINED: Final = ("customer", "site", "zone", "job_type", "arrival", "visit", *CLOCK_NAMES)

Kind = Plan.Kind


def jobs_to_plan(
    technicians: Sequence[Technician],
    day: date,
    *,
    kind: str,
    by,
    with_unassigned: bool,
    job_ids: Collection[int] | None = None,
    now: datetime,
) -> list[Job]:
    """Theirs of that day that have not begun, and those that nobody has and that one of them might be sent to.

    Today that is also, as in the tray, what is overdue or has no day; of the technicians what is left over.
    """
    ids = [technician.pk for technician in technicians]
    is_today = day == timezone.localdate(now)
    if job_ids is not None:
        found = Job.objects.filter(pk__in=list(job_ids), status__in=(Status.CREATED, Status.ASSIGNED))
    else:
        takes_all = is_today and kind in (Kind.DAY, Kind.REPLAN)
        days = Q(scheduled_on=day) | (Q(scheduled_on__lt=day) if takes_all else Q(pk=None))
        theirs = Q(status=Status.ASSIGNED, technician__in=ids) & days
        found = Job.objects.filter(
            theirs | _unassigned(technicians, day, is_today=is_today) if with_unassigned else theirs
        )
        if by is not None and with_unassigned:
            found = found.filter(Q(status=Status.ASSIGNED) | Q(pk__in=Job.objects.dispatchable_by(by).unassigned()))
    jobs = list(found.with_board_info().select_related(None).select_related(*JOINED).in_route_order())
    known = {technician.pk: technician for technician in technicians}
    for job in jobs:
        if job.technician_id in known:
            Job.technician.field.set_cached_value(job, known[job.technician_id])
    return jobs


def _unassigned(technicians: Sequence[Technician], day: date, *, is_today: bool) -> Q:
    days = Q(scheduled_on=day)
    if is_today:
        days |= Q(scheduled_on__lt=day) | Q(scheduled_on=None)
    zone_ids = {zone.pk for technician in technicians for zone in technician.zones.all()}
    return Q(status=Status.CREATED) & days & (Q(zone=None) | Q(zone__in=zone_ids))


def sort_out(
    jobs: Sequence[Job], workdays: Sequence[Workday], *, day: date, by, now: datetime, kind: str
) -> tuple[list[Job], list[tuple[Job, str]]]:
    """Those that can be planned, and the others with a sentence."""
    zone_ids = access.ALL_ZONES if by is None else access.dispatch_zone_ids(by)
    away = {one.technician.pk for one in workdays if one.is_given_up}
    planned, aside = [], []
    for job in jobs:
        is_ours = access.reaches(zone_ids, job.zone_id)
        if why := _why_aside(job, is_ours=is_ours, stays=job.technician_id not in away, day=day):
            aside.append((job, why))
        else:
            planned.append(job)
    if len(planned) > MOST:
        planned.sort(key=lambda job: (job.technician_id is None, -job.priority, job.pk))
        aside += [(job, f"More than {MOST} jobs are too many at once") for job in planned[MOST:]]
        del planned[MOST:]
    return planned, aside


def _why_aside(job: Job, *, is_ours: bool, stays: bool, day: date) -> str:
    if job.is_on_hold:
        return f"On hold: {job.hold_reason}"
    if not job.site.has_location:
        return "No location: nobody knows how far it is"
    if not is_ours and not (stays and job.scheduled_on == day):
        return "Lies in a zone where you do not dispatch"
    if not is_ours and job.planned_starts_at is None:
        return "Lies in a zone where you do not dispatch, and has no time"
    if job.technician_id and job.is_pinned and job.scheduled_on != day:
        return f"Pinned to {job.scheduled_on:%a %d %b}"
    return ""


@dataclass(frozen=True)
class Asked:
    """A stop but for its place in the matrix."""

    job: Job
    place: Place
    eligible: frozenset[int]
    penalty: int
    windows: tuple[tuple[int, int], ...]
    due: int | None
    sla_due: int | None
    was: Was | None
    is_locked: bool

    def stop(self, location: int) -> Stop:
        return Stop(
            id=self.job.pk,
            location=location,
            service=self.job.duration_minutes * 60,
            eligible=self.eligible,
            penalty=self.penalty,
            windows=self.windows,
            due=self.due,
            sla_due=self.sla_due,
            was=self.was,
            is_locked=self.is_locked,
        )


def asked_of(
    job: Job,
    workdays: Sequence[Workday],
    bars: Mapping[int, frozenset[str]],
    *,
    day: date,
    by,
    kind: str,
    origin: datetime,
    now: datetime,
    preferences: Preferences,
    sla_due: datetime | None = None,
) -> Asked:
    has = next((crew for crew, one in enumerate(workdays) if one.technician.pk == job.technician_id), None)
    zone_ids = access.ALL_ZONES if by is None else access.dispatch_zone_ids(by)
    is_foreign = not access.reaches(zone_ids, job.zone_id)
    is_locked = has is not None and not workdays[has].is_given_up and (job.is_technician_pinned or is_foreign)
    eligible = frozenset({has}) if is_locked else frozenset(range(len(workdays))) - bars.keys()
    is_due_today = job.scheduled_on == day
    fixed = _fixed_start(job, day=day, is_foreign=is_foreign)
    windows, due = _times(job, fixed, day=day, origin=origin, now=now)
    is_mandatory = is_locked or (kind == Kind.ROUTE and has is not None)
    deadline = _sla_due(sla_due, workdays, origin=origin)
    never_done = 0
    if deadline is not None:  # what is left out misses it by more than whatever is done late that day
        ends = max((one.closes for one in workdays), default=0)
        never_done = max(0, ends - deadline) * preferences.weights().sla
    return Asked(
        job=job,
        place=place_of(job.site.latitude, job.site.longitude),
        eligible=eligible,
        penalty=MANDATORY if is_mandatory else preferences.penalty(job.priority) + never_done,
        windows=windows,
        due=due,
        sla_due=deadline,
        was=_was(job, has, origin=origin, is_due_today=is_due_today),
        is_locked=is_locked,
    )


def _fixed_start(job: Job, *, day: date, is_foreign: bool) -> datetime | None:
    """A fixed appointment, a pinned time, and what is not ours to move. Of another day it is to be found anew."""
    if job.scheduled_on != day or not (job.is_fixed or job.is_time_pinned or is_foreign):
        return None
    return job.planned_starts_at


def _times(job: Job, fixed: datetime | None, *, day: date, origin: datetime, now: datetime):
    """When work may begin, and until when nobody is disappointed; the block of a day that is over binds nobody."""
    if fixed is not None:
        at = _second(fixed, origin)
        return ((at, at),), at
    block = block_on(job, day)
    if block is None or (job.scheduled_on != day and block[1] <= now):
        return ((0, FOREVER),), None
    return ((max(0, _second(block[0], origin)), FOREVER),), _second(block[1], origin)


def _sla_due(due: datetime | None, workdays: Sequence[Workday], *, origin: datetime) -> int | None:
    """Only of the time that is planned: what is breached already is no worse an hour later."""
    if due is None:
        return None
    opens, second = min((one.opens for one in workdays if one.works), default=0), _second(due, origin)
    return second if opens < second < FOREVER else None


def _was(job: Job, has: int | None, *, origin: datetime, is_due_today: bool) -> Was | None:
    if has is None:
        return None
    starts_at = (job.arrival.starts_at if job.prediction else job.planned_starts_at) if is_due_today else None
    return Was(has, starts_at and _second(starts_at, origin) // 60 * 60)


def _second(instant: datetime, origin: datetime) -> int:
    return int((instant - origin).total_seconds())
