import json
import re

import pytest
from django.urls import reverse

from dispatch import actions
from dispatch.models import Job, Status
from tests.factories import TechnicianFactory, make_job
from tests.pages import html_of, text_of, typed

HTMX = {"HX-Request": "true", "HX-Target": "dialog-body"}
DIALOGS = ["assign_job", "change_status", "hold_job"]


@pytest.fixture
def job(omar, north):
    return make_job(by=omar, zone=north)


@pytest.fixture
def desk(client, dana):
    client.force_login(dana)
    return Desk(client)


class Desk:
    """What a dispatcher does in dialogs: with htmx, or on the pages without it."""

    def __init__(self, client):
        self.client = client

    def open(self, name, job, *, htmx=True):
        return self.client.get(reverse(name, args=[job.pk]), headers=HTMX if htmx else None)

    def send(self, name, job, *, htmx=True, **fields):
        return self.client.post(reverse(name, args=[job.pk]), fields, headers=HTMX if htmx else None)


def now_is(job) -> Job:
    return Job.objects.get(pk=job.pk)


def events_of(response) -> dict:
    return json.loads(response["HX-Trigger"])


def board_is_told(response, job, text):
    assert response.status_code == 204
    assert events_of(response) == {
        "close-dialog": True,
        "toast": {"text": text},
        "live-jobs": {"jobs": [job.pk], "created": []},
    }


# Each dialog --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DIALOGS, "add_note"])
def test_jobs_of_foreign_zones_are_not_found(desk, omar, tess, south, name):
    foreign = make_job(by=omar, zone=south)
    fields = {"technician": tess.pk, "to": "cancelled", "note": "x", "seen": foreign.seen, "reason": "x", "text": "x"}
    assert desk.send(name, foreign, **fields).status_code == 404
    assert desk.send(name, foreign, htmx=False, **fields).status_code == 404
    if name != "add_note":
        assert desk.open(name, foreign).status_code == 404
    assert now_is(foreign).version == foreign.version


@pytest.mark.parametrize("name", DIALOGS)
def test_dialog_is_a_fragment_for_htmx_and_a_page_for_everyone_else(desk, job, name):
    fragment, page = desk.open(name, job), desk.open(name, job, htmx=False)
    assert html_of(fragment).strip().startswith(('<form class="dialog-content"', '<div class="dialog-content"'))
    assert "<html" not in html_of(fragment)
    assert "<html" in html_of(page)
    assert text_of(fragment) in text_of(page)


# Assigning ----------------------------------------------------------------------------------------


def test_assigning_nobody_is_refused(desk, job):
    response = desk.send("assign_job", job, seen=job.seen, technician="")
    assert response.status_code == 422
    assert "This field is required" in text_of(response)
    assert now_is(job).status == Status.CREATED


def test_dispatcher_of_north_cannot_assign_a_technician_of_south(desk, job, tom):
    assert tom.pk not in candidates_in(desk.open("assign_job", job))
    response = desk.send("assign_job", job, seen=job.seen, technician=tom.pk)
    assert response.status_code == 422
    assert now_is(job).technician is None


def test_inactive_technician_is_neither_offered_nor_taken(desk, job, tess):
    tess.is_active = False
    tess.save()
    assert candidates_in(desk.open("assign_job", job)) == []
    assert desk.send("assign_job", job, seen=job.seen, technician=tess.pk).status_code == 422


def candidates_in(response) -> list[int]:
    return [int(pk) for pk in re.findall(r'name="technician" value="(\d+)"', html_of(response))]


def test_second_dispatcher_is_told_the_truth(client, desk, job, dana, omar, tess, north):
    other = TechnicianFactory(user__username="uma", zones=[north])
    seen_by_both = typed(desk.open("assign_job", job, htmx=False))["seen"]
    assert desk.send("assign_job", job, seen=seen_by_both, technician=tess.pk).status_code == 204
    client.force_login(omar)
    response = desk.send("assign_job", job, seen=seen_by_both, technician=other.pk)
    assert response.status_code == 409
    assert f"This has changed since you looked: {job.number} is Assigned to Tess now." in text_of(response)
    assert "Reassign from Tess" in text_of(response)
    assert f'name="seen" value="assigned.{tess.pk}"' in html_of(response)
    assert now_is(job).technician == tess
    changed_mind = desk.send("assign_job", job, seen=f"assigned.{tess.pk}", technician=other.pk)
    board_is_told(changed_mind, job, f"{job.number} assigned to Uma.")


