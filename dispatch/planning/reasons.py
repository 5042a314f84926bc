"""Why a stop is left out, as data and in a sentence that a dispatcher can act on. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from dispatch.planning import relaxing
from dispatch.planning.names import Names, listed, minutes
from dispatch.planning.problem import Problem, Stop

UNTRIED, NOBODY = "untried", "nobody"


@dataclass(frozen=True)
class Insertion:
    """Where the stop would go, and what that does to the route."""

    crew: int
    position: int
    points: int
    starts_at: int
    day_ends_at: int
    driving: int = 0  # more seconds
    late: tuple[tuple[int, int], ...] = ()  # stops that are later than due because of it, and by how many seconds
    retimed: tuple[int, ...] = ()  # stops that no longer begin when they are planned to


@dataclass(frozen=True, eq=False)
class Reason:
    """The rules of these `kinds` keep the stop out, together; were they not there, it would go where `found` says.

    "cost" is no rule: it could be done, but is worth less than it costs. "untried": it can be done and is worth it;
    the search ended too soon. "nobody": no crew has a day that can be driven.
    """

    problem: Problem
    stop: int
    kinds: tuple[str, ...]
    found: Insertion | None = None

    @property
    def kind(self) -> str:
        return self.kinds[0] if len(self.kinds) == 1 else "several"

    def text(self, names: Names) -> str:
        if self.found is None:
            return "Nobody is there to do it."
        who, when = names.crews[self.found.crew], names.clock(self.found.starts_at)
        match self.kind:
            case "untried":
                return f"{who} has room for it at {when}: the search ended before it got there. Plan again."
            case relaxing.COST:
                return f"With {who} at {when} it {_costs(self, names)}: more than leaving it out counts."
            case "several":
                return f"The nearest would be {who} at {when}, but {listed(list(_clauses(self, names)))}."
            case relaxing.SHIFT_START:
                return f"Only {who} could do it, and only before {names.clock(_crew(self).opens)}, when the day begins."
        if general := _nobody_does(self, names):
            return f"{general}."
        return f"{who} could begin at {when}, but {next(_clauses(self, names))}."


def _crew(reason: Reason):
    return reason.problem.crews[reason.found.crew]


def _nobody_does(reason: Reason, names: Names) -> str:
    """What is true of all, where it is: it says more than what is true of one."""
    stop, crews = reason.problem.stops[reason.stop], reason.problem.crews
    if reason.kind == relaxing.SKILL and not stop.eligible and len(crews) > 1:
        who = names.crews[reason.found.crew]
        return f"No one who may do it has {_skill(reason, names)}; {who} would have time at " + names.clock(
            reason.found.starts_at
        )
    if reason.kind == relaxing.SHIFT and stop.eligible:
        last = max(crews[crew].closes for crew in stop.eligible)
        if last <= stop.windows[0][0]:
            with_it = f" with {names.skills[reason.stop]}" if reason.stop in names.skills else " who may do it"
            return f"No one{with_it} works after {names.clock(last)}"
    return ""


def _clauses(reason: Reason, names: Names) -> Iterator[str]:
    """Each a sentence's second half: “..., but Tess lacks Gas Expert”."""
    found, stop, crew = reason.found, reason.problem.stops[reason.stop], _crew(reason)
    who, closes = names.crews[found.crew], names.clock(crew.closes)
    said = {
        relaxing.SKILL: f"{who} lacks {_skill(reason, names)}",
        relaxing.ZONE: f"{who} does not cover {names.zones.get(reason.stop, 'its zone')}",
        relaxing.PIN: f"it is pinned to {_pinned_to(stop, names)}",
        "time_off": f"{who} is off",
        "off_shift": f"{who} does not work then",
        "off_duty": f"{who} has not clocked in",
        relaxing.DAY_FULL: f"{who} has as many jobs as the day may hold",
        relaxing.CAPACITY: f"{who} has no room left for its load",
        relaxing.SHIFT: f"the day would last until {names.clock(found.day_ends_at)} and ends at {closes}",
        relaxing.SHIFT_START: f"the day begins only at {names.clock(crew.opens)}",
        relaxing.BREAK: f"{who}’s break is in the way",
        relaxing.WINDOW: f"it must begin {_windows(stop, names)}",
        relaxing.FIXED: f"it is fixed at {names.clock(stop.windows[0][0])}",
        relaxing.NO_WAY: "no way to its place is known",
    }
    for kind in reason.kinds:
        if kind == relaxing.COST:
            yield f"it {_costs(reason, names)}, more than leaving it out counts"
        else:
            yield said.get(kind, f"{who} may not do it ({kind.replace('_', ' ')})")


def _costs(reason: Reason, names: Names) -> str:
    found, parts = reason.found, []
    if found.driving > 0:
        parts.append(f"costs {minutes(found.driving)} of driving")
    late = [(stop, seconds) for stop, seconds in found.late if stop != reason.stop]
    if len(late) == 1:
        parts.append(f"makes {names.stops[late[0][0]]} {minutes(late[0][1])} late")
    elif late:
        parts.append(f"makes {listed([names.stops[stop] for stop, _ in late])} late")
    if own := dict(found.late).get(reason.stop):
        parts.append(f"begins {minutes(own)} late itself")
    if found.retimed:
        parts.append(f"moves {listed([names.stops[stop] for stop in found.retimed])}")
    return listed(parts) or "costs more of the day than it is worth"


def _skill(reason: Reason, names: Names) -> str:
    return names.skills.get(reason.stop, "a skill that it needs")


def _pinned_to(stop: Stop, names: Names) -> str:
    return listed([names.crews[crew] for crew in sorted(stop.eligible)]) or "somebody who is not planned"


def _windows(stop: Stop, names: Names) -> str:
    spans = [f"between {names.clock(opens)} and {names.clock(closes)}" for opens, closes in stop.windows]
    return " or ".join(spans)
