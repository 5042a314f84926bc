"""What the page of a day's plan shows: the sum first, then who is affected how, then each job that changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_date

from dispatch.day.route import StopRow
from dispatch.day.route_review import stop_rows
from dispatch.models import BillingSettings, Job, Plan
from dispatch.planning.figures import Figure, figures, headline, jobs_figure
from dispatch.planning.store import Move, Proposal, Route, load_proposal
from dispatch.templatetags.board import short_day
from technicians.models import Technician

COLOURS = 6  # of routes on the map
OF_A_PERSON = ("Driving", "Distance")
WORDS = {"assigned": "new", "reassigned": "taken over", "moved": "moved", "gone": "given away"}
GROUPS = {
    "assigned": ("Assigned", "Nobody had them"),
    "reassigned": ("Given to somebody else", ""),
    "moved": ("At another time", "With the same technician"),
    "kept": ("As they are", "Same technician, same time"),
}


@dataclass(frozen=True)
class StopLine(StopRow):
    change_text: str = ""


@dataclass(frozen=True)
class Line:
    """One job, as it was and as it will be. `job` is None where the user may not see it."""

    job: Job | None
    was_whom: Technician | None = None
    was_at: datetime | None = None
    whom: Technician | None = None
    at: datetime | None = None
    shift: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Person:
    """One technician's day, before and after."""

    technician: Technician
    colour: int
    figures: list[Figure]
    counts: list[tuple[str, int, str]]  # a word for the stylesheet, how many, the word for people
    stops: list[StopLine]
    gone: list[Line]
    partners: list[int]  # whose routes take over what this one gives away
    applied_at: datetime | None
    is_changed: bool

    @property
    def may_apply(self) -> bool:
        return self.applied_at is None and self.is_changed


@dataclass(frozen=True)
class Group:
    kind: str
    label: str
    text: str
    lines: list[Line]


@dataclass(frozen=True)
class PlanPage:
    headline: str
    figures: list[Figure]
    people: list[Person]
    left_out: list[Line]
    left_aside: list[Line]
    groups: list[Group]

    @property
    def changed(self) -> list[Person]:
        return [person for person in self.people if person.is_changed]

    @property
    def unchanged(self) -> list[Person]:
        return [person for person in self.people if not person.is_changed]

    @property
    def applicable(self) -> set[int]:
        return {person.technician.pk for person in self.people if person.may_apply}


def load_plan_page(plan: Plan, *, user) -> PlanPage:
    """In a constant number of queries."""
    proposal, currency = load_proposal(plan, user=user), BillingSettings.load().currency
    lost = [*proposal.unassigned, *proposal.left_out]
    return PlanPage(
        headline=_headline(proposal),
        figures=[*_of_jobs(proposal), *figures(proposal.before, proposal.after, currency=currency)],
        people=list(_people(proposal, currency=currency)),
        left_out=[_line(move) for move in lost],
        left_aside=[Line(row.job, reasons=(row.text,)) for row in proposal.left_aside],
        groups=[
            Group(kind, label, text, lines)
            for kind, (label, text) in GROUPS.items()
            if (lines := [_line(move) for move in proposal.moves[kind]])
        ],
    )


def _headline(proposal: Proposal) -> str:
    said = headline(proposal.before, proposal.after)
    more = proposal.after.jobs - proposal.before.jobs
    if more <= 0:
        return said
    gives_out = f"Plans {more} more job{'s' if more != 1 else ''}"
    return f"{gives_out}. {said}" if said.startswith(("Saves", "Costs")) else f"{gives_out}."


def _of_jobs(proposal: Proposal) -> Iterator[Figure]:
    """How many have somebody, and how many have not; before, nobody had what is given out now."""
    yield jobs_figure(proposal.before, proposal.after)
    left = len(proposal.unassigned) + len(proposal.left_out)
    had_nobody = len(proposal.assigned) + len(proposal.left_out)
    if left == had_nobody:
        yield Figure("Left out", "", str(left), "no change", "same")
    else:
        difference = f"{abs(left - had_nobody)} {'fewer' if left < had_nobody else 'more'}"
        yield Figure("Left out", str(had_nobody), str(left), difference, "better" if left < had_nobody else "worse")


def _people(proposal: Proposal, *, currency: str) -> Iterator[Person]:
    gone, partners = _gone(proposal)
    for number, route in enumerate(proposal.routes):
        pk = route.technician_id
        counts = Counter(stop.change for stop in route.stops if stop.change != "kept")
        counts["gone"] = len(gone.get(pk, ()))
        yield Person(
            technician=route.technician,
            colour=number % COLOURS,
            figures=_of_person(route, currency=currency),
            counts=[(kind, counts[kind], word) for kind, word in WORDS.items() if counts[kind]],
            stops=list(_stops(route)),
            gone=gone.get(pk, []),
            partners=sorted(partners.get(pk, ())),
            applied_at=route.applied_at,
            is_changed=counts.total() > 0 or route.is_adjusted,
        )


def _stops(route: Route) -> Iterator[StopLine]:
    for stop, row in zip(route.stops, stop_rows(route), strict=True):
        yield StopLine(**vars(row), change_text=_change_text(stop, row))


def _of_person(route: Route, *, currency: str) -> list[Figure]:
    all_of_them = figures(route.before, route.after, currency=currency)
    jobs = replace(jobs_figure(route.before, route.after), label="Jobs", tone="same")
    late = next(figure for figure in all_of_them if figure.label == "Late jobs")
    return [jobs, *(figure for figure in all_of_them if figure.label in OF_A_PERSON), replace(late, label="Late")]


def _gone(proposal: Proposal) -> tuple[dict[int, list[Line]], dict[int, set[int]]]:
    """Of each technician: the jobs that go, and who gets them."""
    gone: dict[int, list[Line]] = {}
    partners: dict[int, set[int]] = {}
    for move in [*proposal.reassigned, *proposal.unassigned]:
        if move.was is None or move.was.technician_id is None:
            continue
        gone.setdefault(move.was.technician_id, []).append(_line(move))
        if move.to is not None:
            partners.setdefault(move.was.technician_id, set()).add(move.to.pk)
    return gone, partners


def _line(move: Move) -> Line:
    was_at = move.was.starts_at if move.was else None
    at = move.stop.starts_at if move.stop else None
    shift = StopRow(0, move.job, move.job_id, starts_at=at, was_at=was_at).shift
    return Line(
        job=move.job,
        was_whom=move.was.technician if move.was else None,
        was_at=was_at,
        whom=move.to,
        at=at,
        shift=shift,
        reasons=move.reasons,
    )


def _change_text(stop, row: StopRow) -> str:
    if stop.change == "reassigned":
        return f"from {stop.was.technician}"
    if stop.change == "assigned":
        return "new"
    day = parse_date(stop.was.day) if stop.was and stop.was.day else None
    return f"from {short_day(day)}" if day and day != timezone.localdate(row.starts_at) else row.shift or "moved"
