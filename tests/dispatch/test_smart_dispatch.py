"""What the rules do with new jobs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.models import AssignmentRule, DispatchSettings, Job, Notification, Priority, Status, Suggestion
from technicians import attendance
from technicians.models import Proficiency, TechnicianSkill
from tests.factories import SkillFactory, TechnicianFactory, make_job

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
        return make_job(by=dana, zone=north, **{"scheduled_on": tomorrow, "priority": Priority.NORMAL} | fields)

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
