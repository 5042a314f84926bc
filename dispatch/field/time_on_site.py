"""How long somebody was on the way to a job and worked on it: read from its status log. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EN_ROUTE, IN_PROGRESS = "en_route", "in_progress"  # as a job's status


@dataclass(frozen=True)
class Step:
    """A row of the status log, in its order."""

    status: str
    technician_id: int | None
    at: datetime


@dataclass(frozen=True)
class Pause:
    technician_id: int
    starts_at: datetime
    ends_at: datetime | None = None  # it goes on


@dataclass
class TimeSpent:
    """Of one technician on one job, breaks taken out of both."""

    technician_id: int
    travel: timedelta = timedelta()
    on_site: timedelta = timedelta()
    breaks: timedelta = timedelta()
    since: datetime | None = None  # goes on now
    stretches: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def travel_minutes(self) -> int:
        return int(self.travel.total_seconds() // 60)

    @property
    def on_site_minutes(self) -> int:
        return int(self.on_site.total_seconds() // 60)

    @property
    def break_minutes(self) -> int:
        return int(self.breaks.total_seconds() // 60)


def time_spent(steps: Iterable[Step], *, pauses: Iterable[Pause] = (), now: datetime) -> list[TimeSpent]:
    """One a technician, in the order in which they first set out or began. An interrupted job is summed up."""
    pauses, spent = list(pauses), {}
    steps = list(steps)
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.status not in (EN_ROUTE, IN_PROGRESS) or step.technician_id is None:
            continue
        own = spent.setdefault(step.technician_id, TimeSpent(step.technician_id))
        ends_at = following.at if following else max(now, step.at)
        paused = _paused(pauses, own.technician_id, step.at, ends_at, now=now)
        worked = ends_at - step.at - paused
        own.breaks += paused
        own.stretches.append((step.at, ends_at))
        if step.status == EN_ROUTE:
            own.travel += worked
        else:
            own.on_site += worked
        own.since = None if following else step.at
    return list(spent.values())


def _paused(pauses: list[Pause], technician_id: int, starts_at: datetime, ends_at: datetime, *, now) -> timedelta:
    total = timedelta()
    for pause in pauses:
        if pause.technician_id == technician_id:
            overlap = min(pause.ends_at or now, ends_at) - max(pause.starts_at, starts_at)
            total += max(overlap, timedelta())
    return total
