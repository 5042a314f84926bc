"""From the database to the problem: the jobs of a day and the technicians' days around them.

What is decided here, and why: `crews.py` says when and from where somebody can work, `stops.py` which jobs count and
what is asked of them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from dispatch.arrivals import outlooks
from dispatch.models import Job, PlanningSettings, Priority
from dispatch.planning.crews import Wanted, Workday, workday_of
from dispatch.planning.deadlines import begin_by
from dispatch.planning.problem import UNREACHABLE, Crew, Matrix, Problem, Routes
from dispatch.planning.promises import kept_promises
from dispatch.planning.stops import Asked, asked_of, jobs_to_plan, sort_out
from dispatch.planning.weights import Preferences
from dispatch.smart.candidates import Team
from dispatch.smart.eligibility import Objection, cannot_do, reasons_against
from dispatch.smart.facts import needs_of
from dispatch.smart.qualification import Needs
from dispatch.travel import Leg, Place
from dispatch.travel.configured import travel_times
from technicians.models import Technician

LASTING = {"skill", "zone", "time_off", "off_shift", "off_duty"}  # what speaks against somebody at any time of the day


@dataclass(frozen=True, eq=False)
class MatrixTravel:
    """The matrix as predictions ask for it: what was planned and what is predicted go by the same times."""

    matrix: Matrix
    index: dict[Place, int]

    def leg(self, origin: Place | None, target: Place | None, at: datetime | None = None) -> Leg | None:
        if origin is None or target is None:
            return None
        if origin not in self.index or target not in self.index:
            return None
        seconds, metres = self.matrix.leg(self.index[origin], self.index[target])
        return None if seconds >= UNREACHABLE else Leg(seconds // 60, round(metres / 1000, 2))


@dataclass(frozen=True, eq=False)
class Case:
    """The problem, and what is needed to tell of its solution."""

    problem: Problem
    jobs: tuple[Job, ...]  # by the index of the stop
    technicians: tuple[Technician, ...]  # by the index of the crew
    workdays: tuple[Workday, ...]
    bars: dict[int, dict[int, frozenset[str]]]  # stop -> crew -> what speaks against it
    objections: dict[tuple[int, int], tuple[str, ...]]  # the same in words
    day: date
    origin: datetime
    now: datetime
    travel: MatrixTravel
    preferences: Preferences
    returns_home: bool
    notice: str = ""
    left_aside: tuple[tuple[Job, str], ...] = ()
    absent: int | None = None  # a crew that does nothing: whose jobs are shared

    def instant(self, second: int) -> datetime:
        return self.origin + timedelta(seconds=second)

    @cached_property
    def stop_of(self) -> dict[int, int]:
        return {job.pk: index for index, job in enumerate(self.jobs)}

    @cached_property
    def crew_of(self) -> dict[int, int]:
        return {technician.pk: index for index, technician in enumerate(self.technicians)}


@dataclass
class _Draft:
    """What is found out on the way."""

    asked: list[Asked] = field(default_factory=list)
    places: dict[Place, int] = field(default_factory=dict)

    def at(self, place: Place | None) -> int | None:
        return None if place is None else self.places.setdefault(place, len(self.places))


def build(
    technicians: Iterable[Technician],
    day: date,
    *,
    kind: str,
    by,
    preferences: Preferences,
    with_unassigned: bool,
    absent: Technician | None = None,
    job_ids: Collection[int] | None = None,
    may_wait: bool = True,
    now: datetime,
) -> Case:
    """`by` is who asks: what lies in zones where they do not dispatch stays where it is. `job_ids`: these jobs only.

    `may_wait=False` for whoever answers a page: a server for travel times is not asked, what it has told is taken.
    """
    settings = PlanningSettings.load()
    ids = sorted({technician.pk for technician in technicians})
    among = Technician.objects.filter(pk__in=[*ids, *([absent.pk] if absent else [])])
    team = Team.load([day], user=None, now=now, among=among)
    people = sorted(team.technicians, key=lambda one: (absent is not None and one.pk == absent.pk, str(one), one.pk))
    seen = outlooks(people, day=day, now=now)
    jobs = jobs_to_plan(people, day, kind=kind, by=by, with_unassigned=with_unassigned, job_ids=job_ids, now=now)
    wanted = Wanted(jobs, day=day)
    workdays = [
        workday_of(one, team.brought[one.pk, day], seen[one.pk], day=day, now=now, wanted=wanted) for one in people
    ]
    if absent is not None:
        workdays = [one.given_up() if one.technician.pk == absent.pk else one for one in workdays]
    jobs, left_aside = sort_out(jobs, workdays, day=day, by=by, now=now, kind=kind)
    return _assemble(
        jobs,
        left_aside,
        workdays,
        day=day,
        by=by,
        kind=kind,
        preferences=preferences,
        now=now,
        settings=settings,
        absent=absent,
        may_wait=may_wait,
    )


def _assemble(jobs, left_aside, workdays, *, day, by, kind, preferences, now, settings, absent, may_wait) -> Case:
    origin, draft = workdays[0].midnight if workdays else now, _Draft()
    objections, bars = _objections(jobs, workdays, day=day, now=now)
    for number, job in enumerate(jobs):
        draft.asked.append(
            asked_of(
                job,
                workdays,
                bars.get(number, {}),
                day=day,
                by=by,
                kind=kind,
                origin=origin,
                now=now,
                preferences=preferences,
                sla_due=begin_by(job, after=max(now, origin)),
            )
        )
    locations = [draft.at(asked.place) for asked in draft.asked]
    crews = [_crew(one, draft, returns_home=settings.returns_home) for one in workdays]
    travel = travel_times(now=now, may_wait=may_wait)
    told = travel.matrix(list(draft.places), at=_typical_time(workdays, now))
    matrix = Matrix(told.seconds, told.metres)
    stops = tuple(asked.stop(location) for asked, location in zip(draft.asked, locations, strict=True))
    current = _current(jobs, workdays)
    problem = Problem(stops, tuple(crews), matrix, preferences.weights(), current)
    problem = _with_fair_shares(kept_promises(problem))
    return Case(
        problem=problem,
        jobs=tuple(jobs),
        technicians=tuple(one.technician for one in workdays),
        workdays=tuple(workdays),
        bars=bars,
        objections=objections,
        day=day,
        origin=origin,
        now=now,
        travel=MatrixTravel(matrix, draft.places),
        preferences=preferences,
        returns_home=settings.returns_home,
        notice=_notice(told.notice, workdays),
        left_aside=tuple(left_aside),
        absent=next((n for n, one in enumerate(workdays) if absent and one.technician.pk == absent.pk), None),
    )


def _objections(jobs: Sequence[Job], workdays: Sequence[Workday], *, day: date, now: datetime):
    """Of each job and technician what no hour of the day changes; who has a job keeps it though not clocked in."""
    known: dict[tuple, dict[int, list]] = {}
    hours: dict[bool, list[list]] = {}  # what speaks against each whatever is asked
    texts, bars = {}, {}
    crew_of = {one.technician.pk: crew for crew, one in enumerate(workdays)}
    away = [crew for crew, one in enumerate(workdays) if one.is_given_up]
    for number, job in enumerate(jobs):
        asked = frozenset((need.skill_id, need.level) for need in job.required_skills.all())
        is_urgent = job.priority == Priority.URGENT
        key = (job.zone_id, asked, is_urgent)
        if key not in known:
            needs = _lasting_needs(job, day=day, now=now)
            if is_urgent not in hours:
                anything = replace(needs, skills=(), zone_id=None)
                hours[is_urgent] = [_lasting(reasons_against(anything, one.has)) for one in workdays]
            every = [cannot_do(needs, one.has) + at_all for one, at_all in zip(workdays, hours[is_urgent], strict=True)]
            known[key] = {crew: against for crew, against in enumerate(every) if against}
        against = dict(known[key])
        if (own := crew_of.get(job.technician_id)) in against:
            against[own] = [found for found in against[own] if found.kind != "off_duty"]
        for crew, found in against.items():
            if found:
                texts[number, crew] = tuple(one.text for one in found)
                bars.setdefault(number, {})[crew] = frozenset(one.kind for one in found)
        for crew in away:
            texts[number, crew] = ("Is away",)
            bars.setdefault(number, {})[crew] = frozenset({"time_off"})
    return texts, bars


def _lasting(objections: list[Objection]) -> list[Objection]:
    return [one for one in objections if one.kind in LASTING]


def _lasting_needs(job: Job, *, day: date, now: datetime) -> Needs:
    needs = needs_of(job, day=day, starts_at=None, now=now)
    return replace(needs, window=None, duration_minutes=0, place=None)


def _crew(workday: Workday, draft: _Draft, *, returns_home: bool) -> Crew:
    return Crew(
        id=workday.technician.pk,
        opens=workday.opens,
        closes=workday.closes,
        start=draft.at(workday.start),
        end=draft.at(workday.has.home) if returns_home else None,
        breaks=workday.breaks,
        most_stops=workday.most_stops,
    )


def _current(jobs: Sequence[Job], workdays: Sequence[Workday]) -> Routes:
    number_of = {job.pk: number for number, job in enumerate(jobs)}
    return tuple(
        tuple(number_of[stop.job_id] for stop in one.outlook.stops if stop.job_id in number_of) for one in workdays
    )


def _typical_time(workdays: Sequence[Workday], now: datetime) -> datetime:
    """When most of the driving begins."""
    working = [one.instant(one.opens) for one in workdays if one.opens < one.closes]
    return max(now, min(working, default=now))


def _with_fair_shares(problem: Problem) -> Problem:
    """Everybody's part of the work by the time that they have; a fifth more for the driving."""
    if not problem.weights.balance or len(problem.crews) < 2:
        return problem
    free = [max(0, crew.closes - crew.opens - sum(pause.duration for pause in crew.breaks)) for crew in problem.crews]
    work = sum(stop.service for stop in problem.stops)
    share = 1.2 * work / max(1, sum(free))
    crews = (replace(crew, fair_share=round(own * share)) for crew, own in zip(problem.crews, free, strict=True))
    return replace(problem, crews=tuple(crews))


def _notice(of_travel: str, workdays: Sequence[Workday]) -> str:
    missing = [str(one.technician) for one in workdays if one.is_missing]
    said = [of_travel] if of_travel else []
    if missing:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        said.append(f"Not clocked in: {named}. They keep their jobs and get no others.")
    return " ".join(said)[:300]
