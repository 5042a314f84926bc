"""A plan's life: asked for, worked out, stopped, looked after. What applying it does is in test_apply_plan.py."""

from datetime import date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from dispatch import actions
from dispatch.actions import plans
from dispatch.models import Job, Notification, Plan, PlanningSettings, Status
from dispatch.planning.changes import changes_since
from dispatch.planning.problem import Solution
from dispatch.planning.store import load_proposal
from dispatch.roles import Role
from technicians.models import Proficiency, Skill, TimeOff, WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, UserFactory, make_job
from tests.threads import at_the_same_time, winners_and_losers
from zones.access import grant_zones

DAY = date(2037, 12, 1)  # a Tuesday that is long to come
NOW = timezone.make_aware(datetime.combine(date(2037, 11, 30), time(9)))
LATER = NOW + timedelta(minutes=5)
Kind, State = Plan.Kind, Plan.State

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0, day: date = DAY):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def technician_of(zone, name: str):
    technician = TechnicianFactory(user__username=name, zones=[zone])
    for weekday in range(7):
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return technician


@pytest.fixture
def crew(north):
    """Three technicians of North who work from 8 to 17."""
    return [technician_of(north, name) for name in ("ana", "ben", "cleo")]


@pytest.fixture
def job_at(dana, north):
    """A job so far east of the homes, in hundredths of a degree: about 0.85 km each."""

    def make(east: float = 1, technician=None, **fields):
        site = SiteFactory(latitude=40.05, longitude=-75.2 + east / 100, zone=north)
        fields = {"scheduled_on": DAY, "now": NOW, "by": dana, "site": site, **fields}
        if technician:
            fields |= {"status": Status.ASSIGNED, "technician": technician}
        return make_job(**fields)

    return make


def plan_of(people, *, by, kind=Kind.DAY, day=DAY, now=NOW, iterations=50, **options) -> Plan:
    plan = actions.ask_for_plan(kind, day, people, by=by, now=now, seconds=options.pop("seconds", 1), **options)
    return actions.work_out_plan(plan.pk, now=now, iterations=iterations)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


# Asking -------------------------------------------------------------------------------------------


def test_plan_waits_for_a_worker_with_what_was_chosen(dana, crew):
    PlanningSettings.objects.update_or_create(pk=1, defaults={"day_seconds": 45, "late_minute": 7})
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew, by=dana, preset="least_change", now=NOW)
    assert (plan.state, plan.step, plan.seconds) == (State.QUEUED, "Waiting for a worker", 45)
    assert (plan.preferences["late_minute"], plan.preferences["stability"]) == (7, 90)
    assert set(plan.technicians.all()) == set(crew)


def test_best_order_of_one_route_is_not_held_back_by_todays(dana, crew):
    assert actions.ask_for_plan(Kind.ROUTE, DAY, crew[:1], by=dana, now=NOW).preferences["stability"] == 0
    asked = actions.ask_for_plan(Kind.ROUTE, DAY, crew[1:2], by=dana, stability=80, now=NOW)
    assert asked.preferences["stability"] == 80


def test_same_technicians_are_planned_once_at_a_time_and_it_is_said_by_whom(dana, omar, crew):
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew[:2], by=dana, now=NOW)
    Plan.objects.filter(pk=plan.pk).update(done_percent=40)
    with pytest.raises(actions.ActionRefused, match="Dana is planning that day of Ben already: 40 % done"):
        actions.ask_for_plan(Kind.DAY, DAY, crew[1:], by=omar, now=NOW)
    actions.ask_for_plan(Kind.DAY, DAY + timedelta(days=1), crew, by=omar, now=NOW)
    actions.ask_for_plan(Kind.DAY, DAY, crew[2:], by=omar, now=NOW)
    actions.cancel_plan(plan, by=dana)
    actions.ask_for_plan(Kind.DAY, DAY, crew[:2], by=omar, now=NOW)


