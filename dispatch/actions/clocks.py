"""Keeps a job's SLA clocks in line with the job. Called by every action that changes what they depend on.

Whoever writes clocks holds the lock of the job's row, so that an action and the five-minute check cannot cross.
"""

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Final

from dispatch.actions.clock_pauses import keep_pauses
from dispatch.models import Job, Status, StatusChange
from dispatch.queueing import enqueue_once
from dispatch.service_levels.clock_history import NOT_BEGUN, RESPONDED, load_histories
from dispatch.webhooks import events
from sla.clock import Clock as Reckoning
from sla.clock import NeverDueError
from sla.models import CLOCKS, Clock, ClockKind, ClockPause, ResponseClock, Violation
from sla.policies import Policies

State = Clock.State
TELL: Final = "dispatch.tasks.tell_of_sla"  # by name: the tasks import the actions


def start_clocks(jobs: Sequence[Job], *, policies: Policies | None = None, now: datetime) -> None:
    """Of new jobs, from when they were created."""
    policies = policies or Policies()
    for model in CLOCKS:
        clocks = [clock for job in jobs if (clock := _new(model, job, policies))]
        for clock in clocks:
            _run(clock, policies.clock(clock, []), now=now)
        model.objects.bulk_create(clocks, batch_size=1000)


def remember_clocks(
    past: Sequence[tuple[Job, datetime, Sequence[ClockPause]]], *, policies: Policies | None = None, now: datetime
) -> None:
    """Of jobs that are completed already: each with when somebody first set off and with its pauses."""
    policies = policies or Policies()
    breached, clocks = [], {model: [] for model in CLOCKS}
    for model in CLOCKS:
        for job, responded_at, pauses in past:
            if (clock := _new(model, job, policies)) is None:
                continue
            done_at = responded_at if model is ResponseClock else job.completed_at
            if _end(clock, job, policies.clock(clock, pauses), done_at=done_at):
                breached.append((clock, job))
            clocks[model].append(clock)
    record_breaches(breached, now=now)
    for model in CLOCKS:
        model.objects.bulk_create(clocks[model], batch_size=500)


def keep_clocks(
    was: Job, job: Job, *, at: datetime, now: datetime, policies: Policies | None = None, is_undo: bool = False
) -> None:
    """After an action has made the job of what it `was`, which happened `at`.

    Of an undo, `at` is when what is undone had been done, and that has never been: undoing an En Route makes the
    response wait again, which turning back does not. Of a redo, it is when the action was first done.
    """
    is_retargeted = (was.priority, was.sla_policy_id) != (job.priority, job.sla_policy_id)
    is_alike = not is_retargeted and was.held_at == job.held_at
    if is_alike and _stage(was) == _stage(job):
        return
    policies = policies or Policies()
    pauses = keep_pauses(was, job, at=at)
    with_clocks = Job.objects.select_related("response_clock", "resolution_clock").get(pk=job.pk)
    for model in CLOCKS:
        stored = getattr(with_clocks, f"{model.kind}_clock", None)
        clock = retarget(copy(stored), model, job, policies) if is_retargeted else copy(stored)
        if clock is None:
            if stored is not None:
                stored.delete()
            continue
        if model is ResponseClock and stored is None:
            clock.ended_at = load_histories([job])[job.pk].responded_at
        elif is_undo:
            _take_back(clock, was, job, at=at)
        # A deadline is worked out anew only where it may have moved: the calendar may be another one by now.
        if not (is_alike and was.is_open and job.is_open and _goes_on(clock, job)):
            follow(clock, job, pauses, policies, at=at, now=now)
        _save(clock, stored)


def _stage(job: Job) -> str:
    """As far as the clocks care."""
    if job.status in NOT_BEGUN:
        return "waiting"
    return "begun" if job.is_open else job.status


def _goes_on(clock: Clock, job: Job) -> bool:
    """Nothing has ended it, and its deadline is known."""
    return not _is_done(clock, job) and (clock.state == State.PAUSED or clock.due_at is not None)


def _save(clock: Clock, stored: Clock | None) -> None:
    if stored is None:
        clock.save(force_insert=True)
    else:
        names = [field.attname for field in clock._meta.concrete_fields]
        changed = [name for name in names if getattr(clock, name) != getattr(stored, name)]
        if changed:
            clock.save(update_fields=changed)
    if clock.state == State.BREACHED and (stored is None or stored.state != State.BREACHED):
        enqueue_once(TELL)  # people hear of it now, not at the next check


def _new(model: type[Clock], job: Job, policies: Policies) -> Clock | None:
    if job.source == Job.Source.PLAN:  # nobody has called: made weeks ahead, it has to be done on its day
        return None
    target = policies.target(job.sla_policy_id, priority=job.priority, kind=model.kind)
    if target is None:
        return None
    amount, unit = target
    return model(
        job_id=job.pk,
        policy_id=job.sla_policy_id,
        priority=job.priority,
        amount=amount,
        unit=unit,
        started_at=job.created_at,
    )


def retarget(clock: Clock | None, model: type[Clock], job: Job, policies: Policies) -> Clock | None:
    """Gives it the target that the job has now, from the job's creation on. What is decided stays as it was.

    None: nothing is promised any more, and the caller deletes the stored clock.
    """
    if clock is not None and clock.decided_at is not None:
        return clock
    new = _new(model, job, policies)
    if clock is None or new is None:
        return new
    for name in ("policy_id", "priority", "amount", "unit"):
        setattr(clock, name, getattr(new, name))
    clock.due_at = clock.at_risk_at = None
    return clock


