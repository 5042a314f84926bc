"""Pins, priorities, follow-ups, duplicates and reasons: the actions, and the dialogs that ask for them."""

import pytest
from django.urls import reverse

from dispatch import actions
from dispatch.actions import ActionRefused, SkillNeed, journal, mark
from dispatch.actions.journal import states_of
from dispatch.models import BoardAction, FieldChange, Job, Priority, Status
from technicians.models import Proficiency
from tests.dispatch.board_page import at, day
from tests.dispatch.test_transitions import Desk, board_is_told, events_of, now_is
from tests.factories import SkillFactory, make_job
from tests.pages import html_of, text_of, typed

DIALOGS = ["pin_job", "set_priority", "follow_up_job", "duplicate_job", "cancel_job", "interrupt_job", "reopen_job"]


@pytest.fixture
def desk(client, dana):
    client.force_login(dana)
    return Desk(client)


@pytest.fixture
def job(omar, tess, north):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, description="No heat")


# Each dialog --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DIALOGS, "job_menu"])
def test_jobs_of_foreign_zones_are_not_found(desk, omar, south, name):
    foreign = make_job(by=omar, zone=south)
    assert desk.open(name, foreign).status_code == 404
    if name != "job_menu":
        assert desk.send(name, foreign, priority=4, time="on", reason="x", seen=foreign.seen).status_code == 404
    assert now_is(foreign).version == foreign.version
    assert Job.objects.count() == 1


@pytest.mark.parametrize("name", DIALOGS)
def test_dialog_is_a_fragment_for_htmx_and_a_page_for_everyone_else(desk, job, name):
    fragment, page = desk.open(name, job), desk.open(name, job, htmx=False)
    assert html_of(fragment).strip().startswith('<form class="dialog-content"')
    assert "<html" in html_of(page)
    assert text_of(fragment) in text_of(page)


@pytest.mark.parametrize("name", DIALOGS)
def test_dialog_asks_the_database_the_same_however_many_jobs_there_are(
    desk, omar, job, name, django_assert_max_num_queries
):
    desk.open(name, job)
    with django_assert_max_num_queries(20) as few:
        desk.open(name, job)
    for _ in range(5):
        make_job(by=omar)
    with django_assert_max_num_queries(len(few)):
        desk.open(name, job)


# Pins ---------------------------------------------------------------------------------------------


def test_pinning_is_logged_and_can_be_undone(desk, job, dana):
    board_is_told(desk.send("pin_job", job, time="on", technician="on"), job, f"{job.number} is pinned.")
    pinned = now_is(job)
    assert (pinned.is_time_pinned, pinned.is_technician_pinned) == (True, True)
    assert FieldChange.objects.get(job=job).changes == {"pinned": ["", "time, technician"]}
    action = BoardAction.objects.newest_first().first()
    assert action.label == f"Pinned {job.number}"
    actions.undo_action(action, by=dana)
    assert not now_is(job).is_pinned


def test_unpinning_keeps_what_stays_ticked(desk, job):
    desk.send("pin_job", job, time="on", technician="on")
    desk.send("pin_job", job, htmx=False, **typed(desk.open("pin_job", job, htmx=False), time=None))
    assert (now_is(job).is_time_pinned, now_is(job).is_technician_pinned) == (False, True)


def test_pinning_as_it_is_changes_nothing(desk, job):
    desk.send("pin_job", job)
    assert now_is(job).version == job.version
    assert not FieldChange.objects.exists()


def test_nobody_and_no_day_cannot_be_pinned(omar):
    job = make_job(by=omar, scheduled_on=None)
    with pytest.raises(ActionRefused, match="no technician yet"):
        actions.pin_job(job, time=False, technician=True, by=omar)
    with pytest.raises(ActionRefused, match="no day yet"):
        actions.pin_job(job, time=True, technician=False, by=omar)


def test_unassigning_takes_the_technicians_pin_away_and_undo_brings_it_back(job, omar):
    actions.pin_job(job, time=True, technician=True, by=omar)
    actions.unassign_job(job, by=omar)
    assert (now_is(job).is_time_pinned, now_is(job).is_technician_pinned) == (True, False)
    actions.undo_action(actions.last_to_undo(omar), by=omar)
    assert now_is(job).is_technician_pinned


def test_pinned_job_shows_it_in_list_drawer_and_page(desk, job, omar):
    actions.pin_job(job, time=True, technician=False, by=omar)
    pages = [reverse("board_list"), reverse("job_drawer", args=[job.pk]), reverse("job", args=[job.pk])]
    for url in pages:
        assert "Pinned time" in text_of(desk.client.get(url))


# Priority -----------------------------------------------------------------------------------------


def test_priority_is_set_and_the_edit_log_says_so(desk, job):
    board_is_told(desk.send("set_priority", job, priority=4), job, f"{job.number} is Urgent now.")
    assert now_is(job).priority == Priority.URGENT
    assert FieldChange.objects.get(job=job).changes == {"priority": ["Normal", "Urgent"]}


def test_whether_a_job_is_open_still_is_asked_once_nobody_else_can_close_it(omar, job, monkeypatch):
    locked = []
    monkeypatch.setattr(journal, "states_of", lambda ids: locked.extend(ids) or states_of(ids))
    monkeypatch.setattr(mark, "_check_open", lambda job: locked.append("asked"))
    actions.set_priority(job, Priority.URGENT, by=omar)
    assert locked[:2] == [job.pk, "asked"]