def test_who_is_away_is_in_the_scope(dana, omar, crew):
    actions.ask_for_plan(Kind.ABSENCE, DAY, crew[1:], absent=crew[0], by=dana, now=NOW)
    with pytest.raises(actions.ActionRefused, match="Ana"):
        actions.ask_for_plan(Kind.ROUTE, DAY, crew[:1], by=omar, now=NOW)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_the_same_moment_one_is_told(dana, omar, crew):
    def ask(people, by):
        return lambda: actions.ask_for_plan(Kind.DAY, DAY, people, by=by, now=NOW)

    asked, told = winners_and_losers(at_the_same_time(ask(crew[:2], dana), ask(crew[1:], omar)))
    assert len(asked) == 1
    assert "is planning that day of Ben already" in told[0].reason


def test_nobody_plans_what_is_not_theirs(dana, south, crew):
    tom = technician_of(south, "tim")
    with pytest.raises(actions.ActionRefused, match="not yours to plan"):
        actions.ask_for_plan(Kind.DAY, DAY, [*crew, tom], by=dana, now=NOW)
    with pytest.raises(PermissionDenied):
        actions.ask_for_plan(Kind.DAY, DAY, crew, by=crew[0].user, now=NOW)
    with pytest.raises(actions.ActionRefused, match="at least one"):
        actions.ask_for_plan(Kind.DAY, DAY, [], by=dana, now=NOW)


@pytest.mark.parametrize(("kind", "day"), [(Kind.DAY, NOW.date() - timedelta(days=1)), (Kind.REPLAN, DAY)])
def test_days_that_make_no_sense_are_refused(dana, crew, kind, day):
    with pytest.raises(actions.ActionRefused):
        actions.ask_for_plan(kind, day, crew, by=dana, now=NOW)


def test_rq_gives_it_longer_than_it_may_look(dana, crew, monkeypatch):
    asked = []
    monkeypatch.setattr(plans, "enqueue", lambda task, pk, timeout, **to: asked.append(timeout))
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew, by=dana, seconds=480, now=NOW)
    assert asked[0] > plan.seconds + 60


# Working it out -----------------------------------------------------------------------------------


