from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from technicians.models import Technician, Weekday
from zones.models import ServiceZone


def validate_time_zone(name):
    if name not in available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Write it as in America/New_York.")


class BusinessCalendar(models.Model):
    name = models.CharField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, validators=[validate_time_zone])

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class OpeningInterval(models.Model):
    """A weekly stretch of business hours; a lunch break is two of them. `closes_at` 00:00 is the end of the day."""

    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.CASCADE, related_name="opening_intervals")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens_at = models.TimeField()
    closes_at = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens_at"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "weekday", "opens_at"], name="opening_interval_once"),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="opening_interval_weekday"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")) | Q(closes_at="00:00"), name="opening_interval_order"
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.opens_at:%H:%M}-{self.closes_at:%H:%M}"


class Holiday(models.Model):
    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.CASCADE, related_name="holidays")
    date_on = models.DateField("date")
    name = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["date_on"]
        constraints = [models.UniqueConstraint(fields=["calendar", "date_on"], name="holiday_once")]

    def __str__(self):
        return f"{self.date_on} {self.name}".strip()


class SLAPolicy(models.Model):
    name = models.CharField(max_length=60, unique=True)
    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.PROTECT, related_name="policies")
    is_default = models.BooleanField("default", default=False)
    hold_pauses_response = models.BooleanField(default=False, help_text="A hold always pauses resolution.")

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="sla_policy_one_default",
                violation_error_message="Another policy is the default already.",
            )
        ]

    def __str__(self):
        return self.name


class Unit(models.TextChoices):
    MINUTES = "minutes"
    HOURS = "hours", "Hours (24x7)"
    BUSINESS_HOURS = "business_hours", "Business hours"
    BUSINESS_DAYS = "business_days", "Business days"


class Priority(models.IntegerChoices):
    """How soon a job must be done. Ordered: a greater number is more urgent."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    URGENT = 4


class SLATarget(models.Model):
    """How long response and resolution may take for one priority; no amount means no target."""

    policy = models.ForeignKey(SLAPolicy, on_delete=models.CASCADE, related_name="targets")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    response_amount = models.PositiveIntegerField(null=True, blank=True)
    response_unit = models.CharField(max_length=16, choices=Unit.choices, default=Unit.HOURS)
    resolution_amount = models.PositiveIntegerField(null=True, blank=True)
    resolution_unit = models.CharField(max_length=16, choices=Unit.choices, default=Unit.HOURS)

    class Meta:
        verbose_name = "SLA target"
        ordering = ["priority"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "priority"], name="sla_target_once"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="sla_target_priority"),
            models.CheckConstraint(
                condition=Q(response_amount=None) | Q(response_amount__gt=0), name="sla_target_response_positive"
            ),
            models.CheckConstraint(
                condition=Q(resolution_amount=None) | Q(resolution_amount__gt=0), name="sla_target_resolution_positive"
            ),
        ]

    def __str__(self):
        return f"{self.policy} {self.get_priority_display()}"


class ClockKind(models.TextChoices):
    RESPONSE = "response"
    RESOLUTION = "resolution"


class JobClock(models.Model):
    """One of a job's two clocks. `due_at` is what remains true while it runs; a paused clock has none."""

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        MET = "met"
        BREACHED = "breached"
        STOPPED = "stopped", "Stopped (cancelled)"

    job = models.ForeignKey("dispatch.Job", on_delete=models.CASCADE, related_name="clocks")
    kind = models.CharField(max_length=10, choices=ClockKind.choices)
    policy = models.ForeignKey(SLAPolicy, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    at_risk_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="running"), name="job_clock_running_due"),
            models.Index(fields=["at_risk_at"], condition=Q(state="running"), name="job_clock_running_at_risk"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["job", "kind"], name="job_clock_once"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(due_at__isnull=False), name="job_clock_running_has_due"
            ),
        ]

    def __str__(self):
        return f"{self.job_id} {self.kind}"


class ClockPause(models.Model):
    clock = models.ForeignKey(JobClock, on_delete=models.CASCADE, related_name="pauses")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["clock"], condition=Q(ends_at=None), name="clock_pause_one_open"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="clock_pause_order"
            ),
        ]

    def __str__(self):
        return f"{self.clock_id} from {self.starts_at:%Y-%m-%d %H:%M}"


class Violation(models.Model):
    """A breached target, with technician, zone and type as they were then. Acknowledging never erases it."""

    job = models.ForeignKey("dispatch.Job", on_delete=models.PROTECT, related_name="violations")
    kind = models.CharField(max_length=10, choices=ClockKind.choices)
    due_at = models.DateTimeField()
    breached_at = models.DateTimeField()
    policy = models.ForeignKey(SLAPolicy, on_delete=models.PROTECT, related_name="+")
    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    zone = models.ForeignKey(ServiceZone, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    job_type = models.ForeignKey("dispatch.JobType", on_delete=models.PROTECT, related_name="+")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledgement_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-breached_at"]
        indexes = [models.Index(fields=["-breached_at"]), models.Index(fields=["zone", "-breached_at"])]
        permissions = [
            ("acknowledge_violation", "Can acknowledge violation"),
            ("view_sla_report", "Can see SLA reports"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["job", "kind"], name="violation_once"),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="violation_acknowledged_whole",
            ),
        ]

    def __str__(self):
        return f"{self.job_id} {self.kind}"
