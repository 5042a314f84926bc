import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from dispatch.csv_files import text_cell
from dispatch.models import BillingRecord, Status
from dispatch.views.reports import COLUMNS
from technicians.models import Technician
from tests.factories import JobTypeFactory, TechnicianFactory, make_job

URL = "/reports/finances/"
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def middle_of_march():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def report(client, omar):
    client.force_login(omar)
    return lambda **query: client.get(URL, query)


@pytest.fixture
def earn(omar):
    """A completed job that earned `revenue`, half of which is commission."""

    def complete(technician, revenue, *, at=NOW, currency="USD"):
        Technician.objects.filter(pk=technician.pk).update(commission_rate=50)
        job_type = JobTypeFactory(name=f"For {revenue}", fixed_price=revenue)
        job = make_job(Status.COMPLETED, by=omar, technician=technician, job_type=job_type)
        BillingRecord.objects.filter(job=job).update(completed_at=at, currency=currency, worked_minutes=90)
        return job

    return complete


def rows_of(response):
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def test_strangers_are_sent_to_the_login(client, db):
    assert client.get(URL).url.startswith(reverse("login"))


@pytest.mark.parametrize("who", ["dana", "tess", "nick"])
@pytest.mark.parametrize("query", [{}, {"format": "csv"}])
def test_nobody_else_reads_financial_reports(client, request, db, who, query):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(URL, query).status_code == 403


@pytest.mark.parametrize("who", ["omar", "ada"])
def test_managers_and_admins_read_financial_reports(client, request, db, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(URL).status_code == 200


def test_the_report_is_for_reading_only(client, omar):
    client.force_login(omar)
    assert client.post(URL).status_code == 405


def test_rows_per_month_and_technician_with_totals(report, earn, tess, tom):
    earn(tess, 100)
    earn(tess, 250)
    earn(tom, 40)
    earn(tess, 1000, at=datetime(2026, 2, 10, 12, tzinfo=UTC))
    march, february = report().context["months"]
    assert [(row.technician, row.jobs, row.hours, row.revenue, row.commission) for row in march.rows] == [
        ("Tess", 2, Decimal("3.00"), 350, 175),
        ("Tom", 1, Decimal("1.50"), 40, 20),
    ]
    assert [(total.jobs, total.revenue, total.commission) for total in march.totals] == [(3, 390, 195)]
    assert [total.revenue for total in february.totals] == [1000]
    (total,) = report().context["totals"]
    assert (total.jobs, total.worked_minutes, total.revenue) == (4, 360, 1390)


def test_different_currencies_are_never_added(report, earn, tess):
    earn(tess, 100)
    earn(tess, 70, currency="EUR")
    (march,) = report().context["months"]
    assert [(total.currency, total.revenue) for total in march.totals] == [("EUR", 70), ("USD", 100)]
    assert [total.currency for total in report().context["totals"]] == ["EUR", "USD"]


def test_a_job_counts_in_the_month_of_the_businesss_own_time(report, earn, tess):
    earn(tess, 100, at=datetime(2026, 3, 1, 3, tzinfo=UTC))  # ten in the evening of 28 February in New York
    assert [f"{month.month:%Y-%m}" for month in report().context["months"]] == ["2026-02"]
    assert report(first="2026-03").context["months"] == []


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-01", "2026-03"),
        ({"first": "2025-06"}, "2025-06", "2026-03"),
        ({"first": "2026-08"}, "2026-08", "2026-08"),
        ({"last": "2025-01"}, "2024-11", "2025-01"),
        ({"first": "2025-12", "last": "2025-12"}, "2025-12", "2025-12"),
    ],
)
def test_the_period_is_completed_sensibly(report, query, first, last):
    response = report(**query)
    period = response.context["period"]
    assert (f"{period['first']:%Y-%m}", f"{period['last']:%Y-%m}") == (first, last)
    assert f'value="{first}"' in response.content.decode()


def test_both_ends_of_the_period_belong_to_it(report, earn, tess):
    for at in (datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2026, 3, 1, 4, 59, tzinfo=UTC)):
        earn(tess, 10, at=at)
    for at in (datetime(2026, 1, 1, 4, 59, tzinfo=UTC), datetime(2026, 3, 1, 5, tzinfo=UTC)):
        earn(tess, 1000, at=at)
    (total,) = report(first="2026-01", last="2026-02").context["totals"]
    assert total.revenue == 20


@pytest.mark.parametrize(
    "query",
    [
        {"first": "2026-13"},
        {"last": "soon"},
        {"first": "2026-03", "last": "2026-01"},
        {"first": "0001-01"},
        {"last": "9999-12"},
        {"last": "9999-12", "format": "csv"},
    ],
)
def test_a_period_that_makes_no_sense_is_refused_with_a_sentence(report, query):
    response = report(**query)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_an_empty_period_says_so(report):
    assert "No completed jobs in this period." in report().content.decode()


def test_the_csv_has_the_same_rows_and_a_name(report, earn, tess):
    earn(tess, Decimal("99.50"))
    response = report(format="csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="finances-2026-01-2026-03.csv"'
    assert rows_of(response) == [COLUMNS, ["2026-03", "Tess", "1", "1.50", "99.50", "49.75", "USD"]]


def test_a_name_cannot_become_a_formula(report, earn):
    earn(TechnicianFactory(user__username="eve", user__first_name='=HYPERLINK("x")'), 10)
    assert rows_of(report(format="csv"))[1][1] == '\'=HYPERLINK("x")'


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", " =1", "\t=1", "\rx"])
def test_what_a_spreadsheet_would_run_is_made_text(text):
    assert text_cell(text) == f"'{text}"


def test_ordinary_text_stays_as_it_is():
    assert text_cell("Ann-Marie O'Neil") == "Ann-Marie O'Neil"


def test_someone_without_a_name_appears_with_the_account(report, earn):
    earn(TechnicianFactory(user__username="anon", user__first_name=""), 10)
    assert rows_of(report(format="csv"))[1][1] == "anon"