def test_proposal_says_what_becomes_of_every_job(dana, crew, job_at):
    skill = Skill.objects.create(name="Asbestos")
    kept, free = job_at(1, crew[0], planned_starts_at=at(9)), job_at(2)
    nobody = job_at(3, skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    taken = job_at(4, crew[1], skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    held = job_at(5, crew[2])
    actions.hold_job(held, "Parts", by=dana)
    proposal = load_proposal(plan_of(crew, by=dana, stability=100), user=dana)
    assert [move.job for move in proposal.kept] == [kept]
    assert [(move.job, move.was) for move in proposal.assigned] == [(free, None)]
    assert [(move.job, "Asbestos Expert" in move.reasons[0]) for move in proposal.left_out] == [(nobody, True)]
    assert [(move.job, move.was.technician) for move in proposal.unassigned] == [(taken, crew[1])]
    assert [(each.job, each.text) for each in proposal.left_aside] == [(held, "On hold: Parts")]
    assert (proposal.before.jobs, proposal.after.jobs) == (2, 2)


def test_unchanged_day_with_high_stability_is_an_unchanged_plan(dana, crew, job_at):
    for number in range(6):
        job_at(number, crew[number % 2], planned_starts_at=at(8 + number, 10))
    proposal = load_proposal(plan_of(crew, by=dana, stability=100), user=dana)
    assert proposal.changes == 0
    assert all(stop.planned_at is None for route in proposal.routes for stop in route.stops), "nothing is written"


def test_worker_that_takes_it_twice_works_it_out_once(dana, crew, job_at):
    job_at()
    plan = plan_of(crew, by=dana)
    assert actions.work_out_plan(plan.pk, now=NOW) is None


def test_who_asked_hears_how_far_it_is_and_nobody_is_flooded(dana, crew, job_at, monkeypatch):
    job_at()
    told, shares = [], [n / 100 for n in range(100)]
    monkeypatch.setattr(plans.realtime, "publish", lambda event, groups, **payload: told.append((event, groups)))
    monkeypatch.setattr(plans, "solve", lambda problem, go_on, **k: [go_on(5, s) for s in shares] and _nothing(problem))
    plan = plan_of(crew, by=dana)
    assert plan.best_cost is not None
    assert {event for event, _ in told} == {"plan-progressed", "notified"}
    assert all(groups == {plans.realtime.user_group(dana.pk)} for _, groups in told)
    assert len(told) < 15, "a hundred looks within a moment are one piece of news"


def _nothing(problem):
    return Solution(problem.no_routes)


def test_who_asked_is_told_when_it_waits_for_them_until_they_look(client, dana, omar, crew, job_at):
    job_at(9)
    plan = plan_of(crew[:2], by=dana)
    notice = Notification.objects.get(kind=Notification.Kind.PLAN_READY)
    assert (notice.recipient, notice.text) == (dana, f"Plan the day, {DAY:%a} {DAY.day} {DAY:%b}: waits for you.")
    client.force_login(omar)
    assert client.get(notice.url).status_code == 200
    assert Notification.objects.unread().filter(pk=notice.pk).exists()
    client.force_login(dana)
    assert client.get(notice.url).status_code == 200
    assert not Notification.objects.unread().filter(pk=notice.pk).exists()
    actions.discard_plan(plan, by=dana)
    assert Notification.objects.count() == 1


def test_who_asked_is_told_when_the_worker_was_killed(dana, crew):
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew[:2], by=dana, now=NOW)
    Plan.objects.filter(pk=plan.pk).update(state=State.RUNNING, heard_of_at=NOW)
    actions.fail_plan_of_dead_worker(plan.pk, now=NOW)
    assert Notification.objects.get().text.endswith(": could not be worked out.")


def test_plan_that_is_stopped_keeps_the_best_so_far(dana, crew, job_at, monkeypatch):
    job = job_at()

    def solve(problem, go_on, **options):
        actions.cancel_plan(Plan.objects.get(), by=dana)
        monkeypatch.setattr(plans, "TOLD_EVERY", 0)
        assert not go_on(10, 0.2)
        return Solution(((0,), *problem.no_routes[1:]))

    monkeypatch.setattr(plans, "solve", solve)
    plan = plan_of(crew, by=dana)
    assert plan.state == State.PROPOSED
    assert "Stopped early" in plan.notice
    assert [move.job for move in load_proposal(plan, user=dana).assigned] == [job]


def test_plan_that_is_given_up_before_it_began_is_discarded(dana, crew, job_at):
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew, by=dana, now=NOW)
    assert actions.cancel_plan(plan, by=dana).state == State.DISCARDED
    assert actions.work_out_plan(plan.pk, now=NOW) is None


def test_plan_that_is_stopped_while_the_day_is_read_is_discarded(dana, crew, job_at, monkeypatch):
    job_at()
    build = plans.build
    monkeypatch.setattr(
        plans, "build", lambda *a, **k: actions.cancel_plan(Plan.objects.get(), by=dana) and build(*a, **k)
    )
    assert plan_of(crew, by=dana).state == State.DISCARDED


@pytest.mark.parametrize(
    ("error", "said"), [(ZeroDivisionError("division"), "broke off: division"), (JobTimeoutException(), "far longer")]
)
def test_plan_that_breaks_off_says_so_and_changes_nothing(dana, crew, job_at, monkeypatch, error, said):
    job = job_at()

    def solve(*args, **options):
        raise error

    monkeypatch.setattr(plans, "solve", solve)
    with pytest.raises(type(error)):
        plan_of(crew, by=dana)
    plan = Plan.objects.get()
    assert plan.state == State.FAILED
    assert said in plan.error
    assert fresh(job).version == job.version
    with pytest.raises(actions.ActionRefused, match="failed already"):
        actions.apply_plan(plan, by=dana, now=NOW)


