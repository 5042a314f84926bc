"""Every technician for one job or for many: what speaks against each, and how well they fit. The queries stay few."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from dispatch.models import DispatchSettings, Job
from dispatch.smart.eligibility import Objection, reasons_against
from dispatch.smart.facts import WholeDay, brought_on, day_of, load_needs, needs_of, start_to_keep, with_days, without
from dispatch.smart.qualification import Needs, Qualification
from dispatch.smart.scoring import Score, Weights, proposed_start, score
from dispatch.travel import Travel
from dispatch.travel.configured import great_circle
from technicians.models import Technician, TechnicianSkill
from zones import access


@dataclass(frozen=True)
class Candidate:
    """`starts_at` is the start that is proposed: the planned one, else the earliest that fits; None: there is none."""

    technician: Technician
    objections: list[Objection]
    score: Score
    starts_at: datetime | None
    jobs_that_day: int
    is_on_duty: bool

    @property
    def is_eligible(self) -> bool:
        return not self.objections

    @property
    def sentence(self) -> str:
        """“Ana Ruiz 83: Advanced HVAC for Intermediate needed; 6.2 km, 11 min from job J-000081; ...”"""
        return f"{self.technician} {self.score.total}: {self.score.text}"

    @property
    def skills(self) -> list[TechnicianSkill]:
        return list(self.technician.skills.all())


def candidates_for(job: Job, *, user, now: datetime | None = None) -> list[Candidate]:
    """Those whom the user may see (None: the system sees all); best first, and last whom something speaks against."""
    return candidates_for_jobs([job], user=user, now=now)[job.pk]


def candidates_for_jobs(jobs: Iterable[Job], *, user, now: datetime | None = None) -> dict[int, list[Candidate]]:
    """As `candidates_for`, each job by itself: that another of them may take somebody's time is not considered."""
    jobs, now = list(jobs), now or timezone.now()
    if not jobs:
        return {}
    load_needs(jobs)
    days = {job.pk: day_of(job, now=now) for job in jobs}
    team = Team.load(days.values(), user=user, now=now)
    return {
        job.pk: team.ranked(
            needs_of(job, day=days[job.pk], starts_at=start_to_keep(job, now=now), now=now), besides=job
        )
        for job in jobs
    }


@dataclass(frozen=True)
class Team:
    """The technicians whom somebody may see, with what each brings on some days."""

    technicians: list[Technician]
    brought: dict[tuple[int, date], Qualification]
    travel: Travel
    out_of: dict[str, int]

    @classmethod
    def load(cls, days: Iterable[date], *, user, now: datetime, among=None) -> "Team":
        """`among` narrows whom it is about."""
        days, settings = set(days), DispatchSettings.load()
        everyone = Technician.objects.all() if among is None else among
        visible = everyone if user is None else everyone.visible_to(user)
        technicians = list(with_days(visible.active(), days=days))
        zone_ids = access.ALL_ZONES if user is None else access.dispatch_zone_ids(user)
        fresh_for = timedelta(minutes=settings.fresh_position_minutes)
        return cls(
            technicians,
            {
                (technician.pk, whole_day.day): brought_on(
                    technician, whole_day, zone_ids=zone_ids, now=now, fresh_for=fresh_for
                )
                for whole_day in [WholeDay.of(day, now=now) for day in days]
                for technician in technicians
            },
            great_circle(settings),
            Weights.of(settings).out_of(),
        )

    @classmethod
    def of_one(cls, technician: Technician, day: date, *, now: datetime) -> "Team":
        return cls.load([day], user=None, now=now, among=Technician.objects.filter(pk=technician.pk))

    def ranked(self, needs: Needs, *, besides: Job | None = None) -> list[Candidate]:
        """Best first; `besides` is the job in question, which is no booking of its own."""
        found = [self._candidate(technician, needs, besides) for technician in self.technicians]
        return sorted(found, key=lambda c: (bool(c.objections), -c.score.total, str(c.technician), c.technician.pk))

    def brought_by(self, technician: Technician, day: date, *, besides: Job | None = None) -> Qualification:
        has = self.brought[technician.pk, day]
        is_theirs = besides and besides.technician_id == technician.pk
        return without(besides, has, day=day) if is_theirs else has

    def _candidate(self, technician: Technician, needs: Needs, besides: Job | None) -> Candidate:
        has = self.brought_by(technician, needs.day, besides=besides)
        starts_at = proposed_start(needs, has, travel=self.travel)
        return Candidate(
            technician,
            reasons_against(needs, has),
            score(needs, has, starts_at=starts_at, out_of=self.out_of, travel=self.travel, due_at=needs.due_at),
            starts_at,
            has.jobs_that_day,
            technician.is_on_duty,
        )
