import json
import re
from datetime import datetime, time, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.actions import SkillNeed
from dispatch.board import PAGE_SIZE
from dispatch.models import Job, Priority, Status
from technicians.models import Proficiency
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, job_rows, links_of, text_of

FRAGMENT = {"HX-Request": "true", "HX-Target": "board-content"}


@pytest.fixture
def board(client, omar):
    """Omar's board: `board(status="created")`, or `board("?...")` to follow a link."""
    client.force_login(omar)
    return board_of(client)


def board_of(client):
    def get(link="", headers=None, **params):
        response = client.get(reverse("board") + link, params or None, headers=headers)
        assert response.status_code == 200
        return response

    return get


def day(offset=0):
    return timezone.localdate() + timedelta(days=offset)


def at(hour, offset=0):
    return timezone.make_aware(datetime.combine(day(offset), time(hour)))


def counts_on(response) -> dict[str, int]:
    found = re.findall(r'data-tile="(\w+)".*?<b>(\d+)</b>', html_of(response), flags=re.S)
    return {name: int(number) for name, number in found}


def count_links(response) -> dict[str, str]:
    found = re.findall(r'data-tile="(\w+)" href="[^"?]*([^"]*)"', html_of(response))
    return {name: unescape(query) for name, query in found}


def choices(response, name) -> set[str]:
    return set(re.findall(rf'type="checkbox" name="{name}" value="([^"]*)"', html_of(response)))


def ticked(response, name) -> set[str]:
    return set(re.findall(rf'type="checkbox" name="{name}" value="([^"]*)" checked', html_of(response)))


