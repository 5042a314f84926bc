"""What a job asks and what technicians bring, read from the database for the pure rules; the queries stay few."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, F, OuterRef, Prefetch, Q, prefetch_related_objects
from django.utils import timezone

from dispatch.models import Job, Priority, RequiredSkill, Status
from dispatch.models.jobs import ACTIVE
from dispatch.smart.qualification import Away, Booking, HeldSkill, NeededSkill, Needs, Qualification
from dispatch.travel import Place
from technicians.availability import Shift, break_until, left_of, shifts_touching
from technicians.models import Break, ClockRecord, OnCall, Technician, TechnicianSkill, TimeOff, WorkingHours
from technicians.positions import MAX_FUTURE
from zones import access
from zones.models import ServiceZone

DAY = timedelta(days=1)
AROUND_MIDNIGHT = (timedelta(hours=6), timedelta(hours=8))  # before and after: jobs of a night belong to two days
READ_OF_A_JOB = (
    *("technician_id", "zone_id", "status", "scheduled_on", "priority", "duration_minutes", "route_position"),
    *("planned_starts_at", "window_starts_at", "window_ends_at", "en_route_at", "started_at", "completed_at"),
)
# Thousands of jobs are read at once: whole rows of sites and arrivals would take longer than all the rest.
JOINED = {
    "site_latitude": F("site__latitude"),
    "site_longitude": F("site__longitude"),
    "predicted_start": F("arrival__starts_at"),
    "predicted_end": F("arrival__ends_at"),
}


def day_of(job: Job, *, now: datetime) -> date:
    """When it would be done: what is overdue or has no day, today."""
    return max(job.scheduled_on or timezone.localdate(now), timezone.localdate(now))


def start_to_keep(job: Job, *, now: datetime) -> datetime | None:
    """The planned start; one that has passed without anybody beginning is to be found anew."""
    if job.planned_starts_at is None or (
        job.planned_starts_at < now and job.status in (Status.CREATED, Status.ASSIGNED)
    ):
        return None
    return job.planned_starts_at


# What the job asks --------------------------------------------------------------------------------


def needs_of(job: Job, *, day: date, starts_at: datetime | None, now: datetime | None = None) -> Needs:
    """What the job asks, were it done on that day and at that time."""
    window = (job.window_starts_at, job.window_ends_at) if job.window_starts_at else None
    now = now or timezone.now()
    load_needs([job])
    return Needs(
        day=day,
        zone_id=job.zone_id,
        zone_name=job.zone.name if job.zone else "",
        skills=tuple(NeededSkill(need.skill_id, need.skill.name, need.level) for need in job.required_skills.all()),
        starts_at=starts_at,
        ends_at=starts_at and starts_at + timedelta(minutes=job.duration_minutes),
        window=window,
        duration_minutes=job.duration_minutes,
        place=place_of(job.site.latitude, job.site.longitude),
        is_urgent=job.priority == Priority.URGENT,
        now=now if day == timezone.localdate(now) else None,
        due_at=job.response_due_at,
    )


def load_needs(jobs: list[Job]) -> None:
    """Asks the database only for jobs that were read without them."""
    required = Prefetch("required_skills", RequiredSkill.objects.select_related("skill"))
    zone = Prefetch("zone", ServiceZone.objects.only("name"))
    prefetch_related_objects(jobs, required, zone, "site", "response_clock")


# What the technicians bring -----------------------------------------------------------------------


def with_that_day(technicians, *, day: date, besides: Job):
    """With all that `qualification_of` reads; `besides` is the job in question, which is no booking of its own."""
    return with_days(technicians, days=[day], besides=besides)


def with_days(technicians, *, days: Iterable[date], besides: Job | None = None):
    days = set(days)
    starts = timezone.make_aware(datetime.combine(min(days), time.min))
    ends = timezone.make_aware(datetime.combine(max(days), time.max))
    # What is under way takes its time now, whatever day it was meant for.
    of_these_days = Q(scheduled_on__in=days) | Q(status__in=ACTIVE)
    for day in days:
        of_these_days |= _of_its_nights(day)
    others = Job.objects.filter(of_these_days).exclude(status=Status.CANCELLED).only(*READ_OF_A_JOB)
    others = others.annotate(**JOINED)
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    touching = {"starts_at__lt": ends, "ends_at__gt": starts}
    on_duty = ClockRecord.objects.filter(clocked_out_at=None)
    weekdays = {day.weekday() for day in days} | {(day - DAY).weekday() for day in days}
    hours = WorkingHours.objects.filter(weekday__in=weekdays)
    pauses = Prefetch("breaks", Break.objects.order_by("began_at"), to_attr="had_breaks")
    zones = ServiceZone.objects.only("name")  # boundaries may be megabytes each
    return (
        technicians.select_related("user")
        .annotate(
            is_on_duty=Exists(on_duty.filter(technician=OuterRef("pk"))),
            has_hours=Exists(WorkingHours.objects.filter(technician=OuterRef("pk"))),
        )
        .prefetch_related(
            Prefetch("zones", zones),
            Prefetch("working_hours", hours, to_attr="hours"),
            Prefetch("skills", TechnicianSkill.objects.order_by("-level", "skill__name")),
            "skills__skill",
            Prefetch("time_off", TimeOff.objects.filter(**touching), to_attr="off"),
            Prefetch("on_call", OnCall.objects.filter(**touching), to_attr="called"),
            Prefetch("clock_records", on_duty.prefetch_related(pauses), to_attr="open_records"),
            Prefetch("jobs", others.in_route_order(), to_attr="others_that_day"),
        )
    )


@dataclass(frozen=True)
class WholeDay:
    """From midnight to midnight in the business's time; worked out once for everybody."""

    day: date
    starts_at: datetime
    ends_at: datetime
    is_today: bool

    @classmethod
    def of(cls, day: date, *, now: datetime) -> "WholeDay":
        starts_at, ends_at = (timezone.make_aware(datetime.combine(each, time.min)) for each in (day, day + DAY))
        return cls(day, starts_at, ends_at, day == timezone.localdate(now))


