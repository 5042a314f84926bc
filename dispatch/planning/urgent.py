"""Into whose route one more job goes best, by the same objective as whole plans, answered while the page waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from dispatch.models import Job, Plan, PlanningSettings, Status
from dispatch.planning.build import Case, build
from dispatch.planning.insertion import Insertion, cheapest_insertions, forgiving, insertion_at
from dispatch.planning.names import Names
from dispatch.planning.outcome import names_of
from dispatch.planning.problem import Problem, Routes
from dispatch.planning.weights import POINTS_A_SECOND
from dispatch.planning.why_not import why_left_out
from dispatch.smart.facts import day_of
from technicians.models import Technician

MOST: Final = 5
MOST_REASONS: Final = 3


@dataclass(frozen=True)
class Delay:
    """`name` is what the reader may call the job."""

    name: str
    minutes: int
    is_itself: bool = False


@dataclass(frozen=True)
class Option:
    """One place in a technician's route, and all that follows from it."""

    technician: Technician
    order: tuple[int, ...]  # ids of the jobs that have not begun, with this one
    starts_at: datetime
    ends_at: datetime  # of the day
    after: str  # the job before it; empty: none
    before: str
    driving_minutes: int  # more
    cost_minutes: int  # all that it costs, in minutes of driving
    late: tuple[Delay, ...]  # than promised, because of it
    shifted: tuple[Delay, ...]
    planned: dict[int, datetime]  # job -> the start that is to be written

    @property
    def value(self) -> str:
        """As the form sends it back."""
        return f"{self.technician.pk}:{','.join(map(str, self.order))}"

    @property
    def saved_minutes(self) -> int:
        return max(0, -self.driving_minutes)

    @property
    def most_shifted(self) -> int:
        return max((delay.minutes for delay in self.shifted), default=0)


@dataclass(frozen=True)
class Options:
    """Best first; where there are none, `reasons` say why not."""

    day: date
    found: tuple[Option, ...]
    reasons: tuple[str, ...] = ()
    notice: str = ""


def insertions_for(job: Job, *, user, now: datetime, most: int = MOST) -> Options:
    """Among the technicians that the user sees; the best place in each one's route."""
    day = day_of(job, now=now)
    people = Technician.objects.visible_to(user).active()
    if job.zone_id is not None:
        people = people.filter(zones=job.zone_id)
    asked = _Asked.of(job, people, by=user, now=now)
    if asked is None or asked.stop is None:
        return Options(day, (), asked.why_aside() if asked else ("Nobody works in its zone.",))
    found = cheapest_insertions(asked.problem, asked.routes, asked.stop, most=most)
    options = tuple(asked.option(insertion) for insertion in found)
    return Options(day, options, () if options else asked.why_nobody(), asked.case.notice)


def option_at(job: Job, technician: Technician, order: Sequence[int], *, by, now: datetime) -> Option | None:
    """That place in the route; None if the route is another by now, or the job does not fit there any more."""
    asked = _Asked.of(job, [technician], by=by, now=now)
    if asked is None or asked.stop is None or job.pk not in order:
        return None
    others = [pk for pk in order if pk != job.pk]
    crew = asked.case.crew_of[technician.pk]
    if others != [asked.case.jobs[stop].pk for stop in asked.routes[crew]]:
        return None
    if crew not in asked.problem.stops[asked.stop].eligible:
        return None
    position = list(order).index(job.pk)
    insertion = insertion_at(asked.problem, asked.routes, asked.stop, crew=crew, position=position)
    return insertion and asked.option(insertion)


