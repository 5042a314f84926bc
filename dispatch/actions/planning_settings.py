"""Changing what the route planner weighs, how fast it takes people to drive, and how long it looks."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from dispatch.actions.assignment_rules import remember_change
from dispatch.models import DispatchSettings, PlanningSettings

RIGHTS = ("dispatch.change_planningsettings", "dispatch.change_dispatchsettings")


def may_change_planning(user) -> bool:
    return user.has_perms(RIGHTS)


@transaction.atomic
def change_planning_settings(
    settings: PlanningSettings,
    changed: list[str],
    *,
    travel: DispatchSettings | None = None,
    travel_changed: list[str] = (),
    by,
) -> None:
    """Saves the changed fields of both, with who did it in the admin's history. Plans that exist stay as they are."""
    if not may_change_planning(by):
        raise PermissionDenied("Only administrators change how routes are planned.")
    for row, names in ((settings, changed), (travel, travel_changed)):
        if names:
            row.save(update_fields=list(names))
            remember_change(row, ", ".join(f"{name} = {getattr(row, name)}" for name in names), by=by)