def qualification_of(technician: Technician, *, day: date, user=None, now: datetime | None = None) -> Qualification:
    """`user` is who gets to read what speaks against it; None for nobody."""
    zone_ids = access.ALL_ZONES if user is None else access.dispatch_zone_ids(user)
    now = now or timezone.now()
    return brought_on(technician, WholeDay.of(day, now=now), zone_ids=zone_ids, now=now, fresh_for=None)


def brought_on(
    technician: Technician, whole_day: WholeDay, *, zone_ids, now: datetime, fresh_for: timedelta | None
) -> Qualification:
    day, is_today = whole_day.day, whole_day.is_today
    midnight, next_midnight = whole_day.starts_at, whole_day.ends_at
    zone = timezone.get_current_timezone()
    shifts = tuple(shifts_touching(day, technician.hours, zone=zone) or ()) if technician.has_hours else None
    off = [row for row in technician.off if row.starts_at < next_midnight and row.ends_at > midnight]
    others = [job for job in technician.others_that_day if job.scheduled_on == day]
    bookings = (
        booking if access.reaches(zone_ids, job.zone_id) else replace(booking, number="")
        for job in technician.others_that_day
        if (booking := _booking_on(whole_day, job, shifts, now=now))
    )
    on_call = tuple(
        Shift(row.starts_at, row.ends_at)
        for row in technician.called
        if row.starts_at < next_midnight and row.ends_at > midnight
    )
    hours = (*shifts, *on_call) if shifts is not None else None
    is_off_all_day = bool(off) and not _works_besides(off, whole_day, hours)
    is_fresh = is_today and fresh_for and technician.position_at
    is_fresh = is_fresh and now - fresh_for <= technician.position_at <= now + MAX_FUTURE
    return Qualification(
        zone_ids=frozenset(zone.pk for zone in technician.zones.all()),
        skills={held.skill_id: HeldSkill(held.level, held.certificate_expires_on) for held in technician.skills.all()},
        jobs_that_day=len(others),
        daily_maximum=technician.daily_maximum,
        off_reason=off[0].get_kind_display() if off and is_off_all_day else "",
        away=() if is_off_all_day else tuple(Away(row.get_kind_display(), row.starts_at, row.ends_at) for row in off),
        shifts=shifts,
        bookings=tuple(sorted(bookings, key=lambda booked: (booked.starts_at, booked.job_id))),
        on_call=on_call,
        is_on_duty=bool(technician.open_records) if is_today else None,
        break_until=_break_until(technician, shifts, now=now) if is_today else None,
        has_had_break=is_today and any(record.had_breaks for record in technician.open_records),
        booked_minutes=sum(job.duration_minutes for job in others),
        position=place_of(technician.latitude, technician.longitude) if is_fresh else None,
        home=place_of(technician.home_latitude, technician.home_longitude),
    )


