from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.crew import load_crew, minutes_on_duty
from dispatch.models import Status
from technicians import attendance
from technicians.models import ClockRecord, Proficiency, Technician, TechnicianSkill, TimeOff
from tests.factories import ServiceZoneFactory, SkillFactory, TechnicianFactory, make_job

URL = "/technicians/"
HTMX = {"HX-Request": "true", "HX-Target": "crew"}


@pytest.fixture
def page(client, omar):
    """The page's text for a manager; `page("?q=...")` for another query."""
    client.force_login(omar)
    return lambda query="", **kwargs: client.get(URL + query, **kwargs).content.decode()


@pytest.fixture
def row(rf, omar):
    """The one row of the technician."""

    def load(technician, user=omar):
        request = rf.get(URL, {"q": technician.user.username})
        request.user = user
        (found,) = load_crew(request).rows
        return found

    return load


def test_strangers_are_sent_to_the_login(client, db):
    assert client.get(URL).url.startswith(reverse("login"))


@pytest.mark.parametrize("who", ["tess", "nick"])
def test_technicians_and_people_without_a_role_do_not_see_the_crew(client, request, db, who):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(URL).status_code == 403


@pytest.mark.parametrize("who", ["dana", "omar", "ada"])
def test_dispatching_roles_see_the_crew(client, request, db, who, tess):
    client.force_login(request.getfixturevalue(who))
    assert "Tess" in client.get(URL).content.decode()


def test_the_page_is_for_reading_only(client, omar):
    client.force_login(omar)
    assert client.post(URL).status_code == 405


def test_dispatcher_sees_those_of_her_zones_and_no_others(client, dana, tess, tom):
    client.force_login(dana)
    page = client.get(URL).content.decode()
    assert "Tess" in page
    assert "Tom" not in page


def test_dispatcher_cannot_filter_by_a_zone_that_is_not_hers(client, dana, tess, south):
    client.force_login(dana)
    page = client.get(URL, {"zone": south.pk}).content.decode()
    assert "The filter was left out" in page
    assert "South" not in page


def test_a_job_in_a_foreign_zone_is_not_named(row, dana, omar, tess, south):
    tess.zones.add(south)
    make_job(Status.EN_ROUTE, by=omar, technician=tess, zone=south)
    found = row(tess, user=dana)
    assert found.doing_label == "En route"
    assert found.job is None


def test_no_commission_rates_here(page, tess):
    Technician.objects.update(commission_rate="17.25")
    text = page()
    assert "17.25" not in text
    assert "ommission" not in text


@pytest.mark.parametrize(
    ("status", "label"), [(Status.EN_ROUTE, "En route"), (Status.IN_PROGRESS, "On site")], ids=["driving", "working"]
)
def test_a_technician_on_a_job_is_shown_with_it(row, omar, tess, status, label):
    job = make_job(status, by=omar, technician=tess)
    found = row(tess)
    assert found.doing_label == label
    assert found.job == job


def test_a_job_on_hold_says_why(row, omar, tess):
    job = make_job(Status.IN_PROGRESS, by=omar, technician=tess)
    actions.hold_job(job, "Waiting for the key", by=omar)
    assert row(tess).detail == "On hold: Waiting for the key"


def test_why_a_job_of_a_foreign_zone_is_on_hold_is_not_told(row, omar, dana, tess, south):
    job = make_job(Status.IN_PROGRESS, by=omar, technician=tess, zone=south)
    actions.hold_job(job, "Waiting for the key", by=omar)
    found = row(tess, dana)
    assert (found.doing_label, found.job, found.detail) == ("On site", None, "")


def test_clocked_in_is_available_and_clocked_out_is_off_shift(row, tess):
    assert row(tess).doing_label == "Off shift"
    attendance.clock_in(tess, now=timezone.now())
    assert row(tess).doing_label == "Available"
    attendance.clock_out(tess, now=timezone.now())
    assert row(tess).doing_label == "Off shift"


