"""What the company does for its customers again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from django.conf import settings

from dispatch import actions
from dispatch.demo.company import is_working_day
from dispatch.demo.stage import Stage
from dispatch.maintenance.rule import LAST, Frequency, Rule
from dispatch.models import Job, MaintenancePlan, MaintenanceVisit, Priority, Status

HEATING: Final = (1, 2, 3, 4, 10, 11, 12)
DAILY, WEEKLY, MONTHLY, YEARLY = Frequency


@dataclass(frozen=True)
class Upkeep:
    """`rule` is made for a day on which a visit is to be due, so many days ahead: not on the day that is played."""

    name: str
    work: str  # the job type
    rule: Callable[[date], Rule]
    ahead: int
    description: str = ""
    technician: str = ""  # first name
    block: tuple[time, time] | None = None
    is_paused: bool = False
    skips: str = ""  # why the next visit but one is


def nth(day: date) -> int:
    return (day.day + 6) // 7 if day.day <= 28 else LAST


UPKEEP: Final = (
    Upkeep(
        "Quarterly lift inspection",
        "Lift inspection",
        lambda day: Rule(MONTHLY, 3, (day.weekday(),), nth(day)),
        9,
        "Quarterly inspection, two cars\nThe caretaker has the machine room's key.",
        "Grace",
        (time(8), time(10)),
    ),
    Upkeep(
        "Yearly boiler inspection",
        "Boiler inspection",
        lambda day: Rule(YEARLY, month_day=day.day, months=(day.month,)),
        12,
        "Insurance inspection, certificate needed",
        "Luke",
    ),
    Upkeep(
        "Filters every two weeks",
        "Furnace tune-up",
        lambda day: Rule(WEEKLY, 2, (day.weekday(),)),
        4,
        "Change the filters, both units",
        "Tess",
        (time(13), time(15)),
    ),
    Upkeep(
        "Cooler check",
        "Walk-in cooler repair",
        lambda day: Rule(MONTHLY, month_day=day.day),
        7,
        "Monthly check: seals, condenser, temperature log",
        "Priya",
        (time(8, 30), time(10, 30)),
    ),
    Upkeep(
        "Grease drain every week",
        "Drain cleaning",
        lambda day: Rule(WEEKLY, 1, (day.weekday(),)),
        5,
        "Jet the grease drain behind the kitchen",
        "Tom",
        (time(9), time(11)),
        skips="Kitchen is closed for renovation",
    ),
    Upkeep(
        "Boiler pressure in the heating season",
        "Boiler repair",
        lambda day: Rule(MONTHLY, 1, (day.weekday(),), nth(day), months=HEATING),
        6,
        "Check pressure and refill; it loses some every month",
    ),
    Upkeep(
        "Heat pump before the season",
        "Heat pump repair",
        lambda day: Rule(YEARLY, nth=1, weekdays=(0,), months=((day.month + 5) % 12 + 1,)),
        6,
        "Clean the outdoor unit, check the refrigerant",
    ),
    Upkeep(
        "Line measurement",
        "Internet outage",
        lambda day: Rule(MONTHLY, 2, month_day=day.day),
        8,
        "Measure the line, morning and afternoon",
        is_paused=True,
    ),
)


def plan_maintenance(stage: Stage) -> list[MaintenancePlan]:
    """Where such a job was done before, that was the first visit."""
    plans = []
    for upkeep in UPKEEP:
        done = Job.objects.filter(status=Status.COMPLETED, job_type__name=upkeep.work, maintenance_visit=None)
        sites = [plan.site_id for plan in plans]
        before = stage.day - timedelta(days=21 + 5 * len(plans))
        first = done.filter(scheduled_on__lte=before).exclude(site__in=sites)
        if upkeep.technician:  # where they work
            first = first.filter(zone__technicians__user__first_name=upkeep.technician)
        first = first.select_related("site__customer", "job_type")
        first = first.order_by("-scheduled_on", "created_at", "site__address").first()
        if first is not None:
            plans.append(_plan(upkeep, first, stage))
    return plans


def _plan(upkeep: Upkeep, first: Job, stage: Stage) -> MaintenancePlan:
    day = stage.day + timedelta(days=upkeep.ahead)
    while not is_working_day(day):
        day += timedelta(days=1)
    rule = upkeep.rule(day)
    by = stage.company.dispatcher_of(first.site)
    people = {worker.crew.first_name: worker.technician for worker in stage.company.workers}
    starts, ends = upkeep.block or (None, None)
    plan = MaintenancePlan(
        name=upkeep.name,
        site=first.site,
        job_type=first.job_type,
        description=upkeep.description,
        priority=Priority.LOW,
        duration_minutes=first.duration_minutes,
        technician=people.get(upkeep.technician),
        rule=rule.text,
        starts_on=first.scheduled_on if rule.frequency in (MONTHLY, YEARLY) and rule.interval == 1 else day,
        window_starts=starts,
        window_ends=ends,
        time_zone=settings.TIME_ZONE,
    )
    plan = actions.save_maintenance_plan(plan, by=by, now=stage.moment)
    MaintenanceVisit.objects.create(plan=plan, due_on=first.scheduled_on, job=first, made_at=first.created_at)
    if upkeep.skips:
        _, skipped, *_ = plan.schedule.since(day, count=2)
        actions.skip_visit(plan, skipped, upkeep.skips, by=by, now=stage.moment)
    if upkeep.is_paused:
        plan = actions.set_maintenance_active(plan, False, made=actions.FOLLOW, by=by, now=stage.moment)
    return plan
