from django.db import models
from django.db.models import Q

from dispatch.models.jobs import Job
from technicians.models import Technician


class SiteVisit(models.Model):
    """What the fixes say of a job that its technician is under way to or at: the geofence's memory.

    `nearest_m` and `nearest_at` are for noticing that somebody does not get nearer. A hint is the status that the fixes
    suggest; it changes nothing until somebody takes it, unless the settings say so.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="visit")
    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="+")
    is_inside = models.BooleanField(default=False)
    entered_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    nearest_m = models.PositiveIntegerField(null=True, blank=True)
    nearest_at = models.DateTimeField(null=True, blank=True)
    stuck_since = models.DateTimeField(null=True, blank=True)
    hinted_status = models.CharField(max_length=12, blank=True)  # in_progress: seems to have arrived; completed: left
    hinted_at = models.DateTimeField(null=True, blank=True)
    dismissed_status = models.CharField(max_length=12, blank=True)  # said no to: not hinted at again

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hinted_status="", hinted_at=None)
                | Q(hinted_status__in=["in_progress", "completed"], hinted_at__isnull=False),
                name="site_visit_hint_whole",
            )
        ]

    def __str__(self):
        return f"{self.technician_id} at {self.job_id}"

    def suits(self, status: str) -> bool:
        """The hint says what comes after this status; an older one is answered already."""
        return (status, self.hinted_status) in (("en_route", "in_progress"), ("in_progress", "completed"))

    @property
    def hint(self) -> str:
        """“seems to have arrived”"""
        return "seems to have arrived" if self.hinted_status == "in_progress" else "seems to have left"
