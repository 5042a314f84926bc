"""Judges where a job is about to be put: what the drop's preview shows and what the action decides by are the same."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from dispatch.models import Job, Status
from dispatch.models.jobs import ACTIVE
from dispatch.smart.eligibility import Booking, Objection, overlapping, reasons_against
from dispatch.smart.facts import booking_of, needs_of, qualification_of, with_that_day
from technicians.models import Technician


@dataclass(frozen=True)
class Placement:
    """Where a job is to be: with nobody it waits in the tray, without a start it has a day only."""

    technician: Technician | None
    day: date | None
    starts_at: datetime | None


class Outcome(StrEnum):
    OK = "ok"
    ASK = "ask"  # done if the dispatcher insists
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    placement: Placement
    refusal: str = ""
    objections: list[Objection] = field(default_factory=list)
    overlaps: list[Booking] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        if self.refusal:
            return Outcome.REFUSED
        return Outcome.ASK if self.objections else Outcome.OK

    @property
    def can_shift(self) -> bool:
        return bool(self.overlaps)


def moved_to(
    job: Job, *, technician: Technician | None, day: date | None, starts_at: datetime | None = None
) -> Placement:
    """There, and without a start of its own at the time that the job has now, whatever day it goes to."""
    if technician is None or day is None:
        return Placement(technician, day, None)
    if starts_at is None and job.planned_starts_at is not None:
        clock = timezone.localtime(job.planned_starts_at).time()
        starts_at = timezone.make_aware(datetime.combine(day, clock))
    # Python adds hours to a local time as if the clocks were never changed.
    return Placement(technician, day, starts_at and starts_at.astimezone(UTC))


def block_on(job: Job, day: date) -> tuple[datetime, datetime] | None:
    """The promised time block when the job is moved to that day: by days, not by hours, 13:00 stays 13:00."""
    if job.window_starts_at is None or job.scheduled_on is None:
        return None
    days = (day - job.scheduled_on).days
    starts_at, ends_at = (_same_time(at, days=days) for at in (job.window_starts_at, job.window_ends_at))
    if ends_at <= starts_at:  # the clocks skip its beginning
        ends_at = starts_at + (job.window_ends_at - job.window_starts_at)
    return starts_at, ends_at


def _same_time(instant: datetime, *, days: int) -> datetime:
    local = timezone.localtime(instant)
    return timezone.make_aware(local.replace(tzinfo=None) + timedelta(days=days)).astimezone(UTC)


def at_top(job: Job, *, now: datetime) -> Placement:
    """Before all that its technician has still to begin that day; never in the past."""
    starts = [other.planned_starts_at for other in _other_stops(job) if other.planned_starts_at]
    starts_at = min(starts, default=job.planned_starts_at or now)
    return Placement(job.technician, job.scheduled_on, max(starts_at, _whole_minute(now)))


def at_bottom(job: Job, *, now: datetime) -> Placement:
    """After the last of them."""
    ends = [booking.ends_at for other in _other_stops(job) if (booking := booking_of(other))]
    starts_at = max(ends, default=job.planned_starts_at or now)
    return Placement(job.technician, job.scheduled_on, max(starts_at, _whole_minute(now)))


def _other_stops(job: Job) -> list[Job]:
    others = Job.objects.of(job.technician).on_days(job.scheduled_on, job.scheduled_on).exclude(pk=job.pk)
    return list(others.filter(status=Status.ASSIGNED).in_route_order())


def _whole_minute(now: datetime) -> datetime:
    return (now + timedelta(seconds=59)).replace(second=0, microsecond=0)


def judge(
    job: Job, placement: Placement, *, by=None, base_version: int | None = None, now: datetime | None = None
) -> Verdict:
    """What speaks against putting the job there. Reads the technician's day in a constant number of queries.

    `base_version` is the version that `by` was looking at: what others have moved since is an objection.
    """
    if refusal := _refusal(job, placement):
        return Verdict(placement, refusal)
    objections = _moved_meanwhile(job, by=by, since=base_version) + _objections_to_moving(job, placement)
    if placement.technician is None or placement.day is None:
        return Verdict(placement, objections=objections)
    themselves = Technician.objects.filter(pk=placement.technician.pk)
    technician = with_that_day(themselves, day=placement.day, besides=job).get()
    has = qualification_of(technician, day=placement.day, user=by, now=now)
    needs = needs_of(job, day=placement.day, starts_at=placement.starts_at, now=now)
    return Verdict(
        placement,
        objections=objections + reasons_against(needs, has),
        overlaps=overlapping(needs, has),
    )


def _refusal(job: Job, placement: Placement) -> str:
    if not job.is_open:
        return f"{job.number} is {job.get_status_display()}."
    keeps_technician = placement.technician and placement.technician.pk == job.technician_id
    if job.status == Status.IN_PROGRESS and not keeps_technician:
        return f"{job.number} is In Progress with {job.technician}. Interrupt it first."
    if job.status in ACTIVE and keeps_technician:
        return f"{job.number} is {job.get_status_display()}: it happens now."
    if job.status == Status.EN_ROUTE and placement.technician is None:
        return f"{job.technician} is on the way to {job.number}. Turn them back first."
    if placement.technician and not (placement.technician.is_active and placement.technician.user.is_active):
        return f"{placement.technician} is no longer active."
    if placement.day is None and job.window_starts_at:
        return f"{job.number} has a time block that was promised to the customer: it needs a day."
    return ""


def _moved_meanwhile(job: Job, *, by, since: int | None) -> list[Objection]:
    if since is None or since == job.version:
        return []
    objections = []
    for change in job.field_changes.filter(version__gt=since).exclude(actor=by).select_related("actor"):
        for name in ("scheduled_on", "planned_starts_at"):
            if name in change.changes:
                new = change.changes[name][1] or "no time"
                objections.append(Objection("meanwhile", f"{change.actor or 'The system'} moved it to {new} meanwhile"))
    return objections[-1:]


def _objections_to_moving(job: Job, placement: Placement) -> list[Objection]:
    changes_technician = (placement.technician and placement.technician.pk) != job.technician_id
    changes_time = placement.day != job.scheduled_on or placement.starts_at != job.planned_starts_at
    objections = []
    if job.is_technician_pinned and changes_technician:
        objections.append(Objection("pinned", f"Pinned to {job.technician or 'nobody'}"))
    if job.is_time_pinned and changes_time:
        objections.append(Objection("pinned", "Pinned to its time"))
    if job.is_fixed and changes_time and job.planned_starts_at:
        objections.append(Objection("fixed", "Fixed appointment: the customer counts on this time"))
    if job.status == Status.EN_ROUTE:
        objections.append(Objection("under_way", f"{job.technician} is on the way to it"))
    if job.window_starts_at and placement.day not in (job.scheduled_on, None):
        objections.append(Objection("promise", "Moves the time block that was promised to the customer"))
    return objections


def shifted_starts(stops: list[Job], *, free_at: datetime, taken: list[Booking]) -> dict[int, datetime]:
    """New planned starts for those of the stops, in order, that would begin before the one before them ends.

    `taken` is what stays where it is; whoever is moved goes around it.
    """
    moved = {}
    for job in stops:
        if job.planned_starts_at >= free_at:
            break
        duration = timedelta(minutes=job.duration_minutes)
        for booked in sorted(taken, key=lambda booked: booked.starts_at):
            if booked.starts_at < free_at + duration and booked.ends_at > free_at:
                free_at = booked.ends_at
        moved[job.pk] = free_at
        free_at += duration
    return moved