def _works_besides(off: list[TimeOff], whole_day: WholeDay, shifts: tuple[Shift, ...] | None) -> bool:
    """Whether time off leaves them anything of the day; None for shifts: nobody has said when they work."""
    midnight, next_midnight = whole_day.starts_at, whole_day.ends_at
    hours = [(midnight, next_midnight)] if shifts is None else [(shift.starts_at, shift.ends_at) for shift in shifts]
    left = left_of(hours, [(row.starts_at, row.ends_at) for row in off])
    return any(begins < next_midnight and ends > midnight for begins, ends in left)


def _of_its_nights(day: date) -> Q:
    midnight, next_midnight = (timezone.make_aware(datetime.combine(each, time.min)) for each in (day, day + DAY))
    before, after = AROUND_MIDNIGHT
    return Q(scheduled_on=day - DAY, planned_starts_at__gte=midnight - before) | Q(
        scheduled_on=day + DAY, planned_starts_at__lt=next_midnight + after
    )


def _booking_on(whole_day: WholeDay, job: Job, shifts: tuple[Shift, ...] | None, *, now: datetime) -> Booking | None:
    """Also of the evening before what goes on into that day, and of the morning after what lies in a night's shift."""
    day = whole_day.day
    if job.scheduled_on == day or (whole_day.is_today and job.status in ACTIVE):
        return booking_of(job, now=now)
    if job.scheduled_on not in (day - DAY, day + DAY) or not (booking := booking_of(job, now=now)):
        return None
    if job.scheduled_on < day:
        reaches = booking.ends_at > whole_day.starts_at
    else:
        reaches = any(s.starts_at < booking.ends_at and booking.starts_at < s.ends_at for s in shifts or ())
    return booking if reaches else None


def _break_until(technician: Technician, shifts: tuple[Shift, ...] | None, *, now: datetime) -> datetime | None:
    pauses = [pause for record in technician.open_records for pause in record.had_breaks if pause.ended_at is None]
    return break_until(pauses[0].began_at, shifts or (), now=now) if pauses else None


def without(job: Job, has: Qualification, *, day: date) -> Qualification:
    has = replace(has, bookings=tuple(booked for booked in has.bookings if booked.job_id != job.pk))
    if job.scheduled_on != day or job.status == Status.CANCELLED:
        return has
    return replace(has, jobs_that_day=has.jobs_that_day - 1, booked_minutes=has.booked_minutes - job.duration_minutes)


def booking_of(job: Job, *, now: datetime | None = None) -> Booking | None:
    """When the job takes its technician's time: as it went or goes, or as it is planned. None: no time is planned.

    Where it is and when it is predicted to end is known only of what `with_days` has read.
    """
    is_under_way = job.status in ACTIVE
    starts_at = job.started_at or (is_under_way and job.en_route_at) or job.planned_starts_at
    if starts_at is None:
        return None
    ends_at = starts_at + timedelta(minutes=job.duration_minutes)
    if job.completed_at:
        ends_at = max(starts_at, job.completed_at)
    elif is_under_way and now:
        ends_at = max(ends_at, now, getattr(job, "predicted_end", None) or now)
    return Booking(
        job.pk,
        job.number,
        starts_at,
        ends_at,
        place=place_of(getattr(job, "site_latitude", None), getattr(job, "site_longitude", None)),
        block_ends_at=job.window_ends_at,
        is_begun=is_under_way or job.completed_at is not None,
    )


def place_of(latitude: float | None, longitude: float | None) -> Place | None:
    return None if latitude is None else (latitude, longitude)
