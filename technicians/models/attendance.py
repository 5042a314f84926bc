from django.conf import settings
from django.db import models
from django.db.models import F, Q

from technicians.models.people import Technician


class Weekday(models.IntegerChoices):
    """As Python's date.weekday()."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class WorkingHours(models.Model):
    """A weekly shift in the business's own time; one that ends before it starts runs past midnight."""

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="working_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts_at = models.TimeField()
    ends_at = models.TimeField()
    break_starts_at = models.TimeField(null=True, blank=True)
    break_ends_at = models.TimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "working hours"
        ordering = ["weekday", "starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["technician", "weekday", "starts_at"], name="working_hours_once"),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="working_hours_weekday"),
            models.CheckConstraint(condition=~Q(starts_at=F("ends_at")), name="working_hours_not_empty"),
            models.CheckConstraint(
                condition=Q(break_starts_at=None, break_ends_at=None)
                | Q(break_starts_at__isnull=False, break_ends_at__isnull=False)
                & ~Q(break_starts_at=F("break_ends_at")),
                name="working_hours_break_whole",
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.starts_at:%H:%M}-{self.ends_at:%H:%M}"


class TimeOff(models.Model):
    class Kind(models.TextChoices):
        VACATION = "vacation"
        SICK = "sick", "Called out sick"
        TRAINING = "training"
        OTHER = "other"

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="time_off")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.VACATION)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "time off"
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["technician", "starts_at", "ends_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="time_off_ends_after_start")
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.starts_at:%Y-%m-%d}"


class ClockRecord(models.Model):
    """One stretch of being on duty; the open one (no `clocked_out_at`) means: on duty now."""

    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, related_name="clock_records")
    clocked_in_at = models.DateTimeField()
    clocked_out_at = models.DateTimeField(null=True, blank=True)
    closed_by_system = models.BooleanField(default=False, help_text="Ended by the system because nobody clocked out.")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who clocked them out in their place.",
    )
    close_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-clocked_in_at"]
        indexes = [models.Index(fields=["technician", "-clocked_in_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["technician"], condition=Q(clocked_out_at=None), name="clock_record_one_open"
            ),
            models.CheckConstraint(
                condition=Q(clocked_out_at=None) | Q(clocked_out_at__gte=F("clocked_in_at")),
                name="clock_record_out_after_in",
            ),
        ]

    def __str__(self):
        return f"{self.technician_id} {self.clocked_in_at:%Y-%m-%d %H:%M}"


class Break(models.Model):
    """A pause that the technician really took, within a stretch on duty; an open one means: on a break now."""

    clock_record = models.ForeignKey(ClockRecord, on_delete=models.CASCADE, related_name="breaks")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["began_at"]
        constraints = [
            models.UniqueConstraint(fields=["clock_record"], condition=Q(ended_at=None), name="break_one_open"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="break_ends_after_start"
            ),
        ]

    def __str__(self):
        return f"{self.clock_record_id} {self.began_at:%H:%M}"


class OnCall(models.Model):
    """A stretch in which the technician can be called to urgent jobs outside their working hours."""

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="on_call")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "on call"
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["technician", "starts_at", "ends_at"])]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="on_call_ends_after_start")]

    def __str__(self):
        return f"{self.technician_id} {self.starts_at:%Y-%m-%d %H:%M}"
