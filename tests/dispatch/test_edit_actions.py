"""Editing beside others, and moving with the zones."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from dispatch import actions
from dispatch.models import FieldChange, Job, Status
from sla.models import Priority
from tests.factories import SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.threads import at_the_same_time, winners_and_losers


def test_two_dispatchers_change_different_fields_and_both_win(dana, omar):
    job = make_job(by=omar)
    actions.edit_job(job, {"priority": Priority.HIGH}, by=omar, base_version=job.version)
    actions.edit_job(job, {"description": "Ring twice"}, by=dana, base_version=job.version)
    job.refresh_from_db()
    assert (job.priority, job.description, job.version) == (Priority.HIGH, "Ring twice", 3)


def test_second_dispatcher_on_the_same_field_is_told_who_changed_what(dana, omar):
    job = make_job(by=omar)
    actions.edit_job(job, {"priority": Priority.HIGH}, by=omar, base_version=1)
    with pytest.raises(actions.EditConflict) as conflict:
        actions.edit_job(job, {"priority": Priority.LOW, "description": "Mine"}, by=dana, base_version=1)
    assert conflict.value.theirs == {"priority": ("Omar", "Normal", "High")}
    assert "Omar" in conflict.value.reason
    job.refresh_from_db()
    assert (job.priority, job.description, job.version) == (Priority.HIGH, "", 2)


def test_second_dispatcher_who_has_seen_the_change_overwrites_it(dana, omar):
    job = make_job(by=omar)
    newest = actions.edit_job(job, {"priority": Priority.HIGH}, by=omar, base_version=1)
    actions.edit_job(job, {"priority": Priority.LOW}, by=dana, base_version=newest.version)
    assert Job.objects.get(pk=job.pk).priority == Priority.LOW


def test_two_dispatchers_who_enter_the_same_value_do_not_conflict(dana, omar):
    job = make_job(by=omar)
    actions.edit_job(job, {"priority": Priority.HIGH}, by=omar, base_version=1)
    assert actions.edit_job(job, {"priority": Priority.HIGH}, by=dana, base_version=1).version == 2


def test_dispatcher_who_saves_twice_from_one_form_does_not_conflict_with_herself(dana):
    job = make_job(by=dana)
    for text in ("One", "Two"):
        actions.edit_job(job, {"description": text}, by=dana, base_version=1)
    assert Job.objects.get(pk=job.pk).description == "Two"


def test_two_dispatchers_who_ask_for_another_level_of_one_skill_conflict(dana, omar):
    job = make_job(by=omar)
    gas = SkillFactory(name="Gas")
    actions.edit_job(job, {}, by=omar, base_version=1, skills=[actions.SkillNeed(gas.pk, 2)])
    with pytest.raises(actions.EditConflict, match="Omar"):
        actions.edit_job(job, {}, by=dana, base_version=1, skills=[actions.SkillNeed(gas.pk, 3)])
    assert [str(need) for need in job.required_skills.all()] == ["Gas from Intermediate"]


def test_an_edit_that_changes_nothing_leaves_no_trace(dana):
    job = make_job(by=dana)
    actions.edit_job(job, {"priority": Priority.NORMAL}, by=dana, base_version=1, skills=[])
    assert Job.objects.get(pk=job.pk).version == 1
    assert not FieldChange.objects.exists()


def test_moving_a_job_to_another_place_of_the_same_name_moves_its_zone(omar, north, south):
    job = make_job(by=omar, zone=north)
    there = SiteFactory(customer=job.customer, address=job.site.address, latitude=39.9, longitude=-75.1)
    job = actions.edit_job(job, {"site": there}, by=omar, base_version=1)
    job.refresh_from_db()
    assert (job.site, job.zone) == (there, south)


def test_a_time_moved_by_the_hour_that_the_clocks_go_back_is_a_change(omar):
    first = datetime.fromisoformat("2026-11-01T05:30:00+00:00")  # 01:30, and an hour later 01:30 again
    job = make_job(by=omar, scheduled_on=first.date(), planned_starts_at=first)
    actions.edit_job(job, {"planned_starts_at": first + timedelta(hours=1)}, by=omar, base_version=1)
    assert Job.objects.get(pk=job.pk).planned_starts_at == first + timedelta(hours=1)


def test_technician_notes_only_on_own_jobs(omar, tess, tom):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    assert actions.add_note(job, "Key at the desk", by=tess.user).author == tess.user
    with pytest.raises(PermissionDenied):
        actions.add_note(job, "Not mine", by=tom.user)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_save_different_fields_at_the_same_moment_and_both_win(dana, omar):
    for _ in range(10):
        job = make_job(by=omar)
        outcomes = at_the_same_time(
            lambda job=job: actions.edit_job(job, {"priority": Priority.URGENT}, by=dana, base_version=1),
            lambda job=job: actions.edit_job(job, {"description": "Back door"}, by=omar, base_version=1),
        )
        _, lost = winners_and_losers(outcomes)
        job.refresh_from_db()
        assert (lost, job.priority, job.description, job.version) == ([], Priority.URGENT, "Back door", 3)


def test_open_jobs_follow_a_boundary_that_moved_and_finished_ones_do_not(omar, north, south, tess):
    waiting, done = make_job(by=omar, zone=north), make_job(Status.COMPLETED, by=omar, zone=north, technician=tess)
    nowhere = make_job(by=omar)
    north.boundary, south.boundary = south.boundary, north.boundary
    north.save()
    south.save()
    assert actions.rezone_open_jobs() == 1
    for job in (waiting, done, nowhere):
        job.refresh_from_db()
    assert (waiting.zone, waiting.version) == (south, 2)
    assert (done.zone, done.version) == (north, 5 - 1)
    assert (nowhere.zone, nowhere.version) == (None, 1)
    assert actions.rezone_open_jobs() == 0


def test_a_job_loses_its_zone_when_the_zone_is_closed(omar, north):
    job = make_job(by=omar, zone=north)
    north.is_active = False
    north.save()
    assert actions.rezone_open_jobs() == 1
    assert Job.objects.get(pk=job.pk).zone is None


def test_technician_without_zones_takes_jobs_anywhere(omar, north):
    roamer = TechnicianFactory()
    assert actions.assign_job(make_job(by=omar, zone=north), roamer, by=omar).technician == roamer
