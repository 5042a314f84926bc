import json
import re
from html import unescape

import pytest
from django.urls import reverse

from dispatch import actions, realtime
from dispatch.board.board_list import PAGE_SIZE
from dispatch.models import Job, Priority, Status
from tests.dispatch.board_page import (
    at,
    board_of,
    carried,
    choices,
    count_links,
    counts_on,
    day,
    is_chosen,
    site_of,
    ticked,
)
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, make_job
from tests.pages import html_of, job_rows, links_of, text_of

FRAGMENT = {"HX-Request": "true", "HX-Target": "board-content"}


@pytest.fixture
def board(client, omar):
    """Omar's board: `board(status="created")`, or `board("?...")` to follow a link."""
    client.force_login(omar)
    return board_of(client)


# What others may not see --------------------------------------------------------------------------


def test_dispatcher_of_north_sees_nothing_of_south(client, dana, omar, tess, tom, north, south):
    mine = make_job(by=omar, zone=north)
    nobodys = make_job(by=omar)
    make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south, description="Secret of South")
    client.force_login(dana)
    page = board_of(client)()
    assert set(job_rows(page)) == {mine.pk, nobodys.pk}
    assert counts_on(page)["unassigned"] == 2
    assert counts_on(page)["assigned"] == 0
    assert choices(page, "zone") == {"none", str(north.pk)}
    assert choices(page, "technician") == {"none", str(tess.pk)}
    assert "South" not in html_of(page)


def test_dispatcher_cannot_ask_for_the_jobs_of_foreign_zones_or_technicians(client, dana, omar, tess, tom, south):
    make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    client.force_login(dana)
    for query in (f"?zone={south.pk}", f"?technician={tom.pk}"):
        page = board_of(client)(query)
        assert job_rows(page) == []
        assert "is not understood and was left out" in text_of(page)


def test_dispatcher_without_a_zone_sees_only_jobs_in_no_zone(client, dana, omar, north):
    from zones.access import grant_zones

    make_job(by=omar, zone=north)
    nobodys = make_job(by=omar)
    grant_zones(dana, [])
    client.force_login(dana)
    assert job_rows(board_of(client)()) == [nobodys.pk]


def test_search_does_not_reach_into_foreign_zones(client, dana, omar, south):
    job = make_job(by=omar, zone=south, description="Secret of South")
    client.force_login(dana)
    for text in (job.number, str(job.pk), "Secret", job.customer.name):
        assert job_rows(board_of(client)(q=text, day="all")) == []


# Sorting and pages --------------------------------------------------------------------------------


@pytest.fixture
def three_jobs(omar, tess, tom, north, south):
    """Abel's job with Tess in North at nine, Birk's with Tom in South at eight, Cole's without anything."""
    abel, birk, cole = (CustomerFactory(name=name) for name in ("Abel", "Birk", "Cole"))
    first = make_job(
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        site=site_of(abel, "Ash Street", north),
        job_type=JobTypeFactory(name="Install"),
        priority=Priority.URGENT,
        planned_starts_at=at(9),
    )
    second = make_job(
        Status.EN_ROUTE,
        by=omar,
        technician=tom,
        site=site_of(birk, "Birch Street", south),
        job_type=JobTypeFactory(name="Maintain"),
        priority=Priority.LOW,
        planned_starts_at=at(8),
    )
    third = make_job(
        by=omar, site=site_of(cole, "Cedar Street"), job_type=JobTypeFactory(name="Repair"), scheduled_on=None
    )
    return {"a": first.pk, "b": second.pk, "c": third.pk}


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("number", "abc"),
        ("priority", "acb"),
        ("status", "cab"),
        ("technician", "abc"),
        ("when", "bac"),
        ("customer", "abc"),
        ("zone", "abc"),
        ("type", "abc"),
    ],
)
def test_every_key_sorts_both_ways(board, three_jobs, key, order):
    expected = [three_jobs[letter] for letter in order]
    assert job_rows(board(sort=key)) == expected
    assert job_rows(board(sort=f"-{key}")) == expected[::-1]


