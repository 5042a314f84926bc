"""What a dispatcher may do with a job now, as the entries of its menu."""

from dataclasses import dataclass, field

from django.urls import reverse

from dispatch.models import Job, Priority, Status
from dispatch.workflow import Actor, Step, steps_from


@dataclass(frozen=True)
class MenuEntry:
    """`values` are posted at once; an entry without them opens a dialog, or the page if it `is_page`."""

    label: str
    url: str
    values: dict[str, object] = field(default_factory=dict)
    is_page: bool = False
    is_danger: bool = False
    key: str = ""  # the board's shortcut
    is_chosen: bool | None = None  # of several, this one; None where there is nothing to choose from

    @property
    def role(self) -> str:
        return "menuitem" if self.is_chosen is None else "menuitemradio"


@dataclass(frozen=True)
class MenuGroup:
    label: str
    entries: list[MenuEntry]


def menu_of(job: Job) -> list[MenuGroup]:
    """Groups in the order of the menu; what cannot be done with the job as it is now is left out."""
    groups = [
        MenuGroup("Status", _steps(job)),
        MenuGroup("Plan", _plan(job)),
        MenuGroup("Priority", _priorities(job)),
        MenuGroup("Job", _job(job)),
        MenuGroup("End", [_asks(job, "Cancel job…", "cancel_job", is_danger=True, key="Del")] if job.is_open else []),
    ]
    return [group for group in groups if group.entries]


def _asks(job: Job, label: str, name: str, **more) -> MenuEntry:
    return MenuEntry(label, reverse(name, args=[job.pk]), **more)


REASON_PAGES = {"Interrupt": "interrupt_job", "Reopen": "reopen_job"}
ELSEWHERE = {"Unassign", "Cancel job"}  # these stand among what they belong to


def _steps(job: Job) -> list[MenuEntry]:
    steps = [step for step in steps_from(job.status, actor=Actor.DISPATCHER) if step.label not in ELSEWHERE]
    begins = (Status.EN_ROUTE, Status.IN_PROGRESS)
    return [_step(job, step) for step in steps if not (job.is_on_hold and step.to in begins)]


def _step(job: Job, step: Step) -> MenuEntry:
    if step.needs_reason:
        return _asks(job, f"{step.label}…", REASON_PAGES[step.label])
    return _step_at_once(job, step.label, step.to)


def _step_at_once(job: Job, label: str, to: str) -> MenuEntry:
    return MenuEntry(label, reverse("change_status", args=[job.pk]), values={"to": to, "seen": job.seen})


def _plan(job: Job) -> list[MenuEntry]:
    if not job.is_open:
        return []
    entries = []
    if job.is_assignable:
        entries.append(_asks(job, "Reassign…" if job.technician_id else "Assign…", "assign_job", key="A"))
    if job.status == Status.ASSIGNED:
        entries.append(_step_at_once(job, "Unassign", Status.CREATED))
    if job.can_be_inserted and not job.is_on_hold:
        entries.append(_asks(job, "Insert into a route…", "insert_job"))
    if job.can_be_inserted:
        entries.append(_asks(job, "Move to another day or time…", "place_job"))
    if job.status == Status.ASSIGNED and job.scheduled_on and not (job.is_time_pinned or job.is_fixed):
        entries += [_reorder(job, "Move to the top", "top"), _reorder(job, "Move to the bottom", "bottom")]
    if job.is_on_hold:
        entries.append(MenuEntry("Release", reverse("hold_job", args=[job.pk]), values={"release": 1}, key="H"))
    else:
        entries.append(_asks(job, "Hold…", "hold_job", key="H"))
    return [*entries, _asks(job, "Pin…", "pin_job")]


def _reorder(job: Job, label: str, to: str) -> MenuEntry:
    return MenuEntry(label, reverse("reorder_job", args=[job.pk]), values={"to": to, "seen": job.seen})


def _priorities(job: Job) -> list[MenuEntry]:
    if not job.is_open:
        return []
    url = reverse("set_priority", args=[job.pk])
    return [
        MenuEntry(label, url, values={"priority": value}, key=str(value), is_chosen=value == job.priority)
        for value, label in reversed(Priority.choices)
    ]


def _job(job: Job) -> list[MenuEntry]:
    return [
        _asks(job, "Follow-up…", "follow_up_job"),
        _asks(job, "Duplicate…", "duplicate_job"),
        _asks(job, "Edit", "edit_job", is_page=True),
        _asks(job, "Open page", "job", is_page=True),
    ]
