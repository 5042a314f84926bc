"""Plays jobs through the real actions, each step at the instant at which it happened."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dispatch import actions
from dispatch.demo.company import Company, Worker
from dispatch.demo.routes import Stop, window_around
from dispatch.demo.trade import HIGH, LOW, NORMAL, NOTES, URGENT, Work
from dispatch.models import Job, Site, Status
from technicians.positions import Fix

USUAL_RESPONSE = {
    URGENT: timedelta(hours=1),
    HIGH: timedelta(hours=4),
    NORMAL: timedelta(hours=24),
    LOW: timedelta(hours=48),
}
MINUTE = timedelta(minutes=1)


@dataclass
class Stage:
    """Where the play takes place: nothing on it happens after `moment`."""

    company: Company
    rng: random.Random
    day: date
    moment: datetime

    def call(self, work: Work, call: str, priority: int, site: Site, *, created_at: datetime, **fields) -> Job:
        """A customer calls: the job is created."""
        fields.setdefault("scheduled_on", self.day)
        return actions.create_job(
            customer=site.customer,
            site=site,
            job_type=self.company.job_types[work.name],
            by=self.company.dispatcher_of(site),
            description=call,
            priority=priority,
            now=created_at,
            **fields,
        )

    def called_before(self, instant: datetime, priority: int) -> datetime:
        """When a customer rang whose technician set out then: mostly well within the usual response time."""
        waited = USUAL_RESPONSE[priority] * self.rng.uniform(0.15, 0.8)
        return min(instant - waited, self.moment - self.rng.uniform(8, 90) * MINUTE)

    def run(self, stop: Stop, worker: Worker, *, keep_planned: bool = True, **fields) -> Job:
        """A whole visit, as far as it has come by `moment`."""
        if keep_planned:
            fields |= self._promise(stop)
        created_at = self.called_before(stop.leaves_at, stop.priority)
        job = self.call(stop.work, stop.call, stop.priority, stop.site, created_at=created_at, **fields)
        job = self._assign(job, worker, between=(created_at, min(stop.leaves_at, self.moment)))
        received_at = created_at
        for happened_at, status, where, note in self._taps(stop):
            if happened_at > self.moment:
                break
            received_at = max(received_at, self._received(happened_at))
            job = actions.change_status(
                job,
                status,
                by=worker.user,
                note=note,
                fix=self.fix(where, happened_at, rng=self.rng),
                happened_at=happened_at,
                now=received_at,
            )
        if self.rng.random() < 0.08:
            actions.add_note(job, self.rng.choice(NOTES), by=self.company.dispatcher_of(stop.site), now=received_at)
        return job

    def _promise(self, stop: Stop) -> dict[str, object]:
        promised: dict[str, object] = {"planned_starts_at": stop.planned_at}
        if self.rng.random() < 0.55:
            promised["window_starts_at"], promised["window_ends_at"] = window_around(stop.planned_at)
            promised["is_fixed"] = self.rng.random() < 0.15
        return promised

    def _assign(self, job: Job, worker: Worker, *, between: tuple[datetime, datetime]) -> Job:
        earliest, latest = between
        by = self.company.dispatcher_of(job.site)
        assigned_at = min(earliest + self.rng.uniform(2, 40) * MINUTE, earliest + (latest - earliest) / 2)
        if self.rng.random() < 0.06:
            other = self.rng.choice(self.company.workers)
            if other is not worker:
                job = actions.assign_job(job, other.technician, by=by, now=earliest + (assigned_at - earliest) / 2)
        return actions.assign_job(job, worker.technician, by=by, now=assigned_at)

    def _taps(self, stop: Stop) -> list[tuple[datetime, str, tuple[float, float], str]]:
        taps = [
            (stop.leaves_at, Status.EN_ROUTE, stop.origin, ""),
            (stop.arrives_at, Status.IN_PROGRESS, stop.place, ""),
        ]
        if stop.done_at <= self.moment and self.rng.random() < 0.05:
            stopped_at, again_at = (stop.arrives_at + stop.effort * part for part in (0.25, 0.5))
            taps.append((stopped_at, Status.ASSIGNED, stop.place, "Nobody has the key to the cellar yet"))
            taps.append((again_at, Status.IN_PROGRESS, stop.place, ""))
        return [*taps, (stop.done_at, Status.COMPLETED, stop.place, "")]

    def _received(self, happened_at: datetime) -> datetime:
        """Mostly at once; some phones had no signal in the cellar."""
        delay = self.rng.uniform(6, 20) * MINUTE if self.rng.random() < 0.06 else timedelta()
        return min(happened_at + delay, self.moment)

    def fix(self, where: tuple[float, float], happened_at: datetime, *, rng: random.Random) -> Fix:
        return Fix(
            latitude=where[0] + rng.uniform(-0.0002, 0.0002),
            longitude=where[1] + rng.uniform(-0.0002, 0.0002),
            recorded_at=happened_at - timedelta(seconds=rng.randrange(3, 180)),
            accuracy_m=rng.randrange(4, 40),
        )
