"""The jobs that need a decision now, worst first, and why in words. One table says what counts and how it is said."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import BooleanField, Case, ExpressionWrapper, F, Q, Value, When
from django.utils import timezone

from dispatch.models import Job, Priority, Status
from dispatch.models.job_clocks import is_at_risk, is_breached
from dispatch.models.jobs import ACTIVE, RUNNING_BEHIND
from dispatch.overtime import on_duty_too_long
from technicians.models import TimeOff

LONG_HOLD = timedelta(hours=4)
SOON = timedelta(hours=1)
SHOWN = 12
NOT_BEGUN = (Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE)


@dataclass(frozen=True)
class Concern:
    kind: str
    tone: str  # alert or warn
    applies: Callable[[datetime, date], Q]
    words: Callable[[Job, datetime, date], str]


@dataclass(frozen=True)
class Reason:
    kind: str
    tone: str
    text: str


@dataclass(frozen=True)
class Attention:
    job: Job
    reasons: list[Reason]  # worst first, at least one

    @property
    def worst(self) -> Reason:
        return self.reasons[0]

    @property
    def reasons_besides_sla(self) -> list[Reason]:
        """Where the countdown stands beside them."""
        return [reason for reason in self.reasons if not reason.kind.startswith("sla_")]


@dataclass(frozen=True)
class AttentionList:
    rows: list[Attention]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


def _urgent(now, today):
    return Q(status=Status.CREATED, priority=Priority.URGENT, held_at=None)


def _block_missed(now, today):
    return Q(status__in=NOT_BEGUN, window_ends_at__lt=now)


def _breached(now, today):
    return is_breached(now=now)


def _at_risk(now, today):
    return is_at_risk(now=now)


def _running_behind(now, today):
    # A missed block is known already; what was predicted of it says no more.
    return RUNNING_BEHIND & ~_block_missed(now, today)


def _behind_words(job, now, today) -> str:
    arrival = job.arrival
    minutes = arrival.late_minutes or arrival.behind_minutes
    return f"Running {_long(timedelta(minutes=minutes))} behind{f': {arrival.why}' if arrival.why else ''}"


def _risk_words(job) -> str:
    return f"{job.next_clock.kind.label} at risk{'' if job.technician_id else ', and nobody has it'}"


def _stuck(now, today):
    return Q(status=Status.EN_ROUTE, visit__stuck_since__isnull=False, visit__technician=F("technician"))


def _past_shift(now, today):
    overdue = on_duty_too_long(now=now, busy_only=True)
    return Q(status__in=ACTIVE, technician__in=[record.technician_id for record, _ in overdue])


def _due_soon(now, today):
    return Q(status=Status.CREATED, held_at=None, window_ends_at__gte=now, window_starts_at__lt=now + SOON)


def _nobody_comes(now, today):
    away = TimeOff.objects.filter(starts_at__lte=now, ends_at__gt=now)
    return Q(status=Status.ASSIGNED, scheduled_on=today, technician__in=away.values("technician"))


def _nobody_eligible(now, today):
    return Q(status=Status.CREATED) & ~Q(why_unassigned="")


def _overdue(now, today):
    return Q(scheduled_on__lt=today)


def _held_for_long(now, today):
    return Q(held_at__lt=now - LONG_HOLD)


def _nowhere(now, today):
    return Q(site__latitude=None)


CONCERNS = [
    Concern("urgent", "alert", _urgent, lambda job, now, today: f"Urgent and unassigned for {_since(job, now)}"),
    Concern("sla_breached", "alert", _breached, lambda job, now, today: f"{job.next_clock.kind.label} target missed"),
    Concern("sla_at_risk", "alert", _at_risk, lambda job, now, today: _risk_words(job)),
    Concern(
        "late",
        "alert",
        _block_missed,
        lambda job, now, today: f"Block missed: ended {_long(now - job.window_ends_at)} ago",
    ),
    Concern("behind", "alert", _running_behind, _behind_words),
    Concern("stuck", "alert", _stuck, lambda job, now, today: f"No nearer for {_long(now - job.stuck_since)}"),
    Concern("overtime", "alert", _past_shift, lambda job, now, today: f"Under way long after {job.technician}'s shift"),
    Concern("due", "alert", _due_soon, lambda job, now, today: f"Nobody yet for the {_block(job)} block"),
    Concern("away", "alert", _nobody_comes, lambda job, now, today: f"{job.technician} is away"),
    Concern("nobody", "warn", _nobody_eligible, lambda job, now, today: job.why_unassigned),
    Concern("overdue", "alert", _overdue, lambda job, now, today: f"Overdue by {_days(today - job.scheduled_on)}"),
    Concern(
        "hold", "warn", _held_for_long, lambda job, now, today: f"On hold {_long(now - job.held_at)}: {job.hold_reason}"
    ),
    Concern("nowhere", "warn", _nowhere, lambda job, now, today: "No location"),
]


def needing_attention(jobs, *, now: datetime, today: date, shown: int = SHOWN) -> AttentionList:
    """Of these jobs the open ones that somebody must decide about; two statements besides the rows' own."""
    conditions = [(concern, concern.applies(now, today)) for concern in CONCERNS]
    anything = Q()
    for _, condition in conditions:
        anything |= condition
    found = jobs.open().filter(anything)
    rows = (
        found.with_board_info()
        .annotate(
            **{
                f"is_{concern.kind}": ExpressionWrapper(condition, output_field=BooleanField())
                for concern, condition in conditions
            },
            rank=Case(*(When(condition, then=Value(rank)) for rank, (_, condition) in enumerate(conditions))),
        )
        .order_by("rank", "-priority", F("window_ends_at").asc(nulls_last=True), "created_at", "pk")
    )
    return AttentionList(
        [Attention(job, _reasons(job, now=now, today=today)) for job in rows[:shown]], total=found.count()
    )


def _reasons(job, *, now: datetime, today: date) -> list[Reason]:
    return [
        Reason(concern.kind, concern.tone, concern.words(job, now, today))
        for concern in CONCERNS
        if getattr(job, f"is_{concern.kind}")
    ]


def _since(job: Job, now: datetime) -> str:
    return _long(now - job.created_at)


def _long(span: timedelta) -> str:
    minutes = max(1, int(span.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {rest:02d} min" if rest and hours < 10 else f"{hours} h"


def _days(span: timedelta) -> str:
    return "1 day" if span.days == 1 else f"{span.days} days"


def _block(job: Job) -> str:
    starts, ends = timezone.localtime(job.window_starts_at), timezone.localtime(job.window_ends_at)
    return f"{starts:%H:%M}–{ends:%H:%M}"
