"""Asking for a plan of the day: whose, of which part, by what wishes."""

import re
from datetime import UTC, date, datetime, time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch import actions
from dispatch.models import Plan, PlanningSettings, Status
from technicians.models import TimeOff, WorkingHours
from tests.factories import TechnicianFactory, make_job
from tests.pages import html_of, text_of, typed

DAY = date(2038, 3, 2)  # a Tuesday that is long to come
URL = "/plan-day/"
EARLIER = datetime(2038, 3, 1, 8, tzinfo=UTC)
AWAY = {"starts_at": datetime(2038, 3, 2, tzinfo=UTC), "ends_at": datetime(2038, 3, 4, tzinfo=UTC)}


@pytest.fixture
def asked(monkeypatch, dana):
    """What the planner was asked, instead of asking it."""
    calls = []

    def ask_for_plan(kind, day, technicians, **more):
        calls.append({"kind": kind, "day": day, "technicians": [one.pk for one in technicians], **more})
        scope = str(len(calls))
        return Plan.objects.create(kind="day", day=day, scope=scope, created_by=more["by"], created_at=EARLIER)

    monkeypatch.setattr(actions, "ask_for_plan", ask_for_plan, raising=False)
    return calls


@pytest.fixture
def crew(north):
    """Three technicians of North who work from 8 to 17, every day."""
    people = [TechnicianFactory(user__username=name, zones=[north]) for name in ("ana", "ben", "cleo")]
    for technician in people:
        give_hours(technician)
    return people


def give_hours(technician):
    for weekday in range(7):
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))


def page(client, **query):
    return client.get(URL, {"day": DAY.isoformat(), **query})


def test_dispatcher_asks_for_the_whole_day_with_two_keys(client, dana, crew, asked):
    client.force_login(dana)
    answer = client.post(URL, typed(page(client)) | {"technician": [one.pk for one in crew]})
    assert answer.url == reverse("plan", args=[Plan.objects.get().pk])
    assert asked == [
        {
            "kind": "day",
            "day": DAY,
            "technicians": [one.pk for one in crew],
            "by": dana,
            "with_unassigned": False,
            "preset": "",
            "stability": 30,
            "seconds": None,
        }
    ]


