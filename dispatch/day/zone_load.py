"""How loaded each zone is on a day: its jobs against the people who cover it."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from dispatch.crew import BUSY_PERCENT, FULL_PERCENT
from dispatch.day.roll_call import RollCall
from dispatch.models import Status
from dispatch.models.jobs import OPEN
from zones.models import ServiceZone


@dataclass(frozen=True)
class ZoneLoad:
    """A technician who covers several zones brings each an equal part of the shift's minutes."""

    zone_id: int | None
    name: str
    open_jobs: int
    done_jobs: int
    on_duty: int
    booked_minutes: int
    shift_minutes: int

    @property
    def percent(self) -> int | None:
        """None: there is work and nobody for it."""
        if not self.shift_minutes:
            return None if self.booked_minutes else 0
        return round(100 * self.booked_minutes / self.shift_minutes)

    @property
    def width(self) -> int:
        return 100 if self.percent is None else min(100, self.percent)

    @property
    def tone(self) -> str:
        if self.percent is None or self.percent >= FULL_PERCENT:
            return "full"
        return "busy" if self.percent >= BUSY_PERCENT else ""


def load_zones(user, jobs, roll_call: RollCall) -> list[ZoneLoad]:
    """Worst first; `jobs` are those of the day. Jobs in no zone make a row of their own, if there are any."""
    counts = {
        row["zone"]: row
        for row in jobs.exclude(status=Status.CANCELLED)
        .order_by()
        .values("zone")
        .annotate(
            open_jobs=Count("pk", filter=Q(status__in=OPEN)),
            done_jobs=Count("pk", filter=Q(status=Status.COMPLETED)),
            minutes=Sum("duration_minutes"),
        )
    }
    zones = dict(ServiceZone.objects.dispatchable_by(user).active().values_list("pk", "name"))
    if None in counts:
        zones[None] = "No zone"
    on_duty, minutes = _people(roll_call)
    loads = [
        ZoneLoad(
            zone_id=pk,
            name=name,
            open_jobs=counts.get(pk, {}).get("open_jobs", 0),
            done_jobs=counts.get(pk, {}).get("done_jobs", 0),
            on_duty=on_duty[pk],
            booked_minutes=counts.get(pk, {}).get("minutes", 0),
            shift_minutes=round(minutes[pk]),
        )
        for pk, name in zones.items()
    ]
    return sorted(
        loads, key=lambda load: (load.zone_id is None, load.percent is not None, -(load.percent or 0), load.name)
    )


def _people(roll_call: RollCall) -> tuple[dict, dict]:
    on_duty: dict[int | None, int] = defaultdict(int)
    minutes: dict[int | None, float] = defaultdict(float)
    for presence in roll_call.everyone:
        covered = [zone.pk for zone in presence.technician.zones.all()]
        for pk in covered:
            on_duty[pk] += presence.is_on_duty
            minutes[pk] += presence.shift_minutes / len(covered)
    return on_duty, minutes
