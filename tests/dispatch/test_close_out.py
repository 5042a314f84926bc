from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.day.day_review import load_close_out
from dispatch.models import BillingRecord, Status
from technicians import attendance
from tests.dispatch.board_page import at, day
from tests.factories import TechnicianFactory, make_job
from tests.pages import html_of, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def closing(client, dana):
    client.force_login(dana)
    return lambda **query: client.get(reverse("close_out"), query)


def test_a_day_with_nothing_left_is_closed(closing, omar, tess, north):
    make_job(Status.COMPLETED, by=omar, technician=tess, zone=north)
    shown = text_of(closing())
    assert "The day is closed." in shown
    assert "1 job completed" in shown


def test_what_is_left_keeps_the_day_open(closing, omar, tess, north):
    waiting = make_job(by=omar, zone=north)
    overdue = make_job(by=omar, zone=north, scheduled_on=day(-2))
    tomorrow = make_job(by=omar, zone=north, scheduled_on=day(1))
    under_way = make_job(Status.IN_PROGRESS, by=omar, technician=tess, zone=north)
    attendance.clock_in(tess, now=timezone.now() - timedelta(hours=1))
    shown = text_of(closing())
    assert "The day is closed" not in shown
    for job in (waiting, overdue, under_way):
        assert job.number in shown
    assert tomorrow.number not in shown
    assert "Not clocked out 1 Tess" in shown


def test_dispatcher_closes_her_own_zones_only(dana, omar, north, south):
    make_job(by=omar, zone=south)
    assert load_close_out(dana, day(), now=timezone.now()).is_closed
    assert not load_close_out(omar, day(), now=timezone.now()).is_closed


def test_several_jobs_are_moved_to_tomorrow_keeping_their_time(client, closing, omar, tess, north):
    jobs = [
        make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(hour)) for hour in (9, 13)
    ]
    data = {
        "jobs": [job.pk for job in jobs],
        "day": day(1).isoformat(),
        "page": "close_out",
        "shown": day().isoformat(),
    }
    response = client.post(reverse("move_jobs"), data)
    assert response.url == f"{reverse('close_out')}?day={day()}"
    for job in jobs:
        job.refresh_from_db()
    assert [job.planned_starts_at for job in jobs] == [at(9, 1), at(13, 1)]
    assert [job.scheduled_on for job in jobs] == [day(1)] * 2


def test_the_summary_counts_the_day(omar, tess, north):
    now = timezone.now()
    block = {"window_starts_at": now - timedelta(hours=3), "window_ends_at": now - timedelta(minutes=25)}
    make_job(Status.COMPLETED, by=omar, technician=tess, zone=north, scheduled_on=day(), **block)
    make_job(Status.COMPLETED, by=omar, technician=tess, zone=north)
    make_job(Status.CANCELLED, by=omar, zone=north)
    make_job(by=omar, zone=north)
    summary = load_close_out(omar, day(), now=now).summary
    assert (summary.completed, summary.cancelled, summary.still_open, summary.late) == (2, 1, 1, 1)
    assert summary.late_minutes == 25


def test_completed_jobs_without_billing_are_named(closing, omar, tess, north):
    job = make_job(Status.COMPLETED, by=omar, technician=tess, zone=north)
    assert "Completed without billing" not in text_of(closing())
    BillingRecord.objects.all().delete()
    assert f"Completed without billing 1 {job.number}" in text_of(closing())


def test_follow_ups_for_tomorrow_are_named(closing, omar, tess, north):
    job = make_job(Status.COMPLETED, by=omar, technician=tess, zone=north)
    undated, later = actions.follow_up_job(job, by=omar), actions.follow_up_job(job, by=omar, day=day(5))
    shown = text_of(closing())
    assert undated.number in shown
    assert later.number not in shown
    assert "The day is closed." in shown


# Clocking out in their place ----------------------------------------------------------------------


def clock_out(client, technician, when, reason="Forgot"):
    data = {"at": timezone.localtime(when).strftime("%Y-%m-%dT%H:%M"), "reason": reason}
    return client.post(reverse("clock_out_for", args=[technician.pk]), data, headers=HTMX)


def test_who_forgot_is_clocked_out_at_the_time_given_and_it_says_by_whom(client, dana, tess):
    now = timezone.now().replace(second=0, microsecond=0)
    attendance.clock_in(tess, now=now - timedelta(hours=9))
    client.force_login(dana)
    assert clock_out(client, tess, now - timedelta(hours=1)).status_code == 204
    record = tess.clock_records.get()
    assert (record.clocked_out_at, record.closed_by, record.close_reason) == (now - timedelta(hours=1), dana, "Forgot")


@pytest.mark.parametrize("hours_ago", [-1, 10])
def test_nobody_is_clocked_out_in_the_future_or_before_they_came(client, dana, tess, hours_ago):
    now = timezone.now()
    attendance.clock_in(tess, now=now - timedelta(hours=9))
    client.force_login(dana)
    response = clock_out(client, tess, now - timedelta(hours=hours_ago))
    assert response.status_code == 409
    assert "Give a time between" in text_of(response)
    assert attendance.is_on_duty(tess)


def test_nobody_is_clocked_out_while_a_job_is_under_way(client, dana, omar, tess, north):
    now = timezone.now()
    attendance.clock_in(tess, now=now - timedelta(hours=9))
    make_job(Status.IN_PROGRESS, by=omar, technician=tess, zone=north)
    client.force_login(dana)
    response = clock_out(client, tess, now - timedelta(hours=1))
    assert response.status_code == 409
    assert "Finish or interrupt" in text_of(response)


def test_clocking_out_needs_a_reason_and_somebody_who_is_in(client, dana, tess):
    client.force_login(dana)
    now = timezone.now()
    assert clock_out(client, tess, now).status_code == 409
    attendance.clock_in(tess, now=now - timedelta(hours=1))
    assert clock_out(client, tess, now - timedelta(minutes=5), reason=" ").status_code == 422
    assert attendance.is_on_duty(tess)


# The page -----------------------------------------------------------------------------------------


def test_the_fragment_is_part_of_the_page(client, closing, omar, north):
    make_job(by=omar, zone=north)
    whole = html_of(closing())
    fragment = html_of(client.get(reverse("close_out"), headers={"HX-Request": "true", "HX-Target": "live-content"}))
    lines = [line for line in fragment.splitlines() if "csrfmiddlewaretoken" not in line]
    assert all(line in whole for line in lines)


def test_the_page_takes_as_many_queries_for_fifty_jobs_as_for_five(closing, omar, north):
    counts = []
    for more in (5, 45):
        for _ in range(more):
            technician = TechnicianFactory(zones=[north])
            attendance.clock_in(technician, now=timezone.now())
            make_job(Status.IN_PROGRESS, by=omar, technician=technician, zone=north)
            make_job(by=omar, zone=north)
        with CaptureQueriesContext(connection) as queries:
            closing()
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["morning_review", "close_out"])
def test_technicians_may_not_see_it(client, tess, name):
    client.force_login(tess.user)
    assert client.get(reverse(name)).status_code == 403