def test_plan_for_nobody_to_do_anything_is_a_proposal_all_the_same(dana, crew):
    plan = plan_of(crew, by=dana)
    assert plan.state == State.PROPOSED
    assert load_proposal(plan, user=dana).changes == 0


# Looking after it ---------------------------------------------------------------------------------


def test_plan_whose_worker_is_silent_has_failed_and_says_what_to_do(dana, crew):
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew, by=dana, now=NOW)
    Plan.objects.update(state=State.RUNNING, heard_of_at=NOW)
    assert actions.sweep_plans(now=NOW + plans.SILENT_AFTER) == 0
    assert actions.sweep_plans(now=NOW + plans.SILENT_AFTER + timedelta(seconds=1)) == 1
    plan.refresh_from_db()
    assert plan.state == State.FAILED
    assert "work it out again" in plan.error
    actions.recompute_plan(plan, by=dana, now=NOW)


def test_plan_that_never_reached_a_worker_is_asked_for_again_and_then_given_up(dana, crew, monkeypatch):
    asked = []
    monkeypatch.setattr(plans, "enqueue", lambda task, pk, **to: asked.append(pk))
    plan = actions.ask_for_plan(Kind.DAY, DAY, crew, by=dana, now=NOW)
    actions.sweep_plans(now=NOW + timedelta(seconds=5))
    assert asked == [plan.pk], "it may be on its way"
    actions.sweep_plans(now=NOW + timedelta(minutes=1))
    assert asked == [plan.pk, plan.pk]
    actions.sweep_plans(now=NOW + plans.LOST_AFTER + timedelta(seconds=1))
    assert fresh(plan).state == State.FAILED
    assert "No worker" in fresh(plan).error


def test_late_answer_of_a_worker_given_up_is_not_taken(dana, crew, job_at, monkeypatch):
    job_at()

    def solve(problem, **options):
        actions.sweep_plans(now=timezone.now() + timedelta(hours=1))
        return Solution(problem.no_routes)

    monkeypatch.setattr(plans, "solve", solve)
    plan = plan_of(crew, by=dana)
    assert (plan.state, plan.result) == (State.FAILED, {})


def test_old_plans_are_forgotten(dana, crew, job_at):
    plan = plan_of(crew, by=dana)
    actions.forget_old_records(now=NOW + timedelta(days=3650))
    assert not Plan.objects.filter(pk=plan.pk).exists()


def test_plan_is_worked_out_again_with_the_same_question(dana, crew, job_at):
    job_at()
    plan = plan_of(crew, by=dana, stability=60, with_unassigned=False)
    again = actions.recompute_plan(plan, by=dana, now=LATER)
    assert fresh(plan).state == State.DISCARDED
    for name in ("kind", "day", "scope", "preferences", "with_unassigned", "seconds"):
        assert getattr(again, name) == getattr(plan, name)


def test_plan_is_seen_by_who_asked_and_by_who_dispatches_everywhere(dana, omar, north, crew, job_at):
    job_at()
    plan = plan_of(crew, by=dana)
    other = UserFactory(username="dora", role=Role.DISPATCHER)
    grant_zones(other, [north])
    assert plan not in Plan.objects.visible_to(other)
    for act in (actions.cancel_plan, actions.discard_plan, actions.recompute_plan, actions.apply_plan):
        with pytest.raises(PermissionDenied):
            act(plan, by=other)
    assert actions.discard_plan(plan, by=omar).state == State.DISCARDED
    with pytest.raises(actions.ActionRefused, match="discarded"):
        actions.discard_plan(plan, by=omar)


