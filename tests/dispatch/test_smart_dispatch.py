"""What the rules do with new jobs."""

from datetime import datetime, time, timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import smart
from dispatch.models import AssignmentRule, DispatchSettings, Job, Notification, Priority, Status, Suggestion
from dispatch.roles import Role
from dispatch.smart import suggestions
from technicians import attendance
from technicians.models import Proficiency, TechnicianSkill
from tests.factories import SkillFactory, TechnicianFactory, UserFactory, make_job
from tests.pages import text_of
from zones.access import grant_zones

Mode = AssignmentRule.Mode
State = Suggestion.State
Kind = Notification.Kind


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def tomorrow():
    return timezone.localdate() + timedelta(days=1)


@pytest.fixture
def rule():
    def set_rule(mode, priority=Priority.NORMAL):
        AssignmentRule.objects.update_or_create(priority=priority, defaults={"mode": mode})

    return set_rule


@pytest.fixture
def new_job(dana, north, tomorrow):
    """As Dana creates one for tomorrow, when nobody is at work yet."""

    def create(**fields):
        return make_job(by=dana, **{"zone": north, "scheduled_on": tomorrow, "priority": Priority.NORMAL} | fields)

    return create


def fresh(job) -> Job:
    return Job.objects.get(pk=job.pk)


def open_suggestion(job) -> Suggestion | None:
    return Suggestion.objects.open().filter(job=job).first()


def told(user, kind) -> list[str]:
    return list(Notification.objects.filter(recipient=user, kind=kind).values_list("text", flat=True))


def only_experts(job):
    """Nobody has what the job needs now."""
    job.required_skills.create(skill=SkillFactory(name="Lift"), level=Proficiency.EXPERT)


# The three rules ----------------------------------------------------------------------------------


def test_automatic_rule_assigns_the_best_technician_and_says_why(new_job, rule, tess):
    rule(Mode.AUTOMATIC)
    job = new_job()
    actions.dispatch_new_job(job.pk)
    job = fresh(job)
    assert (job.status, job.technician) == (Status.ASSIGNED, tess)
    assert job.planned_starts_at is not None
    entry = job.status_changes.last()
    assert (entry.actor_kind, entry.actor) == ("system", None)
    assert entry.note.startswith("Smart dispatch: Tess ")


def test_suggest_rule_leaves_the_job_to_a_dispatcher(new_job, rule, tess, dana):
    rule(Mode.SUGGEST)
    job = new_job()
    actions.dispatch_new_job(job.pk)
    suggestion = open_suggestion(job)
    assert fresh(job).status == Status.CREATED
    assert suggestion.technician == tess
    assert sum(factor["points"] for factor in suggestion.factors) == suggestion.score
    assert told(dana, Kind.SUGGESTION_WAITING) == [
        f"{job.number} {job.title}: Tess is suggested ({suggestion.score} of 100)"
    ]


def test_manual_rule_does_nothing(new_job, rule, tess, dana):
    rule(Mode.MANUAL)
    job = new_job()
    actions.dispatch_new_job(job.pk)
    assert (fresh(job).status, open_suggestion(job), fresh(job).why_unassigned) == (Status.CREATED, None, "")
    assert not Notification.objects.filter(recipient=dana).exists()


def test_best_match_below_the_minimum_is_suggested_instead(new_job, rule, tess):
    rule(Mode.AUTOMATIC)
    DispatchSettings.load()
    DispatchSettings.objects.update(automatic_minimum_score=100)
    job = new_job()
    actions.dispatch_new_job(job.pk)
    assert fresh(job).status == Status.CREATED
    assert open_suggestion(job).technician == tess


# Nobody can --------------------------------------------------------------------------------------


def test_job_that_nobody_can_do_says_why_and_dispatchers_are_told_once(new_job, rule, tess, tom, dana):
    rule(Mode.AUTOMATIC)
    job = new_job()
    only_experts(job)
    actions.dispatch_new_job(job.pk)
    actions.dispatch_new_job(job.pk)
    why = "Nobody eligible: lacks Lift Expert (1), does not cover North (1)"
    assert (fresh(job).status, fresh(job).why_unassigned) == (Status.CREATED, why)
    assert told(dana, Kind.NOBODY_ELIGIBLE) == [f"{job.number} {job.title}: {why}"]


