from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from sla import clock
from technicians.models import Weekday


def validate_time_zone(name):
    if name not in available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Write it as in America/New_York.")


class BusinessCalendar(models.Model):
    name = models.CharField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, validators=[validate_time_zone])
    country = models.CharField(
        max_length=2, blank=True, help_text="Its public holidays are days without business hours."
    )
    subdivision = models.CharField("state or region", max_length=10, blank=True)

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
    """A closure of our own, beside the public holidays of the calendar's country."""

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
    MINUTES = clock.MINUTES
    HOURS = clock.HOURS, "Hours (24x7)"
    BUSINESS_HOURS = clock.BUSINESS_HOURS, "Business hours"
    BUSINESS_DAYS = clock.BUSINESS_DAYS, "Business days"


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
