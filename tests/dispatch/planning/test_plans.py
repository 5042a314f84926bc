"""A plan from the question to the board: asked for, worked out, looked at, applied, taken back."""

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.models import BoardAction, Job, Plan, Status
from dispatch.planning.store import load_proposal
from technicians.models import WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, make_job

DAY = date(2026, 12, 1)  # a Tuesday still to come
NOW = timezone.make_aware(datetime.combine(date(2026, 11, 30), time(9)))
Kind, State = Plan.Kind, Plan.State

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0, day: date = DAY):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


@pytest.fixture
def crew(north):
    """Three technicians of North who work from 8 to 17."""
    people = [TechnicianFactory(user__username=name, zones=[north]) for name in ("ana", "ben", "cleo")]
    for technician in people:
        for weekday in range(7):
            WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return people


@pytest.fixture
def job_at(dana, north):
    """A job so far east of the homes, in hundredths of a degree: about 0.85 km each."""

    def make(east: float, **fields):
        site = SiteFactory(latitude=40.05, longitude=-75.2 + east / 100, zone=north)
        fields = {"scheduled_on": DAY, "now": NOW, "by": dana, "site": site, **fields}
        return make_job(**fields)

    return make


def given(technician, **fields):
    return {"status": Status.ASSIGNED, "technician": technician, **fields}


def plan_of(people, *, by, kind=Kind.DAY, day=DAY, now=NOW, iterations=200, **options) -> Plan:
    plan = actions.ask_for_plan(kind, day, people, by=by, now=now, seconds=options.pop("seconds", 1), **options)
    return actions.work_out_plan(plan.pk, now=now, iterations=iterations)


def fresh(job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_dispatcher_plans_the_day_applies_it_and_takes_it_back(dana, crew, job_at):
    jobs = [job_at(n) for n in range(6)]
    plan = plan_of(crew, by=dana)
    assert plan.state == State.PROPOSED
    proposal = load_proposal(plan, user=dana)
    assert {move.job for move in proposal.assigned} == set(jobs)
    assert all(fresh(job).status == Status.CREATED for job in jobs), "nothing changes before somebody looks"
    before = BoardAction.objects.count()
    actions.apply_plan(plan, by=dana, now=NOW)
    plan.refresh_from_db()
    assert plan.state == State.APPLIED
    for route in proposal.routes:
        for stop in route.stops:
            job = Job.objects.select_related("arrival").get(pk=stop.job_id)
            assert (job.technician, job.planned_starts_at) == (route.technician, stop.planned_at)
            assert (job.arrival.arrives_at, job.arrival.starts_at) == (stop.arrives_at, stop.starts_at)
            assert job.arrival.ends_at == stop.ends_at
    assert BoardAction.objects.count() == before + 1
    actions.undo_action(BoardAction.objects.latest("pk"), by=dana, now=NOW)
    assert all(fresh(job).status == Status.CREATED for job in jobs)


def test_day_that_has_changed_is_not_overwritten(dana, crew, job_at):
    job, other = job_at(1, **given(crew[0], planned_starts_at=at(15))), job_at(2)
    plan = plan_of(crew[:1], by=dana)
    actions.change_status(job, Status.CANCELLED, by=dana, note="Not needed", now=NOW + timedelta(minutes=1))
    with pytest.raises(actions.PlanOutdated, match=f"{job.number} was cancelled by Dana"):
        actions.apply_plan(plan, by=dana, now=NOW + timedelta(minutes=2))
    assert fresh(other).status == Status.CREATED
