"""Changing what smart dispatch does and how it weighs."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction

from dispatch.models import AssignmentRule, DispatchSettings
from dispatch.queueing import enqueue

RIGHTS = ("dispatch.change_assignmentrule", "dispatch.change_dispatchsettings")


def may_change_rules(user) -> bool:
    return user.has_perms(RIGHTS)


@transaction.atomic
def change_assignment_rules(
    modes: dict[int, str], settings: DispatchSettings, changed: list[str], *, by
) -> list[AssignmentRule]:
    """Saves the rules and the `changed` fields of the settings, with who did it in the admin's history.

    Jobs that wait are looked at by the new rules at once. Returns the rules that have changed.
    """
    if not may_change_rules(by):
        raise PermissionDenied("Only administrators change the assignment rules.")
    rules = [rule for priority, mode in modes.items() if (rule := _set_rule(priority, mode))]
    for rule in rules:
        remember_change(rule, str(rule), by=by)
    if changed:
        settings.save(update_fields=changed)
        remember_change(settings, ", ".join(f"{name} = {getattr(settings, name)}" for name in changed), by=by)
    if rules or changed:
        enqueue("dispatch.tasks.dispatch_waiting_jobs")
    return rules


def _set_rule(priority: int, mode: str) -> AssignmentRule | None:
    rule, is_new = AssignmentRule.objects.get_or_create(priority=priority, defaults={"mode": mode})
    is_changed = AssignmentRule.objects.filter(pk=rule.pk).exclude(mode=mode).update(mode=mode)
    rule.mode = mode
    return rule if is_new or is_changed else None


def remember_change(row, message: str, *, by) -> None:
    """In the admin's history of that row."""
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=row.pk,
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=message,
    )
