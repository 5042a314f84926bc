"""The pages of maintenance plans: the list, one of them, the form with its preview, skipping, CSV."""

from datetime import UTC, date, datetime, time

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch import actions
from dispatch.models import Job, MaintenancePlan, Status
from sla.models import BusinessCalendar
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, make_job, make_plan
from tests.pages import html_of, text_of, typed

HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday, 10:00 in New York
MONDAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def plan(dana, north):
    return make_plan(by=dana, zone=north, window_starts=time(9), window_ends=time(11))


@pytest.fixture
def site(north):
    site = SiteFactory(customer=CustomerFactory(name="Keystone Bakery"), latitude=40.1, longitude=-75.1)
    actions.locate_site(site)
    return site


@pytest.fixture
def see(client, dana):
    client.force_login(dana)
    return lambda view, *args, **query: client.get(reverse(view, args=args), query)


def fill_in(client, response, url, **changes):
    """As a browser would send the form; several values of one field as a list."""
    return client.post(url, typed(response) | changes)


# The form -----------------------------------------------------------------------------------------


def test_dispatcher_makes_a_plan_of_every_third_months_first_monday(client, see, site):
    kind = JobTypeFactory()
    url = reverse("new_maintenance_plan")
    response = fill_in(
        client,
        see("new_maintenance_plan", site=site.pk),
        url,
        site=site.pk,
        name="Quarterly check",
        job_type=kind.pk,
        interval=3,
        frequency="MONTHLY",
        on="weekday",
        nth=1,
        weekday=0,
        starts_on="2026-12-01",
        window_starts="09:00",
        window_ends="11:00",
    )
    plan = MaintenancePlan.objects.get()
    assert response.url == reverse("maintenance_plan", args=[plan.pk])
    assert (plan.rule, plan.customer, plan.time_zone) == (
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO",
        site.customer,
        "America/New_York",
    )
    assert plan.visits.get().due_on == date(2026, 12, 7)


