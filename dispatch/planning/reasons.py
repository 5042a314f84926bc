"""Why a stop is left out, as data and in a sentence that a dispatcher can act on. Pure."""

from dataclasses import dataclass

from dispatch.planning import relaxing
from dispatch.planning.names import Names, listed, minutes
from dispatch.planning.problem import FOREVER, Crew, Problem, Stop

UNTRIED, NOBODY = "untried", "nobody"
OFF = {"time_off", "off_shift"}


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
    is_of_all: bool = False  # the rule is against every crew

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
            case relaxing.SHIFT_START:
                return f"{who} could do it only before {names.clock(self.crew.opens)}, when the day begins."
        if general := _of_all(self, names):
            return f"{general}."
        return f"{who} could begin at {when}, but {_objections(self, names)}."

    @property
    def crew(self) -> Crew:
        return self.problem.crews[self.found.crew]


def _of_all(reason: Reason, names: Names) -> str:
    """What is true of everybody says more than what is true of one."""
    stop, crews = reason.problem.stops[reason.stop], reason.problem.crews
    who, when = names.crews[reason.found.crew], names.clock(reason.found.starts_at)
    if reason.kind == relaxing.SKILL and reason.is_of_all:
        return f"No one in the plan has {_skill(reason, names)}; {who} would have time at {when}"
    if reason.kind == relaxing.ZONE and reason.is_of_all:
        return f"No one in the plan covers {_zone(reason, names)}; {who} would have time at {when}"
    if reason.kind == relaxing.SHIFT and stop.eligible:
        last = max(crews[crew].closes for crew in stop.eligible)
        if last <= stop.windows[0][0]:
            with_it = f" with {names.skills[reason.stop]}" if reason.stop in names.skills else " who may do it"
            return f"No one{with_it} works after {names.clock(last)}"
    return ""


def _objections(reason: Reason, names: Names) -> str:
    """The rest of “Tess could begin at 10:20, but ...”."""
    kinds = set(reason.kinds)
    if kinds & OFF:  # which is why the day has no hours and no room
        kinds -= relaxing.OF_CREWS
    of_them, of_the_job = _about_the_crew(reason, names), _about_the_job(reason, names)
    known = of_them.keys() | of_the_job.keys()
    theirs = [text for kind, text in of_them.items() if kind in kinds]
    theirs += [f"may not do it ({kind.replace('_', ' ')})" for kind in sorted(kinds - known)]
    others = [text for kind, text in of_the_job.items() if kind in kinds]
    return ", and ".join(filter(None, (listed(theirs), listed(others))))


def _about_the_crew(reason: Reason, names: Names) -> dict[str, str]:
    return {
        relaxing.SKILL: f"lacks {_skill(reason, names)}",
        relaxing.ZONE: f"does not cover {_zone(reason, names)}",
        "time_off": "is off",
        "off_shift": "does not work then",
        "off_duty": "has not clocked in",
        relaxing.DAY_FULL: "has as many jobs as the day may hold",
        relaxing.CAPACITY: "has no room left for its load",
        relaxing.SHIFT_START: f"begins the day only at {names.clock(reason.crew.opens)}",
        relaxing.SHIFT: f"would end the day at {names.clock(reason.found.day_ends_at)} instead of "
        + names.clock(reason.crew.closes),
        relaxing.BREAK: "has a break then",
        relaxing.OTHER: "may not do it",
    }


def _about_the_job(reason: Reason, names: Names) -> dict[str, str]:
    stop = reason.problem.stops[reason.stop]
    return {
        relaxing.PIN: f"it is pinned to {_pinned_to(stop, names)}",
        relaxing.WINDOW: f"it {_windows(reason, names)}",
        relaxing.FIXED: f"it is fixed at {names.clock(stop.windows[0][0])}",
        relaxing.NO_WAY: "no way to its place is known",
        relaxing.COST: f"it {_costs(reason, names)}, more than leaving it out counts",
    }


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


def _zone(reason: Reason, names: Names) -> str:
    return names.zones.get(reason.stop, "its zone")


def _pinned_to(stop: Stop, names: Names) -> str:
    return listed([names.crews[crew] for crew in sorted(stop.eligible)]) or "somebody who is not planned"


def _windows(reason: Reason, names: Names) -> str:
    """The rest of “it must ...”; a block of which only the beginning binds has no end."""
    windows = reason.problem.stops[reason.stop].windows
    if len(windows) == 1 and windows[0][1] >= FOREVER:
        return f"must not begin before {names.clock(windows[0][0])}"
    spans = " or ".join(
        f"after {names.clock(opens)}"
        if closes >= FOREVER
        else f"between {names.clock(opens)} and {names.clock(closes)}"
        for opens, closes in windows
    )
    if windows[-1][1] < reason.crew.opens:
        return f"had to begin {spans}, which is over by then"
    return f"must begin {spans}"