def test_dispatcher_of_another_zone_is_not_told(new_job, rule, tess, north, south):
    stranger = UserFactory(username="sue", role=Role.DISPATCHER)
    grant_zones(stranger, [south])
    rule(Mode.SUGGEST)
    actions.dispatch_new_job(new_job().pk)
    job = new_job()
    only_experts(job)
    actions.dispatch_new_job(job.pk)
    assert not Notification.objects.filter(recipient=stranger).exists()


def test_reason_goes_when_somebody_gets_the_job(new_job, rule, tess, dana):
    rule(Mode.SUGGEST)
    job = new_job()
    only_experts(job)
    actions.dispatch_new_job(job.pk)
    assert fresh(job).why_unassigned
    actions.assign_job(job, tess, by=dana)
    assert fresh(job).why_unassigned == ""


def test_job_is_given_out_once_somebody_can_do_it(new_job, rule, tess):
    rule(Mode.AUTOMATIC)
    job = new_job()
    only_experts(job)
    actions.dispatch_new_job(job.pk)
    TechnicianSkill.objects.create(technician=tess, skill=SkillFactory(name="Lift"), level=Proficiency.EXPERT)
    assert actions.dispatch_waiting_jobs() == 1
    assert (fresh(job).technician, fresh(job).why_unassigned) == (tess, "")


@pytest.mark.parametrize("mode", [Mode.SUGGEST, Mode.MANUAL])
def test_dispatchers_hear_of_an_urgent_job_once(new_job, rule, tess, dana, mode):
    rule(mode, Priority.URGENT)
    job = new_job(priority=Priority.URGENT)
    actions.dispatch_new_job(job.pk)
    actions.dispatch_new_job(job.pk)
    assert len(told(dana, Kind.URGENT_UNASSIGNED)) == 1
    assert told(dana, Kind.SUGGESTION_WAITING) == []  # the first notice says who is suggested


# Which jobs ---------------------------------------------------------------------------------------


def test_jobs_on_hold_past_or_without_a_day_are_left_alone(new_job, rule, tess, dana):
    rule(Mode.AUTOMATIC)
    held = actions.hold_job(new_job(), "Waiting for parts", by=dana)
    past = new_job(scheduled_on=timezone.localdate() - timedelta(days=1))
    undated = new_job(scheduled_on=None)
    for job in (held, past, undated):
        assert actions.dispatch_new_job(job.pk) is None
        assert fresh(job).status == Status.CREATED
    assert actions.dispatch_waiting_jobs() == 0


def test_urgent_job_without_a_day_is_for_today(new_job, rule, tess):
    rule(Mode.AUTOMATIC, Priority.URGENT)
    attendance.clock_in(tess, now=timezone.now())
    job = new_job(priority=Priority.URGENT, scheduled_on=None)
    actions.dispatch_new_job(job.pk)
    assert (fresh(job).technician, fresh(job).scheduled_on) == (tess, timezone.localdate())


