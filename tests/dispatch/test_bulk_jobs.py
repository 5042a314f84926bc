"""Many jobs in one request: an answer for each, one entry in the journal, one live event."""

import json
import re

import pytest
from django.urls import reverse

from dispatch import actions, realtime
from dispatch.actions.bulk_board import MOST
from dispatch.forms.actions import USUAL_HOLDS
from dispatch.models import BoardAction, Job, LiveVersion, Priority, Status, StatusChange
from dispatch.smart.bulk_candidates import bulk_candidates_for
from technicians.models import Proficiency, TechnicianSkill
from tests.dispatch.board_page import at, day
from tests.factories import SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

HTMX = {"HX-Request": "true", "HX-Target": "dialog-body"}


@pytest.fixture
def desk(client, dana):
    client.force_login(dana)
    return Desk(client)


class Desk:
    def __init__(self, client):
        self.client = client

    def open(self, do, jobs):
        query = {"do": do, "jobs": ",".join(str(job.pk) for job in jobs)}
        return self.client.get(reverse("bulk_jobs"), query, headers=HTMX)

    def send(self, do, jobs, **fields):
        fields |= {"do": do, "jobs": ",".join(str(job.pk) for job in jobs)}
        return self.client.post(reverse("bulk_jobs"), fields, headers=HTMX)


@pytest.fixture
def jobs(omar, north):
    return [make_job(by=omar, zone=north) for _ in range(3)]


def stays_selected(response) -> list[int]:
    return [int(pk) for pk in re.search(r'data-now-selected="([\d ]*)"', html_of(response))[1].split()]


def now_are(jobs) -> list[Job]:
    return list(Job.objects.filter(pk__in=[job.pk for job in jobs]).order_by("pk"))


def states(jobs):
    return [(job.status, job.technician_id) for job in now_are(jobs)]


# What each verb does ------------------------------------------------------------------------------


def test_all_are_assigned_with_one_entry_and_undo_takes_all_back(desk, jobs, tess, dana):
    response = desk.send("assign", jobs, technician=tess.pk)
    assert response.status_code == 200
    assert "3 assigned" in text_of(response)
    assert states(jobs) == [(Status.ASSIGNED, tess.pk)] * 3
    assert StatusChange.objects.filter(to_status=Status.ASSIGNED, actor=dana).count() == 3
    action = BoardAction.objects.get(done_by=dana)
    assert action.label == "Assigned 3 jobs to Tess"
    actions.undo_action(action, by=dana)
    assert states(jobs) == [(Status.CREATED, None)] * 3


def test_unassigning_all(desk, jobs, tess):
    desk.send("assign", jobs, technician=tess.pk)
    desk.send("unassign", jobs)
    assert states(jobs) == [(Status.CREATED, None)] * 3


def test_priority_of_all(desk, jobs):
    desk.send("priority", jobs, priority=4)
    assert [job.priority for job in now_are(jobs)] == [Priority.URGENT] * 3


def test_what_has_that_priority_already_is_unchanged(desk, jobs, omar):
    actions.set_priority(jobs[0], Priority.URGENT, by=omar)
    response = desk.send("priority", jobs, priority=4)
    assert "2 changed, 1 unchanged" in text_of(response)
    assert json.loads(response["HX-Trigger"])["live-jobs"]["jobs"] == [jobs[1].pk, jobs[2].pk]
    assert "0 changed, 3 unchanged" in text_of(desk.send("priority", jobs, priority=4))


def test_many_are_held_for_a_usual_reason_with_one_click(desk, jobs):
    for reason in USUAL_HOLDS:
        assert f'name="reason" value="{reason}"' in html_of(desk.open("hold", jobs))
    desk.send("hold", jobs, reason=["", "Waiting for parts"])  # the empty field, then the button
    assert {job.hold_reason for job in now_are(jobs)} == {"Waiting for parts"}


def test_holding_and_releasing_all(desk, jobs):
    desk.send("hold", jobs, reason="Storm")
    assert [job.hold_reason for job in now_are(jobs)] == ["Storm"] * 3
    desk.send("release", jobs)
    assert not any(job.is_on_hold for job in now_are(jobs))


def test_cancelling_all_for_a_usual_reason(desk, jobs):
    desk.send("cancel", jobs, usual="Customer cancelled")
    assert states(jobs) == [(Status.CANCELLED, None)] * 3
    notes = StatusChange.objects.filter(to_status=Status.CANCELLED).values_list("note", flat=True)
    assert set(notes) == {"Customer cancelled"}


