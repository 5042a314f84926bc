"""The dispatchers of a demo that moves: they take urgent calls, give out what waits, move, hold and cancel."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from django.utils import timezone

from dispatch import actions
from dispatch.demo.agenda import Agenda
from dispatch.demo.company import MAIL_DOMAIN
from dispatch.demo.drivers import Drivers, demo_technicians
from dispatch.demo.trade import URGENT, WORK
from dispatch.models import Job, JobType, Site, Status, User
from dispatch.placement import Placement, moved_to
from dispatch.smart.candidates import candidates_for
from technicians.models import Technician
from zones.models import ServiceZone

URGENT_CALLS = 4
TRIED_AT_A_TIME = 4  # jobs that a dispatcher thinks about before looking up again
AGAIN = 10  # minutes
SOON, LATER, ROUNDED_TO = timedelta(minutes=20), timedelta(minutes=30), timedelta(minutes=5)
HOLD_REASONS = ("Waiting for the landlord's approval", "Part is on order", "Customer asked to wait for a call back")
CANCEL_REASONS = ("Customer fixed it", "Called twice, entered twice", "Booked with someone else")


def demo_dispatchers() -> list[User]:
    """Those with the fewest zones first: what is in Dana's zones is hers."""
    found = User.objects.filter(username__in=("dana", "dora"), email__endswith=f"@{MAIL_DOMAIN}", is_active=True)
    return list(found.order_by("username"))


