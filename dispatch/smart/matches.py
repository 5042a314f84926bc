"""The candidates as a dispatcher looks through them: who is closest, free first, has most room; what it would bring."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from dispatch.effects import Effect, effects_of
from dispatch.job_entry import JobEntry
from dispatch.models import Job, Priority
from dispatch.smart.calling import When, call_start, under_way
from dispatch.smart.candidates import Candidate, Team
from dispatch.smart.facts import day_of, needs_of, place_of, start_to_keep
from dispatch.smart.qualification import Booking, Needs, Qualification
from sla.clock import NeverDueError
from sla.models import ClockKind, ResponseClock
from sla.policies import Policies
from technicians.models import Technician
from zones.models import ServiceZone

EFFECTS_SHOWN: Final = 10
CLOSEST, FIRST_FREE, MOST_ROOM = "Closest", "Free first", "Most room"


@dataclass(frozen=True)
class Call:
    """One way to call them: when they would begin, and what is under way until then."""

    when: When
    starts_at: datetime
    current: Booking | None


@dataclass
class Match:
    candidate: Candidate
    badges: list[str] = field(default_factory=list)
    effect: Effect | None = None
    calls: list[Call] = field(default_factory=list)

    @property
    def technician(self) -> Technician:
        return self.candidate.technician

    @property
    def starts_at(self) -> datetime | None:
        """When it begins if it is assigned: to whoever is at work, an urgent job is the next after what they do now."""
        return self.calls[-1].starts_at if self.calls and self.candidate.is_on_duty else self.candidate.starts_at

    @property
    def travel_minutes(self) -> int | None:
        leg = self.candidate.score.visit.leg
        return leg.minutes if leg else None

    @property
    def load(self) -> float:
        return self.candidate.jobs_that_day / self.technician.daily_maximum


@dataclass(frozen=True)
class Matches:
    eligible: list[Match]
    excluded: list[Match]
    best: Match | None  # whom the dialog chooses; not who has the job already

    @property
    def all(self) -> list[Match]:
        return [*self.eligible, *self.excluded]

    @property
    def fewer(self) -> list[Match]:
        return self.eligible[:3]


def load_matches(job: Job, *, user, now: datetime, with_effects: bool = True) -> Matches:
    """In a constant number of queries, however many technicians there are."""
    day = day_of(job, now=now)
    team = Team.load([day], user=user, now=now)
    needs = needs_of(job, day=day, starts_at=start_to_keep(job, now=now), now=now)
    matches = marked(team.ranked(needs, besides=job))
    is_a_call = needs.is_urgent and needs.now is not None and needs.starts_at is None
    if is_a_call:
        for match in matches:
            has = team.brought_by(match.technician, day, besides=job)
            match.calls = _calls(needs, has, team, now=now) if not has.off_reason else []
    if with_effects:
        _add_effects(job, matches[:EFFECTS_SHOWN], needs, user=user, now=now, as_next=is_a_call)
    return parted(matches, besides=job.technician_id)


def marked(candidates: Iterable[Candidate]) -> list[Match]:
    """Those whom nothing speaks against compete for the badges; whoever is as good gets the badge too."""
    matches = [Match(candidate) for candidate in candidates]
    eligible = [match for match in matches if match.candidate.is_eligible]
    if len(eligible) < 2:
        return matches
    near = [match for match in eligible if match.travel_minutes is not None]
    _award(CLOSEST, near, lambda match: match.travel_minutes)
    _award(FIRST_FREE, eligible, lambda match: match.candidate.score.visit.free_at)
    _award(MOST_ROOM, eligible, lambda match: match.load)
    return matches


def parted(matches: list[Match], *, besides: int | None = None) -> Matches:
    eligible = [match for match in matches if match.candidate.is_eligible]
    excluded = [match for match in matches if not match.candidate.is_eligible]
    best = next((match for match in eligible if match.technician.pk != besides), None)
    return Matches(eligible, excluded, best)


def _award(badge: str, matches: list[Match], measure) -> None:
    """To nobody where all are alike: it would say nothing."""
    values = [measure(match) for match in matches]
    if len(set(values)) > 1:
        for match, value in zip(matches, values, strict=True):
            if value == min(values):
                match.badges.append(badge)


def _add_effects(job: Job, matches: list[Match], needs: Needs, *, user, now: datetime, as_next: bool) -> None:
    starts = {match.technician: match.starts_at for match in matches if match.starts_at}
    effects = effects_of(job, starts, day=needs.day, user=user, now=now, as_next=as_next) if starts else {}
    for match in matches:
        match.effect = effects.get(match.technician.pk)


def _calls(needs: Needs, has: Qualification, team: Team, *, now: datetime) -> list[Call]:
    current = under_way(has, now=now)
    whens = [When.NOW, When.AFTER] if current else [When.NOW]
    return [Call(when, call_start(needs, has, when=when, travel=team.travel, now=now), current) for when in whens]


def best_few(job: Job, *, user, now: datetime | None = None) -> Matches:
    """For the drawer: without what each would bring."""
    return load_matches(job, user=user, now=now or timezone.now(), with_effects=False)


def matches_for_entry(entry: JobEntry, *, user, now: datetime) -> Matches | None:
    """For a job that is being entered, as far as its fields make sense already; None for a day that is over."""
    needs = _needs_of_entry(entry, now=now)
    if needs.day < timezone.localdate(now):
        return None
    team = Team.load([needs.day], user=user, now=now)
    return parted(marked(team.ranked(needs)))


def _needs_of_entry(entry: JobEntry, *, now: datetime) -> Needs:
    values, today = entry.values_so_far(), timezone.localdate(now)
    site = values["site"]
    place = place_of(site.latitude, site.longitude) if site and site.has_location else None
    zones = ServiceZone.objects.index()
    zone_id = zones.find(latitude=place[0], longitude=place[1]) if place else None
    zone = zone_id and ServiceZone.objects.only("name").get(pk=zone_id)
    day, starts_at = values["scheduled_on"] or today, values["planned_starts_at"]
    opens, closes = values["window_starts_at"], values["window_ends_at"]
    minutes = values["duration_minutes"]
    return Needs(
        day=day,
        zone_id=zone_id,
        zone_name=zone.name if zone else "",
        skills=values["skills"],
        starts_at=starts_at,
        ends_at=starts_at and starts_at + timedelta(minutes=minutes),
        window=(opens, closes) if opens and closes else None,
        duration_minutes=minutes,
        place=place,
        is_urgent=values["priority"] == Priority.URGENT,
        now=now if day == today else None,
        due_at=_response_due_at(values, now=now),
    )


def _response_due_at(values: dict, *, now: datetime) -> datetime | None:
    """Were it created now."""
    if not (values["job_type"] and values["priority"]):
        return None
    policies = Policies()
    policy = policies.policy_for(customer=values["customer"], job_type=values["job_type"])
    target = policy and policies.target(policy.pk, priority=values["priority"], kind=ClockKind.RESPONSE)
    if not target:
        return None
    amount, unit = target
    try:
        return policies.clock(ResponseClock(policy=policy, amount=amount, unit=unit, started_at=now), []).due_at
    except NeverDueError:
        return None
