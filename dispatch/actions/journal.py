"""The journal: every board action of a dispatcher is written down with what it changed, so that it can be undone.

What an action changed is found by comparing its jobs before and after, so no action has to describe its inverse.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps

from django.db import transaction
from django.utils import timezone

from dispatch.actions.technician_notices import tell_technicians
from dispatch.models import BoardAction, ChangedJob, Job, RequiredSkill, Status
from dispatch.notices.news import Change
from technicians.models import Technician

FIELDS = (
    "status",
    "technician_id",
    "scheduled_on",
    "planned_starts_at",
    "window_starts_at",
    "window_ends_at",
    "duration_minutes",
    "is_fixed",
    "route_position",
    "is_time_pinned",
    "is_technician_pinned",
    "held_at",
    "hold_reason",
    "priority",
    "description",
    "customer_id",
    "site_id",
    "job_type_id",
    "sla_policy_id",
    "assigned_at",
    "en_route_at",
    "started_at",
    "completed_at",
    "cancelled_at",
)
SKILLS = "skills"  # beside the fields: {skill id as text: level}

State = dict[str, object]  # a job's fields as JSON can say them


@dataclass
class Entry:
    """The board action that is being done: `before` holds its jobs as they were, {} for one that it creates."""

    before: dict[int, State] = field(default_factory=dict)
    label: str = ""  # without one the journal finds its own words
    is_journalled: bool = True

    def watch(self, jobs: Iterable[Job]) -> None:
        """Before they are changed. Locks them until the action has committed, in one order for everybody."""
        unknown = [job.pk for job in jobs if job.pk not in self.before]
        if unknown:
            list(Job.objects.select_for_update(no_key=True).filter(pk__in=unknown).order_by("pk").values_list("pk"))
            states = states_of(unknown)
            self.before |= {pk: states[pk] for pk in unknown if pk in states}

    def created(self, job: Job) -> None:
        self.before[job.pk] = {}


_entry: ContextVar[Entry | None] = ContextVar("journal_entry", default=None)
_is_off: ContextVar[bool] = ContextVar("journal_is_off", default=False)
_is_made_up: ContextVar[bool] = ContextVar("history_is_made_up", default=False)


@contextmanager
def unjournalled(*, is_news: bool = False) -> Iterator[None]:
    """Inside, nothing is written down: a seeded history is nobody's to undo.

    Nor is it a customer's to be told of; what really happens, only cannot be undone, `is_news`.
    """
    tokens = _is_off.set(True), _is_made_up.set(not is_news)
    try:
        yield
    finally:
        _is_off.reset(tokens[0])
        _is_made_up.reset(tokens[1])


def is_made_up() -> bool:
    return _is_made_up.get()


@contextmanager
def board_action(
    *, by, now: datetime | None = None, label: str = "", undoes: BoardAction | None = None
) -> Iterator[Entry]:
    """One entry of the journal, however many actions are called inside: theirs are part of it.

    Only what dispatchers do is written down: a technician's tap is what really happened, and the system has no Ctrl+Z.
    Of what dispatchers and the system do, the technicians whose jobs it changed are told: once, when all is done.
    """
    outer = _entry.get()
    if outer is not None and (outer.is_journalled or by is None):
        outer.label = outer.label or label
        yield outer
        return
    entry = Entry(label=label, is_journalled=by is not None)
    if _is_off.get() or (by is not None and not by.has_perm("dispatch.change_job")):
        yield entry
        return
    now = now or timezone.now()
    token = _entry.set(entry)
    try:
        with transaction.atomic():
            yield entry
            after = states_of(entry.before)
            if entry.is_journalled:
                _write_down(entry, after, by=by, now=now, undoes=undoes)
            changes = [Change(pk, entry.before[pk], state) for pk, state in after.items()]
            tell_technicians(changes, by=by, now=now)
            if outer is not None:  # the system's, around what a dispatcher does: it tells nobody again
                outer.before |= {pk: state for pk, state in after.items() if pk in outer.before}
    finally:
        _entry.reset(token)


def journalled(action: Callable[..., Job]) -> Callable[..., Job]:
    """For an action `verb(job, ..., *, by, now=None)`: atomic, and one entry of the journal."""

    @wraps(action)
    @transaction.atomic
    def journalled_action(job: Job, *args, by, now: datetime | None = None, **kwargs) -> Job:
        now = now or timezone.now()
        with board_action(by=by, now=now) as entry:
            entry.watch([job])
            return action(job, *args, by=by, now=now, **kwargs)

    return journalled_action


def states_of(job_ids: Iterable[int]) -> dict[int, State]:
    ids = list(job_ids)
    states = {
        row.pop("pk"): {name: as_json(value) for name, value in row.items()} | {SKILLS: {}}
        for row in Job.objects.filter(pk__in=ids).values("pk", *FIELDS)
    }
    needs = RequiredSkill.objects.filter(job__in=ids).values_list("job_id", "skill_id", "level")
    for job_id, skill_id, level in needs:
        states[job_id][SKILLS][str(skill_id)] = level
    return states


def as_json(value):
    """Instants to the microsecond and in UTC, so that equal ones compare equal."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _write_down(entry: Entry, after: dict[int, State], *, by, now: datetime, undoes: BoardAction | None) -> None:
    changed = []
    for pk, was in entry.before.items():
        names = [name for name, value in after[pk].items() if not was or was[name] != value]
        if names:
            before = {name: was[name] for name in names} if was else {}
            changed.append(ChangedJob(job_id=pk, before=before, after={name: after[pk][name] for name in names}))
    if not changed:
        return
    label = entry.label or describe(changed)
    action = BoardAction.objects.create(
        label=label[:200], done_at=now, done_by=by, undoes=undoes, is_undo=undoes is not None and not undoes.is_undo
    )
    for change in changed:
        change.action = action
    ChangedJob.objects.bulk_create(changed)


