"""One maintenance plan: its next days, its visits so far, and who changed it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from dispatch.maintenance.dates import DueDay, calendar_for, next_days
from dispatch.models import Job, MaintenancePlan, MaintenanceVisit

PAST_SHOWN: Final = 25
CHANGES_SHOWN: Final = 8


@dataclass(frozen=True)
class PastVisit:
    visit: MaintenanceVisit
    job: Job | None  # as far as the user may see it


@dataclass(frozen=True)
class PlanPage:
    plan: MaintenancePlan
    days: list[DueDay]
    past: list[PastVisit]
    changes: list[LogEntry]
    is_over: bool


def load_plan_page(plan: MaintenancePlan, *, user, now: datetime) -> PlanPage:
    """RuleError for a plan whose rule nobody understands."""
    today = plan.today(now=now)
    visits = plan.visits.select_related("skipped_by")
    to_come = list(visits.filter(due_on__gte=today))
    past = list(visits.filter(due_on__lt=today).order_by("-due_on")[:PAST_SHOWN])
    ids = [visit.job_id for visit in (*to_come, *past) if visit.job_id]
    jobs = Job.objects.visible_to(user).select_related("technician__user", "job_type").in_bulk(ids)
    calendar = calendar_for(customer=plan.customer, job_type=plan.job_type)
    log = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(MaintenancePlan), object_id=str(plan.pk)
    )
    return PlanPage(
        plan,
        next_days(plan, to_come, jobs, calendar=calendar, now=now),
        [PastVisit(visit, jobs.get(visit.job_id)) for visit in past],
        list(log.select_related("user").order_by("-action_time", "-pk")[:CHANGES_SHOWN]),
        plan.is_over(today=today),
    )
