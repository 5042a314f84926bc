"""Ten weeks of completed work, so that reports have something to say: some weeks, people and kinds of work do worse."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.actions.past import PastJob, remember_jobs
from dispatch.demo.company import USUAL_START, Worker, is_working_day
from dispatch.demo.roster import ONE_DAY, StopPicker
from dispatch.demo.routes import PAUSE, Stop, at, window_around
from dispatch.demo.stage import MINUTE, USUAL_RESPONSE, Stage
from dispatch.demo.trade import RUNNING_BEHIND, URGENT
from dispatch.models import FieldChange, Job, Status, StatusChange
from sla.clock import LENGTHS
from sla.models import ClockKind, ClockPause
from sla.policies import Policies

Actor = StatusChange.Actor
WEEKS: Final = 10
WORKERS: Final = 12  # a larger company has no longer a past
STORM_WEEK: Final = 4  # weeks ago: more calls than anybody could see to
A_DAY: Final = (2, 2, 3, 3)  # visits
QUITTING_TIME: Final = time(16)
SECOND_VISIT, HELD_FOR_PARTS = 0.05, 0.04  # shares of the visits that do not end the job
PART_MISSING: Final = ("Compressor is on order", "Control board is on order", "Landlord has to agree first")
COMES_AGAIN: Final = (
    "Needs a second pair of hands",
    "Valve does not fit, comes back with another",
    "Out of time today",
)


@dataclass(eq=False)
class Visit:
    """A job that somebody goes to on `day`: `past` is what has become of it so far, none before the first visit."""

    past: PastJob | None
    stop: Stop
    day: date


@dataclass
class Diary:
    """What one technician did, day after day."""

    stage: Stage
    worker: Worker
    picker: StopPicker
    policies: Policies
    zone: ZoneInfo
    rng: random.Random
    unfinished: list[Visit] = field(default_factory=list)
    finished: list[PastJob] = field(default_factory=list)

    def live(self, day: date) -> None:
        home = (self.worker.technician.home_latitude, self.worker.technician.home_longitude)
        free_at, place = at(day, USUAL_START, self.zone) + self.rng.uniform(5, 40) * MINUTE, home
        for visit in self._visits(day):
            stop = visit.stop
            stop.origin, stop.leaves_at = place, free_at
            if stop.leaves_at > at(day, QUITTING_TIME, self.zone):
                return
            self._go(visit)
            free_at, place = stop.done_at + PAUSE + self.rng.uniform(0, 50) * MINUTE, stop.place

    def _visits(self, day: date) -> Iterator[Visit]:
        again = [one for one in self.unfinished if one.day <= day]
        yield from again
        for _ in range(self.rng.choice(A_DAY) - len(again)):
            origin = (self.worker.technician.home_latitude, self.worker.technician.home_longitude)
            stop = self.picker.next_stop(self.worker, origin=origin, zone=self.rng.choice(self.worker.crew.zones))
            yield Visit(None, stop, day)

    def _go(self, visit: Visit) -> None:
        stop = visit.stop
        is_first = visit.past is None
        if is_first:
            visit.past = self._called(stop, visit.day)
        else:
            self.unfinished.remove(visit)
        past = visit.past
        self._tap(past, Status.EN_ROUTE, stop.leaves_at, stop.origin)
        self._tap(past, Status.IN_PROGRESS, stop.arrives_at, stop.place)
        past.job.en_route_at, past.job.started_at = stop.leaves_at, stop.arrives_at
        past.job.scheduled_on = visit.day
        if is_first and self._is_not_done(visit):
            return
        self._tap(past, Status.COMPLETED, stop.done_at, stop.place)
        past.job.status, past.job.completed_at = Status.COMPLETED, stop.done_at
        self.finished.append(past)

    # The call and its assignment ------------------------------------------------------------------

    def _called(self, stop: Stop, day: date) -> PastJob:
        created_at = self._called_at(stop)
        assigned_at = created_at + (stop.leaves_at - created_at) * self.rng.uniform(0.05, 0.6)
        by = self.stage.company.dispatcher_of(stop.site)
        planned_at = stop.arrives_at - self.rng.uniform(-8, 15) * MINUTE
        planned_at -= timedelta(minutes=planned_at.minute % 5, seconds=planned_at.second)
        job = Job(
            customer=stop.site.customer,
            site=stop.site,
            job_type=self.stage.company.job_types[stop.work.name],
            description=stop.call,
            priority=stop.priority,
            technician=self.worker.technician,
            duration_minutes=stop.work.minutes,
            planned_starts_at=planned_at.replace(microsecond=0),
            assigned_at=assigned_at,
            created_at=created_at,
            created_by=by,
        )
        if self.rng.random() < 0.55:
            job.window_starts_at, job.window_ends_at = window_around(planned_at)
        past = PastJob(job, [])
        self._write(past, Status.CREATED, created_at, by=by)
        self._write(past, Status.ASSIGNED, assigned_at, by=by)
        return past

    def _called_at(self, stop: Stop) -> datetime:
        """Mostly well within the response target before somebody set off; at a decent hour where that can be had."""
        target = self._response_target(stop)
        is_late = self.rng.random() < self._risk(stop)
        for _ in range(6):
            share = self.rng.uniform(1.02, 1.9) if is_late else 0.04 + 0.92 * self.rng.betavariate(1.6, 2.4)
            created_at = stop.leaves_at - share * target
            if stop.priority == URGENT or 6 <= created_at.astimezone(self.zone).hour < 21:
                break
        return created_at

    def _response_target(self, stop: Stop) -> timedelta:
        policy = self.policies.policy_for(
            customer=stop.site.customer, job_type=self.stage.company.job_types[stop.work.name]
        )
        target = policy and self.policies.target(policy.pk, priority=stop.priority, kind=ClockKind.RESPONSE)
        amount, unit = target or (None, None)
        return amount * LENGTHS[unit] if unit in LENGTHS else USUAL_RESPONSE[stop.priority]

    def _risk(self, stop: Stop) -> float:
        """Of being late: the team has got better, Mondays are full, and somebody is always behind."""
        day = stop.leaves_at.astimezone(self.zone).date()
        weeks_ago = (self.stage.day - day).days // 7
        risk = 0.04 + 0.006 * weeks_ago
        risk *= 2.5 if weeks_ago == STORM_WEEK else 1
        risk *= 1.6 if day.weekday() == 0 else 1
        risk *= 2.2 if self.worker.crew.first_name == RUNNING_BEHIND else 1
        return risk * (1.6 if stop.priority == URGENT else 1)

    # What does not end with the first visit -------------------------------------------------------

    def _is_not_done(self, visit: Visit) -> bool:
        chance = self.rng.random()
        is_held = chance < HELD_FOR_PARTS
        day = _working_days_later(visit.day, self.rng.randint(2, 4) if is_held else 1)
        if chance >= HELD_FOR_PARTS + SECOND_VISIT or day >= self.stage.day - ONE_DAY:
            return False
        reason = self.rng.choice(PART_MISSING if is_held else COMES_AGAIN)
        stopped_at = visit.stop.done_at
        self._tap(visit.past, Status.ASSIGNED, stopped_at, visit.stop.place, note=reason)
        if is_held:
            self._hold(visit.past, reason, stopped_at + 6 * MINUTE, until=at(day, USUAL_START, self.zone))
        stop = visit.stop
        again = Stop(stop.work, stop.call, stop.priority, stop.site, stop.origin, stop.travel, stop.effort / 2)
        self.unfinished.append(Visit(visit.past, again, day))
        return True

    def _hold(self, past: PastJob, reason: str, starts_at: datetime, *, until: datetime) -> None:
        past.holds.append(ClockPause(cause=ClockPause.Cause.HOLD, reason=reason, starts_at=starts_at, ends_at=until))
        for changed_at, hold in ((starts_at, ["", reason]), (until, [reason, ""])):
            past.job.version += 1
            past.changes.append(
                FieldChange(
                    version=past.job.version,
                    changed_at=changed_at,
                    actor=past.job.created_by,
                    changes={"hold": hold},
                )
            )

    # The log --------------------------------------------------------------------------------------

    def _tap(self, past: PastJob, status: str, happened_at: datetime, place: tuple[float, float], note="") -> None:
        fix = self.stage.fix(place, happened_at, rng=self.rng)
        self._write(
            past,
            status,
            happened_at,
            by=self.worker.user,
            actor=Actor.TECHNICIAN,
            note=note,
            latitude=fix.latitude,
            longitude=fix.longitude,
            accuracy_m=fix.accuracy_m,
            position_age_seconds=int((happened_at - fix.recorded_at).total_seconds()),
        )

    def _write(self, past: PastJob, status: str, happened_at: datetime, *, by, actor=Actor.DISPATCHER, **more) -> None:
        last = past.log[-1] if past.log else None
        if last:
            past.job.version += 1
        past.log.append(
            StatusChange(
                from_status=last.to_status if last else "",
                to_status=status,
                from_technician=last.to_technician if last else None,
                to_technician=None if status == Status.CREATED else self.worker.technician,
                happened_at=happened_at,
                received_at=happened_at,
                actor_kind=actor,
                actor=by,
                **more,
            )
        )


def remember_ten_weeks(stage: Stage, *, seed: int, zone: ZoneInfo) -> list[PastJob]:
    """With random numbers of its own, so that the day to come is the same whatever is remembered."""
    rng = random.Random(f"past {seed}")  # noqa: S311
    picker, policies = StopPicker(stage.company, rng), Policies()
    workers = stage.company.workers[:WORKERS]
    diaries = [Diary(stage, worker, picker, policies, zone, rng) for worker in workers]
    for day in _working_days(stage.day):
        picker.used.clear()
        for diary in diaries:
            diary.live(day)
    past = [one for diary in diaries for one in diary.finished]
    remember_jobs(sorted(past, key=lambda one: one.job.created_at), policies=policies, now=stage.moment)
    return past


def _working_days(until: date) -> list[date]:
    """Before the day before yesterday: what is left over from yesterday is part of the day itself."""
    days = [until - number * ONE_DAY for number in range(2, 7 * WEEKS)]
    return [day for day in reversed(days) if is_working_day(day)]


def _working_days_later(day: date, count: int) -> date:
    while count:
        day += ONE_DAY
        count -= is_working_day(day)
    return day
