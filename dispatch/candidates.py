"""Every technician for one job, with what speaks against each; a constant number of queries."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Prefetch, prefetch_related_objects
from django.utils import timezone

from dispatch.eligibility import Booking, HeldSkill, NeededSkill, Needs, Objection, Qualification, reasons_against
from dispatch.models import Job, RequiredSkill, Status
from technicians.availability import shifts_on
from technicians.models import ClockRecord, Technician, TechnicianSkill, TimeOff
from zones import access


@dataclass(frozen=True)
class Candidate:
    technician: Technician
    objections: list[Objection]
    jobs_that_day: int
    is_on_duty: bool

    @property
    def skills(self) -> list[TechnicianSkill]:
        return list(self.technician.skills.all())


def candidates_for(job: Job, *, user) -> list[Candidate]:
    """Those whom the user may see, best first: fewest objections, then on duty, then fewest jobs that day."""
    day = job.scheduled_on or timezone.localdate()
    needs = needs_of(job, day=day, starts_at=job.planned_starts_at)
    found = []
    for technician in with_that_day(Technician.objects.visible_to(user).active(), day=day, besides=job):
        has = qualification_of(technician, day=day, user=user)
        found.append(Candidate(technician, reasons_against(needs, has), has.jobs_that_day, technician.is_on_duty))
    return sorted(found, key=lambda c: (len(c.objections), not c.is_on_duty, c.jobs_that_day, str(c.technician)))


def needs_of(job: Job, *, day: date, starts_at: datetime | None) -> Needs:
    """What the job asks, were it done on that day and at that time."""
    window = (job.window_starts_at, job.window_ends_at) if job.window_starts_at else None
    # Asks the database only for a job that was read without them.
    prefetch_related_objects([job], Prefetch("required_skills", RequiredSkill.objects.select_related("skill")))
    return Needs(
        day=day,
        zone_id=job.zone_id,
        zone_name=job.zone.name if job.zone else "",
        skills=tuple(NeededSkill(need.skill_id, need.skill.name, need.level) for need in job.required_skills.all()),
        starts_at=starts_at,
        ends_at=starts_at and starts_at + timedelta(minutes=job.duration_minutes),
        window=window,
    )


def with_that_day(technicians, *, day: date, besides: Job):
    """With all that `qualification_of` reads; `besides` is the job in question, which is no booking of its own."""
    starts = timezone.make_aware(datetime.combine(day, time.min))
    ends = timezone.make_aware(datetime.combine(day, time.max))
    others = Job.objects.on_days(day, day).exclude(status=Status.CANCELLED).exclude(pk=besides.pk)
    return (
        technicians.select_related("user")
        .annotate(is_on_duty=Exists(ClockRecord.objects.filter(technician=OuterRef("pk"), clocked_out_at=None)))
        .prefetch_related(
            "zones",
            "working_hours",
            Prefetch("skills", TechnicianSkill.objects.select_related("skill").order_by("-level", "skill__name")),
            Prefetch("time_off", TimeOff.objects.filter(starts_at__lt=ends, ends_at__gt=starts), to_attr="off"),
            Prefetch("jobs", others.in_route_order(), to_attr="others_that_day"),
        )
    )


def qualification_of(technician: Technician, *, day: date, user=None) -> Qualification:
    """`user` is who gets to read what speaks against it; None for nobody."""
    zone_ids = access.ALL_ZONES if user is None else access.dispatch_zone_ids(user)
    shifts = shifts_on(day, technician.working_hours.all(), zone=timezone.get_current_timezone())
    return Qualification(
        zone_ids=frozenset(zone.pk for zone in technician.zones.all()),
        skills={held.skill_id: HeldSkill(held.level, held.certificate_expires_on) for held in technician.skills.all()},
        jobs_that_day=len(technician.others_that_day),
        daily_maximum=technician.daily_maximum,
        off_reason=technician.off[0].get_kind_display() if technician.off else "",
        shifts=None if shifts is None else tuple(shifts),
        bookings=tuple(
            booking if zone_ids is access.ALL_ZONES or job.zone_id in {None, *zone_ids} else replace(booking, number="")
            for job in technician.others_that_day
            if (booking := booking_of(job))
        ),
    )


def booking_of(job: Job) -> Booking | None:
    """When the job takes its technician's time: as it went, or as it is planned. None: no time is planned."""
    starts_at = job.started_at or job.planned_starts_at
    if starts_at is None:
        return None
    planned_end = starts_at + timedelta(minutes=job.duration_minutes)
    ends_at = max(starts_at, job.completed_at) if job.completed_at else planned_end
    return Booking(job.pk, job.number, starts_at, ends_at)