def test_board_goes_to_the_plan_without_a_page_inside_its_dialog(client, dana, crew, asked):
    client.force_login(dana)
    data = typed(page(client)) | {"technician": crew[0].pk}
    answer = client.post(URL, data, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == reverse("plan", args=[Plan.objects.get().pk])


def test_slider_counts_for_the_preset_that_it_stood_for(client, dana, crew, asked):
    """Without scripts it cannot follow another preset: then that one's own stability counts."""
    client.force_login(dana)
    data = typed(page(client)) | {"technician": crew[0].pk, "preset": "least_change"}
    client.post(URL, data | {"stability": "30", "stability_of": "usual"})
    client.post(URL, data | {"stability": "70", "stability_of": "least_change"})
    assert [(call["preset"], call["stability"]) for call in asked] == [("least_change", None), ("least_change", 70)]


def test_everybody_who_works_that_day_is_ticked(client, dana, crew, north):
    off = TechnicianFactory(user__username="off", zones=[north])
    WorkingHours.objects.create(technician=off, weekday=5, starts_at=time(8), ends_at=time(17))
    sick = crew[1]
    actions.mark_sick(sick, **AWAY, by=dana)
    client.force_login(dana)
    shown = page(client)
    assert ticked(shown) == {crew[0].pk, crew[2].pk}
    assert "2 technician s with" in text_of(shown)
    assert "Off that day" in text_of(shown)
    assert TimeOff.Kind.SICK.label in text_of(shown)


def ticked(response) -> set[int]:
    boxes = re.findall(r'<input type="checkbox" name="technician" value="(\d+)"[^>]*? checked', html_of(response))
    return {int(pk) for pk in boxes}


def test_zone_ticks_those_who_cover_it(client, omar, crew, south, tom):
    give_hours(tom)
    client.force_login(omar)
    assert ticked(page(client, zone=south.pk)) == {tom.pk}
    fragment = client.get(reverse("plan_scope"), {"day": DAY.isoformat(), "zone": south.pk})
    assert ticked(fragment) == {tom.pk}


def test_board_that_shows_some_technicians_plans_for_those(client, dana, crew):
    client.force_login(dana)
    assert ticked(page(client, technician=[crew[0].pk, crew[2].pk])) == {crew[0].pk, crew[2].pk}


def test_page_says_how_many_jobs_there_are_and_offers_those_that_nobody_has(client, dana, crew, north, omar, south):
    make_job(Status.ASSIGNED, technician=crew[0], by=dana, zone=north, scheduled_on=DAY)
    make_job(by=dana, zone=north, scheduled_on=DAY)
    make_job(by=omar, zone=south, scheduled_on=DAY)  # not hers
    client.force_login(dana)
    assert "3 technician s with 1 job s , and 1 that nobody has" in text_of(page(client))


def test_day_on_which_nobody_works_says_so(client, dana, crew):
    for technician in crew:
        technician.working_hours.filter(weekday=DAY.weekday()).delete()
    client.force_login(dana)
    assert "Nobody works on Tue 2 Mar 2038" in text_of(page(client))


def test_company_without_technicians_is_told_what_to_do(client, omar):
    client.force_login(omar)
    assert "No technicians cover any zone yet." in text_of(page(client))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"technician": []}, "Tick the technicians"),
        ({"technician": ["x"]}, "valid"),
        ({"technician": ["999999"]}, "valid"),
        ({"day": "1000-01-01"}, "out of reach"),
        ({"day": ""}, "required"),
        ({"kind": "route"}, "valid choice"),
        ({"preset": "worst"}, "valid choice"),
        ({"stability": "101"}, "less than or equal to 100"),
        ({"seconds": "7"}, "valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(client, dana, crew, asked, changes, said):
    client.force_login(dana)
    answer = client.post(URL, typed(page(client)) | {"technician": crew[0].pk} | changes)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert asked == []


def test_refusal_keeps_what_was_chosen(client, dana, crew, monkeypatch):
    def refuse(*args, **more):
        raise actions.ActionRefused("Omar is planning that day: 40 % done.")

    monkeypatch.setattr(actions, "ask_for_plan", refuse, raising=False)
    client.force_login(dana)
    chosen = {"technician": crew[1].pk, "preset": "most_jobs", "stability": "12", "stability_of": "most_jobs"}
    answer = client.post(URL, typed(page(client)) | chosen)
    assert answer.status_code == 409
    assert "Omar is planning that day: 40 % done." in text_of(answer)
    assert ticked(answer) == {crew[1].pk}
    assert 'id="preset-most_jobs" data-stability="0" checked' in html_of(answer)
    assert 'max="100" value="12"' in html_of(answer)


def test_slider_begins_where_the_settings_put_it(client, dana, crew):
    PlanningSettings.objects.update_or_create(pk=1, defaults={"stability": 55})
    client.force_login(dana)
    assert 'max="100" value="55"' in html_of(page(client))


def test_technician_of_another_zone_cannot_be_planned(client, dana, crew, tom, asked):
    client.force_login(dana)
    answer = client.post(URL, typed(page(client)) | {"technician": tom.pk})
    assert answer.status_code == 422
    assert asked == []


def test_sick_technicians_jobs_are_shared_out_among_those_who_work(client, dana, crew, asked):
    away = actions.mark_sick(crew[0], **AWAY, by=dana)
    client.force_login(dana)
    client.post(reverse("plan_absence", args=[away.pk]), {"day": DAY.isoformat()})
    assert asked[0]["kind"] == Plan.Kind.ABSENCE
    assert asked[0]["absent"] == crew[0]
    assert asked[0]["technicians"] == [crew[1].pk, crew[2].pk]


def test_queries_do_not_grow_with_technicians_and_jobs(client, dana, north, crew):
    client.force_login(dana)

    def count():
        with CaptureQueriesContext(connection) as queries:
            assert page(client).status_code == 200
        return len(queries)

    make_job(by=dana, zone=north, scheduled_on=DAY)
    count()
    few = count()
    for number in range(10):
        technician = TechnicianFactory(zones=[north])
        give_hours(technician)
        make_job(Status.ASSIGNED, technician=technician, by=dana, zone=north, scheduled_on=DAY)
        Plan.objects.create(
            kind="day", day=DAY, scope=str(number), created_by=dana, created_at=EARLIER, state="proposed"
        )
    assert count() <= few


def test_plans_are_listed_newest_first_and_only_ones_own(client, dana, omar, crew):
    for user, state in ((omar, "queued"), (dana, "applied"), (dana, "failed")):
        plan = Plan.objects.create(kind="day", day=DAY, created_by=user, created_at=EARLIER, state=state)
        plan.technicians.set(crew)
    client.force_login(dana)
    shown = text_of(client.get(reverse("plans")))
    assert shown.index("Failed") < shown.index("Applied")
    assert "Waiting" not in shown
    client.force_login(omar)
    assert "Waiting" in text_of(client.get(reverse("plans")))


def test_empty_list_of_plans_says_what_to_do(client, dana):
    client.force_login(dana)
    assert "Nobody has asked for a plan yet." in text_of(client.get(reverse("plans")))
