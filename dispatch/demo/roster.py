"""Who works on the day, from when, and the stops of each."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

from dispatch import actions
from dispatch.demo.company import Company, Worker, previous_working_day, work_that_day
from dispatch.demo.routes import (
    SHIFT,
    USUAL_START,
    Standing,
    Stop,
    at,
    lay_out,
    plan_times,
    shift_start,
    travel_between,
)
from dispatch.demo.trade import ON_VACATION, RUNNING_BEHIND, SICK, URGENT, WORK, Work
from dispatch.models import Site
from technicians.models import ClockRecord, TimeOff

LATE_SHIFT = "Wei"
STANDINGS = (
    *(Standing.AVAILABLE, Standing.WORKING, Standing.EN_ROUTE, Standing.WORKING, Standing.WORKING, Standing.EN_ROUTE),
)
ONE_DAY = timedelta(days=1)


@dataclass(eq=False)
class Shift:
    worker: Worker
    begins_at: datetime
    ends_at: datetime
    stops: list[Stop] = field(default_factory=list)


def make_roster(company: Company, day: date, *, moment: datetime, zone: ZoneInfo) -> list[Shift]:
    """Everybody's shift but those of the sick and the vacationing, whose absence is entered."""
    start = shift_start(day, moment=moment, zone=zone)
    shifts = []
    for number, worker in enumerate(company.workers):
        late = worker.crew.first_name == LATE_SHIFT
        begins_at = start + (timedelta(hours=5) if late else timedelta(minutes=30) * (number % 2))
        ends_at = begins_at + (timedelta(hours=6) if late else SHIFT)
        local = begins_at.astimezone(zone)
        work_that_day(worker.technician, local.date(), starts_at=local.time(), ends_at=ends_at.astimezone(zone).time())
        if worker.crew.first_name == ON_VACATION:
            _enter_absence(worker, TimeOff.Kind.VACATION, at(day - 3 * ONE_DAY, USUAL_START, zone), days=10)
        elif worker.crew.first_name == SICK:
            _enter_absence(worker, TimeOff.Kind.SICK, start - timedelta(hours=1), days=1)
        else:
            shifts.append(Shift(worker, begins_at, ends_at))
    return shifts


def _enter_absence(worker: Worker, kind: str, starts_at: datetime, *, days: int) -> None:
    TimeOff.objects.get_or_create(
        technician=worker.technician, kind=kind, starts_at=starts_at, ends_at=starts_at + days * ONE_DAY
    )


def clock_everyone_in(shifts: list[Shift], rng: random.Random, *, day: date, moment: datetime, zone: ZoneInfo) -> None:
    """On duty since a few minutes before the first stop; and one closed record of the working day before."""
    yesterday = previous_working_day(day)
    records = []
    for shift in shifts:
        came = at(yesterday, USUAL_START, zone) + timedelta(minutes=rng.randrange(-12, 9))
        went = came + SHIFT + timedelta(minutes=rng.randrange(-10, 35))
        records.append(ClockRecord(technician=shift.worker.technician, clocked_in_at=came, clocked_out_at=went))
        begins_at = min([shift.begins_at, *(stop.leaves_at for stop in shift.stops[:1])])
        begins_at -= timedelta(minutes=rng.randrange(2, 12))
        if begins_at <= moment:
            actions.clock_in(shift.worker.technician, now=begins_at)
    ClockRecord.objects.bulk_create(record for record in records if record.clocked_out_at <= moment)


@dataclass
class StopPicker:
    """Picks work that the technician can do near where they are; no site twice a day while others are left."""

    company: Company
    rng: random.Random
    used: set[int] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)

    def next_stop(self, worker: Worker, *, origin: tuple[float, float], zone: str) -> Stop:
        rng = self.rng
        works = [work for work in WORK if worker.can_do(work)]
        some = [(work, *rng.choice(work.calls)) for work in rng.choices(works, k=4)]
        work, call, priority = min(some, key=lambda heard: self.heard[heard[1]])
        self.heard[call] += 1
        site = self.site(work, zone, near=origin)
        return Stop(
            work=work,
            call=call,
            priority=priority,
            site=site,
            origin=origin,
            travel=travel_between(origin, (site.latitude, site.longitude)),
            effort=timedelta(minutes=round(work.minutes * rng.uniform(0.75, 1.2))),
        )

    def site(self, work: Work, zone: str, *, near: tuple[float, float] | None = None) -> Site:
        every = self.company.sites_for(work, zone)
        free = [site for site in every if site.pk not in self.used] or every
        some = self.rng.sample(free, min(5, len(free)))
        site = min(some, key=lambda site: travel_between(near, (site.latitude, site.longitude))) if near else some[0]
        self.used.add(site.pk)
        return site


def fill_routes(shifts: list[Shift], picker: StopPicker, *, jobs: int, moment: datetime) -> None:
    """Gives `jobs` stops to the shifts, fewer to short ones and none beyond a day's maximum or the end of a shift."""
    rng = picker.rng
    standings = cycle(STANDINGS)
    share = sum((shift.ends_at - shift.begins_at for shift in shifts), timedelta())
    for shift in shifts:
        count = round(jobs * ((shift.ends_at - shift.begins_at) / share))
        _choose_stops(shift, picker, count=min(count, shift.worker.technician.daily_maximum))
        if not shift.stops:
            continue
        lay_out(shift.stops, begins_at=shift.begins_at, moment=moment, standing=next(standings))
        shift.stops = [stop for stop in shift.stops if stop.done_at <= shift.ends_at + timedelta(minutes=20)]
        for stop in shift.stops:
            if stop.leaves_at > moment + timedelta(minutes=20):
                _let_wait(stop, rng)
        behind = timedelta(minutes=45 if shift.worker.crew.first_name == RUNNING_BEHIND else rng.choice((-5, 0, 5)))
        plan_times(
            shift.stops, moment=moment, behind=behind, noise_minutes=[rng.randrange(-9, 14) for _ in shift.stops]
        )


def _choose_stops(shift: Shift, picker: StopPicker, *, count: int) -> None:
    technician, zones = shift.worker.technician, shift.worker.crew.zones
    origin = (technician.home_latitude, technician.home_longitude)
    zone = picker.rng.choice(zones)
    for _ in range(count):
        stop = picker.next_stop(shift.worker, origin=origin, zone=zone)
        shift.stops.append(stop)
        origin = stop.place
        if picker.rng.random() < 0.25:
            zone = picker.rng.choice(zones)


def _let_wait(stop: Stop, rng: random.Random) -> None:
    """Nothing urgent stands at the end of a route."""
    stop.call, stop.priority = rng.choice([call for call in stop.work.calls if call[1] != URGENT])
