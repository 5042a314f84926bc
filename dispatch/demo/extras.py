"""The jobs beside the routes: what nobody has, what was cancelled, held or left over, and tomorrow."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

from dispatch import actions
from dispatch.demo.area import LOOKED_UP, MON, UNMAPPED_ADDRESSES, ZONES
from dispatch.demo.company import Worker, is_working_day, previous_working_day
from dispatch.demo.roster import ONE_DAY, StopPicker
from dispatch.demo.routes import at, window_around
from dispatch.demo.stage import MINUTE, Stage
from dispatch.demo.trade import HIGH, LOW, NORMAL, SICK, URGENT, WORK
from dispatch.geocoding.choosing import Candidate
from dispatch.models import Geocoding, Job, Site, Status

CANCEL_REASONS = ("Customer fixed it", "Called twice, moved away", "Booked with someone else", "Entered twice")


@dataclass(frozen=True)
class Counts:
    """How many jobs of a day are what; the rest are on the technicians' routes."""

    cancelled: int
    overdue: int
    undated: int
    held: int
    sick: int
    unassigned: int

    @classmethod
    def of(cls, jobs: int) -> "Counts":
        few = jobs // 26
        return cls(
            cancelled=jobs // 20, overdue=few, undated=few, held=min(few, 1), sick=few, unassigned=max(2, jobs // 9)
        )

    @property
    def beside_routes(self) -> int:
        return self.cancelled + self.overdue + self.undated + self.held

    @property
    def total(self) -> int:
        return self.beside_routes + self.sick + self.unassigned


def add_extras(stage: Stage, picker: StopPicker, counts: Counts, *, unassigned: int, zone: ZoneInfo) -> None:
    present = [worker for worker in stage.company.workers if worker.crew.first_name != SICK]
    workers = cycle(present)
    _cancel(stage, picker, workers, counts.cancelled)
    _leave_over(stage, picker, workers, counts.overdue, zone=zone)
    for _ in range(counts.undated):
        _call_in(stage, picker, ago=stage.rng.uniform(3, 40) * 60 * MINUTE, priorities=(LOW, NORMAL), scheduled_on=None)
    for _ in range(counts.held):
        job = _give(stage, picker, next(workers), planned_at=stage.moment + 90 * MINUTE)
        actions.hold_job(
            job,
            "Waiting for the spare part, due tomorrow",
            by=stage.company.dispatcher_of(job.site),
            now=stage.moment - 25 * MINUTE,
        )
    _leave_unassigned(stage, picker, unassigned)


def leave_with_the_sick(stage: Stage, picker: StopPicker, count: int, *, begins_at: datetime) -> int:
    """Returns how many: none where nobody is sick."""
    for worker in stage.company.workers:
        if worker.crew.first_name == SICK:
            for number in range(count):
                _give(stage, picker, worker, planned_at=begins_at + (40 + 110 * number) * MINUTE)
            return count
    return 0


def _give(stage: Stage, picker: StopPicker, worker: Worker, *, planned_at: datetime, **fields) -> Job:
    """Assigns the worker something that they can do and have not begun."""
    zone = stage.rng.choice(worker.crew.zones)
    stop = picker.next_stop(
        worker, origin=(worker.technician.home_latitude, worker.technician.home_longitude), zone=zone
    )
    if stop.priority == URGENT:
        stop.priority, stop.call = NORMAL, stop.work.name
    created_at = stage.called_before(min(planned_at, stage.moment), stop.priority)
    starts_at, ends_at = window_around(planned_at)
    fields = {"planned_starts_at": planned_at, "window_starts_at": starts_at, "window_ends_at": ends_at} | fields
    job = stage.call(stop.work, stop.call, stop.priority, stop.site, created_at=created_at, **fields)
    by = stage.company.dispatcher_of(stop.site)
    return actions.assign_job(job, worker.technician, by=by, now=created_at + 4 * MINUTE)


def _call_in(
    stage: Stage, picker: StopPicker, *, ago: timedelta, priorities: tuple[int, ...], site: Site | None = None, **fields
) -> Job:
    """A job that nobody has."""
    calls = [(work, *call) for work in WORK for call in work.calls if call[1] in priorities]
    work, call, priority = stage.rng.choice(calls)
    site = site or picker.site(work, stage.rng.choice(ZONES).name)
    return stage.call(work, call, priority, site, created_at=stage.moment - ago, **fields)


