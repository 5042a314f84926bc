"""The workflow table of the specification, typed here anew: every pair of statuses, by everyone."""

from itertools import product

import pytest
from django.core.exceptions import PermissionDenied

from dispatch import actions
from dispatch.models import Job, Status, StatusChange
from dispatch.workflow import Actor, steps_from
from tests.factories import TechnicianFactory, UserFactory, make_job

CREATED, ASSIGNED, EN_ROUTE, IN_PROGRESS, COMPLETED, CANCELLED = Status

DISPATCHERS = {"dispatcher", "manager", "admin"}
ON_THE_JOB = DISPATCHERS | {"own technician"}
SMART_DISPATCH = DISPATCHERS | {"system"}

ALLOWED = {
    (CREATED, ASSIGNED): SMART_DISPATCH,
    (CREATED, CANCELLED): DISPATCHERS,
    (ASSIGNED, CREATED): SMART_DISPATCH,
    (ASSIGNED, ASSIGNED): SMART_DISPATCH,
    (ASSIGNED, EN_ROUTE): ON_THE_JOB,
    (ASSIGNED, IN_PROGRESS): ON_THE_JOB,
    (ASSIGNED, CANCELLED): DISPATCHERS,
    (EN_ROUTE, IN_PROGRESS): ON_THE_JOB | {"system"},
    (EN_ROUTE, ASSIGNED): ON_THE_JOB,
    (EN_ROUTE, CANCELLED): DISPATCHERS,
    (IN_PROGRESS, COMPLETED): ON_THE_JOB,
    (IN_PROGRESS, ASSIGNED): ON_THE_JOB,
    (IN_PROGRESS, CANCELLED): DISPATCHERS,
    (COMPLETED, IN_PROGRESS): DISPATCHERS,
    (CANCELLED, CREATED): DISPATCHERS,
}
NEEDS_REASON = {
    *((status, CANCELLED) for status in (CREATED, ASSIGNED, EN_ROUTE, IN_PROGRESS)),
    (IN_PROGRESS, ASSIGNED),
    (COMPLETED, IN_PROGRESS),
}
ACTORS = ["dispatcher", "manager", "admin", "own technician", "foreign technician", "system", "nobody"]
PAIRS = list(product(Status, Status))


@pytest.fixture
def actors(dana, omar, ada, tess, tom, nick):
    users = [dana, omar, ada, tess.user, tom.user, None, nick]
    return dict(zip(ACTORS, users, strict=True))


def snapshot(job):
    return Job.objects.filter(pk=job.pk).values().get(), job.status_changes.count(), hasattr(job, "billing")


def step_arguments(start, to):
    """An assignment names whom; Assigned to Assigned goes to someone else."""
    return {"technician": TechnicianFactory()} if to == ASSIGNED and start in (CREATED, ASSIGNED) else {}


@pytest.mark.parametrize("start, to", PAIRS, ids=[f"{start}-{to}" for start, to in PAIRS])
def test_only_the_steps_of_the_table_are_made_and_only_by_whom_it_says(start, to, actors, omar, tess):
    for name, by in actors.items():
        job = make_job(start, by=omar, technician=tess)
        before = snapshot(Job.objects.get(pk=job.pk))
        arguments = step_arguments(start, to)
        if name in ALLOWED.get((start, to), ()):
            after = actions.change_status(job, to, by=by, note="A reason", **arguments)
            assert after.status == to, name
            assert job.status_changes.count() == before[1] + 1
        else:
            with pytest.raises((actions.ActionRefused, PermissionDenied)):
                actions.change_status(job, to, by=by, note="A reason", **arguments)
            assert snapshot(Job.objects.get(pk=job.pk)) == before, name
        leave_the_technician_free(job, omar)


def leave_the_technician_free(job, omar):
    job.refresh_from_db()
    if job.status in (EN_ROUTE, IN_PROGRESS):
        actions.change_status(job, CANCELLED, by=omar, note="Test over")


@pytest.mark.parametrize("start, to", sorted(ALLOWED), ids=[f"{start}-{to}" for start, to in sorted(ALLOWED)])
@pytest.mark.parametrize("note", ["", "  \n "])
def test_dispatcher_must_give_a_reason_exactly_where_one_is_required(start, to, note, omar, tess):
    job = make_job(start, by=omar, technician=tess)
    arguments = step_arguments(start, to)
    if (start, to) in NEEDS_REASON:
        with pytest.raises(actions.ActionRefused, match="reason"):
            actions.change_status(job, to, by=omar, note=note, **arguments)
        assert Job.objects.get(pk=job.pk).status == start
    else:
        assert actions.change_status(job, to, by=omar, note=note, **arguments).status == to


