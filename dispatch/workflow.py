"""The status workflow as data: which transition exists, who may make it, whether a reason is required. Pure."""

from dataclasses import dataclass

from dispatch.models import Status
from dispatch.models.history import StatusChange

Actor = StatusChange.Actor


@dataclass(frozen=True)
class Transition:
    actors: frozenset[str]
    needs_reason: bool = False
    needs_technician: bool = False


_DISPATCHER = frozenset({Actor.DISPATCHER})
_SMART_DISPATCH = frozenset({Actor.DISPATCHER, Actor.SYSTEM})
_ON_THE_JOB = frozenset({Actor.DISPATCHER, Actor.TECHNICIAN})
_BY_POSITION = _ON_THE_JOB | {Actor.SYSTEM}  # where a setting lets arriving start the job

TRANSITIONS: dict[tuple[str, str], Transition] = {
    (Status.CREATED, Status.ASSIGNED): Transition(_SMART_DISPATCH, needs_technician=True),
    (Status.CREATED, Status.CANCELLED): Transition(_DISPATCHER, needs_reason=True),
    (Status.ASSIGNED, Status.CREATED): Transition(_SMART_DISPATCH),
    (Status.ASSIGNED, Status.ASSIGNED): Transition(_SMART_DISPATCH, needs_technician=True),
    (Status.ASSIGNED, Status.EN_ROUTE): Transition(_ON_THE_JOB),
    (Status.ASSIGNED, Status.IN_PROGRESS): Transition(_ON_THE_JOB),
    (Status.ASSIGNED, Status.CANCELLED): Transition(_DISPATCHER, needs_reason=True),
    (Status.EN_ROUTE, Status.IN_PROGRESS): Transition(_BY_POSITION),
    (Status.EN_ROUTE, Status.ASSIGNED): Transition(_ON_THE_JOB),
    (Status.EN_ROUTE, Status.CANCELLED): Transition(_DISPATCHER, needs_reason=True),
    (Status.IN_PROGRESS, Status.COMPLETED): Transition(_ON_THE_JOB),
    (Status.IN_PROGRESS, Status.ASSIGNED): Transition(_ON_THE_JOB, needs_reason=True),
    (Status.IN_PROGRESS, Status.CANCELLED): Transition(_DISPATCHER, needs_reason=True),
    (Status.COMPLETED, Status.IN_PROGRESS): Transition(_DISPATCHER, needs_reason=True),
    (Status.CANCELLED, Status.CREATED): Transition(_DISPATCHER),
}


@dataclass(frozen=True)
class Step:
    """A transition as a button or menu entry names it."""

    to: str
    label: str
    needs_reason: bool


_LABELS = {
    (Status.ASSIGNED, Status.CREATED): "Unassign",
    (Status.ASSIGNED, Status.EN_ROUTE): "En route",
    (Status.ASSIGNED, Status.IN_PROGRESS): "Start work",
    (Status.EN_ROUTE, Status.IN_PROGRESS): "Start work",
    (Status.EN_ROUTE, Status.ASSIGNED): "Turn back",
    (Status.IN_PROGRESS, Status.COMPLETED): "Complete",
    (Status.IN_PROGRESS, Status.ASSIGNED): "Interrupt",
    (Status.COMPLETED, Status.IN_PROGRESS): "Reopen",
    (Status.CANCELLED, Status.CREATED): "Reinstate",
    **{(status, Status.CANCELLED): "Cancel job" for status in Status if (status, Status.CANCELLED) in TRANSITIONS},
}


def steps_from(status: str, *, actor: str) -> list[Step]:
    """What this kind of actor may do next without naming a technician; what comes next in a normal day is first."""
    return [
        Step(to=to, label=label, needs_reason=TRANSITIONS[start, to].needs_reason)
        for (start, to), label in sorted(_LABELS.items(), key=lambda item: _USUAL_ORDER.index(item[0][1]))
        if start == status and actor in TRANSITIONS[start, to].actors
    ]


_USUAL_ORDER = [
    Status.EN_ROUTE,
    Status.IN_PROGRESS,
    Status.COMPLETED,
    Status.ASSIGNED,
    Status.CREATED,
    Status.CANCELLED,
]
