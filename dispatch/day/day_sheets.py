"""Loads what is printed for technicians to take along: each one's jobs of a day, as far as the user may see them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Count

from dispatch.models import Job, Status
from technicians.models import Technician


@dataclass(frozen=True)
class DaySheet:
    technician: Technician
    jobs: list[Job]
    unseen: int  # jobs of that day that the user may not see; a sheet must not look complete without them

    @property
    def minutes(self) -> int:
        return sum(job.duration_minutes for job in self.jobs)


def load_day_sheets(technicians, *, day: date, user) -> list[DaySheet]:
    """One a technician, by name. `technicians` is a queryset of those whom the user may see."""
    technicians = list(technicians.by_name())
    of_the_day = (
        Job.objects.filter(technician__in=[technician.pk for technician in technicians])
        .on_days(day, day)
        .exclude(status=Status.CANCELLED)
    )
    jobs = defaultdict(list)
    for job in of_the_day.visible_to(user).with_board_info().in_route_order():
        jobs[job.technician_id].append(job)
    totals = dict(of_the_day.order_by().values_list("technician").annotate(Count("pk")))
    return [
        DaySheet(
            technician,
            jobs[technician.pk],
            unseen=totals.get(technician.pk, 0) - len(jobs[technician.pk]),
        )
        for technician in technicians
    ]
