"""Plan.result: its form, and reading it back for somebody who looks at it.

{"before": Totals, "after": Totals, "routes": [Route], "left_out": [LeftOut], "left_aside": [{"job", "text"}],
 "seen": as changes.py needs it}

Totals   jobs, km, minutes (of driving), late_jobs, late_minutes, fuel; points: null where today's plan breaks a rule.
Route    technician, before, after (Totals), start, end ([lat, lon] or null), starts_at, ends_at, stops, was (job ids in
         today's order), shape, was_shape ([[lat, lon]] as the road goes, or null), terms (of the day as a whole),
         applied_at, is_adjusted (ordered by hand), faults (the rules that such an order of the day breaks, in words).
Stop     job, arrives_at, starts_at, ends_at, planned_at (what will be written as its planned start; null: it keeps its
         own), travel_minutes, km, late_minutes, is_locked, change (kept, assigned, reassigned or moved),
         was ({"technician", "starts_at", "day"} or null), terms ([{"kind", "text", "minutes"}]), place,
         faults (as of the day, where it is ordered by hand).
LeftOut  job, reasons ([{"kind", "text"}]), was.

Times are ISO 8601 in UTC. What has begun is in no route.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils.dateparse import parse_datetime

from dispatch.models import Job, Plan
from technicians.models import Technician

ELSEWHERE = "a job in another zone"


@dataclass(frozen=True)
class Totals:
    jobs: int = 0
    km: float = 0.0
    minutes: int = 0
    late_jobs: int = 0
    late_minutes: int = 0
    fuel: float = 0.0
    points: int | None = None


@dataclass(frozen=True)
class Term:
    kind: str
    text: str
    minutes: int


@dataclass(frozen=True)
class Was:
    """How today's plan has it."""

    technician_id: int | None
    technician: Technician | None
    starts_at: datetime | None
    day: str


