from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Q


class KnownLegQuerySet(models.QuerySet):
    def young(self, *, now):
        """What nobody need ask again."""
        return self.filter(told_at__gte=now - KnownLeg.KEPT)

    def valid(self, provider: str, *, now):
        return self.young(now=now).filter(provider=provider)

    def outdated(self, *, now):
        return self.filter(told_at__lt=now - KnownLeg.KEPT)


class KnownLeg(models.Model):
    """The way between two places as a travel-time server has told it; places are rounded to five decimals."""

    KEPT: Final = timedelta(days=30)

    provider = models.CharField(max_length=10)
    origin = models.CharField(max_length=24)  # "40.71274,-74.00597"
    target = models.CharField(max_length=24)
    seconds = models.PositiveIntegerField(null=True, help_text="None: there is no way.")
    metres = models.PositiveIntegerField(null=True)
    shape = models.TextField(
        null=True,
        blank=True,
        help_text="The road as an encoded polyline of five decimals; empty: the server has none; none: not asked for.",
    )
    told_at = models.DateTimeField()

    objects = KnownLegQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "origin", "target"], name="known_leg_once"),
            models.CheckConstraint(
                condition=Q(seconds=None, metres=None) | Q(seconds__isnull=False, metres__isnull=False),
                name="known_leg_whole",
            ),
        ]
        indexes = [models.Index(fields=["told_at"], name="known_leg_age")]

    def __str__(self):
        return f"{self.origin} -> {self.target}"


class TravelServer(models.Model):
    """How the configured travel-time server does, for all processes and for whoever reads the settings."""

    REST: Final = timedelta(seconds=30)  # after a failure: nobody else waits for it meanwhile

    provider = models.CharField(max_length=10, primary_key=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=200, blank=True, help_text="What it did then, as “did not answer”.")

    def __str__(self):
        return self.provider

    @property
    def is_failing(self) -> bool:
        return bool(self.failed_at and (self.answered_at is None or self.answered_at < self.failed_at))

    def rests(self, *, now) -> bool:
        return self.is_failing and now - self.failed_at < self.REST
