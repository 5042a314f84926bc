import re

from django.db import models
from django.db.models import Q

from sla.models import SLAPolicy
from technicians.models import coordinates_check
from zones import access
from zones.models import ServiceZone


def phone_digits(phone: str) -> str:
    """The digits by which two spellings of one phone number are the same; a leading 1 or 00 does not count."""
    digits = re.sub(r"\D", "", phone).removeprefix("00")
    return digits.removeprefix("1") if len(digits) == 11 else digits


class Customer(models.Model):
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=40, blank=True)
    phone_digits = models.CharField(max_length=40, blank=True, editable=False, db_index=True)
    email = models.EmailField(blank=True)
    notes = models.TextField(blank=True)
    sla_policy = models.ForeignKey(
        SLAPolicy, on_delete=models.PROTECT, null=True, blank=True, verbose_name="SLA policy", related_name="customers"
    )
    external_id = models.CharField(max_length=80, blank=True, help_text="The id in the system this was imported from.")

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["name"])]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="customer_has_name"),
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="customer_external_id_once"
            ),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        self.phone_digits = phone_digits(self.phone)
        if (fields := kwargs.get("update_fields")) is not None and "phone" in fields:
            kwargs["update_fields"] = {*fields, "phone_digits"}
        super().save(*args, **kwargs)


class SiteQuerySet(models.QuerySet):
    def dispatchable_by(self, user):
        """Places in the user's zones, and those in none: someone has to pin them."""
        return self.filter(access.in_zones_of(user))


class Site(models.Model):
    """A place where jobs are done. Without coordinates it has no zone and is never treated as near."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="sites")
    address = models.CharField(max_length=200)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    access_notes = models.TextField(blank=True, help_text="Gate codes, dogs, where to park.")
    zone = models.ForeignKey(
        ServiceZone, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["address"]
        constraints = [
            models.CheckConstraint(condition=~Q(address=""), name="site_has_address"),
            models.CheckConstraint(condition=coordinates_check(), name="site_on_globe"),
        ]

    def __str__(self):
        return self.address

    @property
    def has_location(self) -> bool:
        return self.latitude is not None
