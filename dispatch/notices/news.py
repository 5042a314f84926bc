"""What an action means for technicians whose jobs it changed. Pure: jobs before and after, as the journal has them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from dispatch.models import Notification, Status
from dispatch.models.jobs import TO_DO

Kind = Notification.Kind
State = Mapping[str, object]

TIMES: Final = ("scheduled_on", "planned_starts_at", "window_starts_at", "window_ends_at")
OTHERS: Final = ("site_id", "description", "priority", "held_at")


@dataclass(frozen=True)
class Change:
    """`before` is empty for a job that the action created."""

    job_id: int
    before: State
    after: State


@dataclass(frozen=True)
class News:
    """One thing to tell one technician; of a single job with the fields that have changed."""

    technician_id: int
    kind: Kind
    job_ids: tuple[int, ...]
    fields: frozenset[str] = frozenset()


def news_of(changes: Iterable[Change], *, today: date) -> list[News]:
    """One a technician and kind, however many jobs it is about."""
    jobs: dict[tuple[int, Kind], list[int]] = defaultdict(list)
    fields: dict[tuple[int, int], set[str]] = {}
    for change in sorted(changes, key=lambda change: change.job_id):
        had, has = _owner(change.before), _owner(change.after)
        if has is not None and has != had:
            jobs[has, Kind.ASSIGNED].append(change.job_id)
        if had is not None and has != had and (kind := _loss(change)):
            jobs[had, kind].append(change.job_id)
        if had is not None and has == had and (changed := _changed(change, today=today)):
            fields[has, change.job_id] = changed
    for technician_id in sorted({technician_id for technician_id, _ in fields}):
        own = {job_id: changed for (owner, job_id), changed in fields.items() if owner == technician_id}
        _sort_changes(jobs, technician_id, own)
    return [
        News(
            technician_id, kind, tuple(ids), frozenset(fields.get((technician_id, ids[0]), ()) if len(ids) == 1 else ())
        )
        for (technician_id, kind), ids in jobs.items()
    ]


def _owner(state: State) -> int | None:
    """Who has it to do."""
    return state.get("technician_id") if state.get("status") in TO_DO else None


def _loss(change: Change) -> Kind | None:
    """Whoever's job the office completes for them has not lost it."""
    if change.after["status"] == Status.CANCELLED:
        return Kind.CANCELLED
    return None if change.after["status"] == Status.COMPLETED else Kind.UNASSIGNED


def _changed(change: Change, *, today: date) -> set[str]:
    """What has changed of what a technician goes by, if it is for today or later."""
    days = [state["scheduled_on"] for state in (change.before, change.after)]
    if all(day is not None and day < today.isoformat() for day in days):
        return set()
    return {name for name in (*TIMES, *OTHERS) if change.before[name] != change.after[name]}


def _sort_changes(jobs: dict[tuple[int, Kind], list[int]], technician_id: int, fields: dict[int, set[str]]) -> None:
    """Several jobs at other times are a new order of the day; whatever else has changed is told of besides."""
    moved = [job_id for job_id, changed in fields.items() if changed & set(TIMES)]
    if len(moved) > 1:
        jobs[technician_id, Kind.DAY_REORDERED] = moved
        fields = {job_id: changed for job_id, changed in fields.items() if changed - set(TIMES)}
    if fields:
        jobs[technician_id, Kind.CHANGED] = list(fields)
