"""The devices that send positions: who set one up, what is heard of it, and who looked at where somebody had been."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, groups_of_technician
from technicians import devices
from technicians.devices import NewDevice
from technicians.models import Device, Technician, TrackView
from zones import access

HEARD_EVERY = timedelta(seconds=15)  # more often nobody needs to know when a device was last heard
LOOKS_ARE_ONE = timedelta(minutes=10)
MOST_IN_USE = 10  # of one technician
MOST_NAMED = 5


@dataclass(frozen=True)
class Hearing:
    device: Device
    has_fix: bool
    trouble: str


def may_manage_devices(user, technician: Technician) -> bool:
    """Dispatchers those of whom they see; technicians their own, for it is their phone."""
    is_own = technician.user_id == user.pk and user.has_perm("dispatch.work_job")
    sees = Technician.objects.visible_to(user).filter(pk=technician.pk).exists()
    return is_own or (user.has_perm("dispatch.change_job") and sees)


def may_connect_servers(user) -> bool:
    """A Traccar server speaks for all its devices, whoever has them: of that nobody knows who sees some zones only."""
    return user.has_perm("dispatch.change_job") and access.dispatch_zone_ids(user) is access.ALL_ZONES


@transaction.atomic
def add_device(
    technician: Technician, client: str, *, by, unique_id: str = "", now: datetime | None = None
) -> NewDevice:
    _check_may_manage(technician, by)
    if client == Device.Client.TRACCAR and not may_connect_servers(by):
        raise PermissionDenied("Ask a manager to connect a Traccar server: it speaks for the technicians of all zones.")
    if technician.devices.active().count() >= MOST_IN_USE:
        raise ActionRefused(f"{technician} has {MOST_IN_USE} devices. Revoke one that is no longer used first.")
    if unique_id and Device.objects.active().filter(client=client, unique_id=unique_id).exists():
        raise ActionRefused(f"A device with the identifier {unique_id} is connected already.")
    new = devices.register(technician, client, by=by, now=now or timezone.now(), unique_id=unique_id)
    _publish([technician.pk])
    return new


@transaction.atomic
def revoke_device(device: Device, *, by, now: datetime | None = None) -> bool:
    """False if somebody has done it already."""
    _check_may_manage(device.technician, by)
    changed = Device.objects.active().filter(pk=device.pk).update(revoked_at=now or timezone.now(), revoked_by=by)
    if changed:
        _publish([device.technician_id])
    return bool(changed)


def _check_may_manage(technician: Technician, by) -> None:
    if not may_manage_devices(by, technician):
        raise PermissionDenied("This is somebody else's device.")


def note_hearings(hearings: Iterable[Hearing], *, now: datetime) -> None:
    """That devices were heard; their pages are told only of what is new: the first fix, a trouble or its end."""
    last = {hearing.device.pk: hearing for hearing in hearings}
    first = {hearing.device.pk for hearing in hearings if hearing.has_fix and not hearing.device.first_fix_at}
    stale = [
        pk for pk, hearing in last.items() if not hearing.device.last_heard_at
        or now - hearing.device.last_heard_at > HEARD_EVERY
    ]  # fmt: skip
    # A trouble is over with the next fix: a sign of life says nothing of it.
    troubled = [
        hearing
        for hearing in last.values()
        if hearing.trouble != hearing.device.trouble and (hearing.trouble or hearing.has_fix)
    ]
    if stale:
        Device.objects.filter(pk__in=stale).update(last_heard_at=now)
    if first:
        Device.objects.filter(Q(first_fix_at=None), pk__in=first).update(first_fix_at=now, last_heard_at=now)
    for hearing in troubled:
        Device.objects.filter(pk=hearing.device.pk).update(trouble=hearing.trouble, last_heard_at=now)
    changed = [last[pk].device.technician_id for pk in {*first, *(hearing.device.pk for hearing in troubled)}]
    _publish(changed)


def _publish(technician_ids: Iterable[int]) -> None:
    """Of more than a few, boards are told that technicians have changed and not which: they ask for all then."""
    technicians = list(Technician.objects.filter(pk__in=list(technician_ids)).prefetch_related("zones"))
    if len(technicians) > MOST_NAMED:
        groups = set().union(*map(groups_of_technician, technicians))
        realtime.publish("technician-changed", groups=groups)
        return
    for technician in technicians:
        realtime.publish("technician-changed", groups=_groups(technician), technician=technician.pk)


def _groups(technician: Technician) -> set[str]:
    return {realtime.user_group(technician.user_id), *groups_of_technician(technician)}


def record_track_view(technician: Technician, *, by, day: date, now: datetime | None = None) -> bool:
    """Whoever looks at where somebody else had been is written down; looking again soon is the same look."""
    now = now or timezone.now()
    if technician.user_id == by.pk:
        return False
    recent = TrackView.objects.filter(technician=technician, viewer=by, day=day, viewed_at__gt=now - LOOKS_ARE_ONE)
    if recent.exists():
        return False
    TrackView.objects.create(technician=technician, viewer=by, day=day, viewed_at=now)
    return True