def _leave_unassigned(stage: Stage, picker: StopPicker, count: int) -> None:
    """First what makes a dispatcher look up: urgent, breached, without a location, at risk and nobody can do it."""
    lift = next(work for work in WORK if "Lift" in work.skills)
    singular = [
        lambda: _call_in(stage, picker, ago=47 * MINUTE, priorities=(URGENT,)),
        lambda: _call_in(stage, picker, ago=timedelta(hours=5), priorities=(HIGH,)),
        *(lambda address=address: _call_in_unmapped(stage, picker, address) for address in UNMAPPED_ADDRESSES),
        lambda: stage.call(
            lift, "Lift stops between floors", HIGH, picker.site(lift, MON), created_at=stage.moment - 200 * MINUTE
        ),
    ]
    for number in range(count):
        if number < len(singular):
            singular[number]()
            continue
        window = window_around(stage.moment + timedelta(hours=1 + number % 4))
        promised = dict(zip(("window_starts_at", "window_ends_at"), window, strict=True)) if number % 2 else {}
        ago = stage.rng.uniform(10, 200) * MINUTE
        _call_in(stage, picker, ago=ago, priorities=(LOW, NORMAL, NORMAL, HIGH), **promised)


def _call_in_unmapped(stage: Stage, picker: StopPicker, address: str) -> Job:
    customer = picker.site(WORK[0], stage.rng.choice(ZONES).name).customer
    site, _ = Site.objects.get_or_create(customer=customer, address=address)
    _look_up_in_vain(site, now=stage.moment - 79 * MINUTE)
    return _call_in(stage, picker, ago=80 * MINUTE, priorities=(NORMAL,), site=site)


def _look_up_in_vain(site: Site, *, now: datetime) -> None:
    candidates = [Candidate(*place).as_dict() for place in LOOKED_UP[site.address]]
    state = Geocoding.State.AMBIGUOUS if candidates else Geocoding.State.NOT_FOUND
    times = {"asked_at": now, "due_at": now, "answered_at": now}
    looked_up = {"address": site.address, "state": state, "candidates": candidates, **times}
    Geocoding.objects.update_or_create(site=site, defaults=looked_up)


def _cancel(stage: Stage, picker: StopPicker, workers, count: int) -> None:
    for number in range(count):
        if number % 2:
            job = _give(stage, picker, next(workers), planned_at=stage.moment + 100 * MINUTE)
        else:
            job = _call_in(stage, picker, ago=timedelta(hours=6), priorities=(LOW, NORMAL))
        reason = CANCEL_REASONS[number % len(CANCEL_REASONS)]
        actions.change_status(
            job,
            Status.CANCELLED,
            by=stage.company.dispatcher_of(job.site),
            note=reason,
            now=stage.moment - stage.rng.uniform(2, 6) * MINUTE,
        )


def _leave_over(stage: Stage, picker: StopPicker, workers, count: int, *, zone: ZoneInfo) -> None:
    yesterday = previous_working_day(stage.day)
    planned_at = min(at(yesterday, time(14, 30), zone), stage.moment)
    for number in range(count):
        if number % 3 == 2:
            ago = stage.moment - planned_at + timedelta(hours=20)
            _call_in(stage, picker, ago=ago, priorities=(LOW,), scheduled_on=yesterday)
        else:
            _give(stage, picker, next(workers), planned_at=planned_at, scheduled_on=yesterday)


def prepare_tomorrow(stage: Stage, picker: StopPicker, count: int, *, zone: ZoneInfo) -> None:
    tomorrow = stage.day + ONE_DAY
    while not is_working_day(tomorrow):
        tomorrow += ONE_DAY
    workers = cycle([worker for worker in stage.company.workers if worker.crew.first_name != SICK])
    for number in range(count):
        planned_at = at(tomorrow, time(8 + number % 7, 30), zone)
        if number % 2:
            ago = stage.rng.uniform(1, 20) * 60 * MINUTE
            _call_in(stage, picker, ago=ago, priorities=(LOW, NORMAL), scheduled_on=tomorrow)
        else:
            _give(stage, picker, next(workers), planned_at=planned_at, scheduled_on=tomorrow)
