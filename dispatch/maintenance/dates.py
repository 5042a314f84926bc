"""The next days of a plan as a page shows them: what was made for each, what was skipped, on which nobody works."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from dispatch.maintenance.consequences import NOT_BEGUN
from dispatch.maintenance.rule import DAYS, Schedule
from dispatch.models import Customer, Job, JobType, MaintenancePlan, MaintenanceVisit
from sla.opening_hours import Calendar
from sla.policies import Policies

SHOWN: Final = 12


@dataclass(frozen=True)
class DueDay:
    day: date
    note: str = ""  # what the business calendar says against it
    visit: MaintenanceVisit | None = None
    job: Job | None = None  # as far as the user may see it
    made_on: date | None = None  # when it will be, of a day that is further ahead
    is_due: bool = True  # by the rule as it is now

    @property
    def is_skipped(self) -> bool:
        return self.visit is not None and self.visit.is_skipped

    @property
    def can_be_skipped(self) -> bool:
        if self.visit is None:
            return True
        return not self.is_skipped and self.job is not None and self.job.status in NOT_BEGUN


def calendar_for(*, customer: Customer | None, job_type: JobType | None) -> Calendar | None:
    """That of the SLA policy by which its jobs would go."""
    policies = Policies()
    policy = policies.policy_for(customer=customer or Customer(), job_type=job_type or JobType())
    return policies.calendar_of(policy.pk) if policy else None


def note_on(day: date, calendar: Calendar | None) -> str:
    if calendar is None or calendar.is_working_day(day):
        return ""
    if day in calendar.holidays:
        return calendar.name_of(day)
    return f"Closed on {DAYS[day.weekday()]}s"


def preview(
    schedule: Schedule, *, today: date, calendar: Calendar | None, plan: MaintenancePlan | None = None
) -> list[DueDay]:
    """Of a plan as it would be; `plan` is the one that is being changed, whose skipped visits stay so."""
    days = schedule.since(max(today, schedule.starts_on), count=SHOWN)
    visits = plan.visits.filter(due_on__in=days).exclude(skipped_at=None) if plan else ()
    skipped = {visit.due_on: visit for visit in visits}
    return [DueDay(day, note_on(day, calendar), skipped.get(day)) for day in days]


def next_days(
    plan: MaintenancePlan,
    visits: Iterable[MaintenanceVisit],
    visible_jobs: dict[int, Job],
    *,
    calendar: Calendar | None,
    now: datetime,
) -> list[DueDay]:
    """What is due, and what was made on days that are not due any more."""
    today = plan.today(now=now)
    of_day = {visit.due_on: visit for visit in visits if visit.due_on >= today}
    due = plan.schedule.since(today, count=SHOWN)
    last = due[-1] if len(due) == SHOWN else date.max
    days = sorted({*due, *(day for day in of_day if day <= last)})
    return [
        DueDay(
            day,
            note=note_on(day, calendar),
            visit=(visit := of_day.get(day)),
            job=visible_jobs.get(visit.job_id) if visit else None,
            made_on=None if visit or not plan.is_active else day - timedelta(days=plan.days_ahead),
            is_due=day in due,
        )
        for day in days
    ]
