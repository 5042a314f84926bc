"""What completed work earned. Rates are those of the day of completion, so that a raise does not rewrite history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from dispatch.models import BillingRecord, BillingSettings, Job, Status

CENT = Decimal("0.01")
BILLED = (
    "technician",
    "completed_at",
    "worked_minutes",
    "revenue",
    "commission_rate",
    "commission",
    "tax_rate",
    "currency",
)


def worked_minutes(log: Iterable[tuple[str, datetime]], *, until: datetime) -> int:
    """Whole minutes In Progress, from (status entered, when) pairs in order; interruptions do not count."""
    total, begun = timedelta(), None
    for status, happened_at in log:
        if begun is not None:
            total += happened_at - begun
        begun = happened_at if status == Status.IN_PROGRESS else None
    if begun is not None:
        total += until - begun
    return max(0, round(total.total_seconds() / 60))


def record_billing(job: Job) -> BillingRecord:
    """Writes, or after a reopened job rewrites, what the completed job earned."""
    log = job.status_changes.values_list("to_status", "happened_at")
    earned = billing_of(job, log, BillingSettings.load())
    values = {name: getattr(earned, name) for name in BILLED}
    record, _ = BillingRecord.objects.update_or_create(job=job, defaults=values)
    return record


def billing_of(job: Job, log: Iterable[tuple[str, datetime]], settings: BillingSettings) -> BillingRecord:
    """Not saved."""
    minutes = worked_minutes(log, until=job.completed_at)
    if job.job_type.fixed_price is not None:
        revenue = Decimal(job.job_type.fixed_price)
    else:
        revenue = (settings.labour_rate * minutes / 60).quantize(CENT, ROUND_HALF_UP)
    rate = job.technician.commission_rate
    return BillingRecord(
        job=job,
        technician=job.technician,
        completed_at=job.completed_at,
        worked_minutes=minutes,
        revenue=revenue,
        commission_rate=rate,
        commission=(revenue * rate / 100).quantize(CENT, ROUND_HALF_UP),
        tax_rate=settings.tax_rate,
        currency=settings.currency,
    )


@dataclass(frozen=True)
class Earnings:
    """Sums in one currency; before tax."""

    currency: str
    jobs: int
    worked_minutes: int
    revenue: Decimal
    commission: Decimal

    @property
    def hours(self) -> Decimal:
        return (Decimal(self.worked_minutes) / 60).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class FinancialRow(Earnings):
    month: date  # its first day
    technician: str


@dataclass(frozen=True)
class FinancialMonth:
    month: date
    rows: list[FinancialRow]

    @property
    def totals(self) -> list[Earnings]:
        return totals(self.rows)


def financial_report(records) -> list[FinancialMonth]:
    """Completed work per month (the business's time), currency and technician; newest month, highest revenue first."""
    found = (
        records.annotate(month=TruncMonth("completed_at"))
        .values("month", "currency", "technician", *_NAMES)
        .annotate(jobs=Count("pk"), minutes=Sum("worked_minutes"), earned=Sum("revenue"), paid=Sum("commission"))
        .order_by("-month", "currency", "-earned", *_NAMES, "technician")
    )
    rows = [
        FinancialRow(
            month=row["month"].date(),
            technician=_name(*(row[name] for name in _NAMES)),
            currency=row["currency"],
            jobs=row["jobs"],
            worked_minutes=row["minutes"],
            revenue=row["earned"],
            commission=row["paid"],
        )
        for row in found
    ]
    return [FinancialMonth(month, list(group)) for month, group in groupby(rows, key=lambda row: row.month)]


_NAMES = ("technician__user__first_name", "technician__user__last_name", "technician__user__username")


def _name(first_name: str, last_name: str, username: str) -> str:
    return f"{first_name} {last_name}".strip() or username


def totals(rows: Iterable[Earnings]) -> list[Earnings]:
    """One a currency: amounts in different currencies are never added."""
    ordered = sorted(rows, key=lambda row: row.currency)
    return [_total(currency, list(group)) for currency, group in groupby(ordered, key=lambda row: row.currency)]


def _total(currency: str, rows: list[Earnings]) -> Earnings:
    return Earnings(
        currency=currency,
        jobs=sum(row.jobs for row in rows),
        worked_minutes=sum(row.worked_minutes for row in rows),
        revenue=sum((row.revenue for row in rows), Decimal(0)),
        commission=sum((row.commission for row in rows), Decimal(0)),
    )
