from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from dispatch.models.jobs import Job, Status
from technicians.models import Technician


class SuggestionQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state=Suggestion.State.OPEN)

    def standing(self, *, now: datetime, minutes: int):
        """Those whose job is as it was looked at, and that are not too old; not whether their technician still can."""
        unchanged = self.open().filter(job__status=Status.CREATED, job__held_at=None, job_version=F("job__version"))
        return unchanged.filter(created_at__gt=now - timedelta(minutes=minutes)).exclude(starts_at__lt=now)

    def visible_to(self, user):
        """Of jobs that the user may see, and naming nobody whom they may not see."""
        jobs, technicians = Job.objects.visible_to(user), Technician.objects.visible_to(user)
        return self.filter(job__in=jobs, technician__in=technicians)

    def with_names(self):
        return self.select_related("technician__user")


class Suggestion(models.Model):
    """Smart dispatch's proposal of one technician for one job, until somebody confirms or dismisses it.

    `job_version` is the job as it was looked at. `factors` is the score taken apart:
    [{"kind": "skill", "points": 22, "out_of": 25, "text": "..."}, ...]; the points add up to `score`.
    """

    class State(models.TextChoices):
        OPEN = "open"
        CONFIRMED = "confirmed"
        DISMISSED = "dismissed"
        EXPIRED = "expired", "Expired: it no longer held"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="suggestions")
    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="suggestions")
    starts_at = models.DateTimeField(null=True, blank=True)
    score = models.PositiveSmallIntegerField()
    factors = models.JSONField(default=list)
    job_version = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    why_closed = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = SuggestionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["job"], condition=Q(state="open"), name="suggestion_one_open"),
            models.CheckConstraint(condition=Q(score__range=(0, 100)), name="suggestion_score"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "confirmed", "dismissed", "expired"]), name="suggestion_state"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | ~Q(state="open") & Q(closed_at__isnull=False),
                name="suggestion_closed_has_time",
            ),
        ]

    def __str__(self):
        return f"{self.job_id} -> {self.technician_id} ({self.score})"

    @property
    def why(self) -> str:
        """“Advanced HVAC for Intermediate needed; 6.2 km, 11 min from job J-000081; free from 14:10”"""
        return "; ".join(factor["text"] for factor in self.factors if factor["text"])

    @property
    def sentence(self) -> str:
        """“Ana Ruiz 83: ...”"""
        return f"{self.technician} {self.score}: {self.why}"


class AutoAssignRun(models.Model):
    """One joint assignment of many jobs: asked for, worked out in the background, looked at, applied or discarded.

    `result` holds a row for each job: {"job", "technician" or null, "starts_at", "score", "text", "seen", "outcome"};
    `outcome` is filled in when it is applied.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        PROPOSED = "proposed"
        APPLIED = "applied"
        DISCARDED = "discarded"
        FAILED = "failed"

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    job_ids = models.JSONField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    done_percent = models.PositiveSmallIntegerField(default=0)
    step = models.CharField(max_length=100, blank=True, help_text="What it is doing now.")
    is_cancel_asked = models.BooleanField(default=False)
    total_score = models.PositiveIntegerField(null=True, blank=True)
    greedy_score = models.PositiveIntegerField(null=True, blank=True, help_text="What one by one would have reached.")
    result = models.JSONField(default=list)
    error = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(done_percent__range=(0, 100)), name="auto_assign_percent"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "proposed", "applied", "discarded", "failed"]),
                name="auto_assign_state",
            ),
        ]

    def __str__(self):
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.state}"
