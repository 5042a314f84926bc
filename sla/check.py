"""Which clocks and violations the five-minute check has to look at, claimed so that of two that run at once each row
is had by one.

What is claimed stays locked until the caller's transaction ends. Rows that somebody else has locked are passed over
instead of waited for: whoever holds them sees to them, or the next check does.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from sla import clock
from sla.calendars import load_calendars
from sla.models import Clock, Priority, SLAPolicy, Violation

BATCH: Final = 500
OLDEST_NEWS: Final = timedelta(days=7)  # whoever imports the jobs of last year is not told of its breaches
WHAT_A_BREACH_SETS: Final = ("state", "decided_at", "technician", "zone", "job_type", "customer")


def claim_overdue(model: type[Clock], *, now: datetime) -> list[Clock]:
    return _claim_clocks(model.objects.overdue(now=now).order_by("due_at", "pk"))


def claim_newly_at_risk(model: type[Clock], *, now: datetime) -> list[Clock]:
    return _claim_clocks(model.objects.newly_at_risk(now=now).order_by("at_risk_at", "pk"))


def claim_unwarned(model: type[Clock], *, audible: Q, now: datetime, with_related=()) -> list[Clock]:
    waiting = model.objects.filter(audible).unwarned(now=now).order_by("at_risk_at", "pk")
    return _claim_clocks(waiting.select_related(*with_related))


def claim_untold(*, audible: Q, now: datetime, with_related=()) -> list[Violation]:
    waiting = Violation.objects.filter(audible).untold(since=now - OLDEST_NEWS).order_by("recorded_at", "pk")
    return _claim(waiting.select_related(*with_related), of=["self"])


def _claim_clocks(clocks: QuerySet) -> list[Clock]:
    """With their jobs: whoever writes a clock holds the lock of its job."""
    return _claim(clocks.select_related("job"), of=["self", "job"])


def _claim(rows: QuerySet, *, of: list[str]) -> list:
    return list(rows.select_for_update(of=of, no_key=True, skip_locked=True)[:BATCH])


def save_breached(model: type[Clock], clocks: list[Clock]) -> None:
    # An upsert of rows that are all there: bulk_update would say every row's key once more for each column.
    model.objects.bulk_create(
        clocks, update_conflicts=True, unique_fields=["job"], update_fields=list(WHAT_A_BREACH_SETS)
    )


def save_at_risk(model: type[Clock], clocks: list[Clock]) -> None:
    model.objects.filter(pk__in=[one.pk for one in clocks]).update(is_at_risk=True)


# When people may be told --------------------------------------------------------------------------


def audible(*, now: datetime) -> Q:
    """Which clocks and violations: urgent ones at any hour, the others while their policy's business is open."""
    calendars = load_calendars()
    policies = SLAPolicy.objects.values_list("pk", "calendar")
    return Q(priority=Priority.URGENT) | Q(
        policy__in=[pk for pk, calendar_id in policies if is_open(calendars[calendar_id], now)]
    )


def is_open(calendar: clock.Calendar, at: datetime) -> bool:
    """A business without any hours has none to wait for."""
    opening = calendar.opening_of(at.astimezone(calendar.zone).date())
    return any(begins <= at < ends for begins, ends in opening) or not any(calendar.weekly)