def test_time_off_is_shown_with_its_reason_while_it_lasts(row, tess):
    now = timezone.now()
    TimeOff.objects.create(technician=tess, kind="sick", starts_at=now - timedelta(days=3), ends_at=now)
    assert row(tess).doing_label == "Off shift"
    TimeOff.objects.create(technician=tess, kind="sick", starts_at=now, ends_at=now + timedelta(days=1))
    found = row(tess)
    assert found.doing_label == "Time off"
    assert found.detail.startswith("Called out sick, until ")


@pytest.mark.parametrize(
    ("jobs", "percent", "tone"),
    [(0, 0, ""), (6, 60, ""), (7, 70, "busy"), (8, 80, "busy"), (9, 90, "full"), (12, 120, "full")],
)
def test_the_load_bar_warns_before_the_day_is_full(row, omar, tess, jobs, percent, tone):
    Technician.objects.update(daily_maximum=10)
    for _ in range(jobs):
        make_job(Status.ASSIGNED, by=omar, technician=tess)
    found = row(tess)
    assert (found.jobs_today, found.load_percent, found.load_tone) == (jobs, percent, tone)
    assert found.load_width <= 100


def test_cancelled_jobs_and_those_of_other_days_are_no_load(row, omar, tess):
    tomorrow = timezone.localdate() + timedelta(days=1)
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=tomorrow)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    actions.change_status(job, Status.CANCELLED, by=omar, note="Called off")
    make_job(Status.COMPLETED, by=omar, technician=tess)
    found = row(tess)
    assert (found.jobs_today, found.done_today) == (1, 1)


def test_the_age_of_the_position_is_shown(page, tess):
    assert "No position" in page()
    Technician.objects.update(latitude=40, longitude=-75, position_at=timezone.now() - timedelta(minutes=2))
    assert "2 min ago" in page()


def test_hours_on_duty_count_from_midnight_and_go_on_while_clocked_in():
    now = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    records = [
        ClockRecord(clocked_in_at=now - timedelta(hours=14), clocked_out_at=now - timedelta(hours=10)),
        ClockRecord(clocked_in_at=now - timedelta(hours=1), clocked_out_at=None),
    ]
    assert minutes_on_duty(records, now=now) == (2 + 1) * 60


def test_skills_and_zones_are_shown(page, tess):
    TechnicianSkill.objects.create(technician=tess, skill=SkillFactory(name="Welding"), level=Proficiency.EXPERT)
    text = page()
    assert "Welding <b>Expert</b>" in text
    assert "North" in text


def test_search_by_name_and_filter_by_zone(page, tess, tom, north):
    assert "Tess" in page("?q=tes") and "Tom" not in page("?q=tes")
    assert "Tess" in page(f"?zone={north.pk}") and "Tom" not in page(f"?zone={north.pk}")
    assert "No technician matches." in page("?q=nobody")


@pytest.mark.parametrize("query", ["?zone=x", "?zone=999999", "?page=x", "?page=999", "?q=%00"])
def test_a_broken_query_still_shows_the_page(page, tess, query):
    assert "Technicians" in page(query)


def test_without_technicians_the_page_says_so(page):
    assert "No technicians yet." in page()


def test_the_fragment_is_part_of_the_page(page, tess):
    fragment = page(headers=HTMX)
    assert "<html" not in fragment
    assert fragment.strip() in page()


def test_as_many_queries_for_fifty_technicians_as_for_five(client, omar, north, django_assert_max_num_queries):
    client.force_login(omar)

    def hire(count):
        for _ in range(count):
            technician = TechnicianFactory(zones=[north, ServiceZoneFactory()])
            TechnicianSkill.objects.create(technician=technician, skill=SkillFactory())
            make_job(Status.EN_ROUTE, by=omar, technician=technician)

    hire(5)
    client.get(URL)
    with django_assert_max_num_queries(30) as few:
        client.get(URL)
    hire(45)
    with django_assert_max_num_queries(len(few)):
        client.get(URL)
