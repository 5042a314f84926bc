"""What every action keeps its word about: all or nothing, one winner, the other told the truth."""

import pytest
from django.core.exceptions import PermissionDenied

from dispatch import actions
from dispatch.models import Job, Status
from tests.factories import JobTypeFactory, SiteFactory, SkillFactory, make_job
from tests.threads import at_the_same_time, winners_and_losers


def test_dispatcher_creates_a_job_that_takes_duration_and_skills_from_its_type(dana, north):
    job_type = JobTypeFactory(name="Boiler", default_duration_minutes=95)
    job_type.required_skills.create(skill=SkillFactory(name="Gas"), level=3)
    job = make_job(by=dana, zone=north, job_type=job_type)
    assert (job.duration_minutes, job.zone, job.created_by) == (95, north, dana)
    assert [str(need) for need in job.required_skills.all()] == ["Gas from Advanced"]
    assert job.status_changes.get().from_status == ""


def test_dispatcher_who_creates_and_assigns_at_once_gets_the_assigned_job(dana, north, tess):
    site = SiteFactory(latitude=40.1, longitude=-75.1)
    job = actions.create_job(customer=site.customer, site=site, job_type=JobTypeFactory(), by=dana, technician=tess)
    assert (job.status, job.technician) == (Status.ASSIGNED, tess)


def test_nothing_is_created_when_the_named_technician_has_left(dana, tess):
    tess.is_active = False
    tess.save()
    site = SiteFactory()
    with pytest.raises(actions.ActionRefused):
        actions.create_job(customer=site.customer, site=site, job_type=JobTypeFactory(), by=dana, technician=tess)
    assert not Job.objects.exists()


@pytest.mark.parametrize("who", ["tess", "nick"])
def test_only_dispatching_people_create_edit_or_hold_jobs(who, request, omar, tess):
    person = request.getfixturevalue(who)
    by = getattr(person, "user", person)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    attempts = [
        lambda: make_job(by=by),
        lambda: actions.edit_job(job, {"description": "x"}, by=by, base_version=job.version),
        lambda: actions.hold_job(job, "x", by=by),
        lambda: actions.release_job(job, by=by),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            attempt()


@pytest.mark.parametrize("busy", [Status.EN_ROUTE, Status.IN_PROGRESS])
def test_technician_cannot_begin_a_second_job(busy, omar, tess):
    first = make_job(busy, by=omar, technician=tess)
    second = make_job(Status.ASSIGNED, by=omar, technician=tess)
    for to in (Status.EN_ROUTE, Status.IN_PROGRESS):
        with pytest.raises(actions.ActionRefused) as refusal:
            actions.change_status(second, to, by=tess.user)
        assert refusal.value.reason == f"Tess is still {busy.label} on {first.number}."
    assert Job.objects.get(pk=second.pk).status == Status.ASSIGNED
    assert second.status_changes.count() == 2


def test_dispatcher_cannot_reopen_a_job_of_someone_who_is_on_another(omar, tess):
    done = make_job(Status.COMPLETED, by=omar, technician=tess)
    make_job(Status.EN_ROUTE, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused, match="still En Route"):
        actions.change_status(done, Status.IN_PROGRESS, by=omar, note="It drips again")
    assert Job.objects.get(pk=done.pk).billing


def test_held_job_waits_until_it_is_released(dana, tess):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess)
    with pytest.raises(actions.ActionRefused, match="Say why"):
        actions.hold_job(job, "  ", by=dana)
    actions.hold_job(job, "Part on order", by=dana)
    for to in (Status.EN_ROUTE, Status.IN_PROGRESS):
        with pytest.raises(actions.ActionRefused, match="on hold: Part on order"):
            actions.change_status(job, to, by=tess.user)
    with pytest.raises(actions.ActionRefused, match="already on hold"):
        actions.hold_job(job, "Again", by=dana)
    job = actions.release_job(job, by=dana)
    assert (job.held_at, job.hold_reason) == (None, "")
    with pytest.raises(actions.ActionRefused, match="not on hold"):
        actions.release_job(job, by=dana)
    assert list(job.field_changes.values_list("changes", flat=True)) == [
        {"hold": ["", "Part on order"]},
        {"hold": ["Part on order", ""]},
    ]


