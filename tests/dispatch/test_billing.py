"""What completed work earns, and what happens to it when a job is reopened."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dispatch import actions
from dispatch.billing import financial_report, worked_minutes
from dispatch.models import BillingRecord, BillingSettings, Status
from tests.factories import JobTypeFactory, TechnicianFactory, make_job

NINE = datetime(2026, 3, 2, 14, tzinfo=UTC)  # 09:00 in New York
MINUTE = timedelta(minutes=1)


def work(omar, technician, *steps, job_type=None, begins_at=NINE):
    """A job whose `steps` are (minutes after nine, status)."""
    job_type = job_type or JobTypeFactory()
    job = make_job(by=omar, now=begins_at - timedelta(hours=2), job_type=job_type)
    actions.assign_job(job, technician, by=omar, now=begins_at - timedelta(hours=1))
    for minutes, status in steps:
        job = actions.change_status(job, status, by=omar, note="Because", now=begins_at + minutes * MINUTE)
    return job


@pytest.fixture
def rates(db):
    settings = BillingSettings.load()
    settings.labour_rate, settings.tax_rate, settings.currency = Decimal("90.00"), Decimal("7.25"), "USD"
    settings.save()
    return settings


@pytest.fixture
def tess(tess):
    tess.commission_rate = Decimal("12.50")
    tess.save()
    return tess


def test_technician_earns_a_share_of_the_hours_worked(rates, omar, tess):
    job = work(omar, tess, (0, Status.EN_ROUTE), (20, Status.IN_PROGRESS), (65, Status.COMPLETED))
    record = job.billing
    assert (record.worked_minutes, record.revenue, record.commission) == (45, Decimal("67.50"), Decimal("8.44"))
    assert (record.technician, record.completed_at) == (tess, NINE + 65 * MINUTE)
    assert (record.tax_rate, record.currency, record.commission_rate) == (Decimal("7.25"), "USD", Decimal("12.50"))


def test_a_fixed_price_does_not_depend_on_the_hours(rates, omar, tess):
    tune_up = JobTypeFactory(name="Tune-up", fixed_price=Decimal("129.00"))
    record = work(omar, tess, (0, Status.IN_PROGRESS), (500, Status.COMPLETED), job_type=tune_up).billing
    assert (record.revenue, record.commission, record.worked_minutes) == (Decimal("129.00"), Decimal("16.13"), 500)


def test_a_free_job_earns_nothing(rates, omar, tess):
    warranty = JobTypeFactory(name="Warranty", fixed_price=Decimal(0))
    record = work(omar, tess, (0, Status.IN_PROGRESS), (60, Status.COMPLETED), job_type=warranty).billing
    assert (record.revenue, record.commission) == (0, 0)


def test_an_interruption_is_not_paid(rates, omar, tess):
    steps = [(0, Status.IN_PROGRESS), (30, Status.ASSIGNED), (90, Status.EN_ROUTE)]
    steps += [(100, Status.IN_PROGRESS), (115, Status.COMPLETED)]
    assert work(omar, tess, *steps).billing.worked_minutes == 45


def test_a_reopened_job_loses_its_bill_and_gets_a_new_one_when_done_again(rates, omar, tess):
    job = work(omar, tess, (0, Status.IN_PROGRESS), (30, Status.COMPLETED))
    job = actions.change_status(job, Status.IN_PROGRESS, by=omar, note="Drips again", now=NINE + 60 * MINUTE)
    assert not BillingRecord.objects.exists()
    assert job.completed_at is None
    job = actions.change_status(job, Status.COMPLETED, by=omar, now=NINE + 75 * MINUTE)
    record = BillingRecord.objects.get()
    assert (record.worked_minutes, record.completed_at) == (45, NINE + 75 * MINUTE)


def test_the_one_who_completes_a_handed_over_job_gets_the_commission(rates, omar, tess):
    colleague = TechnicianFactory(commission_rate=10)
    job = work(omar, tess, (0, Status.IN_PROGRESS), (30, Status.ASSIGNED))
    actions.assign_job(job, colleague, by=omar, now=NINE + 35 * MINUTE)
    for minutes, status in ((40, Status.IN_PROGRESS), (70, Status.COMPLETED)):
        job = actions.change_status(job, status, by=omar, now=NINE + minutes * MINUTE)
    record = job.billing
    assert (record.technician, record.worked_minutes, record.commission) == (colleague, 60, Decimal("9.00"))


def test_a_raise_does_not_rewrite_what_was_earned_before(rates, omar, tess):
    job = work(omar, tess, (0, Status.IN_PROGRESS), (60, Status.COMPLETED))
    tess.commission_rate, rates.labour_rate = 50, 500
    tess.save()
    rates.save()
    assert BillingRecord.objects.get(job=job).commission == Decimal("11.25")


@pytest.mark.parametrize(
    "day, minutes",
    [("2026-03-08", 60), ("2026-11-01", 180)],
    ids=["the night the clocks go forward", "the night they go back"],
)
def test_a_night_job_is_paid_by_real_hours(day, minutes, rates, omar, tess):
    new_york = ZoneInfo("America/New_York")
    begun, done = (datetime.fromisoformat(f"{day}T{hour}:30").replace(tzinfo=new_york) for hour in ("01", "03"))
    job = make_job(by=omar, now=NINE - timedelta(days=400))
    actions.assign_job(job, tess, by=omar, now=NINE - timedelta(days=399))
    for now, status in ((begun, Status.IN_PROGRESS), (done, Status.COMPLETED)):
        job = actions.change_status(job, status, by=omar, now=now)
    assert job.billing.worked_minutes == minutes


@pytest.mark.parametrize(
    "log, until, minutes",
    [
        ([], 100, 0),
        ([("assigned", 0), ("en_route", 5)], 100, 0),
        ([("in_progress", 0)], 42, 42),
        ([("in_progress", 0), ("assigned", 10), ("in_progress", 20), ("completed", 25)], 999, 15),
        ([("in_progress", 30)], 10, 0),
    ],
)
def test_minutes_are_counted_only_in_progress(log, until, minutes):
    entries = [(status, NINE + at * MINUTE) for status, at in log]
    assert worked_minutes(entries, until=NINE + until * MINUTE) == minutes


def test_manager_reads_months_in_the_business_own_time(rates, omar, tess):
    last_evening = datetime(2026, 4, 1, 2, 30, tzinfo=UTC)  # 31 March, 22:30 in New York
    for begins_at in (NINE, last_evening, last_evening + timedelta(hours=6)):
        work(omar, tess, (0, Status.IN_PROGRESS), (60, Status.COMPLETED), begins_at=begins_at)
    months = financial_report(BillingRecord.objects.all())
    (april,), (march,) = (month.rows for month in months)
    assert (april.month.month, april.jobs, april.revenue) == (4, 1, Decimal("90.00"))
    assert (march.month.month, march.jobs, march.revenue, march.commission) == (3, 2, 180, Decimal("22.50"))
    assert (march.technician, march.worked_minutes, march.currency) == ("Tess", 120, "USD")


def test_currencies_are_never_added_up(rates, omar, tess):
    work(omar, tess, (0, Status.IN_PROGRESS), (60, Status.COMPLETED))
    rates.currency = "EUR"
    rates.save()
    work(omar, tess, (0, Status.IN_PROGRESS), (60, Status.COMPLETED), begins_at=NINE + timedelta(hours=4))
    (month,) = financial_report(BillingRecord.objects.all())
    assert [(row.currency, row.revenue) for row in month.rows] == [("EUR", 90), ("USD", 90)]
    assert [(total.currency, total.revenue) for total in month.totals] == [("EUR", 90), ("USD", 90)]