@pytest.mark.parametrize(
    "fields, rule",
    [
        ({"frequency": "DAILY", "interval": 2}, "FREQ=DAILY;INTERVAL=2"),
        (
            {"frequency": "WEEKLY", "weekdays": [0, 3], "months": [5, 6]},
            "FREQ=WEEKLY;INTERVAL=1;BYMONTH=5,6;BYDAY=MO,TH;WKST=MO",
        ),
        ({"frequency": "MONTHLY", "on": "day", "month_day": -1}, "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1"),
        (
            {"frequency": "MONTHLY", "on": "weekday", "nth": -1, "weekday": "working"},
            "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        ),
        (
            {"frequency": "YEARLY", "on": "day", "month_day": 3, "month": 5},
            "FREQ=YEARLY;INTERVAL=1;BYMONTH=5;BYMONTHDAY=3",
        ),
        (
            {"frequency": "MONTHLY", "on": "day", "month_day": 3, "months": list(range(1, 13))},
            "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=3",
        ),
    ],
)
def test_each_kind_of_recurrence_is_written_and_shown_again(client, see, site, fields, rule):
    url = reverse("new_maintenance_plan")
    more = {"name": "Check", "job_type": JobTypeFactory().pk, "site": site.pk}
    assert fill_in(client, see("new_maintenance_plan"), url, **more, **fields).status_code == 302
    plan = MaintenancePlan.objects.get()
    assert plan.rule == rule
    edit = reverse("edit_maintenance_plan", args=[plan.pk])
    shown = see("edit_maintenance_plan", plan.pk)
    several = {name: fields[name] for name in ("weekdays", "months") if name in fields and len(fields[name]) < 12}
    assert fill_in(client, shown, edit, **several).status_code == 302
    plan.refresh_from_db()
    assert (plan.rule, plan.version) == (rule, 1)  # nothing was changed


@pytest.mark.parametrize(
    "fields, says",
    [
        ({"site": ""}, "Choose the place"),
        ({"frequency": "WEEKLY", "weekdays": []}, "Choose on which days of the week"),
        ({"interval": 0}, "greater than or equal to 1"),
        ({"interval": 200, "frequency": "MONTHLY"}, "between 1 and 60 months"),
        ({"frequency": "HOURLY"}, "HOURLY is not one of the available choices"),
        ({"starts_on": "2026-11-20", "ends_on": "2026-11-19"}, "ends before it begins"),
        ({"starts_on": "1999-12-31"}, "2000 is the earliest"),
        ({"ends_on": "2026-11-20", "frequency": "MONTHLY", "on": "day", "month_day": 25}, "Nothing is due until then"),
        ({"window_starts": "09:00"}, "a beginning and an end"),
        ({"window_starts": "09:00", "window_ends": "08:00"}, "ends before it begins"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
        ({"frequency": "MONTHLY", "interval": 2, "on": "day", "month_day": 1, "months": [12]}, "never be due"),
        ({"days_ahead": 0}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(client, see, site, fields, says):
    fields = {"name": "Check", "job_type": JobTypeFactory().pk, "site": site.pk} | fields
    response = fill_in(client, see("new_maintenance_plan"), reverse("new_maintenance_plan"), **fields)
    assert response.status_code == 422
    assert says in text_of(response)
    assert not MaintenancePlan.objects.exists()


def test_a_plan_begins_with_a_job_that_is_to_come_again(see, dana, north):
    job = make_job(by=dana, zone=north, description="Change the filter", duration_minutes=45)
    shown = see("new_maintenance_plan", job=job.pk)
    form = typed(shown)
    assert (form["site"], form["duration_minutes"], form["description"]) == (
        str(job.site_id),
        "45",
        "Change the filter",
    )


def test_jobs_of_other_zones_are_no_beginning(see, omar, south):
    job = make_job(by=omar, zone=south, description="Secret")
    assert "Secret" not in html_of(see("new_maintenance_plan", job=job.pk))


def test_places_are_found_in_ones_own_zones_with_and_without_scripts(client, see, site, south):
    other = SiteFactory(customer=CustomerFactory(name="Keystone South"), latitude=39.9, longitude=-75.1)
    actions.locate_site(other)
    found = text_of(see("maintenance_sites", q="keystone"))
    assert "Keystone Bakery" in found
    assert "Keystone South" not in found
    whole = see("new_maintenance_plan", q="keystone", name="Check", interval=2, frequency="WEEKLY", weekdays=[1])
    assert "Keystone Bakery" in text_of(whole)
    assert typed(whole)["name"] == "Check"


def test_a_place_of_another_zone_is_not_taken(client, see, south):
    other = SiteFactory(latitude=39.9, longitude=-75.1)
    actions.locate_site(other)
    fields = {"name": "Check", "job_type": JobTypeFactory().pk, "site": other.pk}
    assert fill_in(client, see("new_maintenance_plan"), reverse("new_maintenance_plan"), **fields).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"site": "x"},
        {"job": "²"},
        {"job": 10**30},
        {"interval": "x"},
        {"starts_on": "x"},
        {"q": "\x00"},
        {"month": "x", "months": "x"},
    ],
)
def test_a_link_that_makes_no_sense_still_shows_the_form(see, query):
    assert see("new_maintenance_plan", **query).status_code == 200


# The preview --------------------------------------------------------------------------------------


def test_the_preview_has_the_sentence_the_days_and_the_holidays(see, site):
    BusinessCalendar.objects.update(country="US")
    rule = {
        "frequency": "WEEKLY",
        "interval": 1,
        "weekdays": 3,
        "starts_on": "2026-11-18",
        "time_zone": "America/New_York",
    }
    shown = text_of(see("maintenance_preview", **rule))
    assert "Every week on Thursday" in shown
    assert "Thu 26 Nov ▲ Thanksgiving" in shown
    assert "Thu 4 Feb 2027" in shown
    assert "Thu 11 Feb" not in shown  # twelve of them


def test_the_preview_says_on_which_days_the_business_is_closed(see, site):
    rule = {
        "frequency": "WEEKLY",
        "interval": 1,
        "weekdays": 6,
        "starts_on": "2026-11-18",
        "time_zone": "America/New_York",
    }
    assert "Sun 22 Nov ▲ Closed on Sundays" in text_of(see("maintenance_preview", **rule))


def test_the_preview_says_what_is_missing(see):
    shown = text_of(see("maintenance_preview", frequency="WEEKLY", interval=1, starts_on="2026-11-18", time_zone="UTC"))
    assert "Choose on which days of the week." in shown


@pytest.mark.parametrize(
    "query",
    [{}, {"interval": "-3", "frequency": "WEEKLY"}, {"job_type": "x", "site": "9" * 40}, {"starts_on": "9999-12-31"}],
)
def test_the_preview_bears_nonsense(see, query):
    assert see("maintenance_preview", **query).status_code == 200


def test_the_form_shows_the_preview_of_what_it_begins_with(see, plan):
    assert "Every week on Monday" in text_of(see("edit_maintenance_plan", plan.pk))


# Changing -----------------------------------------------------------------------------------------


def test_a_change_asks_about_made_visits_and_does_what_is_answered(client, see, plan):
    url = reverse("edit_maintenance_plan", args=[plan.pk])
    change = {"weekdays": [1]}
    asked = fill_in(client, see("edit_maintenance_plan", plan.pk), url, **change)
    assert asked.status_code == 422
    assert "4 visits are made already. Should they follow?" in text_of(asked)
    assert "moves to Tue 24 Nov" in text_of(asked)
    done = fill_in(client, asked, url, made="follow", **change)
    assert done.status_code == 302
    assert set(Job.objects.values_list("scheduled_on__iso_week_day", flat=True)) == {2}


def test_who_edits_what_changed_meanwhile_keeps_the_input_and_hears_of_it(client, see, plan, omar):
    url = reverse("edit_maintenance_plan", args=[plan.pk])
    shown = see("edit_maintenance_plan", plan.pk)
    actions.set_maintenance_active(plan, False, made=actions.STAY, by=omar)
    response = fill_in(client, shown, url, weekdays=[0], days_ahead=12)
    assert response.status_code == 409
    assert "Somebody has changed" in text_of(response)
    assert typed(response)["days_ahead"] == "12"


# One plan -----------------------------------------------------------------------------------------


def test_the_page_of_a_plan_has_its_days_jobs_and_changes(see, plan, dana):
    actions.skip_visit(plan, date(2026, 11, 30), "Customer on holiday", by=dana)
    shown = text_of(see("maintenance_plan", plan.pk))
    job = plan.visits.first().job
    assert "Every week on Monday, 09:00–11:00" in shown
    assert f"Mon 23 Nov {job.number} Created Nobody yet" in shown
    assert "Mon 30 Nov Skipped by Dana, 18 Nov 10:00: Customer on holiday" in shown
    assert "Mon 21 Dec Its job is made on Sat 21 Nov" in shown
    assert "Dana Made the plan" in shown


def test_the_page_says_where_a_visit_was_moved(see, plan, dana):
    job = plan.visits.first().job
    actions.edit_job(job, {"scheduled_on": date(2026, 11, 25)}, by=dana, base_version=job.version)
    assert "on Wed 25 Nov" in text_of(see("maintenance_plan", plan.pk))


def test_jobs_of_another_zone_are_not_named(see, omar, plan, south):
    job = plan.visits.first().job
    elsewhere = SiteFactory(latitude=39.9, longitude=-75.1)
    actions.edit_job(job, {"site": elsewhere}, by=omar, base_version=job.version)
    shown = text_of(see("maintenance_plan", plan.pk))
    assert job.number not in shown
    assert "Its job is in another zone" in shown


def test_plans_of_other_zones_do_not_exist(client, see, omar, south):
    foreign = make_plan(by=omar, zone=south)
    for name in ("maintenance_plan", "edit_maintenance_plan", "pause_maintenance"):
        assert see(name, foreign.pk).status_code == 404
    for name in ("skip_visit", "unskip_visit", "pause_maintenance", "edit_maintenance_plan"):
        assert client.post(reverse(name, args=[foreign.pk]), {"day": "2026-11-23"}).status_code == 404
    assert not foreign.visits.exclude(skipped_at=None).exists()


def test_a_plan_with_a_rule_from_elsewhere_can_be_seen_and_mended(client, see, plan):
    MaintenancePlan.objects.filter(pk=plan.pk).update(rule="FREQ=HOURLY")
    assert "not understood" in text_of(see("maintenance_plan", plan.pk))
    assert see("edit_maintenance_plan", plan.pk).status_code == 200
    assert see("maintenance_plans").status_code == 200


def test_a_visit_is_skipped_in_the_dialog(client, see, plan):
    url = reverse("skip_visit", args=[plan.pk])
    dialog = client.get(url, {"day": MONDAY.isoformat()}, headers=HTMX)
    assert "is cancelled, and whoever has it is told" in text_of(dialog)
    assert client.post(url, {"day": MONDAY.isoformat()}, headers=HTMX).status_code == 422
    done = client.post(url, {"day": MONDAY.isoformat(), "reason": "Moving house"}, headers=HTMX)
    assert done.status_code == 204
    assert "close-dialog" in done.headers["HX-Trigger"]
    visit = plan.visits.get(due_on=MONDAY)
    assert (visit.is_skipped, visit.job.status) == (True, Status.CANCELLED)
    again = client.post(url, {"day": MONDAY.isoformat(), "reason": "Twice"}, headers=HTMX)
    assert again.status_code == 409
    assert "Dana has skipped this visit already" in text_of(again)


def test_a_skip_without_htmx_leads_back_to_the_plan_and_can_be_taken_back(client, see, plan):
    response = client.post(
        reverse("skip_visit", args=[plan.pk]), {"day": MONDAY.isoformat(), "reason": "No"}, follow=True
    )
    assert "The visit of Mon 23 Nov is skipped." in text_of(response)
    response = client.post(reverse("unskip_visit", args=[plan.pk]), {"day": MONDAY.isoformat()}, follow=True)
    assert "The visit of Mon 23 Nov is due again." in text_of(response)
    assert plan.visits.get(due_on=MONDAY).job.status == Status.CREATED


@pytest.mark.parametrize("day", ["", "x", "2026-13-01"])
def test_a_day_that_is_none_leads_back(client, see, plan, day):
    for name in ("skip_visit", "unskip_visit"):
        assert client.post(reverse(name, args=[plan.pk]), {"day": day}).status_code == 302


def test_pausing_asks_and_going_on_makes_visits_again(client, see, plan):
    url = reverse("pause_maintenance", args=[plan.pk])
    assert "4 visits are made already and not begun" in text_of(client.get(url, headers=HTMX))
    assert client.post(url, headers=HTMX).status_code == 422
    assert client.post(url, {"made": "follow"}, headers=HTMX).status_code == 204
    plan.refresh_from_db()
    assert not plan.is_active
    assert Job.objects.open().count() == 0
    assert client.post(url, {"do": "resume"}, headers=HTMX).status_code == 204
    assert Job.objects.open().count() == 4


# The list -----------------------------------------------------------------------------------------


def test_the_list_says_what_comes_next(see, plan):
    shown = text_of(see("maintenance_plans"))
    assert f"Mon 23 Nov {plan.visits.first().job.number} Created" in shown


def test_a_skipped_visit_is_not_what_comes_next(see, plan, dana):
    actions.skip_visit(plan, MONDAY, "No", by=dana)
    shown = text_of(see("maintenance_plans"))
    assert "Mon 30 Nov" in shown
    assert "1 skipped" in shown


def names_on(response) -> list[str]:
    return [row.plan.name for row in response.context["found"].rows]


def test_the_list_is_narrowed(see, dana, north, site, tess):
    make_plan(by=dana, zone=north, name="Running")
    make_plan(by=dana, site=site, name="Bread", technician=tess, job_type=JobTypeFactory(name="Oven"))
    make_plan(by=dana, zone=north, name="Over", ends_on=date(2026, 11, 23), starts_on=date(2026, 1, 1))
    MaintenancePlan.objects.filter(name="Over").update(ends_on=date(2026, 11, 1))
    resting = make_plan(by=dana, zone=north, name="Resting")
    actions.set_maintenance_active(resting, False, made=actions.STAY, by=dana)
    assert names_on(see("maintenance_plans")) == ["Bread", "Running"]
    assert names_on(see("maintenance_plans", state="paused")) == ["Resting"]
    assert names_on(see("maintenance_plans", state="ended")) == ["Over"]
    assert len(names_on(see("maintenance_plans", state="all"))) == 4
    assert names_on(see("maintenance_plans", q="keystone")) == ["Bread"]
    assert names_on(see("maintenance_plans", technician=tess.pk)) == ["Bread"]
    assert names_on(see("maintenance_plans", technician="none")) == ["Running"]
    assert names_on(see("maintenance_plans", zone=north.pk)) == ["Bread", "Running"]
    assert names_on(see("maintenance_plans", customer=site.customer_id)) == ["Bread"]
    assert names_on(see("maintenance_plans", site=site.pk)) == ["Bread"]
    assert names_on(see("maintenance_plans", site="x")) == ["Bread", "Running"]


def test_plans_of_other_zones_are_not_listed(see, omar, south):
    make_plan(by=omar, zone=south)
    assert names_on(see("maintenance_plans", state="all")) == []
    assert "Boiler service" not in b"".join(see("export_maintenance")).decode()


def queries(see, name, *args, **query) -> int:
    with CaptureQueriesContext(connection) as found:
        response = see(name, *args, **query)
        if response.streaming:
            b"".join(response)
    return len(found)


@pytest.mark.parametrize("name", ["maintenance_plans", "export_maintenance"])
def test_many_plans_take_as_many_queries_as_few(see, dana, north, tess, name):
    def make(count):
        for number in range(count):
            make_plan(by=dana, zone=north, name=f"Plan {number}", technician=tess, days_ahead=7)

    make(2)
    see(name)
    few = queries(see, name)
    make(6)
    assert queries(see, name) == few


def test_many_visits_take_as_many_queries_as_few(see, dana, north, plan):
    many = make_plan(by=dana, zone=north, rule="FREQ=DAILY", days_ahead=12)
    see("maintenance_plan", plan.pk)
    assert queries(see, "maintenance_plan", many.pk) == queries(see, "maintenance_plan", plan.pk)


def test_a_spreadsheet_runs_nothing_of_what_people_typed(see, dana, north):
    make_plan(by=dana, zone=north, name="=1+1", description="@SUM(A1)", window_starts=time(9), window_ends=time(11))
    text = b"".join(see("export_maintenance")).decode()
    assert "'=1+1" in text
    assert "'@SUM(A1)" in text
    assert (
        "Repair,'@SUM(A1),Normal,60,,FREQ=WEEKLY;BYDAY=MO,2026-11-18,,09:00,11:00,America/New_York,30,yes,"
        "North,,every week on Monday,2026-11-23,J-" in text
    )


# Elsewhere ----------------------------------------------------------------------------------------


def test_the_job_page_says_from_which_plan_it_comes(see, plan):
    visit = plan.visits.first()
    shown = see("job", visit.job_id)
    assert "Boiler service" in text_of(shown)
    assert reverse("maintenance_plan", args=[plan.pk]) in html_of(shown)


def test_the_job_page_names_the_plans_at_the_place(see, dana, plan):
    job = make_job(by=dana, site=plan.site)
    shown = html_of(see("job", job.pk))
    assert reverse("maintenance_plan", args=[plan.pk]) in shown
    assert f"{reverse('new_maintenance_plan')}?job={job.pk}" in shown


def test_the_palette_leads_to_the_plans(client, see):
    assert "maintenance plans" in text_of(client.get(reverse("palette"), {"q": "maint"}, headers=HTMX))


def test_the_preview_of_a_plan_that_is_changed_says_what_is_skipped(see, plan, dana):
    actions.skip_visit(plan, MONDAY, "Moving house", by=dana)
    rule = {
        "frequency": "WEEKLY",
        "interval": 1,
        "weekdays": 0,
        "starts_on": "2026-11-18",
        "time_zone": "America/New_York",
    }
    assert "Mon 23 Nov skipped: Moving house" in text_of(see("maintenance_preview", plan=plan.pk, **rule))
    assert "Mon 23 Nov skipped: Moving house" in text_of(see("edit_maintenance_plan", plan.pk))


def test_skipped_visits_of_other_zones_are_not_told(see, omar, south):
    foreign = make_plan(by=omar, zone=south)
    actions.skip_visit(foreign, MONDAY, "Secret", by=omar)
    rule = {
        "frequency": "WEEKLY",
        "interval": 1,
        "weekdays": 0,
        "starts_on": "2026-11-18",
        "time_zone": "America/New_York",
    }
    assert "Secret" not in text_of(see("maintenance_preview", plan=foreign.pk, **rule))


def test_another_place_is_found_for_a_plan_that_is_changed_without_scripts(see, plan, site):
    shown = see("edit_maintenance_plan", plan.pk, q="keystone", site=plan.site_id, days_ahead=12)
    assert "Keystone Bakery" in text_of(shown)
    assert (typed(shown)["site"], typed(shown)["days_ahead"]) == (str(plan.site_id), "12")
