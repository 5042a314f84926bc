"""Looking up where addresses are: by a worker, one question at a time whoever asks, each answer remembered.

Whoever looks one up takes it first by a conditional update that puts it off; what a killed worker had taken is due
again later. Questions are spaced by a key in Redis that lives as long as the service wants to be left alone, so that
several workers together are no faster than one may be. Another key lets one run go on at a time: who has not come to an
end leaves it to the next minute's, so that however much waits, nothing else in the queue has to wait for long.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from dispatch.actions.ask_where import TASK, ask_where
from dispatch.actions.base import ActionRefused, check_may_dispatch
from dispatch.actions.moves import redis
from dispatch.actions.zoning import save_site
from dispatch.geocoding import provider
from dispatch.geocoding.choosing import Candidate, decide
from dispatch.models import Geocoding, Job, KnownAddress, Site
from dispatch.notices import notify
from dispatch.queueing import BACKGROUND, enqueue
from zones.models import ServiceZone

log = logging.getLogger(__name__)

State = Geocoding.State
PACE_KEY: Final = "geocoding:pace"
TURN_KEY: Final = "geocoding:turn"
INTERVALS: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
TAKEN_FOR: Final = timedelta(minutes=3)  # longer than waiting for one's turn and for the answer can take
BUDGET_SECONDS: Final = 45  # of each minute
TURN_SECONDS: Final = 55
LONGEST_WAIT_SECONDS: Final = 30
REMEMBERED_FOR: Final = timedelta(days=180)
SWEPT_AT_ONCE: Final = 500
WAITING_FOR_PEOPLE: Final = (State.AMBIGUOUS, State.NOT_FOUND, State.FAILED)


def look_up_addresses(*, now: datetime | None = None, seconds: float = BUDGET_SECONDS) -> int:
    """Those that are due, for about so many seconds. How many were answered."""
    if not provider.is_on():
        return 0
    begun, answered, unclear = time.monotonic(), 0, []
    try:
        if not redis().set(TURN_KEY, 1, nx=True, ex=TURN_SECONDS):
            return 0
        _sweep(now=now or timezone.now())
        while (one := _take_next(now=now or timezone.now())) is not None:
            found = _look_up(one, now=now or timezone.now())
            answered += found is not None
            unclear += [one] if found == State.AMBIGUOUS else []
            if time.monotonic() - begun > seconds:
                break
        else:
            redis().delete(TURN_KEY)
    except provider.TooFast as pause:
        log.warning("Geocoding pauses for %.0f s: %s", pause.seconds, pause)
    except RedisError as error:
        log.warning("Geocoding waits, because Redis is away: %s", error)
    _tell_of(unclear, now=now or timezone.now())
    return answered


def _sweep(*, now: datetime) -> None:
    """Sites from before the service was configured, and what has slipped through."""
    ask_where(Site.objects.filter(latitude=None, geocoding=None).order_by("-pk")[:SWEPT_AT_ONCE], now=now)


def _take_next(*, now: datetime) -> Geocoding | None:
    due = Geocoding.objects.filter(state=State.QUEUED, due_at__lte=now)
    while (one := due.order_by("due_at", "pk").select_related("site__customer").first()) is not None:
        if due.filter(pk=one.pk).update(attempts=F("attempts") + 1, due_at=now + TAKEN_FOR):
            one.attempts += 1
            return one
    return None


def _look_up(one: Geocoding, *, now: datetime) -> str | None:
    """The state that came of it; None if it is tried later, or is moot."""
    if one.site.has_location:  # somebody was quicker
        Geocoding.objects.filter(pk=one.pk, address=one.address).delete()
        return None
    try:
        candidates = _answer_for(one.address, now=now)
    except provider.BadAddress as error:
        return _settle(one, State.NOT_FOUND, now=now, error=str(error))
    except provider.TooFast as pause:
        later = {"attempts": one.attempts - 1, "due_at": now + timedelta(seconds=pause.seconds)}
        Geocoding.objects.filter(pk=one.pk, state=State.QUEUED).update(**later)  # it was not this address's fault
        raise
    except provider.LookUpFailed as error:
        return _try_later(one, error, now=now)
    zones = ServiceZone.objects.index()
    verdict = decide(candidates, is_served=(lambda at: _zone_of(zones, at) is not None) if zones.bounds else None)
    if verdict.found is None:
        state = State.AMBIGUOUS if verdict.candidates else State.NOT_FOUND
        return _settle(one, state, now=now, candidates=[place.as_dict() for place in verdict.candidates])
    return _put(one, verdict.found, by=None, now=now)


def _zone_of(zones, at: Candidate) -> int | None:
    return zones.find(latitude=at.latitude, longitude=at.longitude)


def _answer_for(address: str, *, now: datetime) -> list[Candidate]:
    key = {"provider": provider.name(), "address": provider.plain(address)}
    known = KnownAddress.objects.filter(**key, looked_up_at__gt=now - REMEMBERED_FOR).first()
    if known is not None:
        return [Candidate(**candidate) for candidate in known.candidates]
    _wait_for_turn()
    try:
        found = provider.look_up(address, around=_around())
    except provider.TooFast as pause:
        redis().set(PACE_KEY, 1, px=int(1000 * pause.seconds))
        raise
    values = {"candidates": [one.as_dict() for one in found], "looked_up_at": now}
    KnownAddress.objects.update_or_create(**key, defaults=values)
    return found


def _wait_for_turn() -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not redis().set(PACE_KEY, 1, nx=True, px=max(1, int(1000 / settings.GEOCODER_PER_SECOND))):
        left = max(redis().pttl(PACE_KEY), 5) / 1000
        if time.monotonic() + left > deadline:
            raise provider.TooFast("Others ask as well.", left)
        time.sleep(left)


def _around() -> tuple[float, float, float, float] | None:
    """West, south, east, north of all zones."""
    return ServiceZone.objects.index().bounds


def _settle(one: Geocoding, state: str, *, now: datetime, **fields) -> str | None:
    """Unless the address has changed meanwhile, which has begun it anew."""
    unchanged = Geocoding.objects.filter(pk=one.pk, address=one.address).exclude(state=State.FOUND)
    fields.setdefault("error", "")
    return state if unchanged.update(state=state, answered_at=now, **fields) else None


def _try_later(one: Geocoding, error: Exception, *, now: datetime) -> str | None:
    if one.attempts > len(INTERVALS):
        return _settle(one, State.FAILED, now=now, error=str(error)[:200])
    waiting = Geocoding.objects.filter(pk=one.pk, address=one.address, state=State.QUEUED)
    waiting.update(due_at=now + INTERVALS[one.attempts - 1], error=str(error)[:200])
    return None


@transaction.atomic
def _put(one: Geocoding, place: Candidate, *, by, now: datetime) -> str | None:
    """Onto the map, with its open jobs. Only where nobody has put it meanwhile."""
    at = {"latitude": place.latitude, "longitude": place.longitude}
    unplaced = Site.objects.filter(pk=one.site_id, latitude=None, address=one.address)
    if not unplaced.update(**at):
        return None
    save_site(Site.objects.get(pk=one.site_id), fields=list(at), by=by)
    return _settle(one, State.FOUND, now=now, candidates=[place.as_dict()], chosen_by=by)


def _tell_of(unclear: list[Geocoding], *, now: datetime) -> None:
    """Once for all that came together, and only of places where somebody is to go."""
    waiting = Site.objects.filter(pk__in=[one.site_id for one in unclear], jobs__in=Job.objects.open())
    sites = list(waiting.distinct().select_related("customer"))
    if not sites:
        return
    text = f"{sites[0].address} ({sites[0].customer}) may be in several places: say which one is meant."
    if len(sites) > 1:
        text = f"{len(sites)} addresses may be in several places: say which ones are meant."
    url = reverse("unclear_places")
    notify.notify(notify.dispatchers_of(None), notify.Kind.ADDRESS_UNCLEAR, text, url=url, now=now)


# What people do about it --------------------------------------------------------------------------


@transaction.atomic
def choose_place(one: Geocoding, at: tuple[float, float], *, by, now: datetime | None = None) -> None:
    """`at` is one of what was offered. The next site with this address is found by itself."""
    check_may_dispatch(by)
    now = now or timezone.now()
    offered = next((known for known in one.candidates if (known["latitude"], known["longitude"]) == at), None)
    if offered is None:
        raise ActionRefused("This place is not offered any more.")
    place = Candidate(**offered)
    if _put(one, place, by=by, now=now) is None:
        raise ActionRefused("Somebody has put this address on the map already, or changed it.")
    key = {"provider": provider.name(), "address": provider.plain(one.address)}
    values = {"candidates": [Candidate(place.label, place.latitude, place.longitude).as_dict()], "looked_up_at": now}
    KnownAddress.objects.update_or_create(**key, defaults=values)


def dismiss_place(one: Geocoding, *, by, now: datetime | None = None) -> None:
    """It stays without a location, and nobody is asked about it again."""
    check_may_dispatch(by)
    waiting = Geocoding.objects.filter(pk=one.pk, state__in=WAITING_FOR_PEOPLE)
    if not waiting.update(state=State.DISMISSED, answered_at=now or timezone.now(), chosen_by=by):
        raise ActionRefused("This is settled already.")


@transaction.atomic
def ask_again(one: Geocoding, *, by, now: datetime | None = None) -> None:
    check_may_dispatch(by)
    now = now or timezone.now()
    waiting = Geocoding.objects.filter(pk=one.pk, state__in=WAITING_FOR_PEOPLE)
    if not waiting.update(state=State.QUEUED, attempts=0, due_at=now, error="", candidates=[]):
        raise ActionRefused("This is settled already.")
    KnownAddress.objects.filter(provider=provider.name(), address=provider.plain(one.address)).delete()
    enqueue(TASK, queue=BACKGROUND)