def test_creating_a_job_asks_smart_dispatch_and_giving_it_to_somebody_does_not(
    new_job, tess, dana, asked, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = new_job()
        actions.follow_up_job(job, by=dana, day=job.scheduled_on, technician=tess)
    assert asked == [[job.pk]]
    asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        again = [actions.follow_up_job(job, by=dana, day=job.scheduled_on)]
        again.append(actions.duplicate_job(job, by=dana, day=job.scheduled_on))
    assert asked == [[one.pk] for one in again]


def test_reinstated_job_is_looked_at(new_job, dana, asked, django_capture_on_commit_callbacks):
    job = actions.change_status(new_job(), Status.CANCELLED, by=dana, note="Called twice")
    asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        actions.change_status(job, Status.CREATED, by=dana)
    assert asked == [[job.pk]]


def test_suggestion_for_a_job_in_no_zone_is_told_to_those_who_may_see_whom_it_names(new_job, rule, dana, omar, tom):
    rule(Mode.SUGGEST)
    job = new_job(zone=None)
    actions.dispatch_new_job(job.pk)
    assert open_suggestion(job).technician == tom  # of South, where Dana does not dispatch
    assert told(dana, Kind.SUGGESTION_WAITING) == []
    assert len(told(omar, Kind.SUGGESTION_WAITING)) == 1


def test_urgent_job_in_no_zone_is_told_to_everyone_without_a_name(new_job, rule, dana, omar, tom):
    rule(Mode.SUGGEST, Priority.URGENT)
    actions.dispatch_new_job(new_job(zone=None, priority=Priority.URGENT).pk)
    for person in (dana, omar):
        [text] = told(person, Kind.URGENT_UNASSIGNED)
        assert "a technician is suggested" in text


def test_sweep_finds_what_was_lost_and_leaves_what_is_manual_or_far_off(new_job, rule, tess, tomorrow):
    rule(Mode.SUGGEST)
    rule(Mode.MANUAL, Priority.LOW)
    lost = new_job()
    new_job(priority=Priority.LOW)
    new_job(scheduled_on=tomorrow + timedelta(days=1))
    assert actions.dispatch_waiting_jobs() == 1
    assert open_suggestion(lost)
    assert actions.dispatch_waiting_jobs() == 0


def test_sweeps_come_to_every_job_though_many_wait_in_vain(new_job, rule, tess, now, monkeypatch):
    monkeypatch.setattr(smart, "MOST_A_SWEEP", 2)
    monkeypatch.setattr(smart, "FURTHER_EACH", 1)
    rule(Mode.SUGGEST)
    in_vain = [new_job(priority=Priority.HIGH) for _ in range(3)]
    rule(Mode.SUGGEST, Priority.HIGH)
    for job in in_vain:
        only_experts(job)
    last = new_job()
    for sweep in range(4):
        assert actions.dispatch_waiting_jobs(now=now + sweep * timedelta(minutes=5)) == 2
        if open_suggestion(last):
            break
    assert open_suggestion(last)


@pytest.fixture
def asked(monkeypatch):
    """The ids that the queue would be given; what is enqueued only after a commit."""
    seen = []

    def note(task, *args):
        transaction.on_commit(lambda: seen.append(args[0]) if task == suggestions.DISPATCH_JOBS else None)

    monkeypatch.setattr(suggestions, "enqueue", note)
    return seen


# Hands off ----------------------------------------------------------------------------------------


def test_what_a_dispatcher_takes_back_is_only_suggested_and_to_somebody_else(new_job, rule, tess, dana, north):
    rule(Mode.AUTOMATIC)
    job = new_job()
    actions.dispatch_new_job(job.pk)
    actions.unassign_job(fresh(job), by=dana)
    actions.dispatch_new_job(job.pk)
    assert (fresh(job).status, open_suggestion(job)) == (Status.CREATED, None)  # nobody but Tess could do it
    uma = TechnicianFactory(user__username="uma", zones=[north])
    actions.dispatch_new_job(job.pk)
    assert (fresh(job).status, open_suggestion(job).technician) == (Status.CREATED, uma)


def test_automatic_assignment_is_not_in_the_journal(new_job, rule, tess, dana):
    rule(Mode.AUTOMATIC)
    job = new_job()
    before = actions.last_to_undo(dana)
    actions.dispatch_new_job(job.pk)
    assert actions.last_to_undo(dana) == before


# Once only ----------------------------------------------------------------------------------------


def test_running_twice_changes_nothing_more(new_job, rule, tess):
    rule(Mode.AUTOMATIC)
    assigned = new_job()
    for _ in range(2):
        actions.dispatch_new_job(assigned.pk)
    assert assigned.status_changes.count() == 2
    rule(Mode.SUGGEST)
    suggested = new_job()
    for _ in range(2):
        actions.dispatch_new_job(suggested.pk)
    assert suggested.suggestions.count() == 1


def test_second_job_at_the_same_time_goes_to_somebody_else(new_job, rule, tess, north, tomorrow):
    rule(Mode.AUTOMATIC)
    uma = TechnicianFactory(user__username="uma", zones=[north])
    at_nine = timezone.make_aware(datetime.combine(tomorrow, time(9)))
    jobs = [new_job(planned_starts_at=at_nine) for _ in range(2)]
    for job in jobs:
        actions.dispatch_new_job(job.pk)
    assert {fresh(job).technician for job in jobs} == {tess, uma}


# What it will do ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        (Mode.AUTOMATIC, "Smart dispatch assigns it to the best match."),
        (Mode.SUGGEST, "Smart dispatch suggests somebody, and a dispatcher confirms."),
        (Mode.MANUAL, "Smart dispatch leaves it in the tray: Normal is assigned by hand."),
    ],
)
def test_new_job_form_says_what_becomes_of_a_job_without_a_technician(client, rule, dana, tess, tomorrow, mode, says):
    rule(mode)
    client.force_login(dana)
    typed = {"priority": Priority.NORMAL.value, "scheduled_on": f"{tomorrow}"}
    assert says in text_of(client.post(reverse("new_job_candidates"), typed))
    assert says not in text_of(client.post(reverse("new_job_candidates"), typed | {"scheduled_on": ""}))
