"""The page Reports > SLA compliance, its files, and the jobs behind its numbers."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch import actions
from dispatch.models import Priority, Status
from dispatch.reporting.report_tables import TABLES
from sla.models import CLOCKS
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, TechnicianFactory, make_job
from tests.pages import html_of, links_of, text_of

REPORT, JOBS = reverse("sla_report"), reverse("sla_report_jobs")
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)  # a Friday noon in New York
HOUR = timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def friday_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def do_job(omar, tess):
    """Created `ago`; High: a response within 4 hours, a resolution within 24."""

    def do(ago=DAY, *, takes=HOUR, technician=None, **fields):
        begin = NOW - ago
        fields = {"priority": Priority.HIGH, "created_at": begin, "now": begin} | fields
        job = make_job(by=omar, **fields)
        job = actions.change_status(job, Status.ASSIGNED, technician=technician or tess, by=omar, now=begin)
        for status in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
            job = actions.change_status(job, status, by=omar, now=begin + takes)
        return job

    return do


@pytest.fixture
def report(client, omar):
    client.force_login(omar)
    return lambda **query: client.get(REPORT, query)


def rows_of(response) -> list[dict]:
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def kind(response, name):
    return next(section.report for section in response.context["page"].sections if section.kind == name)


def numbers_on(response) -> list[str]:
    return re.findall(r'<span class="job-number">(J-\d+)</span>', html_of(response))


# Who sees what ------------------------------------------------------------------------------------


def test_technicians_and_strangers_read_no_report(client, tess, nick):
    for user in (tess.user, nick):
        client.force_login(user)
        for url in (REPORT, JOBS, reverse("sla_report_week")):
            assert client.get(url).status_code == 403


def test_dispatcher_reads_of_her_zones_only(client, dana, do_job, north, south):
    mine, _ = do_job(zone=north), do_job(zone=south)
    client.force_login(dana)
    response = client.get(REPORT)
    assert kind(response, "response").totals.tally.met == 1
    behind = client.get(f"{JOBS}?{kind(response, 'response').totals.tally.figure.query}")
    assert numbers_on(behind) == [mine.number]
    assert len(rows_of(client.get(REPORT, {"csv": "zone"}))) == 1


def test_a_job_that_went_to_another_zone_is_counted_but_not_shown(client, dana, omar, do_job, north, south):
    job = do_job(zone=north, description="Secret of South")
    type(job).objects.filter(pk=job.pk).update(zone=south)
    client.force_login(dana)
    response = client.get(JOBS, {"from": "2026-11-01", "to": "2026-11-20", "kind": "response"})
    assert "A job that is in another zone now" in text_of(response)
    assert "Secret" not in html_of(response)
    assert reverse("job", args=[job.pk]) not in links_of(response)


def test_dispatcher_is_not_led_to_the_finances(client, dana, omar):
    client.force_login(dana)
    response = client.get(REPORT)
    assert reverse("financial_report") not in links_of(response)
    assert 'aria-label="Reports"' not in response.text, "nothing to choose from"
    client.force_login(omar)
    for url in (REPORT, reverse("sla_report_week"), reverse("financial_report")):
        assert {REPORT, reverse("sla_report_week"), reverse("financial_report")} <= set(links_of(client.get(url)))


# What the page says -------------------------------------------------------------------------------


def test_manager_reads_how_many_were_met_in_time(report, do_job):
    do_job()
    do_job()
    do_job(takes=5 * HOUR)
    response = report()
    rates = [section.report.totals.tally.compliance for section in response.context["page"].sections]
    assert rates == [Decimal("66.6"), 100]
    text = text_of(response)
    assert "66.6 % met in time" in text
    assert "1 breach: 1 not acknowledged , 0 acknowledged" in text


def test_every_number_leads_to_exactly_its_jobs(client, report, do_job, omar):
    do_job()
    do_job(takes=5 * HOUR)
    late = do_job(takes=30 * HOUR, ago=2 * DAY)
    actions.acknowledge_violations(list(late.violations.values_list("pk", flat=True)), note="Snow", by=omar, now=NOW)
    html = html_of(report())
    links = re.findall(r'<a href="(/reports/sla/jobs/[^"]*)"[^>]*>([\d,]+)</a>', html)
    assert len(links) > 30
    for url, number in set(links):
        behind = client.get(url.replace("&amp;", "&"))
        assert behind.context["jobs"].page.paginator.count == int(number), (url, number)


def test_the_period_before_is_compared_with(report, do_job):
    do_job()
    do_job(ago=35 * DAY, takes=5 * HOUR)
    response = report()
    assert "+100.0 points" in text_of(response)
    assert kind(response, "response").before.tally.breached == 1
    alone = report(compare="none")
    assert kind(alone, "response").before is None
    assert "points" not in text_of(alone)


def test_an_empty_period_says_so(report):
    response = report()
    assert response.status_code == 200
    assert "No target was met or missed in this period." in text_of(response)


def test_a_kind_without_a_target_says_so(report, do_job):
    do_job()
    CLOCKS[1].objects.all().delete()
    text = text_of(report())
    assert "No resolution target was met or missed." in text
    assert "Resolution: compliance" not in text


def test_charts_have_names_and_their_marks_say_their_numbers(report, do_job):
    do_job()
    do_job(takes=5 * HOUR)
    html = html_of(report())
    assert html.count('<svg class="chart"') == 4
    assert len(re.findall(r'<svg class="chart"[^>]*role="group" aria-label="[^"]+"', html)) == 4
    assert 'aria-label="Thu 19 Nov 2026: 50 %, 1 of 2 met"' in html
    assert 'aria-label="4 h – 8 h: 0 met, 1 breached"' in html
    for mark in re.findall(r"<a [^>]*data-mark[^>]*>", html):
        assert "aria-label=" in mark or "title=" in mark


def test_lengths_are_told_by_the_wall_clock_or_as_counted(report, do_job, omar):
    job = make_job(by=omar, priority=Priority.HIGH, created_at=NOW - DAY, now=NOW - DAY)
    actions.hold_job(job, "Parts", by=omar, now=NOW - DAY)
    actions.release_job(job, by=omar, now=NOW - 4 * HOUR)
    for status in (Status.ASSIGNED, Status.IN_PROGRESS, Status.COMPLETED):
        whom = TechnicianFactory() if status == Status.ASSIGNED else None
        job = actions.change_status(job, status, technician=whom, by=omar, now=NOW - HOUR)
    assert 'aria-label="8 h – 24 h: 1 met, 0 breached"' in html_of(report())
    counted = html_of(report(measure="counted"))
    assert 'aria-label="2 h – 4 h: 1 met, 0 breached"' in counted
    totals = kind(report(), "resolution").totals
    assert (totals.wall.average, totals.counted.average) == (23 * 3600, 3 * 3600)


def test_hot_hours_are_those_in_which_what_was_breached_came_in(report, do_job):
    do_job(takes=5 * HOUR)  # from Thursday noon
    response = report()
    assert "Most breaches: Thursday 12:00–13:00 (1 of 1)" in text_of(response)
    assert html_of(response).count('class="level-4"') == 1


def test_names_are_escaped(report, do_job):
    do_job(job_type=JobTypeFactory(name="<b>Bold</b>"), takes=5 * HOUR)
    assert "<b>Bold</b>" not in html_of(report())


# What it is asked for -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-10-22", "2026-11-20"),
        ({"period": "last-week"}, "2026-11-09", "2026-11-15"),
        ({"period": "month"}, "2026-11-01", "2026-11-20"),
        ({"period": "last-month"}, "2026-10-01", "2026-10-31"),
        ({"period": "quarter"}, "2026-10-01", "2026-11-20"),
        ({"period": "last-quarter"}, "2026-07-01", "2026-09-30"),
        ({"period": "year"}, "2026-01-01", "2026-11-20"),
        ({"from": "2026-11-18"}, "2026-11-18", "2026-11-20"),
        ({"from": "2026-12-01"}, "2026-12-01", "2026-12-01"),
        ({"to": "2026-03-31"}, "2026-03-02", "2026-03-31"),
        ({"from": "2024-02-29", "to": "2024-02-29"}, "2024-02-29", "2024-02-29"),
    ],
)
def test_the_period_is_made_whole_and_shown(report, query, first, last):
    response = report(**query)
    period = response.context["form"].choice.period
    assert (str(period.first), str(period.last)) == (first, last)
    assert f'value="{first}"' in html_of(response)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-10-01", "2026-10-31"),
        ({"compare": "year"}, "2025-11-01", "2025-11-30"),
        ({"compare": "dates", "compare_from": "2026-01-01", "compare_to": "2026-01-31"}, "2026-01-01", "2026-01-31"),
    ],
)
def test_what_it_is_compared_with_can_be_chosen(report, query, first, last):
    comparison = report(**{"from": "2026-11-01", "to": "2026-11-30"}, **query).context["form"].choice.comparison
    assert (str(comparison.first), str(comparison.last)) == (first, last)


def test_a_leap_day_is_compared_with_the_28th(report):
    choice = report(**{"from": "2024-02-29", "to": "2024-02-29", "compare": "year"}).context["form"].choice
    assert str(choice.comparison.first) == "2023-02-28"


@pytest.mark.parametrize(
    "query",
    [
        {"from": "soon"},
        {"to": "1999-12-31"},
        {"from": "2026-11-20", "to": "2026-11-01"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "2010-01-01", "to": "2026-11-20"},
        {"from": "2026-01-01", "to": "2026-11-20", "step": "day"},
        {"compare": "dates"},
        {"compare": "dates", "compare_from": "2026-02-01", "compare_to": "2026-01-01"},
        {"compare": "never"},
        {"period": "eternity"},
        {"step": "hour"},
        {"measure": "feet"},
        {"technician": "999999"},
        {"zone": "99999999999999999999999"},
        {"customer": "abc"},
        {"priority": "9"},
        {"customer_name": "Nobody at all"},
    ],
)
@pytest.mark.parametrize("more", [{}, {"csv": "trend"}], ids=["page", "file"])
def test_what_makes_no_sense_is_refused_with_a_sentence(report, query, more):
    response = report(**query, **more)
    assert response.status_code == 422
    assert 'role="alert"' in html_of(response)


def test_another_mistake_does_not_lose_the_period(report):
    response = report(period="last-month", customer_name="Nobody at all")
    assert response.status_code == 422
    assert 'value="2026-10-01"' in html_of(response)


def test_filters_narrow_everything_and_are_named(report, do_job, north, tess):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    do_job(zone=north)
    do_job(zone=north, technician=uma, takes=5 * HOUR)
    do_job(priority=Priority.LOW)
    response = report(technician=[tess.pk, uma.pk], zone=north.pk, priority=3)
    assert kind(response, "response").totals.tally.decided == 2
    chips = re.findall(r'<span class="chip">([^<]*)</span>', html_of(response))
    assert chips == ["Technician: Tess, Uma", "Zone: North", "Priority: High"]
    assert kind(report(technician=uma.pk), "response").totals.tally.breached == 1


def test_jobs_without_a_zone_can_be_asked_for(report, do_job, north):
    do_job(zone=north)
    do_job()
    response = report(zone="none")
    assert kind(response, "response").totals.tally.decided == 1
    assert "Zone: none" in text_of(response)


def test_a_customer_is_found_by_the_name(report, do_job):
    acme, other = CustomerFactory(name="Acme Bakery"), CustomerFactory(name="Other Bakery")
    for customer in (acme, other):
        do_job(site=SiteFactory(customer=customer))
    response = report(customer_name="acme")
    assert response.context["form"].choice.filters.customer == {acme.pk}
    assert "Customer: Acme Bakery" in text_of(response)
    several = report(customer_name="bakery")
    assert several.status_code == 422
    assert "2 customers are called so" in text_of(several)
    assert {f'value="{one.pk}"' for one in (acme, other)} <= set(re.findall(r'value="\d+"', html_of(several)))
    both = report(customer=[acme.pk, other.pk])
    assert kind(both, "response").totals.tally.decided == 2


def test_the_whole_name_is_meant_before_longer_ones(report):
    short, _ = CustomerFactory(name="Acme"), CustomerFactory(name="Acme Bakery")
    assert report(customer_name="ACME").context["form"].choice.filters.customer == {short.pk}


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_a_file(report, do_job, name):
    do_job(takes=5 * HOUR)
    response = report(csv=name)
    assert response["Content-Type"].startswith("text/csv")
    assert response["Content-Disposition"].endswith(f'sla-{name.replace("_", "-")}-2026-10-22-2026-11-20.csv"')
    rows = rows_of(response)
    assert rows
    assert all(None not in row and None not in row.values() for row in rows)


def test_the_files_say_what_the_page_says(report, do_job):
    do_job()
    do_job(takes=5 * HOUR)
    totals = rows_of(report(csv="totals"))[0]
    assert (totals["Met"], totals["Breached"], totals["Compliance %"]) == ("1", "1", "50")
    assert float(totals["Average minutes (wall-clock)"]) == 180
    (day,) = [row for row in rows_of(report(csv="trend")) if row["Target"] == "Response" and row["Met"] != "0"]
    assert (day["From"], day["Met"], day["Breached"]) == ("2026-11-19", "1", "1")
    (hour,) = [row for row in rows_of(report(csv="hours")) if row["Target"] == "Response" and row["Breached"] == "1"]
    assert (hour["Weekday"], hour["Hour"]) == ("Thursday", "12:00")
    (tess,) = rows_of(report(csv="technician"))
    assert (tess["Technician"], tess["Breaches"], tess["Share %"], tess["Not acknowledged"]) == (
        "Tess",
        "1",
        "100",
        "1",
    )


def test_a_file_has_the_groups_for_which_the_page_has_no_room(report, do_job):
    for number in range(12):
        do_job(job_type=JobTypeFactory(name=f"Type {number}"))
    assert "2 more, with fewer breaches" in text_of(report())
    assert len(rows_of(report(csv="job_type"))) == 12


def test_names_in_files_cannot_become_formulas(report, do_job, client):
    do_job(job_type=JobTypeFactory(name="=1+1"), takes=5 * HOUR)
    assert rows_of(report(csv="job_type"))[0]["Job type"] == "'=1+1"
    rows = rows_of(client.get(JOBS, {"from": "2026-11-01", "to": "2026-11-20", "csv": "jobs"}))
    assert {row["Job type"] for row in rows} == {"'=1+1"}


def test_there_is_no_other_file(report):
    assert report(csv="secrets").status_code == 404


# The jobs behind a number -------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "from=2026-11-01", "from=x&to=y", "from=2026-11-01&to=2026-11-20&kind=odd"])
def test_an_address_without_sense_is_refused_with_a_sentence(client, omar, query):
    client.force_login(omar)
    response = client.get(f"{JOBS}?{query}")
    assert response.status_code == 422
    assert 'role="alert"' in html_of(response)


def test_the_jobs_say_what_was_promised_and_how_long_it_took(client, omar, do_job, tess):
    job = do_job(takes=5 * HOUR)
    client.force_login(omar)
    response = client.get(JOBS, {"from": "2026-11-01", "to": "2026-11-20", "kind": "response"})
    text = text_of(response)
    for words in ("Met and breached response targets", job.number, "4 hours · Standard", "5 h", "Breached", "Tess"):
        assert words in text
    assert "Thu 19 Nov 2026 16:00" in text
    assert "not acknowledged" in text
    violation = job.violations.get()
    actions.acknowledge_violations([violation.pk], note="", by=omar, now=NOW)
    again = client.get(JOBS, {"from": "2026-11-01", "to": "2026-11-20", "kind": "response"})
    assert "acknowledged by Omar" in text_of(again)


def test_what_was_cancelled_late_is_not_told_as_open(client, omar):
    begin = NOW - 30 * HOUR
    job, _ = (make_job(by=omar, priority=Priority.HIGH, created_at=begin, now=begin) for _ in range(2))
    actions.check_sla(now=NOW - 2 * HOUR)
    actions.change_status(job, Status.CANCELLED, note="Sold the house", by=omar, now=NOW - HOUR)
    client.force_login(omar)
    query = {"from": "2026-11-01", "to": "2026-11-30", "kind": "response"}
    text = text_of(client.get(JOBS, query))
    assert (text.count("cancelled"), text.count("not done")) == (1, 1)
    assert "of them not done 2" in " ".join(text_of(client.get(REPORT, query)).split())


def test_the_way_back_leads_to_the_same_report(client, omar, do_job, north):
    do_job(zone=north)
    client.force_login(omar)
    response = client.get(JOBS, {"from": "2026-11-01", "to": "2026-11-20", "zone": north.pk, "outcome": "met"})
    assert f"{REPORT}?from=2026-11-01&to=2026-11-20&zone={north.pk}" in links_of(response)


def test_no_job_behind_a_number_says_so(client, omar):
    client.force_login(omar)
    response = client.get(JOBS, {"from": "2026-11-01", "to": "2026-11-20"})
    assert "No job is behind this figure." in text_of(response)


# Queries ------------------------------------------------------------------------------------------


def queries_of(client, url) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_fifty_jobs_take_as_many_queries_as_five(client, omar, do_job, north, south):
    client.force_login(omar)
    urls = [REPORT, f"{JOBS}?from=2026-11-01&to=2026-11-20", f"{REPORT}?zone={north.pk}&priority=3"]
    people = [TechnicianFactory(zones=[north]) for _ in range(10)]

    def work(count):
        for number in range(count):
            job_type = JobTypeFactory(name=f"Type {number % 8}")
            zone = north if number % 3 else south
            do_job(takes=(1 + number % 6) * HOUR, zone=zone, technician=people[number % 10], job_type=job_type)

    work(5)
    few = [queries_of(client, url) for url in urls]
    work(45)
    assert [queries_of(client, url) for url in urls] == few
    assert max(few) <= 45, few
