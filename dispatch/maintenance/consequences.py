"""What a changed plan makes of the visits that were made already and that nobody has begun."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.utils import timezone

from dispatch.maintenance.due import realigned
from dispatch.models import Job, MaintenancePlan, MaintenanceVisit, Status

NOT_BEGUN: Final = (Status.CREATED, Status.ASSIGNED)
TIMES: Final = ("rule", "starts_on", "ends_on", "window_starts", "window_ends", "time_zone", "is_active")
DETAILS: Final = ("customer", "site", "job_type", "description", "priority", "duration_minutes")
WORDS: Final = {
    "site": "address",
    "job_type": "type",
    "description": "description",
    "priority": "priority",
    "duration_minutes": "duration",
    "window_starts_at": "time block",
    "window_ends_at": "time block",
}


@dataclass(frozen=True)
class Consequence:
    """If the visit follows: `to` is its day then, and without one its job is cancelled."""

    visit: MaintenanceVisit
    to: date | None
    changes: dict[str, object] = field(default_factory=dict)  # of the job, by field
    changes_hands: bool = False
    why_not: str = ""  # what a dispatcher has done with it, for which it stays where it is

    @property
    def job(self) -> Job:
        return self.visit.job

    @property
    def is_moved(self) -> bool:
        return self.to is not None and self.to != self.visit.due_on

    @property
    def is_any(self) -> bool:
        return bool(self.to is None or self.changes or self.changes_hands or self.why_not)

    @property
    def changed_words(self) -> list[str]:
        """Beside the day."""
        words = [WORDS[name] for name in self.changes if name in WORDS and not (self.is_moved and "window" in name)]
        return list(dict.fromkeys([*words, *(["technician"] if self.changes_hands else [])]))


def consequences_of(was: MaintenancePlan, plan: MaintenancePlan, *, now: datetime) -> list[Consequence]:
    """`was` is the plan as it is stored, `plan` as it is to be. Two queries."""
    visits = not_begun(was, now=now)
    days = _days_after(was, plan, visits, now=now)
    found = [_consequence(was, plan, visit, days.get(visit.due_on, visit.due_on)) for visit in visits]
    return [one for one in found if one.is_any]


def not_begun(plan: MaintenancePlan, *, now: datetime) -> list[MaintenanceVisit]:
    """Of today and later."""
    visits = plan.visits.filter(due_on__gte=plan.today(now=now), skipped_at=None, job__status__in=NOT_BEGUN)
    related = ("job__customer", "job__site", "job__job_type", "job__technician__user")
    return list(visits.select_related(*related).order_by("due_on"))


def _days_after(
    was: MaintenancePlan, plan: MaintenancePlan, visits: list[MaintenanceVisit], *, now: datetime
) -> dict[date, date | None]:
    if not visits or not _differs(was, plan, TIMES):
        return {}
    free = [visit.due_on for visit in visits if not why_stays(was, visit)]
    today = plan.today(now=now)
    last = max(today + timedelta(days=plan.days_ahead), visits[-1].due_on)
    due = plan.schedule.between(today, last) if plan.is_active else []
    taken = set(was.visits.values_list("due_on", flat=True)) - set(free)
    return realigned(free, due, taken=taken)


def _consequence(was: MaintenancePlan, plan: MaintenancePlan, visit: MaintenanceVisit, to: date | None) -> Consequence:
    job = visit.job
    if to is None:
        return Consequence(visit, None)
    times_change = _differs(was, plan, TIMES) and (not plan.is_active or was.times_on(to) != plan.times_on(to))
    is_due = plan.is_active and plan.schedule.includes(visit.due_on)
    why_not = why_stays(was, visit) if times_change or not is_due else ""
    times = {} if why_not else plan.times_on(to)
    changes = {name: value for name, value in times.items() if getattr(job, name) != value}
    if why_stays(was, visit):
        changes = {}
    changes |= _details(was, plan, job)
    has_usual = job.technician_id in (None, was.technician_id)
    changes_hands = bool(
        plan.technician_id
        and plan.technician_id != was.technician_id
        and has_usual
        and job.technician_id != plan.technician_id
    )
    return Consequence(visit, to, changes, changes_hands, why_not)


def _details(was: MaintenancePlan, plan: MaintenancePlan, job: Job) -> dict[str, object]:
    """What somebody has changed on the job itself stays as they wanted it."""
    before, after = details_of(was), details_of(plan)
    return {
        name: value for name, value in after.items() if value != before[name] and getattr(job, name) == before[name]
    }


def details_of(plan: MaintenancePlan) -> dict[str, object]:
    """Of its jobs, by field."""
    return {name: getattr(plan, name) for name in DETAILS} | {"description": plan.description or plan.name}


def why_stays(was: MaintenancePlan, visit: MaintenanceVisit) -> str:
    """What a dispatcher has settled for this visit; empty where it is as the plan has made it."""
    job = visit.job
    if job.planned_starts_at:
        return f"planned for {timezone.localtime(job.planned_starts_at):%H:%M}"
    if job.is_time_pinned or job.is_fixed:
        return "pinned" if job.is_time_pinned else "a fixed appointment"
    times = was.times_on(visit.due_on)
    return "moved by hand" if any(getattr(job, name) != value for name, value in times.items()) else ""


def _differs(was: MaintenancePlan, plan: MaintenancePlan, names: Iterable[str]) -> bool:
    return any(getattr(was, name) != getattr(plan, name) for name in names)
