"""What time alone brings about while technicians are followed: somebody is stuck, a phone is silent. Every minute."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from dispatch import geofence
from dispatch.actions.duty import publish_technician
from dispatch.actions.following import observe_sites, publish_hints, visit_of
from dispatch.actions.moves import open_round
from dispatch.models import DispatchSettings, Notification, SiteVisit, Status, User
from dispatch.models.jobs import ACTIVE
from dispatch.notices.notify import Kind, dispatchers_of, notify
from dispatch.silence import on_duty_and_tracked, silent_since
from technicians.models import Break, Technician


def watch_technicians(*, now: datetime | None = None) -> dict[str, int]:
    now = now or timezone.now()
    settings = DispatchSettings.load()
    _forget_finished()
    open_round()
    return {
        "settled": _settle(now=now),
        "stuck": _find_stuck(settings, now=now),
        "silent": _tell_of_silent(timedelta(minutes=settings.silent_after_minutes), now=now),
    }


def _forget_finished() -> None:
    """A hint for a job that is no longer under way says nothing when it is taken up again."""
    left = SiteVisit.objects.exclude(job__status__in=ACTIVE).exclude(hinted_status="", stuck_since=None)
    left.update(hinted_status="", hinted_at=None, stuck_since=None)


@transaction.atomic
def _settle(*, now: datetime) -> int:
    """Who has come or left by one fix, since when the phone has lain still."""
    ago = now - geofence.QUIET
    waiting = Q(is_inside=False, entered_at__lte=ago) | Q(is_inside=True, left_at__lte=ago)
    jobs = [row.job for row in _visits().filter(waiting, technician=F("job__technician"))]
    return len(observe_sites(jobs, now=now, seen_at=now))


def _visits():
    under_way = SiteVisit.objects.filter(job__status__in=ACTIVE, job__held_at=None, job__site__latitude__isnull=False)
    return under_way.select_related("job__site", "job__job_type", "job__technician__user").order_by("pk")


# Stuck --------------------------------------------------------------------------------------------


@transaction.atomic
def _find_stuck(settings: DispatchSettings, *, now: datetime) -> int:
    after = timedelta(minutes=settings.stuck_after_minutes)
    paused = Break.objects.filter(Q(ended_at=None) | Q(ended_at__gt=now - after))
    under_way = _visits().filter(job__status=Status.EN_ROUTE, stuck_since=None, nearest_at__lte=now - after)
    found = []
    for row in under_way.exclude(technician__in=paused.values("clock_record__technician")):
        visit, job = visit_of(row.job, row), row.job
        is_of_this_drive = visit and (job.en_route_at is None or visit.nearest_at >= job.en_route_at)
        if is_of_this_drive and geofence.is_stuck(
            visit, last_fix_at=job.technician.position_at, now=now, after=after, radius_m=settings.site_radius_m
        ):
            found.append(row)
    # Whoever has got nearer in this very moment is not stuck.
    stuck = [
        row
        for row in found
        if SiteVisit.objects.filter(pk=row.pk, nearest_at=row.nearest_at, stuck_since=None).update(
            stuck_since=row.nearest_at
        )
    ]
    for row in stuck:
        _tell_of_stuck(row, now=now)
    publish_hints([row.job for row in stuck])
    return len(stuck)


def _tell_of_stuck(row: SiteVisit, *, now: datetime) -> None:
    job, minutes = row.job, int((now - row.nearest_at).total_seconds() // 60)
    text = f"{job.technician} is no nearer to {job.number} for {minutes} min, {row.nearest_m / 1000:.1f} km away."
    once_key = f"stuck:{job.pk}:{row.nearest_at.timestamp():.0f}"
    notify(dispatchers_of(job.zone_id), Kind.STUCK, text, job=job, once_key=once_key, now=now)


# Silent phones ------------------------------------------------------------------------------------


@transaction.atomic
def _tell_of_silent(after: timedelta, *, now: datetime) -> int:
    """Once for each silence: the key holds when it began."""
    silent = {}
    for technician in on_duty_and_tracked(Technician.objects.active(), now=now):
        if since := silent_since(technician, now=now, after=after):
            silent[f"silent:{technician.pk}:{since.timestamp():.0f}"] = (technician, since)
    told = set(Notification.objects.filter(once_key__in=silent).values_list("once_key", flat=True))
    dispatchers: dict[int | None, list[User]] = {}
    for key in sorted(silent.keys() - told):
        technician, since = silent[key]
        zone_ids = [zone.pk for zone in technician.zones.all()] or [None]
        for zone_id in zone_ids:
            if zone_id not in dispatchers:
                dispatchers[zone_id] = dispatchers_of(zone_id)
        whom = {user.pk: user for zone_id in zone_ids for user in dispatchers[zone_id]}
        text = f"{technician}'s phone is silent since {timezone.localtime(since):%H:%M}."
        notify(whom.values(), Kind.PHONE_SILENT, text, url="/technicians/", once_key=key, now=now)
        publish_technician(technician)
    return len(silent.keys() - told)