def test_assigned_again_to_the_same_technician_is_refused(desk, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    response = desk.send("assign_job", job, seen=job.seen, technician=tess.pk)
    assert response.status_code == 409
    assert "already assigned to Tess" in text_of(response)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.IN_PROGRESS])
def test_closed_or_begun_jobs_are_not_given_to_another(desk, omar, tess, status):
    job = make_job(status, by=omar, technician=TechnicianFactory())
    response = desk.send("assign_job", job, seen=job.seen, technician=tess.pk)
    assert response.status_code == 409
    assert now_is(job).status == status


def test_assigning_closes_the_dialog_and_tells_the_board(desk, job, dana, tess):
    board_is_told(
        desk.send("assign_job", job, seen=job.seen, technician=tess.pk), job, f"{job.number} assigned to Tess."
    )
    assert (now_is(job).status, now_is(job).technician) == (Status.ASSIGNED, tess)
    change = now_is(job).status_changes.last()
    assert (change.actor, change.actor_kind, change.to_technician) == (dana, "dispatcher", tess)


def test_without_htmx_assigning_leads_to_the_job(desk, job, tess):
    fields = typed(desk.open("assign_job", job, htmx=False), technician=tess.pk)
    response = desk.send("assign_job", job, htmx=False, **fields)
    assert response.url == reverse("job", args=[job.pk])
    assert now_is(job).technician == tess


def test_who_has_the_job_cannot_be_chosen_again(desk, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    page = desk.open("assign_job", job)
    assert "Reassign from Tess" in text_of(page)
    assert "has it now" in text_of(page)


# Status steps -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "to"),
    [
        (Status.CREATED, Status.CANCELLED),
        (Status.ASSIGNED, Status.CANCELLED),
        (Status.EN_ROUTE, Status.CANCELLED),
        (Status.IN_PROGRESS, Status.ASSIGNED),
        (Status.IN_PROGRESS, Status.CANCELLED),
        (Status.COMPLETED, Status.IN_PROGRESS),
    ],
)
def test_steps_that_need_a_reason_do_not_go_without(desk, omar, tess, status, to):
    job = make_job(status, by=omar, technician=tess)
    response = desk.send("change_status", job, seen=job.seen, to=to, note="  ")
    assert response.status_code == 422
    assert "Give a reason." in text_of(response)
    assert now_is(job).status == status
    assert desk.send("change_status", job, seen=job.seen, to=to, note="Customer called").status_code == 204
    assert now_is(job).status == to
    assert now_is(job).status_changes.last().note == "Customer called"


@pytest.mark.parametrize(
    ("status", "to"),
    [
        (Status.ASSIGNED, Status.EN_ROUTE),
        (Status.ASSIGNED, Status.IN_PROGRESS),
        (Status.ASSIGNED, Status.CREATED),
        (Status.EN_ROUTE, Status.IN_PROGRESS),
        (Status.EN_ROUTE, Status.ASSIGNED),
        (Status.IN_PROGRESS, Status.COMPLETED),
        (Status.CANCELLED, Status.CREATED),
    ],
)
def test_other_steps_need_no_reason(desk, omar, tess, status, to):
    job = make_job(status, by=omar, technician=tess)
    response = desk.send("change_status", job, seen=job.seen, to=to)
    board_is_told(response, job, f"{actions.describe_state(now_is(job))}.")
    assert now_is(job).status == to


@pytest.mark.parametrize(
    ("status", "labels"),
    [
        (Status.CREATED, ["Cancel job"]),
        (Status.ASSIGNED, ["En route", "Start work", "Unassign", "Cancel job"]),
        (Status.EN_ROUTE, ["Start work", "Turn back", "Cancel job"]),
        (Status.IN_PROGRESS, ["Complete", "Interrupt", "Cancel job"]),
        (Status.COMPLETED, ["Reopen"]),
        (Status.CANCELLED, ["Reinstate"]),
    ],
)
def test_dispatcher_is_offered_just_the_steps_there_are(desk, omar, tess, status, labels):
    job = make_job(status, by=omar, technician=tess)
    page = desk.open("change_status", job)
    assert [label for _, label in page.context["form"].fields["to"].choices] == labels


