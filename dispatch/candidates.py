"""Every technician for one job, with what speaks against each; a constant number of queries."""

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from dispatch.eligibility import HeldSkill, NeededSkill, Needs, Objection, Qualification, reasons_against
from dispatch.models import Job, Status
from technicians.models import ClockRecord, Technician, TechnicianSkill, TimeOff


@dataclass(frozen=True)
class Candidate:
    technician: Technician
    objections: list[Objection]
    jobs_that_day: int
    is_on_duty: bool

    @property
    def skills(self) -> list[TechnicianSkill]:
        return list(self.technician.skills.all())


def candidates_for(job: Job, *, user) -> list[Candidate]:
    """Those whom the user may see, best first: fewest objections, then on duty, then fewest jobs that day."""
    day = job.scheduled_on or timezone.localdate()
    needs = _needs(job, day)
    found = []
    for technician in _technicians(user, day, job):
        has = _qualification(technician)
        found.append(Candidate(technician, reasons_against(needs, has), has.jobs_that_day, technician.is_on_duty))
    return sorted(found, key=lambda c: (len(c.objections), not c.is_on_duty, c.jobs_that_day, str(c.technician)))


def _needs(job: Job, day: date) -> Needs:
    return Needs(
        day=day,
        zone_id=job.zone_id,
        zone_name=job.zone.name if job.zone else "",
        skills=tuple(
            NeededSkill(need.skill_id, need.skill.name, need.level)
            for need in job.required_skills.select_related("skill")
        ),
    )


def _technicians(user, day: date, job: Job):
    starts = timezone.make_aware(datetime.combine(day, time.min))
    ends = timezone.make_aware(datetime.combine(day, time.max))
    others_that_day = Q(jobs__scheduled_on=day) & ~Q(jobs__status=Status.CANCELLED) & ~Q(jobs__pk=job.pk)
    return (
        Technician.objects.visible_to(user)
        .active()
        .select_related("user")
        .annotate(
            jobs_that_day=Count("jobs", filter=others_that_day),
            is_on_duty=Exists(ClockRecord.objects.filter(technician=OuterRef("pk"), clocked_out_at=None)),
        )
        .prefetch_related(
            "zones",
            Prefetch("skills", TechnicianSkill.objects.select_related("skill").order_by("-level", "skill__name")),
            Prefetch("time_off", TimeOff.objects.filter(starts_at__lt=ends, ends_at__gt=starts), to_attr="off"),
        )
    )


def _qualification(technician: Technician) -> Qualification:
    return Qualification(
        zone_ids=frozenset(zone.pk for zone in technician.zones.all()),
        skills={held.skill_id: HeldSkill(held.level, held.certificate_expires_on) for held in technician.skills.all()},
        jobs_that_day=technician.jobs_that_day,
        daily_maximum=technician.daily_maximum,
        off_reason=technician.off[0].get_kind_display() if technician.off else "",
    )
