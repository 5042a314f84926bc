"""Keeps a job's SLA clocks in line with the job. Called by every action that changes what they depend on.

Whoever writes clocks holds the lock of the job's row, so that an action and the five-minute check cannot cross.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dispatch.models import Job, Status
from sla.clock import Clock as Reckoning
from sla.models import CLOCKS, Clock, ClockKind, ClockPause, Violation
from sla.policies import Policies

State = Clock.State
Cause = ClockPause.Cause
RESPONDED = (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED)
NOT_BEGUN = (Status.CREATED, Status.ASSIGNED)


def start_clocks(jobs: Sequence[Job], *, policies: Policies | None = None, now: datetime) -> None:
    """Of new jobs, from when they were created."""
    policies = policies or Policies()
    for model in CLOCKS:
        clocks = [clock for job in jobs if (clock := _new(model, job, policies))]
        for clock in clocks:
            _run(clock, policies.clock(clock, []), now=now)
        model.objects.bulk_create(clocks, batch_size=1000)


def keep_clocks(was: Job, job: Job, *, at: datetime, now: datetime, is_undo: bool = False) -> None:
    """After an action has made the job of what it `was`, which happened `at`.

    Undoing an En Route that should not have been makes the response wait again; turning back does not.
    """
    is_retargeted = (was.priority, was.sla_policy_id) != (job.priority, job.sla_policy_id)
    has_moved_on = was.status != job.status and not (was.status in NOT_BEGUN and job.status in NOT_BEGUN)
    if not (is_retargeted or has_moved_on or was.held_at != job.held_at):
        return
    pauses = _keep_pauses(was, job, at=at)
    taken_back = is_undo and was.status in RESPONDED and job.status in NOT_BEGUN
    policies = Policies()
    for model in CLOCKS:
        stored = model.objects.filter(pk=job.pk).first()
        clock = retarget(stored, model, job, policies) if is_retargeted else stored
        if clock is None and stored is not None:
            stored.delete()
        if clock is not None:
            if taken_back and model.kind == ClockKind.RESPONSE:
                clock.ended_at = clock.wall_seconds = None
            follow(clock, job, pauses, policies, at=at, now=now)
            clock.save()


def _new(model: type[Clock], job: Job, policies: Policies) -> Clock | None:
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
    if clock is None:
        return new
    if new is None:
        return None
    for name in ("policy_id", "priority", "amount", "unit"):
        setattr(clock, name, getattr(new, name))
    return clock


def _keep_pauses(was: Job, job: Job, *, at: datetime) -> list[ClockPause]:
    pauses = list(ClockPause.objects.filter(job=job))
    lasting = next((pause for pause in pauses if pause.ends_at is None), None)
    if lasting and not (job.is_on_hold and lasting.starts_at == job.held_at):
        lasting.ends_at = max(at, lasting.starts_at)
        lasting.save(update_fields=["ends_at"])
        lasting = None
    if job.is_open and not was.is_open:
        pauses.append(_gap(was, until=at))
    if job.is_on_hold and lasting is None:
        # A release that is undone has never been: its pause goes on.
        pause = next((one for one in pauses if one.cause == Cause.HOLD and one.starts_at == job.held_at), None)
        if pause is None:
            pause = ClockPause(job=job, cause=Cause.HOLD, reason=job.hold_reason, starts_at=job.held_at)
            pauses.append(pause)
        pause.ends_at = None
        pause.save()
    return pauses


def _gap(was: Job, *, until: datetime) -> ClockPause:
    """While it was closed, before somebody opened it again."""
    cancelled = was.status == Status.CANCELLED
    starts_at = was.cancelled_at if cancelled else was.completed_at
    cause = Cause.CANCELLED if cancelled else Cause.COMPLETED
    return ClockPause.objects.create(job=was, cause=cause, starts_at=starts_at, ends_at=max(until, starts_at))


def follow(
    clock: Clock, job: Job, pauses: Sequence[ClockPause], policies: Policies, *, at: datetime, now: datetime
) -> None:
    """Brings one clock to where its job is; does not save it, but records a breach."""
    if _is_done(clock, job):
        if clock.wall_seconds is None:
            _end(clock, job, policies.clock(clock, pauses), at=at, now=now)
    elif job.status == Status.CANCELLED:
        if clock.state != State.BREACHED:
            clock.state, clock.ended_at = State.STOPPED, clock.ended_at or at
    else:
        clock.ended_at = clock.wall_seconds = clock.counted_seconds = None
        if clock.state != State.BREACHED:
            _run(clock, policies.clock(clock, pauses), now=now)
            if clock.due_at and clock.due_at < now:
                record_breaches([(clock, job)], now=now)


def _is_done(clock: Clock, job: Job) -> bool:
    if clock.kind == ClockKind.RESOLUTION:
        return job.status == Status.COMPLETED
    return job.status in RESPONDED or (clock.ended_at is not None and clock.state != State.STOPPED)


def _end(clock: Clock, job: Job, reckoned: Reckoning, *, at: datetime, now: datetime) -> None:
    clock.ended_at = at
    clock.wall_seconds = _seconds(at - clock.started_at)
    clock.counted_seconds = _seconds(reckoned.elapsed(at))
    if clock.state == State.BREACHED:
        return
    clock.due_at, clock.at_risk_at = reckoned.due_at, reckoned.at_risk_at
    if clock.due_at and at > clock.due_at:
        record_breaches([(clock, job)], now=now)
    else:
        clock.state, clock.decided_at = State.MET, at
        _note_circumstances(clock, job)


def _run(clock: Clock, reckoned: Reckoning, *, now: datetime) -> None:
    clock.decided_at = None
    clock.due_at = reckoned.due_at
    clock.at_risk_at = reckoned.at_risk_at if clock.due_at else None
    clock.state = State.RUNNING if clock.due_at else State.PAUSED
    if clock.at_risk_at is None or clock.at_risk_at > now:
        clock.is_at_risk, clock.warned_at = False, None


def record_breaches(breached: Sequence[tuple[Clock, Job]], *, now: datetime) -> list[Violation]:
    """Marks the clocks, which their caller saves, and records each violation that is not recorded yet."""
    for clock, job in breached:
        clock.state, clock.decided_at = State.BREACHED, clock.due_at
        _note_circumstances(clock, job)
    violations = [
        Violation(
            job=job,
            kind=clock.kind,
            breached_at=clock.due_at,
            recorded_at=now,
            policy_id=clock.policy_id,
            technician_id=job.technician_id,
            zone_id=job.zone_id,
            job_type_id=job.job_type_id,
            priority=clock.priority,
        )
        for clock, job in breached
    ]
    Violation.objects.bulk_create(violations, ignore_conflicts=True)
    return violations


def _note_circumstances(clock: Clock, job: Job) -> None:
    for name in ("technician_id", "zone_id", "job_type_id", "customer_id"):
        setattr(clock, name, getattr(job, name))


def _seconds(length: timedelta) -> int:
    return max(0, int(length.total_seconds()))