def _take_back(clock: Clock, was: Job, job: Job, *, at: datetime) -> None:
    """Its deadline without what is undone; and a response since then, while an earlier one still stands."""
    if clock.decided_at is None:
        clock.due_at = clock.at_risk_at = None
    has_turned_back = was.status in RESPONDED and job.status in NOT_BEGUN
    if has_turned_back and clock.ended_at is not None and clock.ended_at >= at:
        clock.ended_at = clock.wall_seconds = clock.counted_seconds = None
        if clock.state == State.MET:
            clock.due_at = clock.at_risk_at = None


def _responded_at(job: Job) -> datetime:
    return job.en_route_at or job.started_at or job.completed_at


# One clock ----------------------------------------------------------------------------------------


def follow(
    clock: Clock, job: Job, pauses: Sequence[ClockPause], policies: Policies, *, at: datetime, now: datetime
) -> None:
    """Brings one clock to where its job is; does not save it, but records a breach that had come by `at`.

    Later ones are left to the check: of a phone that was offline, more may be on its way that happened before them.
    """
    if _is_done(clock, job):
        if clock.wall_seconds is None:
            done_at = job.completed_at if clock.kind == ClockKind.RESOLUTION else clock.ended_at or _responded_at(job)
            if _end(clock, job, policies.clock(clock, pauses), done_at=done_at):
                record_breaches([(clock, job)], now=now)
    elif job.status == Status.CANCELLED:
        _stop(clock, job, policies.clock(clock, pauses), now=now)
    else:
        clock.ended_at = clock.wall_seconds = clock.counted_seconds = None
        if clock.state != State.BREACHED:
            _run(clock, policies.clock(clock, pauses), now=now)
            if clock.due_at and clock.due_at < at:
                record_breaches([(clock, job)], now=now)


def _is_done(clock: Clock, job: Job) -> bool:
    if clock.kind == ClockKind.RESOLUTION:
        return job.status == Status.COMPLETED
    return job.status in RESPONDED or (clock.ended_at is not None and clock.state != State.STOPPED)


def _end(clock: Clock, job: Job, reckoned: Reckoning, *, done_at: datetime) -> bool:
    """Whether that was too late, and nobody has recorded it yet."""
    clock.ended_at = max(done_at, clock.started_at)
    clock.wall_seconds = _seconds(clock.ended_at - clock.started_at)
    clock.counted_seconds = _seconds(reckoned.elapsed(clock.ended_at))
    if clock.state == State.BREACHED:
        return False
    if clock.due_at is None:
        clock.due_at, clock.at_risk_at = _deadline(reckoned)
    if clock.due_at and clock.ended_at > clock.due_at:
        return True
    clock.state, clock.decided_at = State.MET, clock.ended_at
    _note_circumstances(clock, job, technician_id=job.technician_id)
    return False


def _stop(clock: Clock, job: Job, reckoned: Reckoning, *, now: datetime) -> None:
    if clock.due_at is None:
        clock.due_at, clock.at_risk_at = _deadline(reckoned)
    if clock.state == State.RUNNING and clock.due_at and clock.due_at < job.cancelled_at:
        record_breaches([(clock, job)], now=now)
    elif clock.state != State.BREACHED:
        clock.state, clock.decided_at = State.STOPPED, None
        clock.ended_at = max(job.cancelled_at, clock.started_at)


def _run(clock: Clock, reckoned: Reckoning, *, now: datetime) -> None:
    clock.decided_at = None
    clock.due_at, at_risk_at = _deadline(reckoned)
    clock.at_risk_at = at_risk_at if clock.due_at else None
    clock.state = State.RUNNING if clock.due_at else State.PAUSED
    if at_risk_at is None or at_risk_at > now:  # else it is told of once, however often it pauses
        clock.is_at_risk, clock.warned_at = False, None


def _deadline(reckoned: Reckoning) -> tuple[datetime | None, datetime | None]:
    """And when it is at risk. None for what a calendar without opening hours will never let run out."""
    try:
        return reckoned.due_at, reckoned.at_risk_at
    except NeverDueError:
        return None, None


def record_breaches(breached: Sequence[tuple[Clock, Job]], *, now: datetime) -> list[Violation]:
    """Marks the clocks, which their caller saves, and records each violation that is not recorded yet."""
    for (clock, job), technician_id in zip(breached, _who_had_it(breached), strict=True):
        clock.state, clock.decided_at = State.BREACHED, clock.due_at
        _note_circumstances(clock, job, technician_id=technician_id)
    violations = [
        Violation(
            job=job,
            kind=clock.kind,
            breached_at=clock.due_at,
            recorded_at=now,
            policy_id=clock.policy_id,
            technician_id=clock.technician_id,
            zone_id=job.zone_id,
            job_type_id=job.job_type_id,
            priority=clock.priority,
        )
        for clock, job in breached
    ]
    Violation.objects.bulk_create(violations, ignore_conflicts=True)
    events.tell_of_breaches(violations, now=now)
    return violations


def _who_had_it(breached: Sequence[tuple[Clock, Job]]) -> list[int | None]:
    """At the deadline, by the log: who has it by now may have got it because of that."""
    log = StatusChange.objects.filter(job__in={job.pk for _, job in breached}).order_by("happened_at", "pk")
    hands: dict[int, list[tuple[datetime, int | None]]] = defaultdict(list)
    for job_id, happened_at, technician_id in log.values_list("job_id", "happened_at", "to_technician_id"):
        hands[job_id].append((happened_at, technician_id))
    return [
        next((had for since, had in reversed(hands[job.pk]) if since <= clock.due_at), None) for clock, job in breached
    ]


def _note_circumstances(clock: Clock, job: Job, *, technician_id: int | None) -> None:
    clock.technician_id = technician_id
    for name in ("zone_id", "job_type_id", "customer_id"):
        setattr(clock, name, getattr(job, name))


def _seconds(length: timedelta) -> int:
    return max(0, int(length.total_seconds()))
