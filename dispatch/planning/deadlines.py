"""Until when SLA targets want a job to be begun. Only targets in minutes and hours: those run day and night."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.models import Job
from sla.models import SLAPolicy, SLATarget, Unit

LENGTHS = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}


@dataclass(frozen=True)
class Deadlines:
    targets: dict[tuple[int, int], SLATarget]  # by policy and priority
    default_id: int | None

    @classmethod
    def load(cls) -> "Deadlines":
        targets = {(target.policy_id, target.priority): target for target in SLATarget.objects.all()}
        return cls(targets, SLAPolicy.objects.filter(is_default=True).values_list("pk", flat=True).first())

    def begin_by(self, job: Job) -> datetime | None:
        """To be on the way by the response target, and done by the one for the resolution."""
        target = self.targets.get((job.sla_policy_id or self.default_id, job.priority))
        if target is None or job.is_on_hold:
            return None
        response = _after(job.created_at, target.response_amount, target.response_unit)
        resolution = _after(job.created_at, target.resolution_amount, target.resolution_unit)
        begin = resolution and resolution - timedelta(minutes=job.duration_minutes)
        return min(filter(None, (response, begin)), default=None)


def _after(created_at: datetime, amount: int | None, unit: str) -> datetime | None:
    return created_at + amount * LENGTHS[unit] if amount and unit in LENGTHS else None
