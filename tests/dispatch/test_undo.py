"""The journal of board actions, undo and redo."""

from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch import actions
from dispatch.actions.journal import states_of
from dispatch.models import BillingRecord, BoardAction, Priority, Status
from dispatch.placement import Outcome, Placement, judge, moved_to
from tests.factories import JobTypeFactory, TechnicianFactory, make_job
from tests.pages import text_of

HTMX = {"HX-Request": "true"}


def state(job):
    return states_of([job.pk])[job.pk]


def undo_last(user):
    return actions.undo_action(actions.last_to_undo(user), by=user)


def test_undo_restores_an_assignment_and_logs_it(dana, tess, north):
    job = make_job(by=dana, zone=north)
    before = state(job)
    actions.assign_job(job, tess, by=dana)
    undo_last(dana)
    assert state(job) == before
    last = job.status_changes.last()
    assert (last.from_status, last.to_status, last.actor) == (Status.ASSIGNED, Status.CREATED, dana)
    assert last.note == f"Undid: Assigned {job.number} to Tess"


@pytest.mark.parametrize(
    ("status", "to"),
    [
        (Status.ASSIGNED, Status.CANCELLED),
        (Status.EN_ROUTE, Status.CANCELLED),
        (Status.IN_PROGRESS, Status.ASSIGNED),
        (Status.COMPLETED, Status.IN_PROGRESS),
        (Status.CANCELLED, Status.CREATED),
    ],
)
def test_undo_restores_every_status(dana, tess, north, status, to):
    job = make_job(status, by=dana, zone=north, technician=tess)
    before = state(job)
    actions.change_status(job, to, by=dana, note="Because")
    undo_last(dana)
    assert state(job) == before


def test_undo_of_completing_takes_the_billing_back(dana, tess, north):
    job = make_job(Status.IN_PROGRESS, by=dana, zone=north, technician=tess)
    actions.change_status(job, Status.COMPLETED, by=dana)
    assert BillingRecord.objects.filter(job=job).exists()
    undo_last(dana)
    assert not BillingRecord.objects.filter(job=job).exists()
    actions.undo_action(actions.last_to_redo(dana), by=dana)
    assert BillingRecord.objects.filter(job=job).exists()


def test_undo_is_refused_when_the_technician_has_set_off(dana, tess, north):
    job = make_job(by=dana, zone=north)
    actions.assign_job(job, tess, by=dana)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user)
    with pytest.raises(actions.ActionRefused, match="is En Route with Tess now"):
        undo_last(dana)
    job.refresh_from_db()
    assert job.status == Status.EN_ROUTE


def test_undo_does_not_move_a_job_that_has_begun_since(dana, tess, north):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess)
    tomorrow = timezone.localdate() + timedelta(days=1)
    actions.place_job(job, moved_to(job, technician=tess, day=tomorrow), by=dana)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user)
    with pytest.raises(actions.ActionRefused, match="En Route with Tess now"):
        undo_last(dana)
    job.refresh_from_db()
    assert job.scheduled_on == tomorrow


def test_undo_is_refused_when_someone_changed_the_same_field(dana, omar, north):
    job = make_job(by=dana, zone=north)
    actions.edit_job(job, {"priority": Priority.HIGH}, by=dana, base_version=job.version)
    done = actions.last_to_undo(dana)
    job.refresh_from_db()
    actions.edit_job(job, {"priority": Priority.URGENT}, by=omar, base_version=job.version)
    with pytest.raises(actions.ActionRefused, match="changed priority"):
        actions.undo_action(done, by=dana)


def test_undo_leaves_what_others_changed_beside_it(dana, omar, north):
    job = make_job(by=dana, zone=north)
    actions.edit_job(job, {"priority": Priority.HIGH}, by=dana, base_version=job.version)
    job.refresh_from_db()
    actions.edit_job(job, {"description": "Bring a ladder"}, by=omar, base_version=job.version)
    undo_last(dana)
    job.refresh_from_db()
    assert (job.priority, job.description) == (Priority.NORMAL, "Bring a ladder")


