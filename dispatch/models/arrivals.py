from django.db import models
from django.db.models import F, Q

from dispatch.models.jobs import Job
from dispatch.progress import BEHIND_FROM_MINUTES
from technicians.models import Technician


class Arrival(models.Model):
    """When the technician will be at the job, as `dispatch/progress.py` predicts it.

    Only jobs that somebody has still to do have one; `dispatch/arrivals.py` keeps them up to date and is the only
    writer. `predicted_at` is when what it says last changed.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="arrival")
    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="arrivals")
    travel_minutes = models.PositiveIntegerField()
    travel_km = models.FloatField(null=True, help_text="None where a place is not known.")
    leaves_at = models.DateTimeField()
    arrives_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    late_minutes = models.PositiveIntegerField(default=0)
    behind_minutes = models.PositiveIntegerField(default=0)
    why = models.CharField(max_length=200, blank=True)
    caused_by = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    predicted_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["job"],
                condition=Q(late_minutes__gt=0) | Q(behind_minutes__gte=BEHIND_FROM_MINUTES),
                name="arrival_running_behind",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    arrives_at__gte=F("leaves_at"), starts_at__gte=F("arrives_at"), ends_at__gte=F("starts_at")
                ),
                name="arrival_in_order",
            ),
            models.CheckConstraint(condition=Q(travel_km=None) | Q(travel_km__gte=0), name="arrival_km_not_negative"),
        ]

    def __str__(self):
        return f"{self.job_id} {self.arrives_at:%Y-%m-%d %H:%M}"

    @property
    def is_behind(self) -> bool:
        """Running behind, as `Job.objects.running_behind()` has it."""
        return self.late_minutes > 0 or self.behind_minutes >= BEHIND_FROM_MINUTES