def test_jobs_in_other_zones_are_not_named(dana, omar, north, south, crew, job_at):
    crew[0].zones.add(south)
    hidden = make_job(
        by=omar,
        zone=south,
        scheduled_on=DAY,
        status=Status.ASSIGNED,
        technician=crew[0],
        planned_starts_at=at(10),
        now=NOW,
    )
    job_at(3, crew[0], planned_starts_at=at(13))
    plan = plan_of(crew[:1], by=dana)
    (route,) = load_proposal(plan, user=dana).routes
    assert [stop.job and stop.job.pk for stop in route.stops if stop.job_id == hidden.pk] == [None]
    assert "a job in another zone" in [stop.name for stop in route.stops]
    told = [term.text for stop in route.stops for term in stop.terms]
    assert not any(hidden.number in text for text in told)


# What has changed since ---------------------------------------------------------------------------


def test_unchanged_day_has_no_changes(dana, crew, job_at):
    job_at(1, crew[0]), job_at(2)
    plan = plan_of(crew, by=dana)
    assert changes_since(plan, now=LATER) == []


def test_note_or_a_job_of_others_is_no_change(dana, omar, crew, job_at, north):
    job = job_at(1, crew[0])
    plan = plan_of(crew[:2], by=dana)
    actions.add_note(job, "Ring twice", by=omar)
    job_at(2, crew[2])
    job_at(3)
    assert changes_since(plan, now=LATER) == []


def cancelled(job, crew, by):
    actions.change_status(job, Status.CANCELLED, by=by, note="Not needed", now=LATER)


def given_away(job, crew, by):
    actions.assign_job(job, crew[2], by=by, now=LATER)


def taken_back(job, crew, by):
    actions.unassign_job(job, by=by, now=LATER)


def put_on_hold(job, crew, by):
    actions.hold_job(job, "Parts", by=by, now=LATER)


def pinned(job, crew, by):
    actions.pin_job(job, time=True, technician=False, by=by, now=LATER)


def made_longer(job, crew, by):
    actions.edit_job(job, {"duration_minutes": 240}, by=by, base_version=fresh(job).version, now=LATER)


def set_out(job, crew, by):
    actions.change_status(job, Status.EN_ROUTE, by=crew[0].user, now=LATER)


def called_out_sick(job, crew, by):
    actions.mark_sick(crew[0], starts_at=at(0), ends_at=at(23), by=by, now=LATER)


def got_another(job, crew, by):
    make_job(by=by, site=job.site, scheduled_on=DAY, status=Status.ASSIGNED, technician=crew[0], now=LATER)


def works_less(job, crew, by):
    crew[0].working_hours.filter(weekday=DAY.weekday()).update(ends_at=time(12))


def left(job, crew, by):
    type(crew[0]).objects.filter(pk=crew[0].pk).update(is_active=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (cancelled, "{job} was cancelled by Omar"),
        (given_away, "{job} was given to Cleo by Omar"),
        (taken_back, "{job} was taken from Ana by Omar"),
        (put_on_hold, "{job} was put on hold by Omar"),
        (pinned, "The pins of {job} changed by Omar"),
        (made_longer, "The duration of {job} changed by Omar"),
        (set_out, "Ana set out for {job}"),
        (called_out_sick, "Ana called out sick"),
        (got_another, "J-{next:06d} came to Ana's day"),
        (works_less, "Ana has other working hours"),
        (left, "Ana is no longer active"),
    ],
)
def test_change_is_told_in_plain_words_and_nothing_is_applied(dana, omar, crew, job_at, change, said):
    job, other = job_at(1, crew[0], planned_starts_at=at(15)), job_at(2)
    plan = plan_of(crew[:2], by=dana)
    change(job, crew, omar)
    said = said.format(job=job.number, next=other.pk + 1)
    assert changes_since(plan, now=LATER) == [said]
    with pytest.raises(actions.PlanOutdated) as outdated:
        actions.apply_plan(plan, by=dana, now=LATER)
    assert outdated.value.changes == [said]
    assert fresh(other).status == Status.CREATED
    assert fresh(plan).state == State.PROPOSED