def test_technician_interrupting_a_job_must_say_why(omar, tess):
    job = make_job(IN_PROGRESS, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused, match="reason"):
        actions.change_status(job, ASSIGNED, by=tess.user)
    assert actions.change_status(job, ASSIGNED, by=tess.user, note="Part missing").status == ASSIGNED


@pytest.mark.parametrize("start", [EN_ROUTE, IN_PROGRESS])
def test_technician_cannot_hand_a_job_to_a_colleague(start, omar, tess, tom):
    job = make_job(start, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused, match="Only a dispatcher"):
        actions.change_status(job, ASSIGNED, by=tess.user, technician=tom, note="He is nearer")


def test_technician_who_lost_a_job_cannot_advance_it(omar, tess, tom):
    job = make_job(ASSIGNED, by=omar, technician=tess)
    actions.assign_job(job, tom, by=omar)
    with pytest.raises(PermissionDenied):
        actions.change_status(job, EN_ROUTE, by=tess.user)


def test_dispatcher_reassigns_someone_who_is_already_under_way(omar, tess, tom):
    job = make_job(EN_ROUTE, by=omar, technician=tess)
    job = actions.assign_job(job, tom, by=omar)
    assert (job.status, job.technician, job.en_route_at) == (ASSIGNED, tom, None)


def test_assigning_without_a_technician_is_refused(omar, tess):
    with pytest.raises(actions.ActionRefused, match="Choose a technician"):
        actions.change_status(make_job(by=omar), ASSIGNED, by=omar)
    job = make_job(ASSIGNED, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused, match="Choose a technician"):
        actions.change_status(job, ASSIGNED, by=omar)


def test_assigning_to_who_has_it_already_is_refused(omar, tess):
    job = make_job(ASSIGNED, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused, match="already assigned to Tess"):
        actions.assign_job(job, tess, by=omar)


def test_someone_who_left_the_company_gets_no_job(omar, tess, tom):
    tess.user.is_active = False
    tess.user.save()
    tom.is_active = False
    tom.save()
    for gone in (tess, tom):
        with pytest.raises(actions.ActionRefused, match="no longer active"):
            actions.assign_job(make_job(by=omar), gone, by=omar)


def test_a_refusal_says_what_is_true_now(omar, tess):
    job = make_job(COMPLETED, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused) as refusal:
        actions.change_status(job, CANCELLED, by=omar, note="Too late")
    assert refusal.value.reason == f"{job.number} is Completed by Tess; it cannot become Cancelled."
    assert refusal.value.job.status == COMPLETED


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("actor", [Actor.DISPATCHER, Actor.TECHNICIAN])
def test_the_buttons_offer_only_steps_that_the_table_allows(status, actor):
    name = "own technician" if actor == Actor.TECHNICIAN else "dispatcher"
    offered = {step.to: step.needs_reason for step in steps_from(status, actor=actor)}
    asks_for_someone = {(CREATED, ASSIGNED), (ASSIGNED, ASSIGNED)}
    expected = {
        to: (start, to) in NEEDS_REASON
        for (start, to), who in ALLOWED.items()
        if start == status and name in who and (start, to) not in asks_for_someone
    }
    assert offered == expected


def test_technician_is_offered_the_next_normal_step_first():
    firsts = [steps_from(status, actor=Actor.TECHNICIAN)[0].to for status in (ASSIGNED, EN_ROUTE, IN_PROGRESS)]
    assert firsts == [EN_ROUTE, IN_PROGRESS, COMPLETED]


def test_the_log_says_as_whom_each_step_was_made(omar, tess):
    job = make_job(by=omar)
    actions.assign_job(job, tess, by=None)
    actions.change_status(job, EN_ROUTE, by=tess.user)
    actions.change_status(job, IN_PROGRESS, by=omar)
    kinds = list(StatusChange.objects.filter(job=job).values_list("actor_kind", "actor__username"))
    assert kinds == [("dispatcher", "omar"), ("system", None), ("technician", "tess"), ("dispatcher", "omar")]


def test_user_of_two_roles_acts_as_a_dispatcher(omar):
    boss = TechnicianFactory(user=UserFactory(username="boss", role="manager"))
    job = make_job(ASSIGNED, by=omar, technician=boss)
    actions.change_status(job, EN_ROUTE, by=boss.user)
    assert job.status_changes.last().actor_kind == Actor.DISPATCHER