def test_ones_own_last_action_is_undone_not_a_colleagues(dana, omar, tess, north):
    mine, theirs = make_job(by=dana, zone=north), make_job(by=omar, zone=north)
    actions.assign_job(mine, tess, by=dana)
    actions.assign_job(theirs, tess, by=omar)
    undo_last(dana)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.status, theirs.status) == (Status.CREATED, Status.ASSIGNED)


def test_redo_does_it_again_until_something_new_is_done(dana, tess, north):
    job = make_job(by=dana, zone=north)
    actions.assign_job(job, tess, by=dana)
    after = state(job)
    undo_last(dana)
    actions.undo_action(actions.last_to_redo(dana), by=dana)
    assert state(job) == after
    undo_last(dana)
    make_job(by=dana, zone=north)
    assert actions.last_to_redo(dana) is None


def test_an_action_is_undone_once(dana, omar, tess, north):
    job = make_job(by=dana, zone=north)
    actions.assign_job(job, tess, by=dana)
    done = actions.last_to_undo(dana)
    actions.undo_action(done, by=omar)
    with pytest.raises(actions.ActionRefused, match="Omar has undone this already"):
        actions.undo_action(done, by=dana)


def test_undo_of_a_new_job_cancels_it_and_keeps_its_log(dana, north):
    job = make_job(by=dana, zone=north)
    undo_last(dana)
    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert job.status_changes.count() == 2
    actions.undo_action(actions.last_to_redo(dana), by=dana)
    job.refresh_from_db()
    assert job.status == Status.CREATED


def test_a_technicians_tap_is_not_in_the_journal(dana, tess, north):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess)
    count = BoardAction.objects.count()
    actions.change_status(job, Status.EN_ROUTE, by=tess.user)
    assert BoardAction.objects.count() == count


def test_dispatcher_sees_and_undoes_only_actions_of_her_zones(client, dana, omar, tom, south):
    job = make_job(by=omar, zone=south)
    actions.assign_job(job, tom, by=omar)
    done = actions.last_to_undo(omar)
    client.force_login(dana)
    assert job.number not in text_of(client.get(reverse("board_actions")))
    assert client.post(reverse("undo_action", args=[done.pk])).status_code == 404
    with pytest.raises(actions.ActionRefused, match="do not dispatch"):
        actions.undo_action(done, by=dana)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.CREATED])
def test_undo_gives_nothing_to_a_technician_who_has_left(dana, tess, north, status):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess)
    job = actions.change_status(job, status, by=dana, note="Because")
    type(tess).objects.filter(pk=tess.pk).update(is_active=False)
    with pytest.raises(actions.ActionRefused, match="Tess is no longer active"):
        undo_last(dana)
    job.refresh_from_db()
    assert job.status == status


def test_dispatcher_of_north_cannot_undo_a_job_into_south(dana, omar, north, south):
    job = make_job(by=omar, zone=south)
    there = make_job(by=omar, zone=north).site
    actions.edit_job(job, {"site": there}, by=omar, base_version=job.version)
    with pytest.raises(actions.ActionRefused, match="where you do not dispatch"):
        actions.undo_action(actions.last_to_undo(omar), by=dana)


def test_undo_is_refused_when_what_it_would_restore_is_deleted(dana, north):
    old, new = JobTypeFactory(name="Old"), JobTypeFactory(name="New")
    job = make_job(by=dana, zone=north, job_type=old)
    actions.edit_job(job, {"job_type": new}, by=dana, base_version=job.version)
    old.delete()
    with pytest.raises(actions.ActionRefused, match="has been deleted"):
        undo_last(dana)


def test_undo_on_the_board_says_what_it_undid(client, dana, tess, north):
    job = make_job(by=dana, zone=north)
    actions.assign_job(job, tess, by=dana)
    client.force_login(dana)
    response = client.post(reverse("undo_last"), headers=HTMX)
    assert response.status_code == 204
    assert f"Undone: Assigned {job.number} to Tess" in response["HX-Trigger"]
    assert f"Done again: Assigned {job.number}" in client.post(reverse("redo_last"), headers=HTMX)["HX-Trigger"]


