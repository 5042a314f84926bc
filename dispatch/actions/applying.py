"""Applying a route plan: many jobs at once, as giving each to its technician at its time would leave them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dispatch.actions.base import ActionRefused, groups_of_job, kind_of_dispatcher, log_edits, publish_jobs
from dispatch.actions.edit import displayed
from dispatch.actions.journal import board_action
from dispatch.actions.place import times_of
from dispatch.actions.plans import Kind, State, check_may_see, publish_plan
from dispatch.models import FieldChange, Job, Plan, RequiredSkill, Status, StatusChange
from dispatch.placement import Placement
from dispatch.planning.changes import changes_since, state_of
from dispatch.webhooks import events
from technicians.models import Technician
from technicians.positions import fix_at

FIELDS: Final = (
    *("status", "technician", "scheduled_on", "planned_starts_at", "window_starts_at", "window_ends_at"),
    *("route_position", "is_technician_pinned", "assigned_at", "en_route_at", "started_at", "version"),
)
LABELS: Final = {
    Kind.ROUTE: "Optimized the route of {who}",
    Kind.DAY: "Planned {day} of {who}",
    Kind.REPLAN: "Replanned {day} of {who}",
    Kind.ABSENCE: "Shared out the jobs of {absent}",
}


class PlanOutdated(ActionRefused):
    """The day is not the one any more that was planned; `changes` says what, in sentences."""

    def __init__(self, changes: list[str]):
        super().__init__("The day has changed since: " + "; ".join(changes[:5]) + ".")
        self.changes = changes


@transaction.atomic
def apply_plan(
    plan: Plan, *, technician_ids: Iterable[int] | None = None, by, now: datetime | None = None
) -> list[Job]:
    """The routes of these technicians, or all that are not applied yet; all of it or nothing. Returns what changed."""
    now = now or timezone.now()
    check_may_see(plan, by)
    plan = Plan.objects.select_for_update(no_key=True, of=("self",)).select_related("absent__user").get(pk=plan.pk)
    if plan.state != State.PROPOSED:
        raise ActionRefused(f"This plan is {plan.get_state_display().lower()} already.")
    chosen = _chosen(plan, technician_ids)
    people = {route["technician"] for route in chosen}
    wanted = _wanted(plan, chosen, is_whole=technician_ids is None)
    if missing := _without_anybody(plan, people):
        raise ActionRefused(" ".join(missing))
    with board_action(by=by, now=now, label=_label(plan, chosen)) as entry:
        entry.watch([Job(pk=pk) for pk in wanted])  # locks them
        if changes := changes_since(plan, now=now, technician_ids=people):
            raise PlanOutdated(changes)
        changed, groups = _change(wanted, plan, by=by, now=now)
        _close(plan, chosen, changed, now=now)
        events.tell(events.Kind.PLAN_APPLIED, content=_as_told(plan, chosen, changed), now=now)
        if changed:
            publish_jobs(changed, also=groups, now=now)
    publish_plan(plan)
    return changed


def _chosen(plan: Plan, technician_ids: Iterable[int] | None) -> list[dict]:
    open_routes = [route for route in plan.result["routes"] if not route["applied_at"]]
    if technician_ids is None:
        return open_routes
    wanted = set(technician_ids)
    chosen = [route for route in open_routes if route["technician"] in wanted]
    if not chosen:
        raise ActionRefused("Choose a technician whose route is not applied yet.")
    return chosen


def _without_anybody(plan: Plan, people: set[int]) -> list[str]:
    """A job that leaves a chosen route for one that is not chosen would be on neither."""
    elsewhere = [
        (stop, route)
        for route in plan.result["routes"]
        if not route["applied_at"] and route["technician"] not in people
        for stop in route["stops"]
        if stop["was"] and stop["was"]["technician"] in people and not _is_of_absent(plan, stop)
    ]
    if not elsewhere:
        return []
    ids = {route["technician"] for _, route in elsewhere} | {stop["was"]["technician"] for stop, _ in elsewhere}
    names = {one.pk: str(one) for one in Technician.objects.select_related("user").filter(pk__in=ids)}
    return [
        f"J-{stop['job']:06d} goes from {names[stop['was']['technician']]} to {names[route['technician']]}: "
        f"apply {names[route['technician']]}'s route too, or nobody has it."
        for stop, route in elsewhere[:3]
    ]


def _is_of_absent(plan: Plan, stop: dict) -> bool:
    return plan.absent_id is not None and stop["was"]["technician"] == plan.absent_id


def goes_with(plan: Plan, technician_ids: Iterable[int]) -> set[int]:
    """These technicians, and those whose routes must be applied together with theirs."""
    wanted, routes = set(technician_ids), plan.result.get("routes", [])
    while True:
        more = {
            route["technician"]
            for route in routes
            for stop in route["stops"]
            if not route["applied_at"] and stop["was"] and stop["was"]["technician"] in wanted
        }
        if more <= wanted:
            return wanted
        wanted |= more


def _wanted(plan: Plan, chosen: list[dict], *, is_whole: bool) -> dict[int, Placement]:
    """Where each job is to be that does not stay as it is; with nobody, what nobody can do any more."""
    people = Technician.objects.select_related("user").in_bulk({route["technician"] for route in chosen})
    wanted = {
        stop["job"]: Placement(people[route["technician"]], plan.day, _instant(stop["planned_at"]))
        for route in chosen
        for stop in route["stops"]
        if route["technician"] in people
    }
    owners = set(people) | ({plan.absent_id} if is_whole and plan.absent_id else set())
    for row in plan.result["left_out"]:
        if row["was"] and row["was"]["technician"] in owners:
            wanted[row["job"]] = Placement(None, plan.day, None)
    return wanted


def _label(plan: Plan, chosen: list[dict]) -> str:
    people = Technician.objects.select_related("user").filter(pk__in=[route["technician"] for route in chosen])
    names = sorted(map(str, people))
    who = names[0] if len(names) == 1 else f"{len(names)} technicians"
    day = f"{plan.day:%a} {plan.day.day} {plan.day:%b}"
    return LABELS[plan.kind].format(who=who, day=day, absent=plan.absent)


# The jobs -----------------------------------------------------------------------------------------


def _change(wanted: dict[int, Placement], plan: Plan, *, by, now: datetime) -> tuple[list[Job], set[str]]:
    """In as many statements for a thousand jobs as for one."""
    jobs = list(Job.objects.select_related("technician__user").filter(pk__in=wanted).order_by("pk"))
    changed, groups, field_changes, before = [], set(), [], {}
    for job in jobs:
        was = (job.status, job.technician)
        groups_before = groups_of_job(job)
        times = _set_times(job, wanted[job.pk])
        is_given = _hand_over(job, wanted[job.pk].technician, now=now)
        if not times and not is_given:
            continue
        job.version += 1
        groups |= groups_before
        changed.append(job)
        if is_given:
            before[job.pk] = was
        if times:
            field_changes.append(FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=times))
    _check_dispatches(by, changed)
    for job in changed:
        if job.technician and not (job.technician.is_active and job.technician.user.is_active):
            raise ActionRefused(f"{job.technician} is no longer active.", job)
    Job.objects.bulk_update(changed, FIELDS, batch_size=500)
    log_edits(field_changes, now=now)
    rows = StatusChange.objects.bulk_create(_log_rows(changed, before, plan, by=by, now=now))
    events.tell_of_log(rows, now=now)
    return changed, groups


def _check_dispatches(by, jobs: Collection[Job]) -> None:
    """Zones may have been taken from somebody since they asked for the plan."""
    if by is None or not jobs:
        return
    allowed = set(Job.objects.dispatchable_by(by).filter(pk__in=[job.pk for job in jobs]).values_list("pk", flat=True))
    if others := sum(job.pk not in allowed for job in jobs):
        what = "One of its jobs lies" if others == 1 else f"{others} of its jobs lie"
        raise ActionRefused(f"{what} in a zone where you do not dispatch: nothing was applied.")


def _set_times(job: Job, to: Placement) -> dict[str, list[str]]:
    """What has changed, as people read it. A job that nobody has any more waits in the tray of its day."""
    if to.technician is not None and to.starts_at is None and job.scheduled_on == to.day:
        return {}
    values = times_of(job, to)
    changed = {name: value for name, value in values.items() if getattr(job, name) != value}
    before = {name: displayed(job, name) for name in changed}
    for name, value in changed.items():
        setattr(job, name, value)
    if changed:
        job.route_position = None
    return {name: [before[name], displayed(job, name)] for name in changed}


def _hand_over(job: Job, technician: Technician | None, *, now: datetime) -> bool:
    if job.technician_id == (technician and technician.pk):
        return False
    job.technician = technician
    job.status = Status.ASSIGNED if technician else Status.CREATED
    job.assigned_at = now if technician else None
    job.en_route_at = job.started_at = job.route_position = None
    if technician is None:
        job.is_technician_pinned = False
    return True


def _log_rows(changed: list[Job], before: dict[int, tuple], plan: Plan, *, by, now: datetime) -> list[StatusChange]:
    fixes, rows = {}, []
    for job in changed:
        if job.pk not in before:
            continue
        status, had = before[job.pk]
        who = job.technician or had
        if who.pk not in fixes:
            fixes[who.pk] = fix_at(who, now)
        rows.append(
            StatusChange(
                job=job,
                from_status=status,
                to_status=job.status,
                from_technician=had,
                to_technician=job.technician,
                happened_at=now,
                received_at=now,
                actor_kind=kind_of_dispatcher(by),
                actor=by,
                note=plan.get_kind_display(),
                **_where(fixes[who.pk], now=now),
            )
        )
    return rows


def _where(fix, *, now: datetime) -> dict:
    if fix is None:
        return {}
    age = max(0, int((now - fix.recorded_at).total_seconds()))
    return {
        "latitude": fix.latitude,
        "longitude": fix.longitude,
        "accuracy_m": fix.accuracy_m,
        "position_age_seconds": age,
    }


def _close(plan: Plan, chosen: list[dict], changed: Collection[Job], *, now: datetime) -> None:
    """What is applied is what has been seen from now on: the other routes can still be applied."""
    for route in chosen:
        route["applied_at"] = now.isoformat()
    seen = plan.result["seen"]
    skills: dict[int, list] = {job.pk: [] for job in changed}
    for job_id, *need in RequiredSkill.objects.filter(job__in=skills).values_list("job_id", "skill_id", "level"):
        skills[job_id].append(need)
    seen["jobs"] |= {str(job.pk): state_of(job, skills[job.pk]) for job in changed}
    plan.state = State.PROPOSED if any(not route["applied_at"] for route in plan.result["routes"]) else State.APPLIED
    plan.ended_at = now
    plan.save(update_fields=["result", "state", "ended_at"])


def _as_told(plan: Plan, chosen: list[dict], changed: Collection[Job]) -> dict:
    return {
        "plan_id": plan.pk,
        "kind": plan.kind,
        "day": plan.day.isoformat(),
        "technician_ids": sorted(route["technician"] for route in chosen),
        "job_ids": sorted(job.pk for job in changed),
    }


def _instant(text: str | None) -> datetime | None:
    return text and parse_datetime(text)
