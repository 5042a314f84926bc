"""Fills an empty database with the demo day. Every job reaches its state through the actions, when it happened."""

import random
from datetime import UTC, date, datetime

from django.db import transaction
from django.utils import timezone

from dispatch import actions, arrivals, realtime
from dispatch.demo.company import MAIL_DOMAIN, found_company
from dispatch.demo.customers import let_customers_answer
from dispatch.demo.extras import Counts, add_extras, leave_with_the_sick, prepare_tomorrow
from dispatch.demo.field import bring_back, require_nothing
from dispatch.demo.maintenance import plan_maintenance
from dispatch.demo.past import remember_ten_weeks
from dispatch.demo.pictures import take_pictures
from dispatch.demo.roster import Shift, StopPicker, clock_everyone_in, fill_routes, make_roster
from dispatch.demo.routes import moment_of, shift_start
from dispatch.demo.stage import Stage
from dispatch.demo.trails import leave_trails
from dispatch.demo.violations import check_day, settle_past
from dispatch.models import AssignmentRule, Customer, Job, Priority, Status
from dispatch.models.jobs import ACTIVE
from technicians.models import Technician
from zones.models import ServiceZone


class NotEmpty(Exception):
    """The database holds what somebody may still need."""


def seed_demo(
    *, day: date | None = None, technicians: int = 12, jobs: int = 80, seed: int = 1, force: bool = False, now=None
) -> int:
    """Returns the number of jobs on the day's board. Raises NotEmpty unless the database is empty or `force`."""
    now = (now or timezone.now()).astimezone(UTC)
    zone = timezone.get_current_timezone()
    day = day or now.astimezone(zone).date()
    with transaction.atomic():
        if not force and any(model.objects.exists() for model in (Job, Customer, Technician, ServiceZone)):
            raise NotEmpty("This database is in use: it has zones, technicians, customers or jobs.")
        moment = moment_of(day, now=now, zone=zone)
        with realtime.muted(), actions.unjournalled():
            require_nothing()
            _end_earlier_days(moment)
            stage = _set_stage(day, moment, seed=seed, technicians=technicians, jobs=jobs)
            remember_ten_weeks(stage, seed=seed, zone=zone)
            settle_past(stage, seed=seed)
            _play_day(stage, jobs=jobs, zone=zone)
            check_day(stage)
            let_customers_answer(stage)
            plan_maintenance(stage)
            bring_back(stage)
            take_pictures(stage)
        arrivals.refresh_everyone(now=moment)
        if day >= timezone.localdate(moment):
            _let_smart_dispatch_look(moment)
        actions.announce_jobs([None, *(zone.pk for zone in stage.company.zones.values())])
    return Job.objects.for_dispatch_day(day, today=day).count()


def _set_stage(day: date, moment: datetime, *, seed: int, technicians: int, jobs: int) -> Stage:
    rng = random.Random(seed)  # noqa: S311 - the same seed must give the same day
    company = found_company(rng, technicians=technicians, sites=jobs + 60)
    return Stage(company, rng, day, moment)


def _play_day(stage: Stage, *, jobs: int, zone) -> None:
    counts = Counts.of(jobs)
    picker = StopPicker(stage.company, stage.rng)
    begins_at = shift_start(stage.day, moment=stage.moment, zone=zone)
    shifts = make_roster(stage.company, stage.day, moment=stage.moment, zone=zone)
    fill_routes(shifts, picker, jobs=max(0, jobs - counts.total), moment=stage.moment)
    clock_everyone_in(shifts, stage.rng, day=stage.day, moment=stage.moment, zone=zone)
    _run_routes(stage, shifts)
    on_board = sum(len(shift.stops) for shift in shifts)
    on_board += leave_with_the_sick(stage, picker, counts.sick, begins_at=begins_at)
    add_extras(stage, picker, counts, unassigned=jobs - on_board - counts.beside_routes, zone=zone)
    prepare_tomorrow(stage, picker, max(2, jobs // 12), zone=zone)
    leave_trails(shifts, stage.rng, moment=stage.moment)


def _let_smart_dispatch_look(moment: datetime) -> None:
    """What has low priority is assigned by itself, so that both ways are seen: the other rules suggest."""
    AssignmentRule.objects.filter(priority=Priority.LOW, mode=AssignmentRule.Mode.MANUAL).update(
        mode=AssignmentRule.Mode.AUTOMATIC
    )
    with realtime.muted():
        actions.dispatch_waiting_jobs(now=moment)
    arrivals.refresh_everyone(now=moment)


def _run_routes(stage: Stage, shifts: list[Shift]) -> None:
    ordered = []
    for shift in shifts:
        for position, stop in enumerate(shift.stops, start=1):
            job = stage.run(stop, shift.worker)
            job.route_position = position
            ordered.append(job)
    Job.objects.bulk_update(ordered, ["route_position"], batch_size=500)


def _end_earlier_days(moment: datetime) -> None:
    """With `force` the technicians may still be on an earlier demo's jobs; they can be on one at a time."""
    under_way = Job.objects.filter(status__in=ACTIVE, technician__user__email__endswith=f"@{MAIL_DOMAIN}")
    for job in under_way.select_related("technician__user"):
        to = Status.COMPLETED if job.status == Status.IN_PROGRESS else Status.ASSIGNED
        actions.change_status(job, to, by=job.technician.user, note="End of the day", now=moment)