def carried(response) -> dict[str, str]:
    form = re.search(r'<form class="filters".*?</form>', html_of(response), flags=re.S)[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def site_of(customer, address, zone=None):
    where = {}
    if zone:
        (west, south), _, (east, north) = zone.boundary["coordinates"][0][:3]
        where = {"latitude": (south + north) / 2, "longitude": (west + east) / 2}
    return SiteFactory(customer=customer, address=address, **where)


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


@pytest.mark.parametrize(
    "query",
    [
        "status=bogus",
        "priority=9",
        "priority=high",
        "technician=999999",
        "technician=abc",
        "zone=999999",
        "zone=%3Cscript%3E",
        "job_type=999999",
        "location=moon",
        "day=yesterday",
        "from=2026-02-30",
        "to=soon",
        "q=%00",
    ],
)
def test_unknown_filter_value_is_named_and_left_out(board, omar, query):
    job = make_job(by=omar)
    page = board(f"?{query}")
    name = query.partition("=")[0]
    assert f"Filter “{name}” is not understood and was left out" in text_of(page)
    assert job_rows(page) == [job.pk]


@pytest.mark.parametrize("query", ["day=0001-01-01", "day=9999-12-31", "page=0", "page=x", "page=99", "sort=nothing"])
def test_odd_addresses_still_show_a_board(board, omar, query):
    make_job(by=omar)
    board(f"?{query}")


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


# Filters ------------------------------------------------------------------------------------------


def test_status_filter_takes_several(board, omar):
    created = make_job(by=omar)
    cancelled = make_job(Status.CANCELLED, by=omar)
    make_job(Status.COMPLETED, by=omar)
    assert job_rows(board(status="created")) == [created.pk]
    assert set(job_rows(board("?status=created&status=cancelled"))) == {created.pk, cancelled.pk}


def test_priority_filter_takes_several(board, omar):
    low, _, urgent = (make_job(by=omar, priority=priority).pk for priority in (1, 2, 4))
    assert job_rows(board(priority="4")) == [urgent]
    assert set(job_rows(board("?priority=1&priority=4"))) == {low, urgent}


def test_technician_filter_knows_nobody(board, omar, tess, tom):
    with_tess = make_job(Status.ASSIGNED, by=omar, technician=tess)
    make_job(Status.ASSIGNED, by=omar, technician=tom)
    nobodys = make_job(by=omar)
    assert job_rows(board(technician=tess.pk)) == [with_tess.pk]
    assert job_rows(board(technician="none")) == [nobodys.pk]
    assert set(job_rows(board(f"?technician=none&technician={tess.pk}"))) == {with_tess.pk, nobodys.pk}


def test_zone_filter_knows_no_zone(board, omar, north, south):
    in_north = make_job(by=omar, zone=north)
    make_job(by=omar, zone=south)
    nowhere = make_job(by=omar)
    assert job_rows(board(zone=north.pk)) == [in_north.pk]
    assert job_rows(board(zone="none")) == [nowhere.pk]
    assert set(job_rows(board(f"?zone=none&zone={north.pk}"))) == {in_north.pk, nowhere.pk}


def test_type_filter_takes_several(board, omar):
    repair, install, survey = (JobTypeFactory(name=name) for name in ("Repair", "Install", "Survey"))
    first, second, _ = (make_job(by=omar, job_type=kind).pk for kind in (repair, install, survey))
    assert job_rows(board(job_type=repair.pk)) == [first]
    assert set(job_rows(board(f"?job_type={repair.pk}&job_type={install.pk}"))) == {first, second}


def test_dates_choose_a_day_a_range_or_all(board, omar):
    jobs = {offset: make_job(by=omar, scheduled_on=day(offset)).pk for offset in (1, 2, 3, 4)}
    undated = make_job(by=omar, scheduled_on=None).pk

    def shown(**params):
        return set(job_rows(board(**params)))

    assert shown(day=day(2)) == {jobs[2]}
    assert shown(**{"from": day(2), "to": day(3)}) == {jobs[2], jobs[3]}
    assert shown(**{"from": day(3)}) == {jobs[3], jobs[4]}
    assert shown(to=day(1)) == {jobs[1]}
    assert shown(**{"from": day(3), "to": day(2)}) == set()
    assert shown(day="all") == {*jobs.values(), undated}


def test_late_hold_and_missing_location_can_be_asked_for(board, omar, north):
    block = {"window_starts_at": at(7, -1), "window_ends_at": at(9, -1), "scheduled_on": day(-1)}
    late = make_job(by=omar, zone=north, **block)
    make_job(Status.COMPLETED, by=omar, zone=north, **block)
    held = actions.hold_job(make_job(by=omar, zone=north), "Parts", by=omar)
    nowhere = make_job(by=omar)
    assert job_rows(board(late="true")) == [late.pk]
    assert job_rows(board(hold="true")) == [held.pk]
    assert job_rows(board(location="none")) == [nowhere.pk]


def test_all_filters_together_leave_only_what_passes_each(board, omar, tess, tom, north):
    repair, install = JobTypeFactory(name="Repair"), JobTypeFactory(name="Install")
    wanted = {
        "technician": tess,
        "zone": north,
        "job_type": repair,
        "priority": Priority.HIGH,
        "scheduled_on": day(2),
        "description": "Boiler leaks",
    }
    others = {
        "technician": tom,
        "zone": None,
        "job_type": install,
        "priority": Priority.LOW,
        "scheduled_on": day(5),
        "description": "Fan hums",
    }
    job = make_job(Status.ASSIGNED, by=omar, **wanted)
    for name, other in others.items():
        make_job(Status.ASSIGNED, by=omar, **wanted | {name: other})
    make_job(Status.CANCELLED, by=omar, **{**wanted, "technician": None})
    page = board(
        **{
            "status": "assigned",
            "technician": tess.pk,
            "zone": north.pk,
            "job_type": repair.pk,
            "priority": Priority.HIGH,
            "from": day(1),
            "to": day(3),
            "q": "boiler",
        }
    )
    assert job_rows(page) == [job.pk]


def test_search_finds_by_number_customer_phone_address_and_description(board, omar):
    customer = CustomerFactory(name="Zoë O'Brien", phone="(412) 555-0199")
    job = make_job(by=omar, site=site_of(customer, "Quince Lane"), description="Chiller trips\nevery night")
    other = CustomerFactory(name="Someone", phone="412 555 7777")
    make_job(by=omar, site=site_of(other, "Main Street"), description="Duct cleaning")
    spellings = ["4125550199", "412.555.0199", "+1 412 555 0199", "(412)555-0199", "555 0199"]
    texts = [job.number, job.number.lower(), f"J{job.pk}", str(job.pk), "o'brien", "quince", "EVERY night", *spellings]
    for text in texts:
        assert job_rows(board(q=text)) == [job.pk], text
    assert job_rows(board(q="  quince ")) == [job.pk]


@pytest.mark.parametrize("text", ["J-000000", "J-999999999999999999", "9" * 40, "nothing like it", "%", "412 55x"])
def test_search_for_what_is_not_there_finds_nothing(board, omar, text):
    make_job(by=omar, site=site_of(CustomerFactory(name="Ann"), "Main Street"))
    page = board(q=text)
    assert job_rows(page) == []
    assert "No job matches these filters" in text_of(page)


def test_empty_search_offers_all_days(board, omar):
    job = make_job(by=omar, scheduled_on=day(9), description="Boiler")
    page = board(q="boiler")
    assert job_rows(page) == []
    link = next(link for link in links_of(page) if "day=all" in link and "q=boiler" in link)
    assert job_rows(board(link)) == [job.pk]


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
    assert 'hx-get="/board/?priority=2&amp;sort=number"' in html_of(board("?priority=2&sort=number"))


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


def is_chosen(page, name) -> bool:
    return bool(re.search(rf'data-tile="{name}"[^>]*aria-current', html_of(page)))


def test_counts_are_of_the_filtered_list_but_for_what_narrows_it(board, busy_day):
    assert counts_on(board()) == {
        "unassigned": 4,
        "assigned": 1,
        "en_route": 1,
        "on_site": 1,
        "late": 1,
        "hold": 1,
        "completed": 1,
    }
    assert counts_on(board(status="completed")) == counts_on(board())
    assert counts_on(board(priority="3")) == {
        "unassigned": 1,
        "assigned": 1,
        "en_route": 0,
        "on_site": 0,
        "late": 0,
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


# Queries ------------------------------------------------------------------------------------------


def make_full_jobs(count, *, by, zone):
    skills = [SkillFactory(name=name) for name in ("HVAC", "Plumbing", "Welding")]
    made = []
    for _ in range(count):
        technician = TechnicianFactory(zones=[zone])
        needs = [SkillNeed(skill.pk, Proficiency.ADVANCED) for skill in skills]
        made.append(make_job(Status.ASSIGNED, by=by, technician=technician, zone=zone, skills=needs))
    return made


def queries_of(client, url, params=None) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url, params).status_code == 200
    return len(queries)


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_page_and_rows_cost_the_same_queries_for_5_and_50_jobs(
    client, request, omar, north, django_assert_max_num_queries, who
):
    client.force_login(request.getfixturevalue(who))
    jobs = make_full_jobs(5, by=omar, zone=north)
    board_url, rows_url = reverse("board"), reverse("board_rows")

    def asked(jobs):
        ids = ",".join(str(job.pk) for job in jobs)
        return {"ids": ids, "present": ids}

    client.get(board_url)  # content types are remembered by the process
    page, rows = queries_of(client, board_url), queries_of(client, rows_url, asked(jobs))
    jobs += make_full_jobs(45, by=omar, zone=north)
    with django_assert_max_num_queries(15):
        assert len(job_rows(client.get(board_url))) == 50
    with django_assert_max_num_queries(15):
        assert len(job_rows(client.get(rows_url, asked(jobs)))) == 50
    assert queries_of(client, board_url) == page
    assert queries_of(client, rows_url, asked(jobs)) == rows


# Rows for a board that is open --------------------------------------------------------------------


def rows(client, **params):
    return client.get(reverse("board_rows"), params)


def deleted(response) -> set[int]:
    return {int(pk) for pk in re.findall(r'id="job-row-(\d+)" hx-swap-oob="delete"', html_of(response))}


def shown_header(response) -> set[int]:
    return {int(pk) for pk in response["X-Shown-Jobs"].split(",") if pk}


def test_rows_of_foreign_zones_are_not_given_but_taken_away(client, dana, omar, north, south):
    mine = make_job(by=omar, zone=north)
    foreign = make_job(by=omar, zone=south, description="Secret of South")
    client.force_login(dana)
    both = f"{mine.pk},{foreign.pk}"
    response = rows(client, ids=both, present=both)
    assert job_rows(response) == [mine.pk]
    assert deleted(response) == {foreign.pk}
    assert shown_header(response) == {mine.pk}
    assert "Secret" not in html_of(response)
    assert counts_on(response)["unassigned"] == 1


@pytest.mark.parametrize(
    "params", [{"ids": "1;2"}, {"ids": "x"}, {"ids": "9" * 30}, {"ids": "1", "present": "<script>"}]
)
def test_rows_that_are_not_numbers_are_refused(client, omar, params):
    client.force_login(omar)
    assert rows(client, **params).status_code == 422


def test_rows_of_jobs_that_do_not_exist_are_taken_away(client, omar):
    client.force_login(omar)
    response = rows(client, ids="0,999999", present="999999")
    assert deleted(response) == {999999}
    assert shown_header(response) == set()


def test_rows_present_are_changed_and_new_ones_only_announced(client, omar):
    present, new = make_job(by=omar), make_job(by=omar)
    client.force_login(omar)
    response = rows(client, ids=f"{present.pk},{new.pk}", present=present.pk)
    assert job_rows(response) == [present.pk]
    assert deleted(response) == set()
    assert shown_header(response) == {present.pk, new.pk}


def test_row_that_the_filters_no_longer_include_is_taken_away(client, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    client.force_login(omar)
    response = rows(client, ids=job.pk, present=job.pk, status="created")
    assert deleted(response) == {job.pk}
    assert shown_header(response) == set()
    assert counts_on(response)["assigned"] == 1


def test_row_is_the_same_alone_and_in_the_page(client, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    client.force_login(omar)
    alone = html_of(rows(client, ids=job.pk, present=job.pk)).replace(' hx-swap-oob="true"', "")
    row = re.search(r"<tr id=.*?</tr>", alone, flags=re.S)[0]
    page = html_of(client.get(reverse("board")))
    assert "".join(row.split()) in "".join(page.split())


def test_page_carries_the_event_numbers_of_its_own_groups(
    client, dana, omar, north, south, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        make_job(by=omar, zone=north)
        make_job(by=omar, zone=south)
    client.force_login(dana)
    found = re.search(r'data-live-versions="([^"]*)"', html_of(client.get(reverse("board"))))[1]
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
