"""Open jobs beside the rules as they are now: which have other deadlines than a new job would get."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from dispatch.actions.clocks import retarget
from dispatch.models import Job
from dispatch.service_levels.clock_history import load_histories
from sla.clock import NeverDueError
from sla.models import CLOCKS, Clock, ClockPause, ClockRecalculation, ResponseClock, SLAPolicy
from sla.policies import Policies

LOOKED_AT: Final = 2000  # jobs, before somebody is asked
AT_ONCE: Final = 500
SHOWN: Final = 8

Clocks = dict[type[Clock], Clock | None]


def jobs_in(scope: ClockRecalculation) -> QuerySet[Job]:
    """The open jobs that the recalculation is about. Of a policy: those that have it, and those that would get it."""
    jobs = Job.objects.open()
    if scope.customer_id:
        return jobs.filter(customer=scope.customer_id)
    if scope.job_type_id:
        return jobs.filter(job_type=scope.job_type_id)
    if not (scope.policy_id or scope.calendar_id):
        return jobs
    of_scope = Q(pk=scope.policy_id) if scope.policy_id else Q(calendar=scope.calendar_id)
    ids = list(SLAPolicy.objects.filter(of_scope).values_list("pk", flat=True))
    default = SLAPolicy.objects.filter(is_default=True).values("pk")[:1]
    would_get = Coalesce(F("customer__sla_policy"), F("job_type__sla_policy"), default)
    return jobs.alias(would_get=would_get).filter(Q(sla_policy__in=ids) | Q(would_get__in=ids))


@dataclass
class Case:
    """An open job, given the policy that is in force for it now, and its clocks as they are stored."""

    job: Job
    had_policy_id: int | None
    stored: Clocks
    pauses: list[ClockPause]
    responded_at: datetime | None = None  # of one without a response clock, as its log says

    @property
    def is_new(self) -> bool:
        return not any(self.stored.values())

    def retargeted(self, policies: Policies) -> Clocks:
        """Copies with the targets of now; their deadlines are still to be worked out."""
        clocks = {model: retarget(copy(clock), model, self.job, policies) for model, clock in self.stored.items()}
        if self.stored[ResponseClock] is None and clocks[ResponseClock] is not None:
            clocks[ResponseClock].ended_at = self.responded_at
        return clocks

    def pauses_of(self, clock: Clock) -> list[ClockPause]:
        """Those before it ended."""
        return [pause for pause in self.pauses if clock.ended_at is None or pause.starts_at < clock.ended_at]


def load_cases(jobs: Sequence[Job], policies: Policies) -> list[Case]:
    """The jobs come with customer and type. Who means to write has locked them: clocks are read only now."""
    ids = [job.pk for job in jobs]
    stored = {model: model.objects.in_bulk(ids) for model in CLOCKS}
    pauses = defaultdict(list)
    for pause in ClockPause.objects.filter(job__in=ids):
        pauses[pause.job_id].append(pause)
    cases = []
    for job in jobs:
        had, policy = job.sla_policy_id, policies.policy_for(customer=job.customer, job_type=job.job_type)
        job.sla_policy_id = policy and policy.pk
        cases.append(Case(job, had, {model: stored[model].get(job.pk) for model in CLOCKS}, pauses[job.pk]))
    _read_logs(cases)
    return cases


def _read_logs(cases: list[Case]) -> None:
    histories = load_histories(case.job for case in cases if case.stored[ResponseClock] is None)
    for case in cases:
        if history := histories.get(case.job.pk):
            case.responded_at = history.responded_at
            if case.is_new and not case.pauses:
                case.pauses = history.pauses


def differs(was: Clock | None, clock: Clock | None) -> bool:
    """Whether people are shown another target or deadline."""
    if was is None or clock is None:
        return was is not clock
    return (was.amount, was.unit, was.due_at) != (clock.amount, clock.unit, clock.due_at)


# Before somebody decides --------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One clock of a job as it is and as it would be; None: no target."""

    job: Job
    kind: str
    was: Clock | None
    clock: Clock | None
    is_breach: bool  # it would be broken at once


@dataclass(frozen=True)
class Preview:
    """`jobs` and `breaches` are of those looked at, the first of them `shown`."""

    jobs: int
    breaches: int
    shown: list[Difference]
    looked_at: int
    total: int

    @property
    def is_whole(self) -> bool:
        return self.looked_at == self.total

    @property
    def has_question(self) -> bool:
        return self.jobs > 0 or not self.is_whole

    @property
    def shown_jobs(self) -> int:
        return len({one.job.pk for one in self.shown})

    @property
    def jobs_text(self) -> str:
        """“12 open jobs have deadlines”"""
        return f"{self.jobs:,} open jobs have deadlines" if self.jobs != 1 else "1 open job has deadlines"


def preview(scope: ClockRecalculation, *, now: datetime) -> Preview:
    total = jobs_in(scope).count()
    found = list(_differences(scope, now=now))
    ids = list(dict.fromkeys(one.job.pk for one in found))
    return Preview(
        jobs=len(ids),
        breaches=sum(one.is_breach for one in found),
        shown=[one for one in found if one.job.pk in ids[:SHOWN]],
        looked_at=min(total, LOOKED_AT),
        total=total,
    )


def has_to_be_asked(scope: ClockRecalculation, *, now: datetime) -> bool:
    """A deadline would change, or the jobs are too many to know."""
    return any(_differences(scope, now=now)) or jobs_in(scope).count() > LOOKED_AT


def _differences(scope: ClockRecalculation, *, now: datetime) -> Iterator[Difference]:
    """The most urgent jobs first."""
    jobs = jobs_in(scope).select_related("customer", "job_type").order_by("-priority", "pk")
    policies = Policies()
    for first in range(0, LOOKED_AT, AT_ONCE):
        batch = list(jobs[first : first + AT_ONCE])
        for case in load_cases(batch, policies):
            yield from _differences_of(case, policies, now=now)
        if len(batch) < AT_ONCE:
            return


def _differences_of(case: Case, policies: Policies, *, now: datetime) -> Iterator[Difference]:
    for model, clock in case.retargeted(policies).items():
        is_breach = False
        if clock is not None and clock.decided_at is None:
            clock.due_at = _due_at(clock, case.pauses_of(clock), policies)
            is_breach = clock.due_at is not None and clock.due_at < (clock.ended_at or now)
        if differs(case.stored[model], clock):
            yield Difference(case.job, model.kind, case.stored[model], clock, is_breach)


def _due_at(clock: Clock, pauses: list[ClockPause], policies: Policies) -> datetime | None:
    try:
        return policies.clock(clock, pauses).due_at
    except NeverDueError:
        return None
