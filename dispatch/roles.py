"""Who may do what: the one table, applied to Django's groups by `manage.py apply_roles` and after every migrate.

Which zones a dispatcher may dispatch in is not here but in zones/access.py.
"""

from typing import Final

from django.contrib.auth.models import Group, Permission
from django.db import models, transaction

from zones.access import ALL_ZONES, DISPATCH, grant_zones


class Role(models.TextChoices):
    ADMIN = "admin"
    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"


_BOARD = [
    "dispatch.view_job",
    "dispatch.add_job",
    "dispatch.change_job",
    "dispatch.view_customer",
    "dispatch.add_customer",
    "dispatch.change_customer",
    "dispatch.view_site",
    "dispatch.add_site",
    "dispatch.change_site",
    "sla.view_violation",
    "sla.acknowledge_violation",
    "sla.view_sla_report",
    "dispatch.view_maintenanceplan",
    "dispatch.add_maintenanceplan",
    "dispatch.change_maintenanceplan",
]
_CONFIGURATION = [
    "zones.servicezone",
    "technicians.skill",
    "technicians.technician",
    "technicians.technicianskill",
    "technicians.workinghours",
    "technicians.timeoff",
    "technicians.oncall",
    "dispatch.jobtype",
    "dispatch.jobtypeskill",
    "dispatch.checklistitem",
    "dispatch.material",
    "dispatch.assignmentrule",
    "dispatch.dispatchsettings",
    "dispatch.planningsettings",
    "sla.businesscalendar",
    "sla.openinginterval",
    "sla.holiday",
    "sla.slapolicy",
    "sla.slatarget",
]
_ADMIN_ONLY = [
    "dispatch.user",
    "dispatch.billingsettings",
    "dispatch.apitoken",
    "dispatch.webhookendpoint",
    "dispatch.fileimport",
]
_LOGS = [
    "dispatch.tap",
    "dispatch.statuschange",
    "dispatch.fieldchange",
    "dispatch.jobnote",
    "technicians.clockrecord",
    "technicians.break",
    "technicians.position",
]


def _each(actions: str, names: list[str]) -> list[str]:
    """`_each("view change", ["sla.holiday"])` -> ["sla.view_holiday", "sla.change_holiday"]"""
    return [
        f"{app}.{action}_{model}" for app, model in (name.split(".") for name in names) for action in actions.split()
    ]


ROLES: Final[dict[Role, list[str]]] = {
    Role.ADMIN: [
        *_BOARD,
        *_each("view add change delete", [*_CONFIGURATION, *_ADMIN_ONLY]),
        *_each("view", _LOGS),
        *_each("view add change delete", ["dispatch.customer", "dispatch.site"]),
        "technicians.view_commission_rate",
        "dispatch.view_financial_report",
        DISPATCH,
    ],
    Role.MANAGER: [
        *_BOARD,
        *_each("view", [*_CONFIGURATION, *_LOGS]),
        "dispatch.view_financial_report",
        DISPATCH,
    ],
    Role.DISPATCHER: [*_BOARD, *_each("view", [*_CONFIGURATION, *_LOGS])],
    Role.TECHNICIAN: ["dispatch.work_job"],
}


@transaction.atomic
def apply_roles(using: str = "default") -> None:
    """Makes each role's group hold exactly the permissions of the table."""
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using(using).select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role.value)
        group.permissions.set([known[name] for name in dict.fromkeys(names)])


def apply_roles_after_migrate(*, using, apps=None, **kwargs):
    """The permissions come from every app's own post_migrate; the last of those apps is `dispatch`."""
    if apps is None or apps.get_models():  # `flush` says no apps; nothing to do when migrating back to zero
        apply_roles(using)


def role_of(user) -> Role | None:
    """The user's role; a superuser without one counts as an admin."""
    names = {group.name for group in user.groups.all()}
    return next((role for role in Role if role in names), Role.ADMIN if user.is_superuser else None)


@transaction.atomic
def give_role(user, role: Role) -> None:
    """Makes this the user's only role. A new dispatcher may dispatch in every zone until zones are granted."""
    was = role_of(user)
    user.groups.set(Group.objects.filter(name=role))
    user.is_staff = role in (Role.ADMIN, Role.MANAGER, Role.DISPATCHER)
    user.save(update_fields=["is_staff"])
    if role == Role.DISPATCHER and was != Role.DISPATCHER:
        grant_zones(user, ALL_ZONES)
    elif role != Role.DISPATCHER:
        grant_zones(user, [])