def test_rescheduling_keeps_technician_and_time_of_day(desk, omar, tess, north):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(9))
    desk.send("reschedule", [job], day=day(3).isoformat(), anyway="on")
    moved = now_are([job])[0]
    assert (moved.scheduled_on, moved.planned_starts_at, moved.technician) == (day(3), at(9, 3), tess)


def test_what_speaks_against_a_day_is_said_and_can_be_overruled(desk, omar, north):
    job = make_job(by=omar, zone=north, window_starts_at=at(9), window_ends_at=at(11))
    response = desk.send("reschedule", [job], day=day(3).isoformat())
    assert "promised to the customer" in text_of(response)
    assert now_are([job])[0].scheduled_on == day()
    desk.send("reschedule", [job], day=day(3).isoformat(), anyway="on")
    moved = now_are([job])[0]
    assert (moved.scheduled_on, moved.window_starts_at) == (day(3), at(9, 3))


def test_days_of_all_are_cleared(desk, jobs):
    desk.send("reschedule", jobs, clear="1")
    assert [job.scheduled_on for job in now_are(jobs)] == [None] * 3


# What is refused ----------------------------------------------------------------------------------


def test_refused_job_holds_up_no_other_and_stays_selected(desk, omar, tess, north, jobs):
    busy = make_job(Status.EN_ROUTE, by=omar, technician=tess, zone=north)
    other = TechnicianFactory(user__username="uma", zones=[north])
    response = desk.send("assign", [*jobs, busy], technician=other.pk)
    page = text_of(response)
    assert "3 assigned, 1 not" in page
    assert f"▲ Not assigned {busy.number} is already En Route with Tess. ✓ Assigned {jobs[0].number}" in page
    assert states([*jobs, busy]) == [(Status.ASSIGNED, other.pk)] * 3 + [(Status.EN_ROUTE, tess.pk)]
    assert stays_selected(response) == [busy.pk]
    assert json.loads(response["HX-Trigger"]) == {"live-jobs": {"jobs": [job.pk for job in jobs], "created": []}}


def test_job_of_another_zone_is_not_found_and_nothing_of_it_is_told(desk, omar, south, jobs):
    secret = make_job(by=omar, zone=south, description="Secret of South")
    response = desk.send("priority", [jobs[0], secret], priority=4)
    assert f"▲ Not changed {secret.number} was not found." in text_of(response)
    assert "Secret" not in html_of(response)
    assert stays_selected(response) == []
    assert [job.priority for job in now_are([jobs[0], secret])] == [Priority.URGENT, Priority.NORMAL]
    opened = desk.open("priority", [jobs[0], secret])
    assert "1 of them is no longer there for you" in text_of(opened)
    assert "Secret" not in html_of(opened)


def test_missing_job_and_foreign_job_look_alike(desk, omar, south):
    secret = make_job(by=omar, zone=south)
    foreign, missing = desk.send("release", [secret]), desk.send("release", [Job(pk=secret.pk + 1)])
    assert text_of(foreign).replace(secret.number, "J") == text_of(missing).replace(Job(pk=secret.pk + 1).number, "J")


def test_dispatcher_of_north_cannot_assign_all_to_a_technician_of_south(desk, jobs, tom):
    assert "Tom" not in html_of(desk.open("assign", jobs))
    assert desk.send("assign", jobs, technician=tom.pk).status_code == 422
    assert states(jobs) == [(Status.CREATED, None)] * 3


@pytest.mark.parametrize(
    ("do", "fields", "says"),
    [
        ("assign", {}, "This field is required"),
        ("reschedule", {}, "Choose the day."),
        ("reschedule", {"day": "soon"}, "Enter a valid date"),
        ("priority", {"priority": 7}, "not one of the available choices"),
        ("hold", {"reason": "  "}, "This field is required"),
        ("cancel", {"reason": "  "}, "Give a reason."),
        ("explode", {}, "Choose what to do with them."),
    ],
)
def test_what_is_missing_is_asked_for(desk, jobs, do, fields, says):
    response = desk.send(do, jobs, **fields)
    assert response.status_code == 422
    assert says in text_of(response)
    assert not BoardAction.objects.filter(done_by__username="dana").exists()