@pytest.mark.parametrize("priority", ["", "0", "5", "urgent"])
def test_priority_that_does_not_exist_is_refused(desk, job, priority):
    assert desk.send("set_priority", job, priority=priority).status_code == 422
    assert now_is(job).priority == Priority.NORMAL


@pytest.mark.parametrize(("name", "fields"), [("set_priority", {"priority": 4}), ("pin_job", {"time": "on"})])
def test_closed_job_is_refused_with_the_truth(desk, omar, name, fields):
    job = make_job(Status.COMPLETED, by=omar)
    response = desk.send(name, job, **fields)
    assert response.status_code == 409
    assert f"{job.number} is Completed by" in text_of(response)


# Follow-ups and duplicates ------------------------------------------------------------------------


def test_follow_up_takes_over_what_the_job_is_and_is_linked(desk, omar, tess, north):
    hvac = SkillFactory(name="HVAC")
    job = make_job(
        Status.COMPLETED,
        by=omar,
        technician=tess,
        zone=north,
        priority=3,
        duration_minutes=95,
        skills=[SkillNeed(hvac.pk, Proficiency.ADVANCED)],
        window_starts_at=at(9),
        window_ends_at=at(11),
    )
    page = desk.open("follow_up_job", job, htmx=False)
    assert typed(page)["description"].strip() == f"Follow-up of {job.number}"
    response = desk.send("follow_up_job", job, **typed(page, day=day(3).isoformat()))
    new = Job.objects.exclude(pk=job.pk).get()
    assert events_of(response)["live-jobs"] == {"jobs": [new.pk], "created": [new.pk]}
    assert (new.follow_up_of, new.source) == (job, Job.Source.FOLLOW_UP)
    assert (new.customer, new.site, new.job_type, new.zone) == (job.customer, job.site, job.job_type, job.zone)
    assert (new.priority, new.duration_minutes, new.scheduled_on) == (3, 95, day(3))
    assert [(need.skill, need.level) for need in new.required_skills.all()] == [(hvac, Proficiency.ADVANCED)]
    assert (new.status, new.technician, new.window_starts_at) == (Status.CREATED, None, None)


def test_follow_up_goes_to_the_same_technician_if_asked(desk, job, tess):
    desk.send("follow_up_job", job, description="Fit the new fan", keep_technician="on")
    new = Job.objects.exclude(pk=job.pk).get()
    assert (new.title, new.status, new.technician) == ("Fit the new fan", Status.ASSIGNED, tess)


def test_technician_who_has_left_is_not_offered_again(desk, job, tess):
    tess.is_active = False
    tess.save()
    assert "again" not in text_of(desk.open("follow_up_job", job))
    desk.send("follow_up_job", job, description="x", keep_technician="on")
    assert Job.objects.exclude(pk=job.pk).get().technician is None


def test_undoing_a_follow_up_cancels_it(desk, job, dana):
    desk.send("follow_up_job", job, description="x")
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert Job.objects.exclude(pk=job.pk).get().status == Status.CANCELLED


@pytest.mark.parametrize("name", ["follow_up_job", "duplicate_job"])
def test_impossible_day_is_a_typing_error(desk, job, name):
    for wrong in ("tomorrow", "9999-01-01"):
        assert desk.send(name, job, day=wrong, description="x").status_code == 422
    assert Job.objects.count() == 1


def test_duplicate_is_the_same_without_a_link(desk, job):
    response = desk.send("duplicate_job", job, htmx=False, day="")
    new = Job.objects.exclude(pk=job.pk).get()
    assert response.url == reverse("job", args=[new.pk])
    assert (new.description, new.customer, new.site) == ("No heat", job.customer, job.site)
    assert (new.follow_up_of, new.source, new.scheduled_on) == (None, Job.Source.DISPATCHER, None)


# Reasons ------------------------------------------------------------------------------------------

REASONS = [
    ("cancel_job", Status.ASSIGNED, Status.CANCELLED),
    ("interrupt_job", Status.IN_PROGRESS, Status.ASSIGNED),
    ("reopen_job", Status.COMPLETED, Status.IN_PROGRESS),
]


@pytest.mark.parametrize(("name", "status", "to"), REASONS)
def test_reason_is_asked_for_and_logged(desk, omar, name, status, to):
    job = make_job(status, by=omar)
    page = desk.open(name, job, htmx=False)
    assert desk.send(name, job, **typed(page, reason="  ")).status_code == 422
    assert now_is(job).status == status
    assert desk.send(name, job, **typed(page, reason="My own")).status_code == 204
    assert now_is(job).status == to
    assert now_is(job).status_changes.last().note == "My own"


def test_usual_reason_takes_one_click(desk, job):
    page = desk.open("cancel_job", job)
    assert 'name="usual" value="Customer cancelled"' in html_of(page)
    response = desk.send("cancel_job", job, seen=job.seen, reason="", usual="Customer cancelled")
    board_is_told(response, job, f"{job.number} is Cancelled.")
    assert now_is(job).status_changes.last().note == "Customer cancelled"


@pytest.mark.parametrize(("name", "status", "to"), REASONS)
def test_who_comes_too_late_is_told_the_truth(desk, omar, job, name, status, to):
    response = desk.send(name, job, seen="created.", reason="x")
    assert response.status_code == 409
    assert f"{job.number} is Assigned to Tess" in text_of(response)
    assert now_is(job).status == Status.ASSIGNED