def test_refused_undo_says_why(client, dana, tess, north):
    job = make_job(by=dana, zone=north)
    actions.assign_job(job, tess, by=dana)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user)
    client.force_login(dana)
    response = client.post(reverse("undo_last"), headers=HTMX)
    assert response.status_code == 409
    assert "is En Route with Tess now" in response["HX-Trigger"]


def test_list_of_recent_actions_shows_everyones(client, dana, omar, tess, north):
    job = make_job(by=omar, zone=north)
    actions.assign_job(job, tess, by=omar)
    client.force_login(dana)
    page = text_of(client.get(reverse("board_actions")))
    assert f"Assigned {job.number} to Tess" in page
    assert "Omar" in page


# Any sequence, undone ------------------------------------------------------------------------------

VERBS = ["assign", "unassign", "place", "hold", "release", "cancel", "reinstate", "start", "finish", "reopen", "edit"]
STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 2), st.integers(0, 1), st.integers(0, 23)), min_size=1, max_size=8
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def do(verb, job, technician, hour, *, by):
    """The board action; refusals are fine, the property is about what was done."""
    job.refresh_from_db()
    day = timezone.localdate()
    starts_at = timezone.make_aware(datetime.combine(day, time(hour)))
    try:
        match verb:
            case "assign":
                actions.assign_job(job, technician, by=by)
            case "unassign":
                actions.unassign_job(job, by=by)
            case "place":
                actions.place_job(job, Placement(technician, day, starts_at), by=by, on_conflict=actions.SHIFT)
            case "hold":
                actions.hold_job(job, "Waits for a part", by=by)
            case "release":
                actions.release_job(job, by=by)
            case "cancel":
                actions.change_status(job, Status.CANCELLED, by=by, note="No longer wanted")
            case "reinstate":
                actions.change_status(job, Status.CREATED, by=by)
            case "start":
                actions.change_status(job, Status.IN_PROGRESS, by=by)
            case "finish":
                actions.change_status(job, Status.COMPLETED, by=by)
            case "reopen":
                actions.change_status(job, Status.IN_PROGRESS, by=by, note="Not done yet")
            case "edit":
                changes = {"duration_minutes": 30 + hour, "scheduled_on": day + timedelta(days=hour % 3)}
                actions.edit_job(job, changes, by=by, base_version=job.version)
    except actions.ActionRefused:
        return


@FEW
@given(steps=STEPS)
def test_undoing_everything_restores_every_job(omar, steps):
    technicians = [TechnicianFactory(), TechnicianFactory()]
    jobs = [make_job(by=omar) for _ in range(3)]
    first = BoardAction.objects.latest("pk").pk
    before = states_of(job.pk for job in jobs)
    for verb, which, whom, hour in steps:
        do(verb, jobs[which], technicians[whom], hour, by=omar)
    for done in BoardAction.objects.filter(pk__gt=first).order_by("-pk"):
        actions.undo_action(done, by=omar)
    assert states_of(job.pk for job in jobs) == before
    for undo in BoardAction.objects.filter(pk__gt=first, is_undo=True).order_by("-pk"):
        assert actions.undo_action(undo, by=omar)


@FEW
@given(steps=STEPS, hour=st.integers(0, 23), keeps=st.booleans(), to_tray=st.booleans())
def test_the_preview_says_what_the_action_does(omar, tess, steps, hour, keeps, to_tray):
    other = TechnicianFactory()
    jobs = [make_job(by=omar, priority=Priority.LOW) for _ in range(3)]
    for verb, which, whom, step_hour in steps:
        do(verb, jobs[which], (tess, other)[whom], step_hour, by=omar)
    job = jobs[0]
    job.refresh_from_db()
    day = timezone.localdate()
    starts_at = None if keeps else timezone.make_aware(datetime.combine(day, time(hour)))
    placement = moved_to(job, technician=None if to_tray else tess, day=day, starts_at=starts_at)
    outcome = judge(job, placement).outcome
    try:
        actions.place_job(job, placement, by=omar)
        done = Outcome.OK
    except actions.PlacementConflict:
        done = Outcome.ASK
    except actions.ActionRefused:
        done = Outcome.REFUSED
    assert outcome == done
