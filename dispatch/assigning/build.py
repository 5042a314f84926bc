"""From the database to the problem: the jobs that wait, and the technicians' days around them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from django.utils import timezone

from dispatch.assigning.problem import Booked, Crew, Problem, Visit, in_sequence
from dispatch.models import Job, Priority
from dispatch.smart.candidates import Candidate, Team
from dispatch.smart.facts import day_of, needs_of, place_of, start_to_keep
from dispatch.smart.free_time import origin_at, working_stretches
from dispatch.smart.qualification import Needs, Qualification
from technicians.models import Technician

WEIGHTS: Final = {Priority.LOW: 1, Priority.NORMAL: 2, Priority.HIGH: 4, Priority.URGENT: 8}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Case:
    """The problem, and what is needed to tell of its solution."""

    problem: Problem
    jobs: dict[int, Job]
    days: dict[int, date]
    candidates: dict[int, list[Candidate]]

    def chosen(self, job_id: int, technician_id: int) -> Candidate:
        return next(found for found in self.candidates[job_id] if found.technician.pk == technician_id)


def build(jobs: Iterable[Job], *, user, now: datetime) -> Case:
    """`user` is who asks: only technicians they may see are thought of; None is the system."""
    jobs = list(jobs)
    days = {job.pk: day_of(job, now=now) for job in jobs}
    team = Team.load(days.values(), user=user, now=now)
    origin = midnight_of(min(days.values(), default=timezone.localdate(now)))
    candidates, visits = {}, []
    for job in jobs:
        needs = needs_of(job, day=days[job.pk], starts_at=start_to_keep(job, now=now), now=now)
        candidates[job.pk] = team.ranked(needs, besides=job)
        visits.append(_visit(job, needs, candidates[job.pk], origin=origin))
    crews = [
        _crew(technician, has, day, origin=origin, now=now, travel=team.travel)
        for technician in team.technicians
        for day in sorted(set(days.values()))
        if (has := team.brought[technician.pk, day])
    ]
    problem = Problem(origin, tuple(visits), tuple(crew for crew in crews if crew), team.travel)
    return Case(problem, {job.pk: job for job in jobs}, days, candidates)


def midnight_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


def _visit(job: Job, needs: Needs, candidates: list[Candidate], *, origin: datetime) -> Visit:
    # A shift of that day may go on after midnight; when it ends is its crew's to say.
    earliest, latest = midnight_of(needs.day), midnight_of(needs.day + timedelta(days=2))
    if needs.starts_at:
        earliest = latest = needs.starts_at
    elif needs.promised:
        earliest, latest = needs.promised
    if needs.now and not needs.starts_at:
        earliest = max(earliest, needs.now)
    return Visit(
        job_id=job.pk,
        day=(needs.day - timezone.localdate(origin)).days,
        minutes=job.duration_minutes,
        earliest=_minute(earliest, origin),
        latest=_minute(latest, origin, up=False),
        weight=WEIGHTS[job.priority],
        scores={found.technician.pk: found.score.total for found in candidates if found.is_eligible},
        place=needs.place,
    )


def _crew(technician: Technician, has: Qualification, day: date, *, origin, now: datetime, travel) -> Crew | None:
    today = day == timezone.localdate(now)
    anything = Needs(day=day, zone_id=None, zone_name="", skills=(), now=now if today else None)
    stretches = working_stretches(anything, has)
    if not stretches or has.off_reason or has.jobs_that_day >= has.daily_maximum:
        return None
    starts_at = max(filter(None, (stretches[0][0], anything.now, has.break_until)))
    crew = Crew(
        technician.pk,
        (day - timezone.localdate(origin)).days,
        _minute(starts_at, origin),
        _minute(stretches[-1][1], origin, up=False),
        has.daily_maximum - has.jobs_that_day,
        origin_at(starts_at, anything, has).place,
    )
    if crew.starts >= crew.ends:
        return None
    taken = [*_taken(technician, has, day), *_pauses(stretches)]
    booked = [
        Booked(_minute(begins, origin, up=False), _minute(ends, origin), place, place) for begins, ends, place in taken
    ]
    return replace(crew, booked=in_sequence(booked, crew, travel))


def _taken(technician: Technician, has: Qualification, day: date):
    """As it is planned or goes; what has no time of its own, when it is predicted to be done; and part-day time off."""
    for booking in has.bookings:
        yield booking.starts_at, booking.ends_at, booking.place
    booked = {booking.job_id for booking in has.bookings}
    for job in technician.others_that_day:
        if job.scheduled_on == day and job.pk not in booked and job.predicted_start:
            yield job.predicted_start, job.predicted_end, place_of(job.site_latitude, job.site_longitude)
    for away in has.away:
        yield away.starts_at, away.ends_at, None


def _pauses(stretches):
    for (_, closes), (opens, _) in pairwise(stretches):
        yield closes, opens, None


def _minute(instant: datetime, origin: datetime, *, up: bool = True) -> int:
    whole, rest = divmod(instant - origin, MINUTE)
    return whole + bool(rest and up)
