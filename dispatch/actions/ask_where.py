"""Noting that an address has to be looked up; the look-up itself is for a worker (geocoding.py)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.utils import timezone

from dispatch.geocoding import provider
from dispatch.models import Geocoding, Site
from dispatch.queueing import BACKGROUND, enqueue_once

TASK: Final = "dispatch.tasks.look_up_addresses"


def ask_where(sites: Iterable[Site], *, now: datetime | None = None) -> None:
    """Of sites without coordinates; once for each address. Costs nothing where no service is configured."""
    if not provider.is_on():
        return
    lost = {site.pk: site for site in sites if not site.has_location}
    if not lost:
        return
    now = now or timezone.now()
    known = {one.site_id: one for one in Geocoding.objects.filter(site__in=lost)}
    fresh = {"state": Geocoding.State.QUEUED, "asked_at": now, "due_at": now}
    Geocoding.objects.bulk_create(
        [Geocoding(site=site, address=site.address, **fresh) for pk, site in lost.items() if pk not in known],
        ignore_conflicts=True,
    )
    moved = [one for pk, one in known.items() if one.address != lost[pk].address]
    for one in moved:
        begun_anew = {"attempts": 0, "candidates": [], "error": "", "answered_at": None, "chosen_by": None}
        Geocoding.objects.filter(pk=one.pk).update(address=lost[one.site_id].address, **fresh, **begun_anew)
    if moved or len(known) < len(lost):
        enqueue_once(TASK, queue=BACKGROUND)
