"""Acknowledging SLA violations, and what people write about them. Nothing of it is ever taken back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused
from sla.models import Violation, ViolationNote


@dataclass(frozen=True)
class Acknowledged:
    done: list[Violation]
    earlier: list[Violation]  # somebody had acknowledged them already: each says who and when


@transaction.atomic
def acknowledge_violations(ids: Iterable[int], *, note: str = "", by, now: datetime | None = None) -> Acknowledged:
    """Those that the user may see and nobody has acknowledged yet, all with the same note."""
    now = now or timezone.now()
    _check_may_acknowledge(by)
    asked = Violation.objects.visible_to(by).filter(pk__in=set(ids))
    # Whoever comes second waits for the first one's rows, and finds them acknowledged.
    free = set(asked.unacknowledged().order_by("pk").select_for_update().values_list("pk", flat=True))
    Violation.objects.unacknowledged().filter(pk__in=free).update(acknowledged_at=now, acknowledged_by=by)
    ViolationNote.objects.bulk_create(
        ViolationNote(violation_id=pk, written_at=now, author=by, text=note.strip(), is_acknowledgement=True)
        for pk in sorted(free)
    )
    found = list(asked.select_related("job", "acknowledged_by").order_by("pk"))
    done = [violation for violation in found if violation.pk in free]
    _publish("violation-acknowledged", done)
    return Acknowledged(done, [violation for violation in found if violation.pk not in free])


@transaction.atomic
def add_violation_note(violation: Violation, text: str, *, by, now: datetime | None = None) -> ViolationNote:
    """Before or after it was acknowledged."""
    _check_may_acknowledge(by)
    violation = Violation.objects.visible_to(by).select_related("job").filter(pk=violation.pk).first()
    if violation is None:
        raise PermissionDenied("This violation is not in your zones.")
    if not text.strip():
        raise ActionRefused("The note was empty.", violation.job)
    note = ViolationNote.objects.create(
        violation=violation, written_at=now or timezone.now(), author=by, text=text.strip()
    )
    _publish("violation-noted", [violation])
    return note


def _check_may_acknowledge(by) -> None:
    if not by.has_perm("sla.acknowledge_violation"):
        raise PermissionDenied("Only dispatchers and managers may do this.")


def _publish(event: str, violations: list[Violation]) -> None:
    """To the boards of the zone that it is counted for, and of the one where its job is by now."""
    if not violations:
        return
    zone_ids = {zone_id for violation in violations for zone_id in (violation.zone_id, violation.job.zone_id)}
    groups = set(map(realtime.zone_group, zone_ids))
    realtime.publish(event, groups=groups, jobs=sorted({violation.job_id for violation in violations}))