def test_deleted_job_is_told(dana, crew, job_at):
    job_at(1)
    plan = plan_of(crew[:1], by=dana)
    plan.result["seen"]["jobs"]["999"] = dict(next(iter(plan.result["seen"]["jobs"].values())))
    plan.result["routes"][0]["stops"].append(plan.result["routes"][0]["stops"][0] | {"job": 999})
    assert changes_since(plan, now=LATER) == ["J-000999 does not exist any more"]


def test_plan_that_lets_somebody_begin_in_the_past_is_out_of_date(dana, crew, job_at):
    job = job_at(1)
    plan = plan_of(crew[:1], by=dana)
    assert changes_since(plan, now=at(8, 1)) == []
    assert changes_since(plan, now=at(11)) == [f"08:39 is over, when Ana was to begin {job.number}"]


def test_who_is_back_from_time_off_is_told(dana, crew, job_at):
    job_at(1)
    off = TimeOff.objects.create(technician=crew[0], starts_at=at(10), ends_at=at(12))
    plan = plan_of(crew[:1], by=dana)
    off.delete()
    assert changes_since(plan, now=LATER) == ["Ana is back from time off"]


def test_job_that_was_left_out_and_then_given_to_somebody_is_told(dana, omar, crew, job_at):
    """Her planned times would overlap with it."""
    skill = Skill.objects.create(name="Gas")
    job_at(1), job_at(5)
    left_out = job_at(2, skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    plan = plan_of(crew[:1], by=dana)
    assert [row["job"] for row in plan.result["left_out"]] == [left_out.pk]
    actions.assign_job(left_out, crew[0], by=omar, now=LATER)
    assert changes_since(plan, now=LATER) == [f"{left_out.number} was given to Ana by Omar"]


def test_job_that_was_planned_for_one_and_given_to_another_is_told_of_both(dana, omar, crew, job_at):
    jobs = [job_at(1), job_at(2), job_at(3), job_at(4)]
    plan = plan_of(crew[:1], by=dana)
    plan.result["routes"].append(plan.result["routes"][0] | {"technician": crew[1].pk, "stops": []})
    plan.result["seen"]["technicians"][str(crew[1].pk)] = plan.result["seen"]["technicians"][str(crew[0].pk)]
    actions.assign_job(jobs[0], crew[1], by=omar, now=LATER)
    said = [f"{jobs[0].number} was given to Ben by Omar"]
    assert changes_since(plan, now=LATER, technician_ids={crew[0].pk}) == said
    assert changes_since(plan, now=LATER, technician_ids={crew[1].pk}) == said


def test_job_that_was_on_hold_and_is_released_is_told(dana, omar, crew, job_at):
    job_at(1)
    held = job_at(2, crew[0])
    actions.hold_job(held, "Parts", by=dana, now=NOW)
    plan = plan_of(crew[:1], by=dana)
    assert changes_since(plan, now=LATER) == []
    actions.release_job(fresh(held), by=omar, now=LATER)
    assert changes_since(plan, now=LATER) == [f"{held.number} is still to be done, by Ana"]


def test_job_that_had_begun_and_was_interrupted_is_told(dana, omar, crew, job_at):
    job_at(1)
    begun = job_at(2, crew[0])
    actions.change_status(begun, Status.IN_PROGRESS, by=crew[0].user, now=NOW)
    plan = plan_of(crew[:1], by=dana)
    actions.change_status(fresh(begun), Status.ASSIGNED, by=omar, note="Parts", now=LATER)
    assert changes_since(plan, now=LATER) == [f"{begun.number} is still to be done, by Ana"]


def test_job_that_goes_on_as_it_did_is_no_change(dana, crew, job_at):
    job_at(1)
    begun = job_at(2, crew[0])
    actions.change_status(begun, Status.IN_PROGRESS, by=crew[0].user, now=NOW)
    plan = plan_of(crew[:1], by=dana)
    actions.change_status(fresh(begun), Status.COMPLETED, by=crew[0].user, now=LATER)
    assert changes_since(plan, now=LATER) == []


def test_who_may_do_other_jobs_than_before_is_told(dana, crew, job_at, north):
    skill = Skill.objects.create(name="Gas")
    held = crew[0].skills.create(skill=skill, level=Proficiency.EXPERT)
    job_at(1, skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    plan = plan_of(crew[:1], by=dana)
    held.delete()
    assert changes_since(plan, now=LATER) == ["Ana has other skills or zones"]
    crew[0].skills.create(skill=skill, level=Proficiency.EXPERT)
    assert changes_since(plan, now=LATER) == []
    crew[0].zones.remove(north)
    assert changes_since(plan, now=LATER) == ["Ana has other skills or zones"]


def test_what_becomes_of_a_route_that_is_applied_is_no_change(dana, omar, crew, job_at):
    job_at(1), job_at(2)
    plan = plan_of(crew[:2], by=dana)
    busy = next(route["technician"] for route in plan.result["routes"] if route["stops"])
    actions.apply_plan(plan, technician_ids=[busy], by=dana, now=NOW)
    plan.refresh_from_db()
    sick = next(one for one in crew if one.pk == busy)
    actions.mark_sick(sick, starts_at=at(0), ends_at=at(23), by=omar, now=LATER)
    assert changes_since(plan, now=LATER) == []


def test_who_was_away_and_is_back_keeps_her_jobs(dana, omar, crew, job_at):
    job_at(1, crew[0])
    off = TimeOff.objects.create(technician=crew[0], starts_at=at(0), ends_at=at(23))
    plan = plan_of(crew[1:2], by=dana, kind=Kind.ABSENCE, absent=crew[0], with_unassigned=False)
    off.delete()
    with pytest.raises(actions.PlanOutdated, match="Ana is back from time off"):
        actions.apply_plan(plan, by=dana, now=LATER)


def test_changes_to_jobs_of_other_zones_do_not_name_them(dana, omar, south, crew, job_at):
    crew[0].zones.add(south)
    given = {"by": omar, "zone": south, "scheduled_on": DAY, "status": Status.ASSIGNED, "technician": crew[0]}
    hidden = make_job(planned_starts_at=at(10), now=NOW, **given)
    job_at(3, crew[0])
    plan = plan_of(crew[:1], by=dana)
    actions.change_status(hidden, Status.CANCELLED, by=omar, note="No", now=LATER)
    make_job(planned_starts_at=at(12), now=LATER, **given)
    assert changes_since(plan, now=LATER) == [
        "A job in another zone was cancelled by Omar",
        "A job in another zone came to Ana's day",
    ]


# How many questions -------------------------------------------------------------------------------


def test_queries_do_not_grow_with_the_plan(dana, north, crew, job_at):
    def counts(people):
        plan = plan_of(people, by=dana, stability=0)
        with CaptureQueriesContext(connection) as loading:
            load_proposal(fresh(plan), user=dana)
        with CaptureQueriesContext(connection) as comparing:
            changes_since(plan, now=LATER)
        with CaptureQueriesContext(connection) as applying:
            assert len(actions.apply_plan(plan, by=dana, now=NOW)) > 2
        return len(loading), len(comparing), len(applying)

    for number in range(4):
        job_at(number), job_at(number + 8, crew[number % 2])
    few = counts(crew)
    for name in ("dan", "eve", "fay", "gus"):
        crew.append(technician_of(north, name))
    for number in range(16):
        job_at(number), job_at(number + 1, crew[number % 5])
    many = counts(crew)
    assert many[:2] == few[:2]
    assert many[2] <= few[2] + 1, "technicians who have no job left are asked for in one more"
    assert Job.objects.count() == 40
