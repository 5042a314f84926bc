"""The menu offers exactly what can be done with the job now, and each entry does it."""

import re

import pytest
from django.urls import reverse

from dispatch import actions
from dispatch.board.job_menu import menu_of
from dispatch.models import Priority, Status
from tests.dispatch.test_transitions import Desk, board_is_told, now_is
from tests.factories import make_job
from tests.pages import html_of, text_of

ALWAYS = ["Follow-up…", "Duplicate…", "Edit", "Open page"]
MOVE = "Move to another day or time…"
INSERT = "Insert into a route…"
ENDS = ["Move to the top", "Move to the bottom"]
OPEN = ["Hold…", "Pin…", "Urgent", "High", "Normal", "Low", *ALWAYS, "Cancel job…"]


@pytest.fixture
def desk(client, dana):
    client.force_login(dana)
    return Desk(client)


def labels(job) -> list[str]:
    return [entry.label for group in menu_of(job) for entry in group.entries]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (Status.CREATED, ["Assign…", INSERT, MOVE, *OPEN]),
        (Status.ASSIGNED, ["En route", "Start work", "Reassign…", "Unassign", INSERT, MOVE, *ENDS, *OPEN]),
        (Status.EN_ROUTE, ["Start work", "Turn back", "Reassign…", *OPEN]),
        (Status.IN_PROGRESS, ["Complete", "Interrupt…", *OPEN]),
        (Status.COMPLETED, ["Reopen…", *ALWAYS]),
        (Status.CANCELLED, ["Reinstate", *ALWAYS]),
    ],
)
def test_menu_offers_what_can_be_done_now(omar, status, wanted):
    assert labels(make_job(status, by=omar)) == wanted


def test_job_on_hold_is_released_before_it_goes_on(omar):
    job = actions.hold_job(make_job(Status.ASSIGNED, by=omar), "Parts", by=omar)
    assert labels(job)[:6] == ["Reassign…", "Unassign", MOVE, *ENDS, "Release"]


@pytest.mark.parametrize("status", Status)
def test_every_entry_leads_to_what_it_says(desk, omar, status):
    """Posted ones are done at once, the others open their dialog or page."""
    for number in range(20):
        job = make_job(status, by=omar)
        entries = [entry for group in menu_of(job) for entry in group.entries]
        if number == len(entries):
            break
        entry = entries[number]
        if entry.values:
            response = desk.client.post(entry.url, entry.values, headers={"HX-Request": "true"})
            assert (entry.label, response.status_code) == (entry.label, 204)
        else:
            response = desk.client.get(entry.url)
            assert (entry.label, response.status_code) == (entry.label, 200)


def test_menu_is_a_fragment_for_htmx_and_a_page_for_everyone_else(desk, omar):
    job = make_job(by=omar)
    fragment, page = desk.open("job_menu", job), desk.open("job_menu", job, htmx=False)
    assert html_of(fragment).strip().startswith('<div class="job-menu" role="menu"')
    assert "<html" in html_of(page)
    assert text_of(fragment) in text_of(page)


def test_priority_of_now_is_ticked(desk, omar):
    menu = html_of(desk.open("job_menu", make_job(by=omar, priority=Priority.HIGH)))
    assert re.findall(r'role="menuitemradio" aria-checked="(\w+)">(\w+)', menu) == [
        ("false", "Urgent"),
        ("true", "High"),
        ("false", "Normal"),
        ("false", "Low"),
    ]


def test_simple_entry_tells_the_board(desk, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    unassign = next(entry for group in menu_of(job) for entry in group.entries if entry.label == "Unassign")
    response = desk.client.post(unassign.url, unassign.values, headers={"HX-Request": "true"})
    board_is_told(response, job, f"{job.number} is Created.")
    assert now_is(job).technician is None


def test_entry_of_a_menu_opened_before_the_job_changed_is_refused(desk, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    unassign = next(entry for group in menu_of(job) for entry in group.entries if entry.label == "Unassign")
    actions.change_status(job, Status.EN_ROUTE, by=omar)
    response = desk.client.post(unassign.url, unassign.values, headers={"HX-Request": "true"})
    assert response.status_code == 409
    assert f"{job.number} is En Route with Tess now." in text_of(response)


def test_menu_asks_the_database_the_same_for_every_job(desk, omar, django_assert_max_num_queries):
    job = make_job(by=omar)
    desk.open("job_menu", job)
    with django_assert_max_num_queries(10):
        desk.open("job_menu", job)


def test_list_and_drawer_open_the_menu(desk, omar):
    job = make_job(by=omar)
    button = f'data-job-menu="{job.pk}"'
    assert button in html_of(desk.client.get(reverse("board_list")))
    assert button in html_of(desk.open("job_drawer", job))
