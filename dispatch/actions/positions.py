"""Taking positions: of the phone page one at a time, of devices many at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from dispatch.actions.devices import Hearing, note_hearings
from dispatch.actions.following import follow
from dispatch.models import DispatchSettings
from technicians.fixes import MAX_SPEED_MS
from technicians.gps.messages import Reading, Unreadable
from technicians.gps.protocols import Answer, Heard
from technicians.models import Device, Technician
from technicians.positions import MAX_FUTURE, DeviceFix, Fix, store_fixes

WRONG_CLIENT = "What it sends is not what {client} sends: set up the app for which this address was made."
WRONG_CLOCK = "Its clock is wrong: it says that a position is {minutes} minutes from now."


@dataclass(frozen=True)
class Post:
    """A message that came to the address with this secret."""

    secret_hash: str
    heard: Heard


@dataclass
class Received:
    """An answer a post, in their order; who has moved; the secrets that no device in use has."""

    answers: list[Answer] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


@transaction.atomic
def take_position(
    technician: Technician,
    fix: Fix,
    *,
    source: str,
    speed_limit_ms: float = MAX_SPEED_MS,
    now: datetime | None = None,
) -> bool:
    """Stores what makes sense of one on duty and tells the boards at once; False if it moves nobody.

    An older fix than the newest one, as a phone sends that had no signal, is kept and moves nobody.
    """
    now = now or timezone.now()
    moved = _store([DeviceFix(technician.pk, fix, source)], speed_limit_ms=speed_limit_ms, now=now, is_on_duty=True)
    if moved:
        follow(moved, now=now, promptly=True)
    return bool(moved)


@transaction.atomic
def take_positions(fixes: Iterable[DeviceFix], *, now: datetime) -> set[int]:
    """Stores what makes sense of many people's fixes and tells the boards. Returns the ids of those who have moved."""
    moved = _store(list(fixes), now=now)
    follow_moves(moved, now=now)
    return moved


@transaction.atomic
def follow_moves(technician_ids: Iterable[int], *, now: datetime) -> None:
    follow(sorted(technician_ids), now=now)


def receive_posts(posts: Sequence[Post], *, now: datetime) -> Received:
    """What devices have sent, in one transaction and a constant number of statements.

    It follows nobody: whoever calls it sees to `follow_moves`, so that a device need not wait for that.
    """
    devices = {device.secret_hash: device for device in _devices_of(posts)}
    received, fixes, hearings = Received(), [], []
    for post in posts:
        device = devices.get(post.secret_hash)
        if device is None:
            received.unknown.add(post.secret_hash)
            received.answers.append(post.heard.refusal)
            continue
        answer, reading = _read(device, post.heard, now=now)
        received.answers.append(answer)
        hearings.append(Hearing(device, has_fix=bool(reading.fixes), trouble=reading.trouble))
        fixes += [(device, reading.sender, fix) for fix in reading.fixes]
    with transaction.atomic():
        received.moved = _store(_whose(fixes), now=now)
        note_hearings(hearings, now=now)
    return received


def _devices_of(posts: Sequence[Post]) -> Iterable[Device]:
    return Device.objects.active().filter(secret_hash__in={post.secret_hash for post in posts}).order_by()


def _read(device: Device, heard: Heard, *, now: datetime) -> tuple[Answer, Reading]:
    if not heard.is_for(device.client):
        return heard.refusal, Reading(trouble=WRONG_CLIENT.format(client=device.get_client_display()))
    try:
        reading = heard.read(device.client, now=now)
    except Unreadable as error:
        return heard.refusal, Reading(trouble=str(error))
    ahead = max((fix.recorded_at - now for fix in reading.fixes), default=timedelta())
    if ahead > MAX_FUTURE:
        minutes = min(999_999, int(ahead.total_seconds() / 60))
        reading = Reading(reading.fixes, reading.sender, WRONG_CLOCK.format(minutes=minutes))
    return heard.accepted(device.client), reading


def _whose(fixes: list[tuple[Device, str, Fix]]) -> list[DeviceFix]:
    """A Traccar server sends all its devices' positions to one address: each goes to who has that device.

    Positions of devices that nobody here has are left out.
    """
    foreign = {sender for device, sender, _ in fixes if device.unique_id and device.unique_id != sender}
    known = Device.objects.active().filter(client=Device.Client.TRACCAR, unique_id__in=foreign).order_by("pk")
    owners = dict(known.values_list("unique_id", "technician")) if foreign else {}
    found = []
    for device, sender, fix in fixes:
        is_own = device.unique_id in ("", sender)
        technician_id = device.technician_id if is_own else owners.get(sender)
        if technician_id:
            found.append(DeviceFix(technician_id, fix, device.client))
    return found


def _store(fixes: list[DeviceFix], *, now: datetime, **more) -> set[int]:
    if not fixes:
        return set()
    return store_fixes(fixes, accuracy_limit_m=DispatchSettings.load().accuracy_limit_m, now=now, **more)
