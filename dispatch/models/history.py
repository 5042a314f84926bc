from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from dispatch.models.jobs import Job, Status
from technicians.models import Technician, coordinates_check

TOLD_LATER = timedelta(minutes=1)  # from then on a phone was offline when it happened


class AppendOnlyError(RuntimeError):
    """Someone tried to rewrite history."""


class AppendOnlyQuerySet(models.QuerySet):
    def update(self, **kwargs):
        raise AppendOnlyError("The log is append-only: rows are never changed.")

    def delete(self):
        raise AppendOnlyError("The log is append-only: rows are never deleted.")

    def bulk_update(self, *args, **kwargs):
        raise AppendOnlyError("The log is append-only: rows are never changed.")


class AppendOnlyModel(models.Model):
    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise AppendOnlyError("The log is append-only: rows are never changed.")
        kwargs["force_insert"] = True  # a new object with an old key would overwrite the old row
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise AppendOnlyError("The log is append-only: rows are never deleted.")


class StatusChange(AppendOnlyModel):
    """One transition. The first row of a job has no `from_status`.

    `happened_at` is when it was done, `received_at` when we learned of it. The coordinates are the technician's, and
    `position_age_seconds` is how old they were when it happened.
    """

    class Actor(models.TextChoices):
        TECHNICIAN = "technician"
        DISPATCHER = "dispatcher"
        SYSTEM = "system"

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="status_changes")
    from_status = models.CharField(max_length=12, choices=Status.choices, blank=True)
    to_status = models.CharField(max_length=12, choices=Status.choices)
    from_technician = models.ForeignKey(Technician, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    to_technician = models.ForeignKey(Technician, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=Actor.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    accuracy_m = models.FloatField(null=True, blank=True)
    position_age_seconds = models.PositiveIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    tap_id = models.UUIDField(null=True, blank=True, unique=True)  # the phone's own id: a tap sent twice counts once

    phone_said = None  # the wrong time that a phone's clock showed; given by dispatch/field/work.py

    class Meta:
        ordering = ["happened_at", "pk"]
        indexes = [models.Index(fields=["job", "happened_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(to_status__in=Status.values), name="status_change_to"),
            models.CheckConstraint(condition=Q(from_status__in=["", *Status.values]), name="status_change_from"),
            models.CheckConstraint(condition=coordinates_check(), name="status_change_on_globe"),
            models.CheckConstraint(
                condition=Q(actor_kind="system") | Q(actor__isnull=False), name="status_change_by_someone"
            ),
        ]

    def __str__(self):
        return f"{self.job_id} {self.from_status} > {self.to_status}"

    @property
    def is_received_later(self) -> bool:
        """The phone was offline: we learned of it a minute or more after it happened."""
        return self.received_at - self.happened_at >= TOLD_LATER


class FieldChange(AppendOnlyModel):
    """Who changed which fields of a job, so that a second dispatcher's form can be told and merged.

    `changes` maps a field's name to [old, new] as people read them; `version` is the job's version afterwards.
    """

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="field_changes")
    version = models.PositiveIntegerField()
    changed_at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changes = models.JSONField()

    class Meta:
        ordering = ["changed_at", "pk"]
        indexes = [models.Index(fields=["job", "version"])]

    def __str__(self):
        return f"{self.job_id} v{self.version}"


class JobNote(AppendOnlyModel):
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="notes")
    written_at = models.DateTimeField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()

    class Meta:
        ordering = ["written_at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="job_note_not_empty")]

    def __str__(self):
        return self.text[:60]
