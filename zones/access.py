"""Which zones a user may dispatch in. The only module that grants zones.

The model-wide permission `zones.dispatch_servicezone` means every zone, those drawn later included; it comes with the
roles that are never limited, or is given to a dispatcher directly. Without it the zones are those that guardian holds.
"""

from collections.abc import Collection, Iterable
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q
from guardian.shortcuts import assign_perm, get_objects_for_user

DISPATCH: Final = "zones.dispatch_servicezone"
ALL_ZONES: Final = None


def dispatch_zone_ids(user) -> frozenset[int] | None:
    """Ids of the zones, or ALL_ZONES. Remembered on the user object, which lives as long as its request."""
    if not hasattr(user, "_dispatch_zone_ids"):
        user._dispatch_zone_ids = _load_zone_ids(user)
    return user._dispatch_zone_ids


def _load_zone_ids(user) -> frozenset[int] | None:
    from zones.models import ServiceZone

    if not user.is_active:
        return frozenset()
    if user.has_perm(DISPATCH):
        return ALL_ZONES
    granted = get_objects_for_user(user, DISPATCH, ServiceZone, accept_global_perms=False)
    return frozenset(granted.values_list("pk", flat=True))


def in_zones_of(user, zone: str = "zone") -> Q:
    """Which rows have a `zone` where the user dispatches, or none."""
    zone_ids = dispatch_zone_ids(user)
    return Q() if zone_ids is ALL_ZONES else Q(**{f"{zone}__in": zone_ids}) | Q(**{zone: None})


def reaches(zone_ids: Collection[int] | None, zone_id: int | None) -> bool:
    """Whether somebody of these zones has what lies in that one; what lies in none is everybody's."""
    return zone_ids is ALL_ZONES or zone_id is None or zone_id in zone_ids


def may_dispatch_in(zone_id: int) -> Q:
    """Which users may; the question of `dispatch_zone_ids` asked from the other side, for all of them at once."""
    from zones.models import ServiceZoneGroupObjectPermission, ServiceZoneUserObjectPermission

    codename = DISPATCH.partition(".")[2]
    granted = {"content_object": zone_id, "permission__codename": codename}
    users, groups = get_user_model(), ServiceZoneGroupObjectPermission.objects.filter(**granted).values("group")
    return (
        may_by_group(codename)
        | Q(pk__in=users.user_permissions.through.objects.filter(permission__codename=codename).values("user"))
        | Q(pk__in=ServiceZoneUserObjectPermission.objects.filter(**granted).values("user"))
        | Q(pk__in=users.groups.through.objects.filter(group__in=groups).values("user"))
    )


def may_by_group(codename: str) -> Q:
    """Which users a group of theirs gives the permission, and superusers.

    By subqueries: joined, the tables that PostgreSQL takes for large until it has analysed them multiply, and it spends
    seconds on compiling the query.
    """
    members = get_user_model().groups.through.objects
    return Q(is_superuser=True) | Q(pk__in=members.filter(group__permissions__codename=codename).values("user"))


@transaction.atomic
def grant_zones(user, zones: Iterable | None) -> None:
    """Makes these the only zones in which the user may dispatch; ALL_ZONES grants every present and future one."""
    from zones.models import ServiceZoneUserObjectPermission

    model_wide = Permission.objects.get(content_type__app_label="zones", codename="dispatch_servicezone")
    ServiceZoneUserObjectPermission.objects.filter(user=user).delete()
    if zones is ALL_ZONES:
        user.user_permissions.add(model_wide)
    else:
        user.user_permissions.remove(model_wide)
        for zone in zones:
            assign_perm(DISPATCH, user, zone)
    for remembered in ("_dispatch_zone_ids", "_perm_cache", "_user_perm_cache", "_group_perm_cache"):
        user.__dict__.pop(remembered, None)
