"""The technicians of a demo that moves: each drives to the next stop, taps, works, taps, and goes on.

What to do next is read from the database every time, so whatever a dispatcher changes meanwhile is what they do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from math import inf

from django.utils import timezone

from dispatch import actions
from dispatch.demo.agenda import Agenda, Happening
from dispatch.demo.company import MAIL_DOMAIN
from dispatch.demo.field import go_through_checklist
from dispatch.demo.routes import travel_between
from dispatch.field.phone import jobs_of_day
from dispatch.models import Job, Status
from dispatch.models.jobs import ACTIVE
from technicians.attendance import is_on_duty
from technicians.availability import Shift, shifts_on
from technicians.models import Position, Technician
from technicians.positions import Fix

Place = tuple[float, float]  # latitude, longitude

LOOK_EVERY, PAUSE, BREAK = 10, 5, 30  # minutes
FIX_EVERY = 4
UNKNOWN_WAY = timedelta(minutes=15)  # to an address that is not on the map
NOTES = ("Filter replaced as well.", "Customer was out, the neighbour let me in.", "Next visit: bring the long ladder.")


def demo_technicians():
    """Of the demo only: nobody real is moved about."""
    return Technician.objects.active().filter(user__email__endswith=f"@{MAIL_DOMAIN}").select_related("user")


@dataclass(frozen=True)
class Drive:
    job_id: int
    origin: Place | None
    target: Place | None
    left_at: datetime
    arrives_at: datetime

    def place_at(self, instant: datetime) -> Place | None:
        """On the straight line; None where one of its ends is not known."""
        if self.origin is None or self.target is None:
            return None
        part = min(1, (instant - self.left_at) / (self.arrives_at - self.left_at))
        return tuple(a + (b - a) * part for a, b in zip(self.origin, self.target, strict=True))


class Drivers:
    def __init__(self, agenda: Agenda, *, day: date):
        self.agenda, self.day = agenda, day
        self.leaving: set[int] = set()  # they go home after the job at hand
        self._next: dict[int, Happening] = {}
        # However fast the day is played, a phone does not report more than once a real second.
        self._fix_minutes = max(FIX_EVERY, agenda.clock.speed / 60)

    @property
    def rng(self):
        return self.agenda.rng

    def begin(self) -> None:
        for technician in demo_technicians().order_by("pk"):
            shift, away = self._shift_of(technician), self._is_away(technician)
            if is_on_duty(technician) or away or shift is None or shift.starts_at <= self.agenda.clock.time:
                self._plan(technician.pk, self.rng.uniform(0, 3), self._go_on, is_idle=True)
            else:
                minutes = _minutes(shift.starts_at - self.agenda.clock.time) + self.rng.uniform(-8, 3)
                self._plan(technician.pk, minutes, self._clock_in)
        self.agenda.after(self.rng.uniform(15, 35), self._let_someone_pause)
        self.agenda.after(self.rng.uniform(60, 100), self._let_someone_leave)

    def is_still_to_come(self, technician: Technician) -> bool:
        shift = self._shift_of(technician)
        return bool(shift and shift.starts_at > self.agenda.clock.time)

    # One technician, one next step ----------------------------------------------------------------

    def _plan(self, technician_id: int, minutes: float, step: Callable, *args, is_idle: bool = False) -> None:
        """Instead of what they had meant to do next."""
        if earlier := self._next.get(technician_id):
            earlier.is_dropped = True
        happen = partial(self._do, technician_id, step, *args)
        self._next[technician_id] = self.agenda.after(minutes, happen, is_idle=is_idle)

    def _do(self, technician_id: int, step: Callable, *args) -> None:
        technician = demo_technicians().filter(pk=technician_id).first()
        if technician is None:  # no longer active
            return
        if not self.agenda.attempt(partial(step, technician, *args)):
            self._plan(technician_id, PAUSE, self._go_on, is_idle=True)

    def _clock_in(self, technician: Technician) -> None:
        actions.clock_in(technician, now=self.agenda.clock.now())
        self.agenda.tell(f"{technician} clocks in")
        self._plan(technician.pk, PAUSE, self._go_on)

    def _go_on(self, technician: Technician) -> None:
        """Whatever the database says is next for them."""
        job = self._jobs(technician).filter(status__in=ACTIVE).first()
        if job and job.status == Status.IN_PROGRESS:
            so_far = _minutes(self.agenda.clock.now() - job.started_at)
            self._plan(technician.pk, max(2, self._effort(job) - so_far), self._finish, job.pk)
        elif job and job.is_on_hold:
            self._tap(technician, job, Status.ASSIGNED, note=f"On hold: {job.hold_reason}")
            self.agenda.tell(f"{technician} turns back: {job.number} is on hold")
            self._plan(technician.pk, PAUSE, self._go_on)
        elif job:
            self._drive_on(technician, self._drive(technician, job))
        elif not is_on_duty(technician):
            self._plan(technician.pk, LOOK_EVERY, self._go_on, is_idle=True)
        elif technician.pk in self.leaving:
            self._clock_out(technician)
        else:
            self._begin_next(technician)

    def _begin_next(self, technician: Technician) -> None:
        to_do = self._jobs(technician).filter(status=Status.ASSIGNED, held_at=None).in_route_order()
        job = min(to_do, key=lambda job: job.scheduled_on is None, default=None)  # as the phone page shows them
        if job is None:
            shift = self._shift_of(technician)
            if shift and shift.ends_at <= self.agenda.clock.time:
                self._clock_out(technician)
            else:
                self._plan(technician.pk, LOOK_EVERY, self._go_on, is_idle=True)
            return
        drive = self._drive(technician, job)
        meant_at = job.planned_starts_at or job.window_starts_at or drive.arrives_at
        spare = _minutes(meant_at - drive.arrives_at)
        if spare > 0:  # and look again on the way: the plan may change
            self._plan(technician.pk, min(LOOK_EVERY, spare), self._go_on)
            return
        self._tap(technician, job, Status.EN_ROUTE, where=drive.origin)
        self.agenda.tell(f"{technician} sets out for {job.number} ({job.title})")
        self._plan_drive(technician, drive)

    def _drive(self, technician: Technician, job: Job) -> Drive:
        origin = (technician.latitude, technician.longitude)
        if technician.latitude is None:
            origin = (technician.home_latitude, technician.home_longitude)
        origin = None if origin[0] is None else origin
        target = (job.site.latitude, job.site.longitude) if job.site.has_location else None
        travel = travel_between(origin, target) if origin and target else UNKNOWN_WAY
        now = self.agenda.clock.time
        return Drive(job.pk, origin, target, now, now + travel)

    def _plan_drive(self, technician: Technician, drive: Drive) -> None:
        left = _minutes(drive.arrives_at - self.agenda.clock.time)
        # Traffic: the last part of the way takes longer than it should, now and then.
        jam = self.rng.choice((0, 0, 0, 6)) if left <= self._fix_minutes else 0
        self._plan(technician.pk, min(left, self._fix_minutes) + jam, self._drive_on, drive)

    def _drive_on(self, technician: Technician, drive: Drive) -> None:
        job = self._jobs(technician).filter(pk=drive.job_id, status=Status.EN_ROUTE, held_at=None).first()
        if job is None:  # a dispatcher wants something else
            self._plan(technician.pk, 0, self._go_on)
            return
        if self.agenda.clock.time < drive.arrives_at:
            self._report(technician, drive.place_at(self.agenda.clock.time))
            self._plan_drive(technician, drive)
            return
        self._tap(technician, job, Status.IN_PROGRESS, where=drive.target)
        self.agenda.tell(f"{technician} starts {job.number}")
        self._plan(technician.pk, self._effort(job), self._finish, job.pk)

    def _effort(self, job: Job) -> float:
        """In minutes: mostly about what was expected, sometimes a good deal more."""
        longer = self.rng.random() < 0.3
        return job.duration_minutes * (self.rng.uniform(1.3, 1.8) if longer else self.rng.uniform(0.7, 1.1))

    def _finish(self, technician: Technician, job_id: int) -> None:
        job = self._jobs(technician).filter(pk=job_id, status=Status.IN_PROGRESS).first()
        if job:
            go_through_checklist(job, by=technician.user, at=self.agenda.clock.now())
            self._tap(technician, job, Status.COMPLETED, where=self._here(technician))
            if self.rng.random() < 0.15:
                actions.add_note(job, self.rng.choice(NOTES), by=technician.user, now=self.agenda.clock.now())
            self.agenda.tell(f"{technician} completes {job.number}")
        self._plan(technician.pk, PAUSE, self._go_on)

    def _clock_out(self, technician: Technician) -> None:
        actions.clock_out(technician, now=self.agenda.clock.now())
        self.leaving.discard(technician.pk)
        self.agenda.tell(f"{technician} clocks out")
        self._plan(technician.pk, LOOK_EVERY, self._go_on, is_idle=True)

    # What happens on some days -------------------------------------------------------------------

    def _let_someone_pause(self) -> None:
        at_work = list(demo_technicians().filter(jobs__status=Status.IN_PROGRESS).order_by("pk"))
        if not at_work:
            self.agenda.after(LOOK_EVERY, self._let_someone_pause, is_idle=True)
            return
        technician = self.rng.choice(at_work)
        job = self._jobs(technician).get(status=Status.IN_PROGRESS)
        self._tap(
            technician, job, Status.ASSIGNED, note="Lunch break, back in half an hour", where=self._here(technician)
        )
        self.agenda.tell(f"{technician} takes a break from {job.number}")
        self._plan(technician.pk, BREAK, self._resume, job.pk)

    def _resume(self, technician: Technician, job_id: int) -> None:
        job = self._jobs(technician).filter(pk=job_id, status=Status.ASSIGNED, held_at=None).first()
        if job:
            self._tap(technician, job, Status.IN_PROGRESS, where=self._here(technician))
            self.agenda.tell(f"{technician} goes on with {job.number}")
            self._plan(technician.pk, self._effort(job) / 2, self._finish, job.pk)
        else:
            self._plan(technician.pk, 0, self._go_on)

    def _let_someone_leave(self) -> None:
        on_duty = demo_technicians().filter(clock_records__clocked_out_at=None, jobs__status=Status.ASSIGNED)
        if at_work := list(on_duty.order_by("pk").distinct()):
            technician = self.rng.choice(at_work)
            self.leaving.add(technician.pk)
            self.agenda.tell(f"{technician} has to go home early, after the job at hand")

    # What a phone sends --------------------------------------------------------------------------

    def _tap(self, technician: Technician, job: Job, to: str, *, note: str = "", where: Place | None = None) -> Job:
        fix, now = self._report(technician, where), self.agenda.clock.now()
        return actions.change_status(job, to, by=technician.user, seen=job.seen, note=note, fix=fix, now=now)

    def _report(self, technician: Technician, where: Place | None) -> Fix | None:
        if where is None:
            return None
        now = self.agenda.clock.now()
        latitude, longitude = (round(degrees + self.rng.uniform(-0.0002, 0.0002), 6) for degrees in where)
        fix = Fix(latitude, longitude, recorded_at=now, accuracy_m=self.rng.randrange(4, 35))
        # The day is played many times faster than it was driven.
        actions.take_position(technician, fix, source=Position.Source.PHONE, speed_limit_ms=inf, now=now)
        return fix

    # Facts ---------------------------------------------------------------------------------------

    def _jobs(self, technician: Technician):
        return jobs_of_day(technician, self.day).select_related("site", "job_type")

    def _here(self, technician: Technician) -> Place | None:
        return None if technician.latitude is None else (technician.latitude, technician.longitude)

    def _shift_of(self, technician: Technician) -> Shift | None:
        shifts = shifts_on(self.day, technician.working_hours.all(), zone=timezone.get_current_timezone())
        return shifts[-1] if shifts else None

    def _is_away(self, technician: Technician) -> bool:
        now = self.agenda.clock.now()
        return technician.time_off.filter(starts_at__lte=now, ends_at__gt=now).exists()


def _minutes(length: timedelta) -> float:
    return length.total_seconds() / 60
