"""Giving open jobs the deadlines of the rules as they are now: asked for, done by a worker in batches, looked after.

What a recalculation has done is committed batch by batch with how far it is: whoever goes on after a killed worker,
or beside a slow one, begins where the last batch ended.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, groups_of_job, log_edits
from dispatch.actions.clock_cases import Case, Clocks, differs, jobs_in, load_cases
from dispatch.actions.clocks import follow, record_breaches
from dispatch.models import FieldChange, Job
from dispatch.queueing import enqueue
from sla.models import CLOCKS, Clock, ClockPause, ClockRecalculation, SLAPolicy
from sla.models.recalculations import SCOPE
from sla.policies import Policies

State = ClockRecalculation.State
TASK: Final = "dispatch.tasks.work_out_recalculation"
RIGHT: Final = "sla.change_slapolicy"
BATCH: Final = 200  # jobs, locked together for about a third of a second
TASK_SECONDS: Final = 20.0  # then the rest queues up again behind what others wait for
ASKED_AGAIN_AFTER: Final = timedelta(seconds=30)
SILENT_AFTER: Final = timedelta(minutes=2)  # a worker that says nothing for so long is gone

Outcome = tuple[Case, Clocks]  # a job as it was, and its clocks as they are to be


def check_may_recalculate(by) -> None:
    if by is not None and not by.has_perm(RIGHT):
        raise PermissionDenied("Only those who may change SLA policies may change the deadlines of open jobs.")


@transaction.atomic
def ask_for_recalculation(scope: ClockRecalculation, *, by, now: datetime | None = None) -> ClockRecalculation:
    """`scope` says which jobs and is not saved. One that waits for the same is as good: the rules are read later."""
    check_may_recalculate(by)
    same = {name: getattr(scope, f"{name}_id") for name in SCOPE}
    waiting = ClockRecalculation.objects.filter(state=State.WAITING, last_job=0, **same).first()
    if waiting is not None:
        return waiting
    scope.asked_by, scope.asked_at = by, now or timezone.now()
    scope.save(force_insert=True)
    enqueue(TASK, scope.pk)
    return scope


def go_on_with_recalculation(recalculation: ClockRecalculation, *, by) -> None:
    """After it has failed, from where it was."""
    check_may_recalculate(by)
    failed = ClockRecalculation.objects.filter(pk=recalculation.pk, state=State.FAILED)
    if not failed.update(state=State.WAITING, error="", finished_at=None):
        raise ActionRefused("It has not failed: there is nothing to go on with.")
    enqueue(TASK, recalculation.pk)


def sweep_recalculations(*, now: datetime | None = None) -> int:
    """Hands what no worker has taken up, or a worker has left lying, to the next one."""
    now = now or timezone.now()
    left = ClockRecalculation.objects.filter(state=State.WAITING, asked_at__lt=now - ASKED_AGAIN_AFTER)
    left |= ClockRecalculation.objects.filter(state=State.RUNNING, seen_at__lt=now - SILENT_AFTER)
    ids = list(left.values_list("pk", flat=True))
    for pk in ids:
        enqueue(TASK, pk)
    return len(ids)


# Working it out -----------------------------------------------------------------------------------


def work_out_recalculation(
    pk: int, *, seconds: float | None = TASK_SECONDS, now: datetime | None = None
) -> ClockRecalculation:
    """For about so many seconds, or to the end. What is left then is enqueued."""
    began = monotonic()
    try:
        _begin(pk, now=now or timezone.now())
        while _next_batch(pk, now=now or timezone.now()):
            if seconds is not None and monotonic() - began > seconds:
                enqueue(TASK, pk)
                break
    except Exception as error:
        broken = ClockRecalculation.objects.filter(pk=pk, state=State.RUNNING)
        broken.update(state=State.FAILED, error=f"It broke off: {error}"[:300], finished_at=timezone.now())
        raise
    return ClockRecalculation.objects.get(pk=pk)


def _begin(pk: int, *, now: datetime) -> None:
    """Once; whoever goes on with it keeps what was counted."""
    waiting = ClockRecalculation.objects.filter(pk=pk, state=State.WAITING)
    if recalculation := waiting.first():
        left = jobs_in(recalculation).filter(pk__gt=recalculation.last_job).count()
        waiting.update(state=State.RUNNING, seen_at=now, total=recalculation.done + left)


@transaction.atomic
def _next_batch(pk: int, *, now: datetime) -> bool:
    """Whether there was one. Two workers at once take turns: each holds the row while it works."""
    running = ClockRecalculation.objects.filter(pk=pk, state=State.RUNNING)
    recalculation = running.select_for_update().first()
    if recalculation is None:
        return False
    recalculation.seen_at = now
    left = jobs_in(recalculation).filter(pk__gt=recalculation.last_job).order_by("pk")
    if ids := list(left.values_list("pk", flat=True)[:BATCH]):
        outcomes = _work_out(_locked(ids), by=recalculation.asked_by, now=now)
        recalculation.last_job = ids[-1]
        recalculation.done += len(outcomes)
        recalculation.changed += sum(_is_changed(*outcome) for outcome in outcomes)
        recalculation.breached += sum(_breaches(*outcome) for outcome in outcomes)
    else:
        recalculation.state, recalculation.finished_at = State.DONE, now
    recalculation.save()
    return bool(ids)


def _locked(ids: list[int]) -> list[Job]:
    """Those still open, in the order in which everybody locks jobs. Actions that were quicker have finished then."""
    open_jobs = Job.objects.open().filter(pk__in=ids).order_by("pk")
    return list(
        open_jobs.select_for_update(no_key=True, of=("self",)).select_related("customer", "job_type", "technician")
    )


def _work_out(jobs: Sequence[Job], *, by, now: datetime) -> list[Outcome]:
    policies = Policies()  # read anew for each batch: the rules may change meanwhile
    outcomes = []
    for case in load_cases(jobs, policies):
        clocks = case.retargeted(policies)
        for clock in filter(None, clocks.values()):
            # As of the job's beginning nothing is overdue yet: what is now is recorded below, all at once.
            follow(clock, case.job, case.pauses_of(clock), policies, at=case.job.created_at, now=now)
        outcomes.append((case, clocks))
    record_breaches(list(_overdue(outcomes, now=now)), now=now)
    _save_clocks(outcomes)
    _save_jobs([outcome for outcome in outcomes if _touches_job(*outcome)], by=by, now=now)
    return outcomes


def _overdue(outcomes: Sequence[Outcome], *, now: datetime) -> Iterator[tuple[Clock, Job]]:
    for case, clocks in outcomes:
        for clock in filter(None, clocks.values()):
            if clock.state == Clock.State.RUNNING and clock.due_at < now:
                yield clock, case.job


def _is_changed(case: Case, clocks: Clocks) -> bool:
    return any(differs(case.stored[model], clock) for model, clock in clocks.items())


def _touches_job(case: Case, clocks: Clocks) -> bool:
    return case.job.sla_policy_id != case.had_policy_id or _is_changed(case, clocks) or bool(_breaches(case, clocks))


def _breaches(case: Case, clocks: Clocks) -> int:
    """Those that were none before."""
    return sum(
        clock.state == Clock.State.BREACHED and (stored is None or stored.state != Clock.State.BREACHED)
        for stored, clock in ((case.stored[model], clock) for model, clock in clocks.items() if clock)
    )


def _save_clocks(outcomes: Sequence[Outcome]) -> None:
    """Writes what differs, in bulk; deletes clocks whose target is gone."""
    ClockPause.objects.bulk_create(pause for case, _ in outcomes for pause in case.pauses if pause.pk is None)
    for model in CLOCKS:
        names = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
        pairs = [(case.stored[model], clocks[model]) for case, clocks in outcomes]
        model.objects.filter(pk__in=[was.pk for was, clock in pairs if was and not clock]).delete()
        model.objects.bulk_create(
            [clock for was, clock in pairs if clock and not (was and _same(was, clock, names))],
            update_conflicts=True,
            unique_fields=["job"],
            update_fields=names,
        )


def _same(was: Clock, clock: Clock, names: Sequence[str]) -> bool:
    return all(getattr(was, name) == getattr(clock, name) for name in names)


def _save_jobs(outcomes: Sequence[Outcome], *, by, now: datetime) -> None:
    """Gives the jobs their policies, says in their logs which deadlines have changed, and tells the boards: once."""
    if not outcomes:
        return
    jobs = [case.job for case, _ in outcomes]
    for job in jobs:
        job.version += 1
    by_policy: dict[int | None, list[int]] = {}
    for job in jobs:
        by_policy.setdefault(job.sla_policy_id, []).append(job.pk)
    for policy_id, ids in by_policy.items():
        Job.objects.filter(pk__in=ids).update(sla_policy=policy_id, version=F("version") + 1)
    names = dict(SLAPolicy.objects.values_list("pk", "name"))
    rows = (
        FieldChange(job=case.job, version=case.job.version, changed_at=now, actor=by, changes=changes)
        for case, clocks in outcomes
        if not case.is_new and (changes := _changes(case, clocks, names))
    )
    log_edits(rows, now=now)
    groups = set().union(*map(groups_of_job, jobs))
    realtime.publish("job-changed", groups=groups, jobs=[job.pk for job in jobs])


def _changes(case: Case, clocks: Clocks, names: dict[int, str]) -> dict[str, list[str]]:
    """As the log has them: the old and the new, as people read them."""
    policies = [names.get(case.had_policy_id, ""), names.get(case.job.sla_policy_id, "")]
    deadlines = {f"{model.kind} deadline": [_said(case.stored[model]), _said(clock)] for model, clock in clocks.items()}
    return {name: pair for name, pair in {"SLA policy": policies, **deadlines}.items() if pair[0] != pair[1]}


def _said(clock: Clock | None) -> str:
    if clock is None:
        return "none"
    return f"{timezone.localtime(clock.due_at):%Y-%m-%d %H:%M}" if clock.due_at else "paused"
