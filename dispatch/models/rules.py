from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from sla.models import Priority


class AssignmentRule(models.Model):
    """What smart dispatch does with a new job of a priority."""

    class Mode(models.TextChoices):
        AUTOMATIC = "automatic", "Automatic: assign to the best match"
        SUGGEST = "suggest", "Suggest: a dispatcher confirms"
        MANUAL = "manual", "Manual: off"

    priority = models.PositiveSmallIntegerField(choices=Priority.choices, unique=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.SUGGEST)

    class Meta:
        ordering = ["-priority"]
        constraints = [
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="assignment_rule_priority"),
            models.CheckConstraint(
                condition=Q(mode__in=["automatic", "suggest", "manual"]), name="assignment_rule_mode"
            ),
        ]

    def __str__(self):
        return f"{self.get_priority_display()}: {self.get_mode_display()}"

    @classmethod
    def mode_for(cls, priority: int) -> str:
        """A priority without a rule is left to people."""
        return cls.objects.filter(priority=priority).values_list("mode", flat=True).first() or cls.Mode.MANUAL


def weight_field(default: int):
    return models.PositiveSmallIntegerField(default=default, validators=[MaxValueValidator(100)])


class CustomerLinkFrom(models.TextChoices):
    NEVER = "never", "Never"
    ASSIGNED = "assigned", "As soon as somebody has the job"
    EN_ROUTE = "en_route", "When the technician sets out"


class DispatchSettings(models.Model):
    """One row (id 1): the weights of smart dispatch and how travel is estimated."""

    skill_weight = weight_field(25)
    proximity_weight = weight_field(30)
    availability_weight = weight_field(20)
    workload_weight = weight_field(15)
    sla_weight = weight_field(10)
    detour_factor = models.FloatField(
        default=1.3,
        validators=[MinValueValidator(1), MaxValueValidator(3)],
        help_text="Road distance over straight-line distance.",
    )
    average_speed_kmh = models.FloatField(
        "average speed (km/h)", default=35, validators=[MinValueValidator(5), MaxValueValidator(130)]
    )
    fresh_position_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1)], help_text="An older GPS fix no longer says where someone is."
    )
    position_retention_days = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(1)])
    automatic_minimum_score = models.PositiveSmallIntegerField(
        default=40,
        validators=[MaxValueValidator(100)],
        help_text="A best match below this is suggested instead of assigned.",
    )
    suggestion_minutes = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1)], help_text="An older suggestion is worked out anew."
    )
    accuracy_limit_m = models.PositiveIntegerField(
        "accuracy limit (m)",
        default=500,
        validators=[MinValueValidator(10)],
        help_text="A fix less accurate than this is discarded.",
    )
    silent_after_minutes = models.PositiveSmallIntegerField(
        default=20,
        validators=[MinValueValidator(2)],
        help_text="A phone on duty that sends nothing for this long is called silent.",
    )
    site_radius_m = models.PositiveIntegerField(
        "site radius (m)",
        default=150,
        validators=[MinValueValidator(20), MaxValueValidator(5000)],
        help_text="This near to a site counts as being there.",
    )
    stuck_after_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(2)],
        help_text="En route without getting nearer for this long is called stuck.",
    )
    changes_status_by_position = models.BooleanField(
        default=False,
        help_text="Arriving at a site starts the job by itself; otherwise it is only suggested.",
    )
    clock_out_after_minutes = models.PositiveSmallIntegerField(
        default=60,
        help_text="Whoever has not clocked out this long after the shift, and has nothing under way, is clocked out.",
    )

    customer_link_from = models.CharField(
        "customers get their link",
        max_length=8,
        choices=CustomerLinkFrom.choices,
        default=CustomerLinkFrom.EN_ROUTE,
        help_text="Who comes, and when, is told in good time: the day before the visit from 9:00, however early "
        "somebody has the job.",
    )
    keeps_photo_location = models.BooleanField(
        "keep where photos were taken",
        default=False,
        help_text="Otherwise the place is dropped from a photo with the rest of its metadata.",
    )
    position_sharing_seconds = models.PositiveSmallIntegerField(
        "position sharing every (s)",
        default=60,
        validators=[MinValueValidator(15), MaxValueValidator(600)],
        help_text="How often the phone page sends its place while it is open on duty.",
    )
    office_phone = models.CharField(max_length=40, blank=True, help_text="Whom technicians call when a tap is refused.")

    class Meta:
        verbose_name_plural = "dispatch settings"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="dispatch_settings_one_row"),
            models.CheckConstraint(condition=Q(detour_factor__range=(1, 3)), name="dispatch_detour_factor"),
            models.CheckConstraint(condition=Q(average_speed_kmh__range=(5, 130)), name="dispatch_average_speed"),
        ]

    def __str__(self):
        return "Dispatch settings"

    @classmethod
    def load(cls) -> "DispatchSettings":
        return cls.objects.get_or_create(pk=1)[0]
