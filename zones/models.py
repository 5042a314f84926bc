from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from zones import access
from zones.geometry import BoundaryError, ZoneIndex, read_boundary


class ServiceZoneQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def dispatchable_by(self, user):
        """The zones in which the user may dispatch: all, or those granted to them."""
        zone_ids = access.dispatch_zone_ids(user)
        return self if zone_ids is access.ALL_ZONES else self.filter(pk__in=zone_ids)

    def visible_to(self, user):
        """Whose name and boundary the user may look at: whoever may view zones, all; a technician, their own."""
        if user.has_perm("zones.view_servicezone"):
            return self
        return self.filter(technicians__user_id=user.pk)

    def index(self) -> ZoneIndex:
        return ZoneIndex(self.active().values_list("pk", "boundary"))


def validate_boundary(geojson):
    try:
        read_boundary(geojson)
    except BoundaryError as error:
        raise ValidationError(str(error)) from None


class ServiceZone(models.Model):
    """A named area. `boundary` is a GeoJSON Polygon or MultiPolygon geometry, holes included."""

    name = models.CharField(max_length=80, unique=True)
    colour = models.CharField(
        max_length=7,
        default="#2457d6",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", "Give the colour as # and six hexadecimal digits.")],
    )
    boundary = models.JSONField(validators=[validate_boundary])
    is_active = models.BooleanField("active", default=True, help_text="Inactive zones take no new jobs.")

    objects = ServiceZoneQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [("dispatch_servicezone", "Can dispatch in service zone")]
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="zone_has_name"),
            models.CheckConstraint(condition=models.Q(colour__regex=r"^#[0-9a-fA-F]{6}$"), name="zone_colour_is_hex"),
        ]

    def __str__(self):
        return self.name


class ServiceZoneUserObjectPermission(UserObjectPermissionBase):
    """guardian's grants of single zones to users, with a real foreign key: they go when the zone goes."""

    content_object = models.ForeignKey(ServiceZone, on_delete=models.CASCADE)


class ServiceZoneGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(ServiceZone, on_delete=models.CASCADE)