@dataclass(frozen=True)
class PlannedStop:
    """`job` is None where the user may not see it."""

    job_id: int
    job: Job | None
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime
    planned_at: datetime | None
    travel_minutes: int
    km: float | None
    late_minutes: int
    is_locked: bool
    change: str
    was: Was | None
    terms: tuple[Term, ...]
    place: tuple[float, float] | None
    faults: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.job.number if self.job else ELSEWHERE

    @property
    def waits_minutes(self) -> int:
        return int((self.starts_at - self.arrives_at).total_seconds() // 60)


@dataclass(frozen=True)
class Route:
    technician_id: int
    technician: Technician
    before: Totals
    after: Totals
    start: tuple[float, float] | None
    end: tuple[float, float] | None
    starts_at: datetime | None
    ends_at: datetime | None
    stops: tuple[PlannedStop, ...]
    was: tuple[int, ...]
    shape: list | None
    was_shape: list | None
    applied_at: datetime | None
    is_adjusted: bool
    terms: tuple[Term, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def is_applied(self) -> bool:
        return self.applied_at is not None

    @property
    def changes(self) -> int:
        """How many of its jobs are new, moved, or go."""
        own = {stop.job_id for stop in self.stops}
        return sum(stop.change != "kept" for stop in self.stops) + sum(pk not in own for pk in self.was)


@dataclass(frozen=True)
class Move:
    """One job's line of the diff; `to` is None for what is left out."""

    job_id: int
    job: Job | None
    was: Was | None
    to: Technician | None
    stop: PlannedStop | None = None
    reasons: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.job.number if self.job else ELSEWHERE


@dataclass(frozen=True)
class LeftAside:
    job_id: int
    job: Job | None
    text: str


@dataclass(frozen=True)
class Proposal:
    plan: Plan
    before: Totals
    after: Totals
    routes: tuple[Route, ...]
    left_aside: tuple[LeftAside, ...]
    _left_out: tuple[Move, ...] = field(default=())

    @cached_property
    def moves(self) -> dict[str, list[Move]]:
        """By kind: assigned, unassigned, reassigned, moved, left_out, kept."""
        kinds = ("assigned", "unassigned", "reassigned", "moved", "left_out", "kept")
        found: dict[str, list[Move]] = {kind: [] for kind in kinds}
        for route in self.routes:
            for stop in route.stops:
                found[stop.change].append(Move(stop.job_id, stop.job, stop.was, route.technician, stop))
        for move in self._left_out:
            found["unassigned" if move.was else "left_out"].append(move)
        return found

    @property
    def assigned(self) -> list[Move]:
        return self.moves["assigned"]

    @property
    def unassigned(self) -> list[Move]:
        return self.moves["unassigned"]

    @property
    def reassigned(self) -> list[Move]:
        return self.moves["reassigned"]

    @property
    def moved(self) -> list[Move]:
        return self.moves["moved"]

    @property
    def left_out(self) -> list[Move]:
        return self.moves["left_out"]

    @property
    def kept(self) -> list[Move]:
        return self.moves["kept"]

    @property
    def changes(self) -> int:
        return sum(len(moves) for kind, moves in self.moves.items() if kind not in ("kept", "left_out"))

    @property
    def open_routes(self) -> list[Route]:
        return [route for route in self.routes if not route.is_applied]

    def route_of(self, technician_id: int) -> Route | None:
        return next((route for route in self.routes if route.technician_id == technician_id), None)


def load_proposal(plan: Plan, *, user) -> Proposal:
    """With jobs and technicians that the user may see and that still exist; in a constant number of queries."""
    result = plan.result
    if not result:
        return Proposal(plan, Totals(), Totals(), (), ())
    ids = {stop["job"] for route in result["routes"] for stop in route["stops"]}
    ids |= {row["job"] for row in (*result["left_out"], *result["left_aside"])}
    jobs = Job.objects.visible_to(user).with_board_info().in_bulk(ids)
    people = Technician.objects.select_related("user").in_bulk(_people_in(result))
    left_out = tuple(
        Move(
            row["job"],
            jobs.get(row["job"]),
            _was(row["was"], people),
            None,
            reasons=tuple(reason["text"] for reason in row["reasons"]),
        )
        for row in result["left_out"]
    )
    return Proposal(
        plan,
        Totals(**result["before"]),
        Totals(**result["after"]),
        tuple(_route(row, jobs, people) for row in result["routes"] if row["technician"] in people),
        tuple(LeftAside(row["job"], jobs.get(row["job"]), row["text"]) for row in result["left_aside"]),
        left_out,
    )


def _people_in(result: dict) -> set[int]:
    stops = [stop for route in result["routes"] for stop in route["stops"]]
    found = {route["technician"] for route in result["routes"]}
    return found | {row["was"]["technician"] for row in (*stops, *result["left_out"]) if row["was"]}


def _route(row: dict, jobs: Mapping[int, Job], people: Mapping[int, Technician]) -> Route:
    return Route(
        technician_id=row["technician"],
        technician=people[row["technician"]],
        before=Totals(**row["before"]),
        after=Totals(**row["after"]),
        start=_place(row["start"]),
        end=_place(row["end"]),
        starts_at=_instant(row["starts_at"]),
        ends_at=_instant(row["ends_at"]),
        stops=tuple(_stop(stop, jobs, people) for stop in row["stops"]),
        was=tuple(row["was"]),
        shape=row["shape"],
        was_shape=row["was_shape"],
        applied_at=_instant(row["applied_at"]),
        is_adjusted=row["is_adjusted"],
        terms=tuple(Term(**term) for term in row.get("terms", ())),
        faults=tuple(row.get("faults", ())),
    )


def _stop(row: dict, jobs: Mapping[int, Job], people: Mapping[int, Technician]) -> PlannedStop:
    return PlannedStop(
        job_id=row["job"],
        job=jobs.get(row["job"]),
        arrives_at=_instant(row["arrives_at"]),
        starts_at=_instant(row["starts_at"]),
        ends_at=_instant(row["ends_at"]),
        planned_at=_instant(row["planned_at"]),
        travel_minutes=row["travel_minutes"],
        km=row["km"],
        late_minutes=row["late_minutes"],
        is_locked=row["is_locked"],
        change=row["change"],
        was=_was(row["was"], people),
        terms=tuple(Term(**term) for term in row["terms"]),
        place=_place(row["place"]),
        faults=tuple(row.get("faults", ())),
    )


def _was(row: dict | None, people: Mapping[int, Technician]) -> Was | None:
    if row is None:
        return None
    return Was(row["technician"], people.get(row["technician"]), _instant(row["starts_at"]), row.get("day", ""))


def _instant(text: str | None) -> datetime | None:
    return text and parse_datetime(text)


def _place(pair: list | None) -> tuple[float, float] | None:
    return pair and (pair[0], pair[1])
