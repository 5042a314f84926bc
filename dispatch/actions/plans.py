"""Route plans: asked for, worked out by a worker, given up, looked after. applying.py applies them."""

import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch
from dispatch.actions.notices import mark_read
from dispatch.models import Notification, Plan, PlanningSettings
from dispatch.notices.notify import notify
from dispatch.planning.build import Case, build
from dispatch.planning.outcome import names_of, result_of, was_of
from dispatch.planning.problem import Routes
from dispatch.planning.solver import solve
from dispatch.planning.timetable import total_cost
from dispatch.planning.weights import Preferences, presets
from dispatch.planning.why_not import Inquiry
from dispatch.queueing import PLANNING, enqueue
from dispatch.travel.configured import travel_times
from technicians.models import Technician

Kind, State = Plan.Kind, Plan.State
TASK: Final = "dispatch.tasks.work_out_plan"
SPARE_SECONDS: Final = 240  # to load, to explain and to store, beside the plan's own seconds
SILENT_AFTER: Final = timedelta(minutes=2)  # a worker that says nothing for so long is gone
ASKED_AGAIN_AFTER: Final = timedelta(seconds=30)
LOST_AFTER: Final = timedelta(minutes=30)  # longer than the longest plans before it in the queue
TOLD_EVERY: Final = 1.0  # second
STOPPED: Final = "The worker stopped in the middle. Nothing was changed: work it out again."
NO_WORKER: Final = "No worker took it up. Ask again; if that does not help, an administrator must look at the workers."
TOO_LONG: Final = "It took far longer than it may and was broken off. Nothing was changed: try fewer technicians."