@pytest.mark.parametrize("ids", ["", "x", "1,-2", "9" * 30, ",".join(map(str, range(1, MOST + 2)))])
def test_odd_lists_of_jobs_are_refused(desk, ids):
    for method in (desk.client.get, desk.client.post):
        response = method(reverse("bulk_jobs"), {"do": "release", "jobs": ids})
        assert response.status_code == 422
    assert ("at most 500" in text_of(response)) == (ids.count(",") >= MOST)


def test_answer_about_very_many_jobs_does_not_name_each_in_a_header(desk, jobs, monkeypatch):
    monkeypatch.setattr("dispatch.views.bulk_jobs.IN_A_HEADER", 2)
    response = desk.send("hold", jobs, reason="Storm")
    assert json.loads(response["HX-Trigger"]) == {"live-refresh": True}


def test_job_named_twice_is_changed_once(desk, jobs):
    response = desk.send("hold", [jobs[0], jobs[0]], reason="Storm")
    assert "1 put on hold" in text_of(response)


# One event ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_changes_are_one_event(desk, jobs, north, monkeypatch):
    sent = []

    async def note(event, groups, payload):
        sent.append((event, groups, payload))

    monkeypatch.setattr(realtime, "_send", note)
    before = LiveVersion.objects.get(pk=f"zone.{north.pk}").number
    desk.send("priority", jobs, priority=4)
    assert sent == [("job-changed", [f"zone.{north.pk}"], {"jobs": [job.pk for job in jobs]})]
    assert LiveVersion.objects.get(pk=f"zone.{north.pk}").number == before + 1


@pytest.mark.django_db(transaction=True)
def test_whoever_loses_a_job_hears_of_it(desk, omar, tess, north, monkeypatch):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    groups = []

    async def note(event, told, payload):
        groups.extend(told)

    monkeypatch.setattr(realtime, "_send", note)
    desk.send("unassign", [job])
    assert f"user.{tess.user_id}" in groups


# The technicians to choose from -------------------------------------------------------------------


def test_what_speaks_against_a_technician_is_summed_up(omar, dana, tess, north, jobs):
    hvac = SkillFactory(name="HVAC")
    needing = [
        make_job(by=omar, zone=north, skills=[actions.SkillNeed(hvac.pk, Proficiency.ADVANCED)]) for _ in range(2)
    ]
    expert = TechnicianFactory(user__username="uma", zones=[north])
    TechnicianSkill.objects.create(technician=expert, skill=hvac, level=Proficiency.EXPERT)
    found = bulk_candidates_for(Job.objects.filter(pk__in=[job.pk for job in [*jobs, *needing]]), user=dana)
    assert [(str(candidate.technician), candidate.objections) for candidate in found] == [
        ("Uma", []),
        ("Tess", ["2 of 5: Lacks HVAC Advanced"]),
    ]


def test_day_fills_up_with_the_jobs_themselves(dana, tess, jobs):
    tess.daily_maximum = 2
    tess.save()
    found = bulk_candidates_for(jobs, user=dana)
    assert found[0].objections == ["1 of 3: The day is full"]


def test_jobs_at_the_same_time_overlap_each_other_and_not_themselves(omar, dana, tess, north):
    same = [
        make_job(by=omar, zone=north, planned_starts_at=at(9)),
        make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(9)),
    ]
    assert bulk_candidates_for(same, user=dana)[0].objections == ["1 of 2: Overlaps another job"]
    assert bulk_candidates_for(same[1:], user=dana)[0].objections == []


@pytest.mark.parametrize("do", ["assign", "reschedule", "cancel", "priority", "hold"])
def test_dialog_asks_the_database_the_same_for_3_jobs_and_for_12(
    desk, omar, north, tess, jobs, do, django_assert_max_num_queries
):
    desk.open(do, jobs)
    with django_assert_max_num_queries(40) as few:
        desk.open(do, jobs)
    more = jobs + [make_job(by=omar, zone=north) for _ in range(9)]
    with django_assert_max_num_queries(len(few)):
        assert "12 jobs" in text_of(desk.open(do, more))


def test_without_htmx_the_dialog_is_a_page(desk, jobs):
    ids = ",".join(str(job.pk) for job in jobs)
    page = desk.client.get(reverse("bulk_jobs"), {"do": "hold", "jobs": ids})
    assert "<html" in html_of(page)
    answer = desk.client.post(reverse("bulk_jobs"), {"do": "hold", "jobs": ids, "reason": "Storm"})
    assert "3 put on hold" in text_of(answer)