@dataclass(frozen=True)
class _Asked:
    job: Job
    case: Case
    problem: Problem  # its rules bent where the day breaks them already
    routes: Routes  # without the job
    stop: int | None  # None: it cannot be planned at all
    names: Names

    @classmethod
    def of(cls, job: Job, technicians, *, by, now: datetime) -> "_Asked | None":
        day, people = day_of(job, now=now), list(technicians)
        if not people:
            return None
        theirs = Job.objects.filter(status=Status.ASSIGNED, technician__in=people, scheduled_on=day)
        case = build(
            people,
            day,
            kind=Plan.Kind.REPLAN,
            by=by,
            preferences=PlanningSettings.load().preferences,
            with_unassigned=False,
            job_ids={job.pk, *theirs.values_list("pk", flat=True)},
            may_wait=False,
            now=now,
        )
        stop = case.stop_of.get(job.pk)
        routes = tuple(tuple(each for each in route if each != stop) for route in case.problem.current)
        return cls(job, case, forgiving(case.problem, routes), routes, stop, names_of(case, by=by))

    def why_aside(self) -> tuple[str, ...]:
        said = tuple(f"{text}." for aside, text in self.case.left_aside if aside.pk == self.job.pk)
        return said or ("It is not waiting any more.",)

    def why_nobody(self) -> tuple[str, ...]:
        reasons = why_left_out(self.problem, self.routes, self.stop, self.case.bars)
        return tuple(reason.text(self.names) for reason in reasons[:MOST_REASONS])

    def option(self, insertion: Insertion) -> Option:
        case, visits = self.case, insertion.after.visits
        around = [visits[at].stop if 0 <= at < len(visits) else None for at in _neighbours(insertion.position)]
        after, before = ("" if stop is None else self.names.stops[stop] for stop in around)
        was_at = {visit.stop: visit.starts_at for visit in insertion.before.visits}
        later = [(visit.stop, visit.starts_at - was_at.get(visit.stop, visit.starts_at)) for visit in visits]
        return Option(
            technician=case.technicians[insertion.crew],
            order=tuple(case.jobs[visit.stop].pk for visit in visits),
            starts_at=case.instant(insertion.starts_at),
            ends_at=case.instant(insertion.after.ends_at),
            after=after,
            before=before,
            driving_minutes=insertion.travel // 60,
            cost_minutes=round(insertion.points / POINTS_A_SECOND / 60),
            late=self._delays(insertion.late),
            shifted=self._delays((stop, seconds) for stop, seconds in later if seconds > 0),
            planned=self._planned(insertion),
        )

    def _delays(self, seconds_late) -> tuple[Delay, ...]:
        return tuple(
            Delay(self.names.stops[stop], -(-seconds // 60), is_itself=stop == self.stop)
            for stop, seconds in seconds_late
        )

    def _planned(self, insertion: Insertion) -> dict[int, datetime]:
        """Starts to write: its own, of what it pushes back, and of what the board would else show in another order."""
        visits, was_at = insertion.after.visits, {v.stop: v.starts_at for v in insertion.before.visits}
        starts = [self.case.instant(visit.starts_at) for visit in visits]
        keeps = [self._keeps_its_time(visit.stop) for visit in visits]
        planned = [self._planned_start(visit.stop) for visit in visits]
        own, new = list(planned), insertion.position
        new_starts_at = planned[new] = starts[new]
        for at in range(new + 1, len(visits)):
            is_pushed = visits[at].starts_at > was_at[visits[at].stop]
            if planned[at] and (planned[at] <= new_starts_at or (is_pushed and planned[at] < starts[at])):
                planned[at] = starts[at]
        following = None
        for at in reversed(range(len(visits))):
            is_out_of_order = planned[at] and following and planned[at] >= following
            if is_out_of_order or (planned[at] is None and (following or at < new)):
                planned[at] = starts[at]
            following = planned[at] or following
        changed = (at for at in range(len(visits)) if planned[at] and planned[at] != own[at])
        written = {visits[at].stop: planned[at] for at in changed if at == new or not keeps[at]}
        return {self.case.jobs[stop].pk: starts_at for stop, starts_at in written.items()}

    def _planned_start(self, stop: int) -> datetime | None:
        job = self.case.jobs[stop]
        return job.planned_starts_at if job.scheduled_on == self.case.day and stop != self.stop else None

    def _keeps_its_time(self, stop: int) -> bool:
        job, is_locked = self.case.jobs[stop], self.case.problem.stops[stop].is_locked
        is_foreign = is_locked and not job.is_technician_pinned
        return job.planned_starts_at is not None and (job.is_fixed or job.is_time_pinned or is_foreign)


def _neighbours(position: int) -> tuple[int, int]:
    return position - 1, position + 1