def test_step_that_does_not_exist_is_refused(desk, job):
    response = desk.send("change_status", job, seen=job.seen, to="completed")
    assert response.status_code == 422
    assert "Select a valid choice" in text_of(response)
    assert now_is(job).status == Status.CREATED


@pytest.mark.parametrize("seen", [None, "", "assigned.", "nonsense"])
def test_step_from_another_state_than_the_jobs_is_refused_with_the_truth(desk, job, seen):
    response = desk.send("change_status", job, to="cancelled", note="x", **({} if seen is None else {"seen": seen}))
    assert response.status_code == 409
    assert f"This has changed since you looked: {job.number} is Created now." in text_of(response)
    assert now_is(job).status == Status.CREATED


def test_refused_step_keeps_the_note_and_offers_what_can_be_done_now(desk, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    page = desk.open("change_status", job, htmx=False)
    actions.change_status(job, Status.EN_ROUTE, by=omar)
    response = desk.send("change_status", job, htmx=False, **typed(page, to="cancelled", note="Customer called"))
    assert response.status_code == 409
    assert typed(response)["note"] == "Customer called"
    assert typed(response)["seen"] == f"en_route.{tess.pk}"
    assert "Turn back" in text_of(response)
    assert desk.send("change_status", job, **typed(response, to="cancelled")).status_code == 204


def test_busy_technician_is_named_with_the_job_in_the_way(desk, omar, tess):
    busy = make_job(Status.IN_PROGRESS, by=omar, technician=tess)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    response = desk.send("change_status", job, seen=job.seen, to="en_route")
    assert response.status_code == 409
    assert f"Tess is still In Progress on {busy.number}." in text_of(response)


def test_without_htmx_a_step_leads_to_the_job(desk, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    response = desk.send("change_status", job, htmx=False, **typed(desk.open("change_status", job, htmx=False)))
    assert response.url == reverse("job", args=[job.pk])
    assert now_is(job).status == Status.EN_ROUTE  # what comes next on a normal day is chosen already


# Hold ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "   "])
def test_hold_asks_for_a_reason(desk, job, reason):
    assert desk.send("hold_job", job, reason=reason).status_code == 422
    assert not now_is(job).is_on_hold


def test_hold_and_release_tell_the_board(desk, job):
    board_is_told(desk.send("hold_job", job, reason="Parts"), job, f"{job.number} is on hold.")
    assert now_is(job).hold_reason == "Parts"
    board_is_told(desk.send("hold_job", job, release="1"), job, f"{job.number} goes on.")
    assert not now_is(job).is_on_hold


def test_usual_reason_for_a_hold_takes_one_click(desk, job):
    page = desk.open("hold_job", job)
    assert 'name="reason" value="Waiting for parts" formnovalidate' in html_of(page)
    assert desk.send("hold_job", job, reason=["", "Waiting for parts"]).status_code == 204  # as a browser sends it
    assert now_is(job).hold_reason == "Waiting for parts"


def test_job_on_hold_offers_its_release_with_the_reason(desk, job, omar):
    actions.hold_job(job, "Waiting for parts", by=omar)
    page = desk.open("hold_job", job, htmx=False)
    assert "Waiting for parts" in text_of(page)
    assert desk.send("hold_job", job, htmx=False, **typed(page)).status_code == 302
    assert not now_is(job).is_on_hold


def test_holding_twice_says_why_it_is_held_already(desk, job, omar):
    page = desk.open("hold_job", job, htmx=False)
    actions.hold_job(job, "Omar's reason", by=omar)
    response = desk.send("hold_job", job, **typed(page, reason="Dana's reason"))
    assert response.status_code == 409
    assert "already on hold: Omar's reason" in text_of(response)
    assert now_is(job).hold_reason == "Omar's reason"


def test_releasing_what_is_not_held_is_refused(desk, job):
    response = desk.send("hold_job", job, release="1")
    assert response.status_code == 409
    assert "not on hold" in text_of(response)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED])
def test_closed_jobs_cannot_be_held(desk, omar, status):
    job = make_job(status, by=omar)
    assert desk.send("hold_job", job, reason="Parts").status_code == 409


def test_held_job_does_not_start(desk, omar, tess):
    job = actions.hold_job(make_job(Status.ASSIGNED, by=omar, technician=tess), "Parts", by=omar)
    response = desk.send("change_status", job, seen=job.seen, to="en_route")
    assert response.status_code == 409
    assert "is on hold: Parts. Release it first." in text_of(response)
