"""Whole days from the database, planned with no regard for today's plan and applied: what must not move does not."""

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Plan, Status
from dispatch.planning.build import build
from dispatch.planning.check import faults_of
from dispatch.planning.solver import solve
from dispatch.planning.weights import Preferences
from dispatch.planning.why_not import Inquiry
from technicians import attendance
from technicians.models import WorkingHours
from tests.dispatch.planning.strategies import Day, Dice
from tests.dispatch.planning.test_why_not import assert_is_true
from tests.factories import JobTypeFactory, SiteFactory, TechnicianFactory, make_job

DAY = date(2037, 12, 1)
SEEDS = (1, 2)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def at(hour: int, minute: int = 0):
    return timezone.make_aware(datetime.combine(DAY, time(hour, minute)))


MORNING, NOW = at(7), at(10, 5)


@pytest.fixture
def team(north):
    """Three who work from 8 to 16 and have clocked in."""
    people = [TechnicianFactory(user__username=name, zones=[north]) for name in ("ana", "ben", "cleo")]
    for technician in people:
        WorkingHours.objects.create(technician=technician, weekday=DAY.weekday(), starts_at=time(8), ends_at=time(16))
        attendance.clock_in(technician, now=at(8))
    return people


@pytest.fixture
def make_day(dana, north, team):
    kind = JobTypeFactory()

    def make(chance: Dice) -> list[Job]:
        """Anybody has any job at any time; some have begun, some are pinned or fixed, some nobody has."""
        jobs = [_job(chance, dana, north, kind, chance.choice([*team, *team, None])) for _ in range(16)]
        for technician in team:
            own = [job for job in jobs if job.technician_id == technician.pk]
            if own:
                first = min(own, key=lambda job: job.planned_starts_at)
                actions.change_status(first, Status.EN_ROUTE, by=technician.user, now=at(9, 40))
                if chance.one_in(2):
                    actions.change_status(first, Status.IN_PROGRESS, by=technician.user, now=at(9, 55))
        return list(Job.objects.filter(pk__in=[job.pk for job in jobs]))

    return make


def _job(chance: Dice, dana, north, kind, technician) -> Job:
    site = SiteFactory(
        latitude=40.1 + chance.uniform(-0.09, 0.09), longitude=-75.1 + chance.uniform(-0.09, 0.09), zone=north
    )
    fields = {"job_type": kind, "duration_minutes": 15 * chance.randint(1, 6), "priority": chance.randint(1, 4)}
    if technician:
        starts_at = at(9) + timedelta(minutes=15 * chance.randint(0, 24))
        is_fixed = chance.one_in(5)
        fields |= {"status": Status.ASSIGNED, "technician": technician, "planned_starts_at": starts_at}
        fields |= {"is_fixed": is_fixed}
    job = make_job(by=dana, site=site, scheduled_on=DAY, now=MORNING, **fields)
    if technician and chance.one_in(3):
        who, when = chance.choice([(True, False), (False, True), (True, True)])
        actions.pin_job(job, technician=who, time=when, by=dana, now=MORNING)
    return job


@pytest.mark.parametrize("seed", SEEDS)
def test_pinned_and_started_jobs_stay_when_the_day_is_planned_anew(dana, team, make_day, seed):
    jobs = make_day(Dice(seed))
    plan = actions.ask_for_plan(Plan.Kind.REPLAN, DAY, team, by=dana, stability=0, seconds=1, now=NOW)
    plan = actions.work_out_plan(plan.pk, now=NOW, iterations=100)
    assert plan.state == Plan.State.PROPOSED, plan.error
    actions.apply_plan(plan, by=dana, now=NOW)
    moved = 0
    for before in jobs:
        after = Job.objects.get(pk=before.pk)
        has_begun = before.status in (Status.EN_ROUTE, Status.IN_PROGRESS)
        if has_begun or before.is_technician_pinned:
            assert after.technician_id == before.technician_id
        if has_begun or ((before.is_fixed or before.is_time_pinned) and after.technician_id):
            assert after.planned_starts_at == before.planned_starts_at
        assert not has_begun or after.status == before.status
        moved += (after.technician_id, after.planned_starts_at) != (before.technician_id, before.planned_starts_at)
    assert moved, "nothing was planned anew"


@pytest.mark.parametrize("seed", SEEDS)
def test_plan_of_a_real_day_breaks_no_rule_and_says_why_each_job_is_left_out(dana, team, make_day, seed):
    make_day(Dice(seed))
    asked = {"kind": Plan.Kind.REPLAN, "by": dana, "with_unassigned": True, "now": NOW}
    case = build(team, DAY, preferences=Preferences(stability=0), **asked)
    solution = solve(case.problem, seconds=5, iterations=100)
    unkept = {stop for stop in solution.left_out(case.problem) if case.problem.stops[stop].is_locked}
    assert [fault for fault in faults_of(case.problem, solution.routes) if "must be served" not in fault] == []
    day = Day(case.problem, {stop: case.bars.get(stop, {}) for stop in range(len(case.jobs))})
    inquiry = Inquiry(case.problem, solution.routes, day.bars)
    for stop in set(solution.left_out(case.problem)) - unkept:
        for reason in inquiry.reasons(stop):
            assert_is_true(day, solution.routes, reason)
