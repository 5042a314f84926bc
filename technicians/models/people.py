from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim

from zones import access
from zones.models import ServiceZone


class Proficiency(models.IntegerChoices):
    BEGINNER = 1
    INTERMEDIATE = 2
    ADVANCED = 3
    EXPERT = 4


class Skill(models.Model):
    name = models.CharField(max_length=60, unique=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


def coordinates_check(prefix: str = "") -> Q:
    """Both coordinates on the globe, or neither. A check that comes to NULL passes: hence the `isnull`."""
    latitude, longitude = f"{prefix}latitude", f"{prefix}longitude"
    neither = Q(**{f"{latitude}__isnull": True, f"{longitude}__isnull": True})
    both = Q(**{f"{latitude}__isnull": False, f"{longitude}__isnull": False})
    return neither | both & Q(**{f"{latitude}__range": (-90, 90), f"{longitude}__range": (-180, 180)})


class TechnicianQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True, user__is_active=True)

    def visible_to(self, user):
        """Whoever may view technicians: those who cover one of the user's zones, or none at all; else only oneself."""
        if not user.has_perm("technicians.view_technician"):
            return self.filter(user_id=user.pk)
        zone_ids = access.dispatch_zone_ids(user)
        if zone_ids is access.ALL_ZONES:
            return self
        covering = Technician.zones.through.objects.filter(servicezone__in=zone_ids).values("technician")
        somewhere = Technician.zones.through.objects.values("technician")
        return self.filter(Q(pk__in=covering) | ~Q(pk__in=somewhere))

    def by_name(self):
        return self.select_related("user").order_by("user__first_name", "user__last_name", "pk")

    def with_name(self):
        """`name` as __str__ says it, for lists that need no more than that."""
        full_name = Trim(Concat("user__first_name", Value(" "), "user__last_name"))
        return self.annotate(name=Coalesce(NullIf(full_name, Value("")), "user__username"))


class Technician(models.Model):
    """A person who does jobs. `home_*` is where the day starts; `latitude`.. is the newest position, if any."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="technician")
    phone = models.CharField(max_length=40, blank=True)
    home_address = models.CharField(max_length=200, blank=True)
    home_latitude = models.FloatField(null=True, blank=True)
    home_longitude = models.FloatField(null=True, blank=True)
    commission_rate = models.DecimalField(
        "commission rate (%)",
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    daily_maximum = models.PositiveSmallIntegerField(
        "jobs per day at most", default=8, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    zones = models.ManyToManyField(ServiceZone, related_name="technicians", blank=True)
    is_active = models.BooleanField("active", default=True)
    external_id = models.CharField(max_length=80, blank=True, help_text="The id in the system this was imported from.")

    latitude = models.FloatField(null=True, blank=True, editable=False)
    longitude = models.FloatField(null=True, blank=True, editable=False)
    accuracy_m = models.FloatField(null=True, blank=True, editable=False)
    position_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TechnicianQuerySet.as_manager()

    class Meta:
        permissions = [("view_commission_rate", "Can see and set commission rates")]
        constraints = [
            models.CheckConstraint(condition=Q(commission_rate__range=(0, 100)), name="technician_commission_percent"),
            models.CheckConstraint(condition=Q(daily_maximum__range=(1, 50)), name="technician_daily_maximum"),
            models.CheckConstraint(condition=coordinates_check("home_"), name="technician_home_on_globe"),
            models.CheckConstraint(
                condition=coordinates_check()
                & (Q(latitude=None, position_at=None) | Q(latitude__isnull=False, position_at__isnull=False)),
                name="technician_position_whole",
            ),
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="technician_external_id_once"
            ),
        ]

    def __str__(self):
        return self.user.get_full_name() or self.user.username


class TechnicianSkill(models.Model):
    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="skills")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(choices=Proficiency.choices, default=Proficiency.INTERMEDIATE)
    certificate_expires_on = models.DateField(null=True, blank=True, help_text="The last day on which it counts.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["technician", "skill"], name="technician_skill_once"),
            models.CheckConstraint(condition=Q(level__in=Proficiency.values), name="technician_skill_level"),
        ]

    def __str__(self):
        return f"{self.skill} {self.get_level_display()}"
