"""The SLA clocks of jobs as conditions and an order for the database; `Job.next_clock` is the same for one job.

Only what has still to be done counts. What is breached is not at risk besides: the two never count one job twice.
"""

from datetime import datetime

from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Least

from dispatch.models.jobs import CLOCK_NAMES, OPEN
from sla.models import Clock

COUNTING = (Clock.State.RUNNING, Clock.State.BREACHED)


def is_breached(*, now: datetime) -> Q:
    """Whether or not the check has recorded it yet."""
    return Q(status__in=OPEN) & _either(state__in=COUNTING, ended_at=None, due_at__lt=now)


def is_at_risk(*, now: datetime) -> Q:
    """What can still be kept, and nothing is broken yet."""
    at_risk = _either(state=Clock.State.RUNNING, ended_at=None, at_risk_at__lte=now, due_at__gte=now)
    return Q(status__in=OPEN) & at_risk & ~_either(state__in=COUNTING, ended_at=None, due_at__lt=now)


def open_deadlines() -> list:
    """Of an open job, as `Job.response_due_at` and `Job.resolution_due_at`."""
    return [Case(When(**{f"{name}__ended_at": None}, then=F(f"{name}__due_at"))) for name in CLOCK_NAMES]


def next_due_at():
    """The deadline of `Job.next_clock`; NULL where nothing runs."""
    response, resolution = open_deadlines()
    # SQLite's least of something and NULL is NULL.
    soonest = Coalesce(Least(response, resolution), response, resolution)
    return Case(When(status__in=OPEN, then=soonest))


def _either(**lookups) -> Q:
    response, resolution = (
        Q(**{f"{name}__{lookup}": value for lookup, value in lookups.items()}) for name in CLOCK_NAMES
    )
    return response | resolution
