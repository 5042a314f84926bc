"""Auto-Assign from the database and back: what is asked, worked out, looked at, applied."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions.auto_assign import LOST_AFTER, State
from dispatch.assigning.build import build
from dispatch.models import AssignmentRule, AutoAssignRun, BoardAction, Job, Priority, Status
from technicians.models import Proficiency, Skill, TechnicianSkill, WorkingHours
from tests.factories import TechnicianFactory, make_job
from tests.pages import links_of

DAY = date(2037, 12, 1)  # a Tuesday that is long to come
NOW = timezone.make_aware(datetime.combine(date(2037, 11, 30), time(9)))

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0):
    return timezone.make_aware(datetime.combine(DAY, time(hour, minute)))


@pytest.fixture
def crew(north):
    """Three technicians of North who work from 8 to 17."""
    people = [TechnicianFactory(user__username=name, zones=[north]) for name in ("ana", "ben", "cleo")]
    for technician in people:
        for weekday in range(7):
            WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return people


@pytest.fixture
def job_of(dana, north):
    return lambda **fields: make_job(by=dana, zone=north, **{"scheduled_on": DAY, "now": NOW, **fields})


def run_of(jobs, *, by):
    run = actions.ask_for_auto_assign([job.pk for job in jobs], by=by, now=NOW)
    return actions.work_out_auto_assign(run.pk, now=NOW, seconds=3)


def fresh(job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_jobs_of_the_same_hour_go_to_different_technicians(dana, crew, job_of):
    jobs = [job_of(window_starts_at=at(9), window_ends_at=at(9, 30), duration_minutes=120) for _ in range(3)]
    run = run_of(jobs, by=dana)
    assert run.state == State.PROPOSED
    assert {row["technician"] for row in run.result} == {technician.pk for technician in crew}
    assert run.total_score >= run.greedy_score > 0
    assert all(fresh(job).status == Status.CREATED for job in jobs), "nothing changes before somebody looks"


def test_dispatcher_applies_what_is_ticked_and_takes_it_back_at_once(dana, crew, job_of):
    first, second = job_of(), job_of()
    run = run_of([first, second], by=dana)
    before = BoardAction.objects.count()
    results = actions.apply_auto_assign(run, {first.pk}, by=dana, now=NOW)
    assert [result.refusal for result in results] == [""]
    assert fresh(first).status == Status.ASSIGNED
    assert fresh(first).planned_starts_at is not None
    assert fresh(second).status == Status.CREATED
    assert BoardAction.objects.count() == before + 1
    actions.undo_action(BoardAction.objects.latest("pk"), by=dana)
    assert fresh(first).status == Status.CREATED


def test_proposal_is_applied_once(dana, crew, job_of):
    job = job_of()
    run = run_of([job], by=dana)
    actions.apply_auto_assign(run, {job.pk}, by=dana, now=NOW)
    with pytest.raises(actions.ActionRefused, match="applied already"):
        actions.apply_auto_assign(run, {job.pk}, by=dana, now=NOW)


def test_job_that_somebody_took_meanwhile_is_left_alone_and_says_why(dana, crew, job_of):
    job = job_of()
    run = run_of([job], by=dana)
    other = next(person for person in crew if person.pk != run.result[0]["technician"])
    actions.assign_job(job, other, by=dana)
    (result,) = actions.apply_auto_assign(run, {job.pk}, by=dana, now=NOW)
    assert "changed since you looked" in result.refusal
    assert fresh(job).technician_id == other.pk
    run.refresh_from_db()
    assert "changed since you looked" in run.result[0]["outcome"]


def test_what_the_rules_call_automatic_is_assigned_at_once(dana, crew, job_of):
    AssignmentRule.objects.update_or_create(priority=Priority.LOW, defaults={"mode": "automatic"})
    AssignmentRule.objects.update_or_create(priority=Priority.HIGH, defaults={"mode": "suggest"})
    low, high = job_of(priority=Priority.LOW), job_of(priority=Priority.HIGH)
    run = run_of([low, high], by=dana)
    assert run.state == State.PROPOSED
    assert fresh(low).status == Status.ASSIGNED
    assert fresh(high).status == Status.CREATED
    assert BoardAction.objects.latest("pk").done_by == dana, "she can undo it"


def test_job_that_nobody_can_do_says_why(dana, crew, job_of):
    skill = Skill.objects.create(name="Asbestos")
    job = job_of(skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    run = run_of([job], by=dana)
    assert run.result[0]["technician"] is None
    assert "Asbestos Expert" in run.result[0]["text"]
    assert run.state == State.APPLIED, "there is nothing to look at"


def test_job_for_which_no_time_is_left_says_so(dana, crew, job_of):
    skill = Skill.objects.create(name="Gas")
    TechnicianSkill.objects.create(technician=crew[0], skill=skill, level=Proficiency.EXPERT)
    needs = [actions.SkillNeed(skill.pk, Proficiency.BEGINNER)]
    jobs = [job_of(skills=needs, duration_minutes=400) for _ in range(2)]
    run = run_of(jobs, by=dana)
    assert [row["technician"] for row in run.result] == [crew[0].pk, None]
    assert "no time left" in run.result[1]["text"]


def test_only_unassigned_jobs_of_her_zones_that_are_not_on_hold_count(dana, omar, crew, south, job_of):
    elsewhere = make_job(by=omar, zone=south, scheduled_on=DAY)
    held = job_of()
    actions.hold_job(held, reason="Parts", by=dana)
    taken = job_of(status=Status.ASSIGNED, technician=crew[0])
    with pytest.raises(actions.ActionRefused, match="waits for somebody"):
        actions.ask_for_auto_assign([elsewhere.pk, held.pk, taken.pk], by=dana)


def test_worker_that_takes_it_twice_works_it_out_once(dana, crew, job_of):
    run = run_of([job_of()], by=dana)
    assert actions.work_out_auto_assign(run.pk, now=NOW) is None


def test_dispatcher_gives_up_while_it_is_worked_out(dana, crew, job_of):
    run = actions.ask_for_auto_assign([job_of().pk], by=dana, now=NOW)
    actions.discard_auto_assign(run, by=dana)
    assert actions.work_out_auto_assign(run.pk, now=NOW) is None
    run.refresh_from_db()
    assert run.state == State.DISCARDED


def test_run_whose_worker_died_is_called_failed(dana, crew, job_of):
    run = actions.ask_for_auto_assign([job_of().pk], by=dana, now=NOW)
    AutoAssignRun.objects.update(state=State.RUNNING)
    assert actions.sweep_auto_assign(now=NOW + LOST_AFTER - timedelta(seconds=1)) == 0
    assert actions.sweep_auto_assign(now=NOW + LOST_AFTER + timedelta(seconds=1)) == 1
    run.refresh_from_db()
    assert run.state == State.FAILED
    assert "Start it again" in run.error


@pytest.mark.expects_error_logs
def test_run_that_breaks_off_says_so(dana, crew, job_of, monkeypatch):
    run = actions.ask_for_auto_assign([job_of().pk], by=dana, now=NOW)
    monkeypatch.setattr("dispatch.actions.auto_assign.assign_jointly", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        actions.work_out_auto_assign(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == State.FAILED


def test_queries_do_not_grow_with_jobs_and_technicians(dana, north, crew, job_of):
    def count():
        waiting = Job.objects.unassigned().with_board_info()
        with CaptureQueriesContext(connection) as queries:
            build(waiting, user=dana, now=NOW)
        return len(queries)

    [job_of() for _ in range(3)]
    count()  # who may see what is remembered from now on
    few = count()
    [job_of() for _ in range(12)]
    [TechnicianFactory(zones=[north]) for _ in range(12)]
    assert count() == few


# The pages ----------------------------------------------------------------------------------------


def test_dialog_offers_what_the_board_shows(client, dana, crew, job_of):
    job, low = job_of(priority=Priority.HIGH), job_of(priority=Priority.LOW)
    client.force_login(dana)
    page = client.get(reverse("auto_assign"), {"day": DAY.isoformat(), "priority": Priority.HIGH}).content.decode()
    assert job.number in page
    assert low.number not in page


@pytest.mark.parametrize(("view", "shown"), [("board", 1), ("calendar_week", 2)])
def test_button_offers_the_jobs_of_the_days_that_the_view_shows(client, dana, crew, job_of, view, shown):
    client.force_login(dana)
    jobs = [job_of(scheduled_on=DAY + timedelta(days=after)) for after in (0, 1, 30)]
    board = client.get(reverse(view), {"day": DAY.isoformat()})
    page = client.get(next(link for link in links_of(board) if link.startswith(reverse("auto_assign"))))
    assert [job.number in page.content.decode() for job in jobs] == [number < shown for number in range(3)]


def test_dispatcher_starts_a_run_and_sees_how_far_it_is(client, dana, crew, job_of):
    job = job_of()
    client.force_login(dana)
    answer = client.post(reverse("auto_assign"), {"jobs": job.pk}, headers={"HX-Request": "true"})
    run = AutoAssignRun.objects.get()
    assert answer.headers["HX-Redirect"] == reverse("auto_assign_run", args=[run.pk])
    page = client.get(answer.headers["HX-Redirect"]).content.decode()
    assert "Waiting for a worker" in page
    actions.work_out_auto_assign(run.pk, now=NOW, seconds=1)
    polled = client.get(answer.headers["HX-Redirect"], headers={"HX-Request": "true"})
    assert polled.headers["HX-Refresh"] == "true"
    page = client.get(answer.headers["HX-Redirect"]).content.decode()
    assert "Assign what is ticked" in page
    client.post(reverse("apply_auto_assign", args=[run.pk]), {"job": job.pk})
    assert fresh(job).status == Status.ASSIGNED


@pytest.mark.parametrize("sent", [{}, {"jobs": "x"}, {"jobs": "99999999"}, {"jobs": "9" * 30}])
def test_odd_input_is_answered_with_a_sentence(client, dana, sent):
    client.force_login(dana)
    answer = client.post(reverse("auto_assign"), sent)
    assert answer.status_code in (409, 422)
    assert 'role="alert"' in answer.content.decode()


def test_nobody_sees_anothers_run(client, dana, omar, crew, job_of):
    run = run_of([job_of()], by=dana)
    client.force_login(omar)
    assert client.get(reverse("auto_assign_run", args=[run.pk])).status_code == 404
    assert client.post(reverse("apply_auto_assign", args=[run.pk]), {"job": 1}).status_code == 404
