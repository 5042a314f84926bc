import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch.actions import SkillNeed
from dispatch.models import Status
from technicians.models import Proficiency
from tests.dispatch.board_page import counts_on
from tests.factories import SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, job_rows


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
    page = html_of(client.get(reverse("board_list")))
    assert "".join(row.split()) in "".join(page.split())


# Queries ------------------------------------------------------------------------------------------


def make_full_jobs(count, *, by, zone):
    skills = [SkillFactory(name=name) for name in ("HVAC", "Plumbing", "Welding")]
    made = []
    for _ in range(count):
        technician = TechnicianFactory(zones=[zone])
        needs = [SkillNeed(skill.pk, Proficiency.ADVANCED) for skill in skills]
        made.append(make_job(Status.ASSIGNED, by=by, technician=technician, zone=zone, skills=needs))
    return made


def queries_of(client, url, params=None, *, shown) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert len(job_rows(client.get(url, params))) == shown
    return len(queries)


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_page_and_rows_cost_the_same_queries_for_5_and_50_jobs(client, request, omar, north, who):
    client.force_login(request.getfixturevalue(who))
    page_url, rows_url = reverse("board_list"), reverse("board_rows")
    client.get(page_url)  # content types are remembered by the process

    def asked(jobs):
        ids = ",".join(str(job.pk) for job in jobs)
        return {"ids": ids, "present": ids}

    few = make_full_jobs(5, by=omar, zone=north)
    page = queries_of(client, page_url, shown=5)
    rows = queries_of(client, rows_url, asked(few), shown=5)
    many = few + make_full_jobs(45, by=omar, zone=north)
    assert queries_of(client, page_url, shown=50) == page <= 15
    assert queries_of(client, rows_url, asked(many), shown=50) == rows <= 15