@pytest.mark.parametrize("end", [Status.COMPLETED, Status.CANCELLED])
def test_a_finished_job_is_not_held(end, dana, tess):
    job = make_job(end, by=dana, technician=tess)
    with pytest.raises(actions.ActionRefused, match=end.label):
        actions.hold_job(job, "Why", by=dana)


def test_cancelling_a_held_job_ends_the_hold(dana):
    job = actions.hold_job(make_job(by=dana), "No answer", by=dana)
    job = actions.change_status(job, Status.CANCELLED, by=dana, note="Moved away")
    assert (job.held_at, job.hold_reason) == (None, "")


def test_an_interrupted_job_begins_anew_and_its_first_times_stay_in_the_log(omar, tess):
    job = make_job(Status.IN_PROGRESS, by=omar, technician=tess)
    job = actions.change_status(job, Status.ASSIGNED, by=tess.user, note="Part missing")
    assert (job.en_route_at, job.started_at, job.technician) == (None, None, tess)
    assert job.status_changes.filter(to_status=Status.IN_PROGRESS).exists()


def test_a_reassigned_job_leaves_its_place_in_the_old_route(omar, tess, tom):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    Job.objects.filter(pk=job.pk).update(route_position=3)
    assert actions.assign_job(job, tom, by=omar).route_position is None


def test_technician_cannot_clock_out_in_the_middle_of_a_job(omar, tess):
    actions.clock_in(tess)
    job = make_job(Status.IN_PROGRESS, by=omar, technician=tess)
    with pytest.raises(actions.ActionRefused, match=f"Finish or interrupt {job.number}"):
        actions.clock_out(tess)
    actions.change_status(job, Status.COMPLETED, by=tess.user)
    actions.clock_out(tess)
    assert tess.clock_records.get().clocked_out_at


def test_dispatcher_who_looked_at_an_old_board_is_refused_and_told(dana, omar, tess, tom):
    job = make_job(by=omar)
    seen = job.seen
    actions.assign_job(job, tess, by=omar)
    with pytest.raises(actions.ActionRefused) as refusal:
        actions.assign_job(job, tom, by=dana, seen=seen)
    assert refusal.value.reason == f"This has changed since you looked: {job.number} is Assigned to Tess now."
    assert refusal.value.job.technician == tess


def test_the_version_grows_with_every_change(omar, tess):
    job = make_job(by=omar)
    versions = [job.version]
    steps = [
        lambda: actions.assign_job(job, tess, by=omar),
        lambda: actions.add_note(job, "Ring twice", by=tess.user),
        lambda: actions.hold_job(job, "Flood", by=omar),
        lambda: actions.release_job(job, by=omar),
        lambda: actions.edit_job(job, {"description": "New"}, by=omar, base_version=99),
        lambda: actions.change_status(job, Status.EN_ROUTE, by=tess.user),
    ]
    for step in steps:
        step()
        versions.append(Job.objects.get(pk=job.pk).version)
    assert versions == list(range(1, 8))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_assign_one_job_at_the_same_moment_and_one_wins(dana, omar, tess, tom):
    for _ in range(10):
        job = make_job(by=omar)
        seen = job.seen
        outcomes = at_the_same_time(
            lambda job=job, seen=seen: actions.assign_job(job, tess, by=dana, seen=seen),
            lambda job=job, seen=seen: actions.assign_job(job, tom, by=omar, seen=seen),
        )
        (won,), (lost,) = winners_and_losers(outcomes)
        assert isinstance(lost, actions.ActionRefused)
        assert lost.job.technician == won.technician
        assert str(won.technician) in lost.reason
        assert job.status_changes.filter(to_status=Status.ASSIGNED).count() == 1
        assert Job.objects.get(pk=job.pk).version == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_technician_beginning_two_jobs_at_the_same_moment_begins_one(omar, tess):
    for _ in range(10):
        jobs = [make_job(Status.ASSIGNED, by=omar, technician=tess) for _ in range(2)]
        calls = [lambda job=job: actions.change_status(job, Status.EN_ROUTE, by=tess.user) for job in jobs]
        (won,), (lost,) = winners_and_losers(at_the_same_time(*calls))
        assert lost.reason == f"Tess is still En Route on {won.number}."
        assert lost.job.status == Status.ASSIGNED
        actions.change_status(won, Status.CANCELLED, by=omar, note="Again")