# Words --------------------------------------------------------------------------------------------


def describe(changed: list[ChangedJob]) -> str:
    """“Assigned J-000012 to Tess Moreau”; of several jobs how many, or what was done besides."""
    first, number = changed[0], f"J-{changed[0].job_id:06d}"
    is_alike = len({_describe_one(change, "", name_of=str) for change in changed}) == 1
    if is_alike and len(changed) > 1:
        number = f"{len(changed)} jobs"
    words = _describe_one(first, number)
    if not is_alike:
        words += f" and changed {len(changed) - 1} more"
    return words[0].upper() + words[1:]


def _name(technician_id: int | None) -> str:
    technician = Technician.objects.select_related("user").filter(pk=technician_id).first()
    return str(technician) if technician else "nobody"


def _describe_one(change: ChangedJob, number: str, *, name_of: Callable[[int | None], str] = _name) -> str:
    before, after = change.before, change.after
    if not before:
        return f"created {number}"
    if "status" in after:
        return _describe_status(before, after, number, name_of=name_of)
    if "technician_id" in after:
        return f"assigned {number} to {name_of(after['technician_id'])}"
    if "held_at" in after:
        return f"put {number} on hold" if after["held_at"] else f"released {number}"
    if "is_time_pinned" in after or "is_technician_pinned" in after:
        return f"pinned {number}" if True in after.values() else f"unpinned {number}"
    if "scheduled_on" in after:
        day = after["scheduled_on"]
        return f"moved {number} to {date.fromisoformat(day):%a %d %b}" if day else f"took {number} off its day"
    if "planned_starts_at" in after and (start := after["planned_starts_at"]):
        return f"moved {number} to {timezone.localtime(datetime.fromisoformat(start)):%H:%M}"
    names = ", ".join(sorted(name.removesuffix("_id").replace("_", " ") for name in after))
    return f"changed {names} of {number}"


def _describe_status(before: State, after: State, number: str, *, name_of: Callable[[int | None], str]) -> str:
    to = after["status"]
    if to == Status.ASSIGNED and before["status"] == Status.CREATED:
        return f"assigned {number} to {name_of(after.get('technician_id'))}"
    if to == Status.CREATED and before["status"] == Status.ASSIGNED:
        return f"unassigned {number}"
    if to == Status.CANCELLED:
        return f"cancelled {number}"
    return f"set {number} to {Status(to).label}"