def ask_for_plan(
    kind: str,
    day: date,
    technicians: Iterable[Technician],
    *,
    by,
    with_unassigned: bool = True,
    absent: Technician | None = None,
    preset: str = "",
    stability: int | None = None,
    seconds: int | None = None,
    now: datetime | None = None,
) -> Plan:
    """A worker works it out. Of those whose day is being planned already by somebody, that is said."""
    now = now or timezone.now()
    check_may_dispatch(by)
    _check_day(kind, day, now=now)
    people = _may_plan(technicians, by=by, absent=absent)
    settings = PlanningSettings.load()
    preferences = _preferences(settings, kind, preset=preset, stability=stability)
    scope = ",".join(str(pk) for pk in sorted({*people, *([absent.pk] if absent else [])}))
    with transaction.atomic():
        # Two who ask at once for the same technicians ask one after the other.
        ids = [int(pk) for pk in scope.split(",")]
        list(Technician.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
        _refuse_while_planned(ids, day, now=now)
        try:
            with transaction.atomic():
                plan = Plan.objects.create(
                    kind=kind,
                    day=day,
                    scope=scope,
                    absent=absent,
                    with_unassigned=with_unassigned,
                    preferences=asdict(preferences),
                    preset=preset,
                    seconds=_seconds(settings, kind, seconds),
                    created_by=by,
                    created_at=now,
                    step="Waiting for a worker",
                )
        except IntegrityError:
            raise ActionRefused("Somebody else asked for the same at this moment.") from None
        plan.technicians.set(people)
        _enqueue(plan)
    return plan


def _check_day(kind: str, day: date, *, now: datetime) -> None:
    today = timezone.localdate(now)
    if day < today:
        raise ActionRefused(f"{day:%A} {day.day} {day:%B} is over: there is nothing left to plan.")
    if kind == Kind.REPLAN and day != today:
        raise ActionRefused("From now on only today can be planned.")


def _may_plan(technicians: Iterable[Technician], *, by, absent: Technician | None) -> list[int]:
    wanted = {technician.pk for technician in technicians} - {absent.pk if absent else None}
    found = set(Technician.objects.visible_to(by).active().filter(pk__in=wanted).values_list("pk", flat=True))
    if not wanted:
        raise ActionRefused("Choose at least one technician.")
    if wanted - found:
        raise ActionRefused("Some of these technicians are not active any more, or not yours to plan.")
    if absent and not Technician.objects.visible_to(by).filter(pk=absent.pk).exists():
        raise ActionRefused("This technician is not yours to plan.")
    return sorted(found)


def _preferences(settings: PlanningSettings, kind: str, *, preset: str, stability: int | None) -> Preferences:
    known = presets(settings.preferences)
    if preset and preset not in known:
        raise ActionRefused(f"There is no preset “{preset}”.")
    chosen = known[preset or "usual"]
    if stability is None and not preset and kind == Kind.ROUTE:
        stability = 0  # whoever asks for the best order wants the best order
    return chosen if stability is None else replace(chosen, stability=max(0, min(100, stability)))


def _seconds(settings: PlanningSettings, kind: str, wanted: int | None) -> int:
    usual = {Kind.ROUTE: settings.route_seconds, Kind.DAY: settings.day_seconds}.get(kind, settings.replan_seconds)
    return max(1, min(480, wanted or usual))


def _refuse_while_planned(ids: list[int], day: date, *, now: datetime) -> None:
    others = Plan.objects.unfinished().filter(Q(technicians__in=ids) | Q(absent__in=ids), day=day)
    other = others.select_related("created_by").order_by("pk").first()
    if other is None:
        return
    whose = set(other.technicians.values_list("pk", flat=True)) & set(ids) or {other.absent_id}
    names = sorted(str(one) for one in Technician.objects.select_related("user").filter(pk__in=whose))
    named = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    raise ActionRefused(
        f"{other.created_by} is planning that day of {named} already: {other.done_percent} % done. "
        "Wait for it, or stop it."
    )


def _enqueue(plan: Plan) -> None:
    enqueue(TASK, plan.pk, timeout=plan.seconds + SPARE_SECONDS, queue=PLANNING)


# Working it out -----------------------------------------------------------------------------------


class _Told:
    """Tells how far it is, at most once a second, and hears whether it is to stop."""

    def __init__(self, plan: Plan, *, now: datetime):
        self.plan, self.now = plan, now
        self.last, self.began = float("-inf"), monotonic()
        self.goes_on = True

    def step(self, text: str, percent: int, **values) -> bool:
        self.last = monotonic()
        mine = Plan.objects.filter(pk=self.plan.pk, state=State.RUNNING)
        mine.update(step=text, done_percent=percent, heard_of_at=timezone.now(), **values)
        row = Plan.objects.filter(pk=self.plan.pk).values_list("state", "is_cancel_asked").first()
        self.goes_on = row == (State.RUNNING, False)
        publish_plan(self.plan)
        return self.goes_on

    def found(self, best: int, share: float) -> bool:
        if monotonic() - self.last < TOLD_EVERY:
            return self.goes_on
        percent = 15 + round(70 * max(0.0, min(1.0, share)))
        return self.step("Looking for the best plan", percent, best_cost=best)


def work_out_plan(plan_id: int, *, now: datetime | None = None, iterations: int | None = None) -> Plan | None:
    """None if somebody else has begun with it, or it was given up."""
    began = {"state": State.RUNNING, "heard_of_at": timezone.now()}
    if not Plan.objects.filter(pk=plan_id, state=State.QUEUED).update(**began):
        return None
    plan = Plan.objects.select_related("created_by", "absent").get(pk=plan_id)
    try:
        return _work_out(plan, now=now or timezone.now(), iterations=iterations)
    except Exception as error:
        is_timeout = type(error).__name__ == "JobTimeoutException"
        _end(plan, State.FAILED, error=TOO_LONG if is_timeout else f"It broke off: {error}"[:300])
        raise


def _work_out(plan: Plan, *, now: datetime, iterations: int | None) -> Plan:
    told = _Told(plan, now=now)
    if not told.step("Looking at jobs and technicians", 3):
        return _end(plan, State.DISCARDED)
    case = build_for(plan, now=now)
    first = total_cost(case.problem, case.problem.current) if case.problem.current else None
    if not told.step("Looking for the best plan", 15, first_cost=first, best_cost=first, notice=case.notice):
        return _end(plan, State.DISCARDED)
    solution = solve(
        case.problem,
        seconds=plan.seconds,
        iterations=iterations,
        seed=plan.seed,
        processes=min(4, os.cpu_count() or 1),
        go_on=told.found,
    )
    was_stopped = Plan.objects.filter(pk=plan.pk, is_cancel_asked=True).exists()
    told.step("Explaining it", 88)
    left_out = reasons_for(case, solution.routes, by=plan.created_by, tell=lambda: told.step("Explaining it", 90))
    told.step("Writing it down", 95)
    result = result_of(
        case,
        solution.routes,
        by=plan.created_by,
        fuel_cost=float(PlanningSettings.load().fuel_cost_per_km),
        left_out=left_out,
        travel=travel_times(now=now),
    )
    notice = " ".join(filter(None, (case.notice, "Stopped early: the best until then." if was_stopped else "")))
    best = total_cost(case.problem, solution.routes)
    return _end(plan, State.PROPOSED, result=result, notice=notice[:300], best_cost=best)


def build_for(plan: Plan, *, now: datetime, technicians=None, job_ids=None, may_wait: bool = True) -> Case:
    return build(
        plan.technicians.all() if technicians is None else technicians,
        plan.day,
        kind=plan.kind,
        by=plan.created_by,
        preferences=Preferences(**plan.preferences),
        with_unassigned=plan.with_unassigned,
        absent=plan.absent,
        job_ids=job_ids,
        may_wait=may_wait,
        now=now,
    )


def reasons_for(case: Case, routes: Routes, *, by, tell=lambda: True) -> list[dict]:
    """What is left out, the most urgent first, and why."""
    served = {stop for route in routes for stop in route}
    names, inquiry = names_of(case, by=by), Inquiry(case.problem, routes, case.bars)
    rows, last = [], monotonic()
    for stop in sorted(set(range(len(case.jobs))) - served, key=lambda n: (-case.jobs[n].priority, case.jobs[n].pk)):
        texts = [{"kind": reason.kind, "text": reason.text(names)} for reason in inquiry.reasons(stop)]
        rows.append({"job": case.jobs[stop].pk, "reasons": texts, "was": _lost_by(case, stop)})
        if monotonic() - last > TOLD_EVERY:
            last = monotonic()
            tell()
    return rows


def _lost_by(case: Case, stop: int) -> dict | None:
    """What is left over from another day is nobody's loss today: it stays where it is."""
    return was_of(case, stop) if case.jobs[stop].scheduled_on == case.day else None


def _end(plan: Plan, state: str, **values) -> Plan:
    """Not if somebody has ended it meanwhile."""
    mine = Plan.objects.filter(pk=plan.pk, state=State.RUNNING)
    is_mine = mine.update(state=state, done_percent=100, step="", ended_at=timezone.now(), **values)
    plan.refresh_from_db()
    if is_mine:
        _tell_who_asked(plan)
    publish_plan(plan)
    return plan


def _tell_who_asked(plan: Plan) -> None:
    """Before the page that shows it is drawn: whoever looks at that has read it."""
    said = {State.PROPOSED: "waits for you", State.FAILED: "could not be worked out"}.get(plan.state)
    if said:
        text = f"{plan.get_kind_display()}, {plan.day:%a} {plan.day.day} {plan.day:%b}: {said}."
        notify([plan.created_by], Notification.Kind.PLAN_READY, text, url=plan.url, once_key=plan.notice_key)


def note_seen(plan: Plan, *, by) -> None:
    """Whoever opens the plan need not be told of it any more."""
    if plan.created_by_id == by.pk:
        waiting = Notification.objects.shown_to(by).unread().filter(once_key=plan.notice_key)
        if ids := list(waiting.values_list("pk", flat=True)):
            mark_read(by=by, notice_ids=ids)


def publish_plan(plan: Plan) -> None:
    realtime.publish("plan-progressed", groups={realtime.user_group(plan.created_by_id)}, plan=plan.pk)


# Giving it up, and looking after it ---------------------------------------------------------------


def check_may_see(plan: Plan, by) -> None:
    check_may_dispatch(by)
    if by is not None and not Plan.objects.visible_to(by).filter(pk=plan.pk).exists():
        raise PermissionDenied("This plan is somebody else's.")


def cancel_plan(plan: Plan, *, by, now: datetime | None = None) -> Plan:
    """Before a worker has it, it is discarded; later it stops at the next look, and the best so far is proposed."""
    check_may_see(plan, by)
    waiting = Plan.objects.filter(pk=plan.pk, state=State.QUEUED)
    if not waiting.update(state=State.DISCARDED, ended_at=now or timezone.now(), step=""):
        Plan.objects.filter(pk=plan.pk, state=State.RUNNING).update(is_cancel_asked=True, step="Stopping")
    plan.refresh_from_db()
    publish_plan(plan)
    return plan


def discard_plan(plan: Plan, *, by, now: datetime | None = None) -> Plan:
    check_may_see(plan, by)
    over = Plan.objects.filter(pk=plan.pk, state__in=(State.PROPOSED, State.QUEUED, State.FAILED))
    if not over.update(state=State.DISCARDED, ended_at=now or timezone.now(), step=""):
        plan.refresh_from_db()
        raise ActionRefused(f"This plan is {plan.get_state_display().lower()}.")
    plan.refresh_from_db()
    publish_plan(plan)
    return plan


def recompute_plan(plan: Plan, *, by, now: datetime | None = None) -> Plan:
    """The same question to the day as it is now; the old answer is given up."""
    check_may_see(plan, by)
    now = now or timezone.now()
    preferences = Preferences(**plan.preferences)
    with transaction.atomic():
        Plan.objects.filter(pk=plan.pk, state=State.PROPOSED).update(state=State.DISCARDED, ended_at=now)
        again = ask_for_plan(
            plan.kind,
            plan.day,
            plan.technicians.active(),
            by=by,
            with_unassigned=plan.with_unassigned,
            absent=plan.absent,
            preset=plan.preset,
            stability=preferences.stability,
            seconds=plan.seconds,
            now=now,
        )
    publish_plan(plan)
    return again


def sweep_plans(*, now: datetime | None = None) -> int:
    """Asks again for what never reached a worker, and says of what a worker left lying that it failed."""
    now = now or timezone.now()
    running, waiting = (Plan.objects.filter(state=state) for state in (State.RUNNING, State.QUEUED))
    lost = _fail(running.filter(heard_of_at__lt=now - SILENT_AFTER), STOPPED, now=now)
    lost += _fail(waiting.filter(created_at__lt=now - LOST_AFTER), NO_WORKER, now=now)
    for plan in waiting.filter(created_at__lt=now - ASKED_AGAIN_AFTER):
        _enqueue(plan)
    return lost


def fail_plan_of_dead_worker(plan_id: int, *, now: datetime | None = None) -> int:
    """Told by the worker whose process for this task was killed."""
    return _fail(Plan.objects.filter(pk=plan_id, state=State.RUNNING), STOPPED, now=now or timezone.now())


def _fail(plans, error: str, *, now: datetime) -> int:
    failed = 0
    for plan in plans:
        unchanged = Plan.objects.filter(pk=plan.pk, state=plan.state, heard_of_at=plan.heard_of_at)
        if unchanged.update(state=State.FAILED, error=error, step="", done_percent=100, ended_at=now):
            failed += 1
            plan.refresh_from_db()
            _tell_who_asked(plan)
            publish_plan(plan)
    return failed
