"""Auto-Assign: many jobs given out together. Asked for, worked out by a worker, looked at, applied."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dispatch.actions.base import ActionRefused, check_may_dispatch
from dispatch.actions.bulk_board import MOST, BulkResult, change_jobs
from dispatch.actions.journal import board_action
from dispatch.actions.place import ANYWAY, PlacementConflict, place_job
from dispatch.assigning.build import Case, build
from dispatch.assigning.jointly import assign_jointly
from dispatch.assigning.one_by_one import assign_one_by_one
from dispatch.models import AssignmentRule, AutoAssignRun, DispatchSettings, Job
from dispatch.placement import Placement
from dispatch.queueing import PLANNING, enqueue
from dispatch.smart.rules import why_nobody
from technicians.models import Technician

State = AutoAssignRun.State
SECONDS: Final = 15.0  # to look for something better
LOST_AFTER: Final = timedelta(minutes=10)  # longer than the worker lets a task run
NO_ROOM: Final = "Everybody who could do it has no time left that day"


def ask_for_auto_assign(job_ids: Iterable[int], *, by, now: datetime | None = None) -> AutoAssignRun:
    """Of the jobs those that nobody has and that are not on hold. A worker works it out."""
    now = now or timezone.now()
    check_may_dispatch(by)
    wanted = Job.objects.dispatchable_by(by).unassigned().filter(pk__in=list(job_ids), held_at=None)
    ids = list(wanted.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if not ids:
        raise ActionRefused("None of these jobs waits for somebody.")
    if len(ids) > MOST:
        raise ActionRefused(f"More than {MOST} jobs are too many at once: choose a day or a zone.")
    run = AutoAssignRun.objects.create(created_by=by, created_at=now, job_ids=ids, step="Waiting for a worker")
    enqueue("dispatch.tasks.work_out_auto_assign", run.pk, queue=PLANNING)
    return run


def work_out_auto_assign(run_id: int, *, now: datetime | None = None, seconds: float = SECONDS) -> AutoAssignRun | None:
    """None if somebody else has begun with it, or it was given up."""
    if not AutoAssignRun.objects.filter(pk=run_id, state=State.QUEUED).update(state=State.RUNNING):
        return None
    run = AutoAssignRun.objects.select_related("created_by").get(pk=run_id)
    try:
        return _work_out(run, now=now or timezone.now(), seconds=seconds)
    except Exception as error:
        _end(run, State.FAILED, error=f"It broke off: {error}"[:300])
        raise


def _work_out(run: AutoAssignRun, *, now: datetime, seconds: float) -> AutoAssignRun:
    _tell(run, 5, "Looking at the technicians")
    waiting = Job.objects.dispatchable_by(run.created_by).unassigned().filter(pk__in=run.job_ids, held_at=None)
    case = build(waiting.with_board_info().order_by("pk"), user=run.created_by, now=now)

    def go_on(share: float) -> bool:
        _tell(run, 10 + round(85 * share), "Looking for the best match for all of them")
        return not AutoAssignRun.objects.filter(pk=run.pk, is_cancel_asked=True).exists()

    solution = assign_jointly(case.problem, seconds=seconds, go_on=go_on)
    if AutoAssignRun.objects.filter(pk=run.pk, is_cancel_asked=True).exists():
        return _end(run, State.DISCARDED)
    run.result = rows_of(case, solution)
    run.total_score = solution.total_score(case.problem)
    run.greedy_score = assign_one_by_one(case.problem).total_score(case.problem)
    run.save(update_fields=["result", "total_score", "greedy_score"])
    _apply_where_automatic(run, now=now)
    return _end(run, State.PROPOSED if open_rows(run) else State.APPLIED)


def rows_of(case: Case, solution) -> list[dict]:
    """As AutoAssignRun.result says; those with somebody first, in the order of the day."""
    given = {assigned.job_id: assigned for assigned in solution.assigned}
    rows = [_row(case, job, given.get(pk)) for pk, job in case.jobs.items()]
    return sorted(rows, key=lambda row: (row["technician"] is None, row["starts_at"] or "", row["job"]))


def _row(case: Case, job: Job, assigned) -> dict:
    row = {"job": job.pk, "seen": job.seen, "priority": job.priority, "day": case.days[job.pk].isoformat()}
    if assigned is None:
        eligible = any(found.is_eligible for found in case.candidates[job.pk])
        why = NO_ROOM if eligible else why_nobody(case.candidates[job.pk])
        return row | {"technician": None, "starts_at": None, "score": None, "text": why, "outcome": ""}
    candidate = case.chosen(job.pk, assigned.technician_id)
    return row | {
        "technician": assigned.technician_id,
        "starts_at": case.problem.instant(assigned.starts).isoformat(),
        "score": candidate.score.total,
        "text": candidate.score.text,
        "outcome": "",
    }


def open_rows(run: AutoAssignRun) -> list[dict]:
    """What is proposed and neither applied nor refused yet."""
    return [row for row in run.result if row["technician"] and not row["outcome"]]


def _apply_where_automatic(run: AutoAssignRun, *, now: datetime) -> None:
    automatic = AssignmentRule.objects.filter(mode=AssignmentRule.Mode.AUTOMATIC).values_list("priority", flat=True)
    minimum = DispatchSettings.load().automatic_minimum_score
    ids = {row["job"] for row in open_rows(run) if row["priority"] in set(automatic) and row["score"] >= minimum}
    if ids:
        _tell(run, 97, "Assigning what is to be assigned automatically")
        _apply(run, ids, by=run.created_by, now=now)


@transaction.atomic
def apply_auto_assign(
    run: AutoAssignRun, job_ids: Collection[int], *, by, now: datetime | None = None
) -> list[BulkResult]:
    """Those of the proposal that are chosen; one board action. The others stay in the tray."""
    check_may_dispatch(by)
    claimed = AutoAssignRun.objects.filter(pk=run.pk, state=State.PROPOSED)
    if not claimed.update(state=State.APPLIED, ended_at=now or timezone.now()):
        run.refresh_from_db()
        raise ActionRefused(f"This proposal is {run.get_state_display().lower()} already.")
    run.refresh_from_db()
    return _apply(run, set(job_ids), by=by, now=now or timezone.now())


def _apply(run: AutoAssignRun, job_ids: set[int], *, by, now: datetime) -> list[BulkResult]:
    rows = {row["job"]: row for row in open_rows(run) if row["job"] in job_ids}
    people = Technician.objects.select_related("user").in_bulk({row["technician"] for row in rows.values()})

    def give(job: Job) -> Job:
        return _give(job, rows[job.pk], people.get(rows[job.pk]["technician"]), by=by, now=now)

    with board_action(by=by, now=now) as entry:
        results = change_jobs(rows, give, by=by, now=now)
        done = sum(result.is_done for result in results)
        entry.label = f"Auto-assigned {done} job{'s' if done != 1 else ''}"
    for result in results:
        rows[result.job_id]["outcome"] = result.refusal or "assigned"
    run.save(update_fields=["result"])
    return results


def _give(job: Job, row: dict, technician: Technician | None, *, by, now: datetime) -> Job:
    if technician is None:
        raise ActionRefused("The technician is not there any more.", job)
    day = max(job.scheduled_on or timezone.localdate(now), timezone.localdate(now))
    to = Placement(technician, day, parse_datetime(row["starts_at"]))
    asked = {"by": by, "seen": row["seen"], "now": now, "note": f"Auto-Assign: {technician} {row['score']}"}
    try:
        return place_job(job, to, **asked)
    except PlacementConflict as conflict:
        # The day that was promised is over: whichever day is next moves the time block.
        is_overdue = job.scheduled_on is not None and job.scheduled_on < day
        if is_overdue and {objection.kind for objection in conflict.verdict.objections} == {"promise"}:
            return place_job(job, to, on_conflict=ANYWAY, **asked)
        raise


def discard_auto_assign(run: AutoAssignRun, *, by, now: datetime | None = None) -> None:
    """Gives it up: what is being worked out stops at the next look."""
    check_may_dispatch(by)
    AutoAssignRun.objects.filter(pk=run.pk, state=State.RUNNING).update(is_cancel_asked=True)
    waiting = AutoAssignRun.objects.filter(pk=run.pk, state__in=(State.QUEUED, State.PROPOSED))
    waiting.update(state=State.DISCARDED, ended_at=now or timezone.now())


def sweep_auto_assign(*, now: datetime | None = None) -> int:
    """Asks again for what never reached a worker, and says of what a worker left lying that it failed."""
    now = now or timezone.now()
    begun = AutoAssignRun.objects.filter(state__in=(State.QUEUED, State.RUNNING), created_at__lt=now - LOST_AFTER)
    lost = begun.update(state=State.FAILED, error="The worker stopped in the middle. Start it again.", ended_at=now)
    for pk in AutoAssignRun.objects.filter(state=State.QUEUED).values_list("pk", flat=True):
        enqueue("dispatch.tasks.work_out_auto_assign", pk, queue=PLANNING)
    return lost


def _tell(run: AutoAssignRun, percent: int, step: str) -> None:
    AutoAssignRun.objects.filter(pk=run.pk).update(done_percent=percent, step=step)


def _end(run: AutoAssignRun, state: str, *, error: str = "") -> AutoAssignRun:
    AutoAssignRun.objects.filter(pk=run.pk).update(
        state=state, error=error, done_percent=100, step="", ended_at=timezone.now()
    )
    run.refresh_from_db()
    return run
