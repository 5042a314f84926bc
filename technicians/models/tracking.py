from django.conf import settings
from django.db import models
from django.db.models import Q

from technicians.models.people import Technician


class Position(models.Model):
    """A past position. `recorded_at` is the device's time of the fix, `received_at` ours."""

    class Source(models.TextChoices):
        PHONE = "phone", "Phone page"
        OSMAND = "osmand", "OsmAnd protocol"
        OWNTRACKS = "owntracks", "OwnTracks"
        TRACCAR = "traccar", "Traccar server"
        API = "api", "API"

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="positions")
    recorded_at = models.DateTimeField()
    received_at = models.DateTimeField()
    latitude = models.FloatField()
    longitude = models.FloatField()
    accuracy_m = models.FloatField(null=True, blank=True)
    speed_kmh = models.FloatField(null=True, blank=True)
    heading_degrees = models.FloatField(null=True, blank=True)
    battery_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)

    class Meta:
        get_latest_by = "recorded_at"
        indexes = [models.Index(fields=["received_at"])]
        constraints = [
            models.UniqueConstraint(fields=["technician", "recorded_at"], name="position_once"),
            models.CheckConstraint(
                condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180)), name="position_on_globe"
            ),
        ]

    def __str__(self):
        return f"{self.latitude:.5f}, {self.longitude:.5f}"


class DeviceQuerySet(models.QuerySet):
    def active(self):
        return self.filter(revoked_at=None)


class Device(models.Model):
    """What sends a technician's position besides the phone page. Its secret is in the path to which it sends.

    Only the SHA-256 of the secret is kept (hexadecimal): the secret has 256 random bits, so nothing slower is needed.
    """

    class Client(models.TextChoices):
        OSMAND = "osmand", "Traccar Client or OsmAnd"
        OWNTRACKS = "owntracks", "OwnTracks"
        TRACCAR = "traccar", "Traccar server"

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="devices")
    client = models.CharField(max_length=10, choices=Client.choices)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    unique_id = models.CharField(
        "identifier in Traccar",
        max_length=128,
        blank=True,
        help_text="Of a Traccar server, which forwards all its devices to one address: the one that this person has.",
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    first_fix_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_heard_at = models.DateTimeField(null=True, blank=True, editable=False)
    trouble = models.CharField(max_length=200, blank=True, help_text="Why what it sends cannot be used, in a sentence.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["technician"], condition=Q(revoked_at=None), name="device_in_use")]
        constraints = [
            models.CheckConstraint(condition=Q(client__in=["osmand", "owntracks", "traccar"]), name="device_client")
        ]

    def __str__(self):
        return f"{self.get_client_display()} of {self.technician_id}"


class TrackView(models.Model):
    """Who looked at where a technician had been; the technician can read it."""

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="track_views")
    viewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    day = models.DateField(help_text="The day of the track.")
    viewed_at = models.DateTimeField()

    class Meta:
        ordering = ["-viewed_at"]
        indexes = [models.Index(fields=["technician", "-viewed_at"])]

    def __str__(self):
        return f"{self.viewer_id} looked at {self.technician_id} on {self.day}"