class Office:
    def __init__(self, agenda: Agenda, drivers: Drivers, *, day: date):
        self.agenda, self.drivers, self.day = agenda, drivers, day
        self.dispatchers = demo_dispatchers()
        self._nobody_for: set[int] = set()

    @property
    def rng(self):
        return self.agenda.rng

    def begin(self) -> None:
        uniform, after = self.rng.uniform, self.agenda.after
        after(uniform(1, 4), self._look_around, is_idle=True)
        for number in range(URGENT_CALLS):
            after(45 * number + uniform(8, 28), self._take_urgent_call)
        after(uniform(20, 35), self._move_one)
        after(uniform(30, 50), self._hold_one)
        after(uniform(50, 80), self._cancel_one)

    # What they do --------------------------------------------------------------------------------

    def _look_around(self) -> None:
        self.agenda.after(self.rng.uniform(4, 9), self._look_around, is_idle=True)
        waiting = self._jobs().unassigned().filter(held_at=None).order_by("-priority", "pk")
        jobs = [job for job in [*self._stranded(), *waiting] if job.pk not in self._nobody_for]
        for job in jobs[:TRIED_AT_A_TIME]:
            if self._give_away(job):
                return
            self._nobody_for.add(job.pk)
        if not jobs:
            self._nobody_for.clear()

    def _stranded(self) -> list[Job]:
        """With somebody who is not at work and does not come any more."""
        on_duty = demo_technicians().filter(clock_records__clocked_out_at=None)
        absent = demo_technicians().exclude(pk__in=on_duty.values("pk")).prefetch_related("working_hours")
        gone = [technician for technician in absent if not self.drivers.is_still_to_come(technician)]
        return list(self._jobs().filter(status=Status.ASSIGNED, held_at=None, technician__in=gone).order_by("pk"))

    def _give_away(self, job: Job) -> bool:
        by = self._dispatcher_for(job)
        if by is None:
            return False
        place = self._place_soon if job.priority == URGENT else self._assign
        for technician in self._able(job, by=by):
            try:
                place(job, technician, by=by)
            except actions.ActionRefused:
                continue
            self.agenda.tell(f"{by} gives {job.number} ({job.title}) to {technician}")
            return True
        return False

    def _assign(self, job: Job, technician: Technician, *, by: User) -> None:
        actions.assign_waiting_job(job, technician, by=by, seen=job.seen, now=self.agenda.clock.now())

    def _place_soon(self, job: Job, technician: Technician, *, by: User) -> None:
        now = self.agenda.clock.now()
        starts_at = now + SOON
        starts_at -= (starts_at - timezone.localtime(now).replace(minute=0, second=0, microsecond=0)) % ROUNDED_TO
        if timezone.localdate(starts_at) != self.day:
            self._assign(job, technician, by=by)
            return
        placement = Placement(technician, self.day, starts_at)
        try:
            actions.place_job(job, placement, by=by, seen=job.seen, now=now)
        except actions.PlacementConflict as conflict:
            if {objection.kind for objection in conflict.verdict.objections} != {"overlap"}:
                raise
            actions.place_job(job, placement, by=by, on_conflict=actions.SHIFT, seen=job.seen, now=now)

    def _take_urgent_call(self) -> None:
        work = self.rng.choice([work for work in WORK if any(priority == URGENT for _, priority in work.calls)])
        call = self.rng.choice([call for call, priority in work.calls if priority == URGENT])
        sites = Site.objects.filter(customer__email__endswith="@customer.example").exclude(zone=None)
        site_ids = list(sites.order_by("pk").values_list("pk", flat=True))
        job_type = JobType.objects.filter(name=work.name, is_active=True).first()
        if not site_ids or job_type is None:
            return
        site = Site.objects.select_related("customer").get(pk=self.rng.choice(site_ids))
        by = next((user for user in self.dispatchers if _dispatches_in(user, site.zone_id)), None)
        if by is None:
            return
        job = actions.create_job(
            customer=site.customer,
            site=site,
            job_type=job_type,
            by=by,
            description=call,
            priority=URGENT,
            scheduled_on=self.day,
            now=self.agenda.clock.now(),
        )
        self.agenda.tell(f"Urgent call: {job.number} {call}, {site.address}")

    def _move_one(self) -> None:
        """To somebody else, or later where nobody else can."""
        planned = Job.objects.filter(status=Status.ASSIGNED).exclude(planned_starts_at=None)
        for job, by in self._some(planned.filter(is_fixed=False), again=self._move_one):
            later = job.planned_starts_at + LATER
            others = [(technician, None) for technician in self._able(job, by=by)[:TRIED_AT_A_TIME]]
            for technician, starts_at in [*others, (job.technician, later)]:
                placement = moved_to(job, technician=technician, day=job.scheduled_on, starts_at=starts_at)
                try:
                    actions.place_job(job, placement, by=by, seen=job.seen, now=self.agenda.clock.now())
                except actions.ActionRefused:
                    continue
                whither = technician if starts_at is None else f"{timezone.localtime(later):%H:%M}"
                self.agenda.tell(f"{by} moves {job.number} of {job.technician} to {whither}")
                return

    def _hold_one(self) -> None:
        for job, by in self._some(Job.objects.filter(status=Status.ASSIGNED), again=self._hold_one):
            reason = self.rng.choice(HOLD_REASONS)
            actions.hold_job(job, reason, by=by, now=self.agenda.clock.now())
            self.agenda.tell(f"{by} puts {job.number} on hold: {reason}")
            return

    def _cancel_one(self) -> None:
        waiting = Job.objects.filter(status__in=(Status.CREATED, Status.ASSIGNED))
        for job, by in self._some(waiting.exclude(priority=URGENT), again=self._cancel_one):
            reason = self.rng.choice(CANCEL_REASONS)
            now = self.agenda.clock.now()
            actions.change_status(job, Status.CANCELLED, by=by, seen=job.seen, note=reason, now=now)
            self.agenda.tell(f"{by} cancels {job.number}: {reason}")
            return

    # Facts ---------------------------------------------------------------------------------------

    def _jobs(self):
        """The day's, as far as the demo's own people entered them."""
        jobs = Job.objects.for_dispatch_day(self.day, today=self.day)
        return jobs.filter(created_by__email__endswith=f"@{MAIL_DOMAIN}").with_board_info()

    def _some(self, jobs, *, again: Callable[[], None]) -> Iterator[tuple[Job, User]]:
        """A few of the jobs that can be touched, each with its dispatcher; later again where there are none now."""
        found = list(self._jobs().filter(pk__in=jobs.values("pk"), held_at=None).order_by("pk"))
        self.rng.shuffle(found)
        if not found:
            self.agenda.after(AGAIN, again, is_idle=True)
        for job in found[:TRIED_AT_A_TIME]:
            if by := self._dispatcher_for(job):
                yield job, by

    def _able(self, job: Job, *, by: User) -> list[Technician]:
        """Nothing speaks against them, and they are at work."""
        candidates = candidates_for(job, user=by, now=self.agenda.clock.now())
        found = [c.technician for c in candidates if c.is_on_duty and c.is_eligible]
        demo = set(demo_technicians().values_list("pk", flat=True)) - self.drivers.leaving
        return [technician for technician in found if technician.pk in demo and technician.pk != job.technician_id]

    def _dispatcher_for(self, job: Job) -> User | None:
        return next((user for user in self.dispatchers if _dispatches_in(user, job.zone_id)), None)


def _dispatches_in(user: User, zone_id: int | None) -> bool:
    return zone_id is None or ServiceZone.objects.dispatchable_by(user).filter(pk=zone_id).exists()