def test_column_heads_say_how_the_list_is_sorted_and_reverse_it(board, omar):
    make_job(by=omar)
    page = board(sort="customer", priority="2")
    assert re.findall(r'aria-sort="(\w+)"><a href="([^"]*)">Customer', html_of(page)) == [
        ("ascending", "?sort=-customer&amp;priority=2")
    ]
    assert 'aria-sort="descending"' in html_of(board(sort="-customer"))
    assert re.search(r'aria-sort="ascending"><a href="\?sort=-when">When', html_of(board()))


def test_unknown_sort_is_the_usual_one(board, three_jobs):
    assert job_rows(board(sort="password")) == job_rows(board())


def test_closed_jobs_come_last_in_the_usual_order(board, omar):
    done = make_job(Status.COMPLETED, by=omar, planned_starts_at=at(7))
    due = make_job(by=omar, planned_starts_at=at(16))
    assert job_rows(board()) == [due.pk, done.pk]


def test_long_lists_come_in_pages_that_keep_filters_and_sort(board, omar):
    site = SiteFactory()
    made = [make_job(by=omar, site=site).pk for _ in range(PAGE_SIZE + 3)]
    first = board(sort="number", priority="2")
    assert job_rows(first) == made[:PAGE_SIZE]
    assert f"1–{PAGE_SIZE} of {PAGE_SIZE + 3}" in text_of(first)
    onward = next(link for link in links_of(first) if "page=2" in link)
    second = board(onward)
    assert job_rows(second) == made[PAGE_SIZE:]
    assert ticked(second, "priority") == {"2"}
    assert job_rows(board(sort="number", page="99")) == made[PAGE_SIZE:]
    assert not [link for link in links_of(second) if "page=3" in link]


# The state is in the URL --------------------------------------------------------------------------


def test_what_is_chosen_shows_in_the_controls(board, omar, tess, north):
    make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    page = board(f"?q=ash&status=assigned&technician={tess.pk}&zone={north.pk}&zone=none&priority=2")
    assert ticked(page, "status") == {"assigned"}
    assert ticked(page, "technician") == {str(tess.pk)}
    assert ticked(page, "zone") == {str(north.pk), "none"}
    assert ticked(page, "priority") == {"2"}
    assert re.search(r'type="search" name="q" value="ash"|name="q" value="ash"', html_of(page))


def test_what_has_no_control_travels_in_hidden_fields(board, omar):
    make_job(by=omar)
    page = board(day="all", sort="-priority", late="true", hold="true", location="none", status="created", page="1")
    assert carried(page) == {
        "day": "all",
        "sort": "-priority",
        "late": "true",
        "hold": "true",
        "location": "none",
    }


def test_links_to_other_days_keep_the_filters_and_drop_page_and_range(board, omar):
    page = board(**{"from": day(), "to": day(), "priority": "4", "page": "2"})
    to_day = {link for link in links_of(page) if "priority=4" in link and "status=" not in link}
    assert {f"?priority=4&day={day(-1)}", f"?priority=4&day={day(1)}", "?priority=4", "?priority=4&day=all"} <= to_day


def test_fragment_asks_for_itself_with_the_same_address(board, omar):
    make_job(by=omar)
    assert 'hx-get="/board/list/?priority=2&amp;sort=number"' in html_of(board("?priority=2&sort=number"))


def test_fragment_is_contained_in_the_page(board, omar, tess):
    make_job(Status.ASSIGNED, by=omar, technician=tess)
    make_job(by=omar, scheduled_on=None)
    query = "?priority=2&sort=number"
    fragment = html_of(board(query, headers=FRAGMENT)).strip()
    assert fragment.startswith('<div id="board-content"')
    assert fragment in html_of(board(query))


# Counts -------------------------------------------------------------------------------------------


