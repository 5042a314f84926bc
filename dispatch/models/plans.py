from typing import Final

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from dispatch.planning.weights import Preferences
from technicians.models import Technician
from zones import access


class PlanQuerySet(models.QuerySet):
    def visible_to(self, user):
        """One's own; whoever dispatches everywhere sees all."""
        if not user.has_perm("dispatch.change_job"):
            return self.none()
        if access.dispatch_zone_ids(user) is access.ALL_ZONES:
            return self
        return self.filter(created_by=user)

    def unfinished(self):
        return self.filter(state__in=Plan.UNFINISHED)


class Plan(models.Model):
    """A proposal for some technicians' day: asked for, worked out by a worker, looked at, applied or discarded.

    `preferences` are those of dispatch/planning/weights.py as they were chosen. `result` is what dispatch/planning/
    store.py writes and reads; its form is described there. `scope` names the technicians: "3,7,12".
    """

    class Kind(models.TextChoices):
        ROUTE = "route", "Optimize Route"
        DAY = "day", "Plan the day"
        REPLAN = "replan", "Replan from now"
        ABSENCE = "absence", "Share out the jobs of who is away"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Being worked out"
        PROPOSED = "proposed", "Proposed"
        APPLIED = "applied", "Applied"
        DISCARDED = "discarded", "Discarded"
        FAILED = "failed", "Failed"

    UNFINISHED: Final = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=8, choices=Kind.choices)
    day = models.DateField()
    technicians = models.ManyToManyField(Technician, related_name="plans")
    scope = models.TextField()
    absent = models.ForeignKey(
        Technician,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose jobs are shared.",
    )
    with_unassigned = models.BooleanField(default=True, help_text="The day's jobs that nobody has are planned too.")
    preferences = models.JSONField(default=dict)
    preset = models.CharField(max_length=20, blank=True)
    seconds = models.PositiveSmallIntegerField(default=30, help_text="Time to look for something better.")
    seed = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    step = models.CharField(max_length=100, blank=True, help_text="What it is doing now.")
    done_percent = models.PositiveSmallIntegerField(default=0)
    first_cost = models.BigIntegerField(null=True, blank=True, help_text="Points of today's plan.")
    best_cost = models.BigIntegerField(null=True, blank=True, help_text="Points of the best found so far.")
    is_cancel_asked = models.BooleanField(default=False)
    heard_of_at = models.DateTimeField(null=True, blank=True, help_text="The worker's last sign of life.")
    result = models.JSONField(default=dict)
    notice = models.CharField(max_length=300, blank=True, help_text="What the reader must know, as a fallback taken.")
    error = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["day", "state"]),
            models.Index(fields=["state"], condition=Q(state__in=["queued", "running"]), name="plan_unfinished"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "scope"], condition=Q(state__in=["queued", "running"]), name="plan_one_per_scope"
            ),
            models.CheckConstraint(condition=Q(done_percent__range=(0, 100)), name="plan_percent"),
            models.CheckConstraint(condition=Q(kind__in=["route", "day", "replan", "absence"]), name="plan_kind"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "proposed", "applied", "discarded", "failed"]),
                name="plan_state",
            ),
            models.CheckConstraint(
                condition=Q(kind="absence", absent__isnull=False) | ~Q(kind="absence") & Q(absent=None),
                name="plan_of_absence_names_who",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.day:%Y-%m-%d} {self.get_state_display().lower()}"

    @property
    def url(self) -> str:
        return reverse("plan", args=[self.pk])

    @property
    def notice_key(self) -> str:
        """Under which whoever asked is told of it, once."""
        return f"plan:{self.pk}"


def counts_as(default: int, text: str, *, most: int = 1000):
    return models.PositiveSmallIntegerField(default=default, validators=[MaxValueValidator(most)], help_text=text)


class PlanningSettings(models.Model):
    """One row (id 1): what the route planner weighs, and how long it may look."""

    late_minute = counts_as(2, "Minutes of driving that one minute late for a time block counts as.", most=60)
    sla_minute = counts_as(4, "Minutes of driving that one minute after an SLA deadline counts as.", most=60)
    left_out_minutes = counts_as(
        240,
        "Minutes of driving that leaving out a Low job counts as; twice that for Normal, four times for High, "
        "eight times for Urgent.",
    )
    balance_percent = counts_as(
        10,
        "How much a minute of work above a technician's fair share counts, in per cent of a minute's driving.",
        most=500,
    )
    km_seconds = counts_as(0, "Seconds of driving that a kilometre counts as besides its time.", most=600)
    stability = counts_as(30, "0: today's plan does not matter. 100: touch nothing without need.", most=100)
    retime_after_minutes = counts_as(15, "A job that begins earlier or later by no more counts as not moved.", most=240)
    fuel_cost_per_km = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default="0.150",
        validators=[MinValueValidator(0)],
        help_text="In the currency of the billing settings.",
    )
    returns_home = models.BooleanField(default=False, help_text="The way home belongs to the working day.")
    speed_percent_by_hour = models.JSONField(
        default=list, blank=True, help_text="24 numbers, from midnight on: per cent of the average speed. Empty: 100."
    )
    route_seconds = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(120)], help_text="For one technician's route."
    )
    day_seconds = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(480)], help_text="For a day of several."
    )
    replan_seconds = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(480)], help_text="For a replan from now."
    )

    WEIGHTS: Final = (
        *("late_minute", "sla_minute", "left_out_minutes", "balance_percent"),
        *("km_seconds", "stability", "retime_after_minutes"),
    )

    class Meta:
        verbose_name_plural = "planning settings"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="planning_settings_one_row"),
            models.CheckConstraint(condition=Q(stability__lte=100), name="planning_stability"),
            models.CheckConstraint(condition=Q(fuel_cost_per_km__gte=0), name="planning_fuel_cost"),
        ]

    def __str__(self):
        return "Planning settings"

    @classmethod
    def load(cls) -> "PlanningSettings":
        return cls.objects.get_or_create(pk=1)[0]

    @property
    def preferences(self) -> Preferences:
        return Preferences(**{name: getattr(self, name) for name in self.WEIGHTS})
