import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch import actions
from dispatch.actions import SkillNeed
from dispatch.models import Status
from technicians.models import Proficiency
from tests.dispatch.board_page import at, day
from tests.factories import CustomerFactory, SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, links_of, text_of

ALL = reverse("day_sheets")


def sheet_of(client, technician, on=None):
    return client.get(reverse("day_sheet", args=[technician.pk]), {"day": on} if on else {})


def stops_on(response) -> list[str]:
    return re.findall(r"<b>(J-\d+)</b>", html_of(response))


def names_on(response) -> list[str]:
    return re.findall(r'<h2 id="sheet-\d+">([^<]*)</h2>', html_of(response))


@pytest.fixture
def his(client, omar):
    client.force_login(omar)
    return client


# What others may not see --------------------------------------------------------------------------


def test_dispatcher_cannot_print_for_technicians_of_other_zones(client, dana, omar, tess, tom, south):
    make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    client.force_login(dana)
    assert sheet_of(client, tom).status_code == 404
    assert "Tom" not in html_of(client.get(ALL))


def test_jobs_of_other_zones_are_not_printed_but_missed(client, dana, omar, tess, north, south):
    mine = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    make_job(Status.ASSIGNED, by=omar, technician=tess, zone=south, description="Secret of South")
    client.force_login(dana)
    for page in (sheet_of(client, tess), client.get(ALL)):
        assert stops_on(page) == [mine.number]
        assert "Secret" not in html_of(page)
        assert "1 more job on this day in zones that you do not dispatch" in text_of(page)


# What is on it ------------------------------------------------------------------------------------


def test_sheet_tells_a_technician_all_they_need_without_a_phone(his, omar, tess):
    customer = CustomerFactory(name="Bea Brook", phone="412 555 0100")
    job = make_job(
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        site=SiteFactory(customer=customer, address="12 Quince Lane", access_notes="Gate code 4711\nMind the dog"),
        description="No heat upstairs",
        skills=[SkillNeed(SkillFactory(name="HVAC").pk, Proficiency.ADVANCED)],
        planned_starts_at=at(9),
        window_starts_at=at(8),
        window_ends_at=at(12),
        duration_minutes=90,
        is_fixed=True,
    )
    actions.hold_job(job, "Waiting for parts", by=omar)
    words = text_of(sheet_of(his, tess))
    for told in (
        *("Tess", job.number, "Bea Brook", "412 555 0100", "12 Quince Lane", "Gate code 4711 Mind the dog", "09:00"),
        *("08:00–12:00", "fixed", "1 h 30", "No heat upstairs", "HVAC (Advanced)", "On hold: Waiting for parts"),
        *("Notes", "Signature"),
    ):
        assert told in words


def test_stops_are_in_the_order_of_the_day_without_cancelled_ones(his, omar, tess):
    noon, nine, untimed = (
        make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=start) for start in (at(12), at(9), None)
    )
    actions.change_status(
        make_job(Status.ASSIGNED, by=omar, technician=tess), Status.CANCELLED, by=omar, note="Not needed"
    )
    assert stops_on(sheet_of(his, tess)) == [nine.number, noon.number, untimed.number]


def test_another_day_has_its_own_sheet(his, omar, tess):
    make_job(Status.ASSIGNED, by=omar, technician=tess)
    later = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=day(2))
    assert stops_on(sheet_of(his, tess, on=day(2))) == [later.number]
    assert "No jobs on this day" in text_of(sheet_of(his, tess, on=day(5)))


def test_everyone_with_jobs_gets_a_sheet_and_the_others_are_named(his, omar, tess, tom):
    make_job(Status.ASSIGNED, by=omar, technician=tess)
    gone = TechnicianFactory(user__username="gone", is_active=False)
    page = his.get(ALL)
    assert names_on(page) == ["Tess"]
    assert "Without a job on this day: Tom." in text_of(page)
    assert str(gone) not in html_of(page)


@pytest.mark.parametrize("odd", ["yesterday", "2026-13-01", "9" * 40, "\0", "all"])
def test_odd_days_show_today_and_say_so(his, omar, tess, odd):
    make_job(Status.ASSIGNED, by=omar, technician=tess)
    page = his.get(ALL, {"day": odd})
    assert names_on(page) == ["Tess"]
    assert "The day is not understood" in text_of(page)


def test_paper_is_for_the_sheets_alone(his, omar, tess):
    make_job(Status.ASSIGNED, by=omar, technician=tess)
    page = html_of(his.get(ALL))
    assert "data-print" in page
    assert 'class="page-head no-print"' in page


def test_technicians_page_links_to_the_sheets(his, tess):
    links = links_of(his.get(reverse("technicians")))
    assert {ALL, reverse("day_sheet", args=[tess.pk])} <= set(links)


def test_many_sheets_cost_the_queries_of_one(his, omar, tess, django_assert_num_queries):
    skill = SkillFactory()
    need = [SkillNeed(skill.pk, Proficiency.EXPERT)]
    make_job(Status.ASSIGNED, by=omar, technician=tess, skills=need)
    with CaptureQueriesContext(connection) as few:
        his.get(ALL)
    for _ in range(10):
        technician = TechnicianFactory()
        for _ in range(5):
            make_job(Status.ASSIGNED, by=omar, technician=technician, skills=need)
    with django_assert_num_queries(len(few)):
        assert len(stops_on(his.get(ALL))) == 51