@pytest.fixture
def busy_day(omar, tess, tom, north):
    make_job(by=omar, zone=north, priority=Priority.HIGH)
    make_job(by=omar)
    make_job(Status.ASSIGNED, by=omar, technician=tess, priority=Priority.HIGH)
    make_job(Status.EN_ROUTE, by=omar, technician=tess)
    make_job(Status.IN_PROGRESS, by=omar, technician=tom)
    make_job(Status.COMPLETED, by=omar)
    make_job(Status.CANCELLED, by=omar)
    actions.hold_job(make_job(by=omar), "Parts", by=omar)
    make_job(by=omar, scheduled_on=day(-1), window_starts_at=at(7, -1), window_ends_at=at(9, -1))


@pytest.mark.parametrize("query", ["", "?priority=3", "?sort=-number", "?status=created", "?day=all&q=ash"])
def test_each_count_leads_to_just_that_many_jobs(board, busy_day, query):
    page = board(query)
    for name, link in count_links(page).items():
        if f'data-tile="{name}"' in html_of(page) and not is_chosen(page, name):
            assert len(job_rows(board(link))) == counts_on(page)[name], name


def test_counts_are_of_the_filtered_list_but_for_what_narrows_it(board, busy_day):
    assert counts_on(board()) == {
        "unassigned": 4,
        "assigned": 1,
        "en_route": 1,
        "on_site": 1,
        "behind": 0,
        "late": 1,
        "sla_at_risk": 0,
        "sla_breached": 0,
        "hold": 1,
        "completed": 1,
    }
    assert counts_on(board(status="completed")) == counts_on(board())
    assert counts_on(board(priority="3")) == {
        "unassigned": 1,
        "assigned": 1,
        "en_route": 0,
        "on_site": 0,
        "behind": 0,
        "late": 0,
        "sla_at_risk": 0,
        "sla_breached": 0,
        "hold": 0,
        "completed": 0,
    }


def test_chosen_count_leads_back_to_all_jobs(board, busy_day):
    page = board(status="completed", sort="number")
    assert is_chosen(page, "completed")
    assert count_links(page)["completed"] == "?sort=number"


# Days ---------------------------------------------------------------------------------------------


def test_today_shows_overdue_and_undated_jobs_too(board, omar):
    overdue = make_job(by=omar, scheduled_on=day(-3))
    undated = make_job(by=omar, scheduled_on=None)
    today = make_job(by=omar)
    for job in (
        make_job(Status.COMPLETED, by=omar, scheduled_on=day(-3)),
        make_job(Status.CANCELLED, by=omar, scheduled_on=None),
        make_job(by=omar, scheduled_on=day(1)),
    ):
        assert job.pk not in job_rows(board())
    assert set(job_rows(board())) == {overdue.pk, undated.pk, today.pk}
    assert "▲ Overdue" in text_of(board(q=overdue.number))
    assert "No date yet" in text_of(board(q=undated.number))
    assert undated.pk not in job_rows(board(day=day(1)))


def test_a_closed_job_is_never_called_overdue(board, omar):
    make_job(Status.COMPLETED, by=omar, scheduled_on=day(-3))
    assert "Overdue" not in text_of(board(day="all"))


def test_empty_board_says_so_and_offers_a_new_job(board):
    page = board(day=day(4))
    assert "No jobs on" in text_of(page)
    assert reverse("new_job") in links_of(page)


def test_page_carries_the_event_numbers_of_its_own_groups(
    client, dana, omar, north, south, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        make_job(by=omar, zone=north)
        make_job(by=omar, zone=south)
    client.force_login(dana)
    found = re.search(r'data-live-versions="([^"]*)"', html_of(client.get(reverse("board_list"))))[1]
    assert json.loads(unescape(found)) == {
        realtime.zone_group(north.pk): 1,
        realtime.zone_group(None): 0,
        realtime.user_group(dana.pk): 0,
    }


def test_a_name_made_of_markup_is_shown_as_it_is(board, omar):
    script = "<script>alert(1)</script>"
    customer = CustomerFactory(name=script)
    job = make_job(by=omar, site=site_of(customer, script), description=script, job_type=JobTypeFactory(name=script))
    actions.hold_job(job, script, by=omar)
    assert Job.objects.count() == 1
    page = board(q=script, sort=script)
    assert job_rows(page) == [job.pk]
    assert script not in html_of(page)
