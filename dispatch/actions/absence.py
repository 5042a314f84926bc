"""Being away: calling out sick, being back, and handing over the jobs of who is not there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dispatch.actions.base import ActionRefused, check_may_dispatch
from dispatch.actions.bulk_board import BulkResult, assign_waiting_job, change_jobs
from dispatch.actions.duty import clock_out, publish_technician
from dispatch.actions.journal import board_action
from dispatch.actions.status import unassign_job
from dispatch.models import Job, Notification
from dispatch.models.jobs import ACTIVE, TO_DO
from dispatch.notices.notify import dispatchers_who_see, notify
from technicians.models import Technician, TimeOff


@dataclass(frozen=True)
class Handing:
    """One job to somebody else, or with None back to the tray. `seen` is the job as the dispatcher saw it."""

    job_id: int
    technician: Technician | None
    seen: str


@transaction.atomic
def mark_sick(
    technician: Technician, *, starts_at: datetime, ends_at: datetime, by, note: str = "", now: datetime | None = None
) -> TimeOff:
    """Their jobs stay theirs until somebody has looked at who is to have them."""
    check_may_dispatch(by)
    now = now or timezone.now()
    return _be_sick(technician, starts_at=starts_at, ends_at=ends_at, note=note, at=now, now=now)


@transaction.atomic
def call_in_sick(
    technician: Technician, *, by, note: str = "", at: datetime | None = None, now: datetime | None = None
) -> TimeOff:
    """They say so themselves, for the rest of the day of `at`; whoever dispatches them is led to their jobs."""
    now = now or timezone.now()
    at = at or now
    if by is None or technician.user_id != by.pk:
        raise PermissionDenied("Only for yourself.")
    day = timezone.localdate(at)
    midnight = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
    absence = _be_sick(technician, starts_at=at, ends_at=midnight, note=note, at=at, now=now)
    count = technician.jobs.filter(scheduled_on=day, status__in=TO_DO).count()
    jobs = f"{count} job{'s' if count != 1 else ''} to hand over" if count else "no jobs that day"
    text = f"{technician} has called out sick: {jobs}" + (f". “{absence.note}”" if absence.note else "")
    url = reverse("redistribute", args=[absence.pk])
    notify(dispatchers_who_see(technician), Notification.Kind.CALLED_SICK, text, url=url, now=now)
    return absence


def _be_sick(
    technician: Technician, *, starts_at: datetime, ends_at: datetime, note: str, at: datetime, now: datetime
) -> TimeOff:
    Technician.objects.select_for_update().get(pk=technician.pk)  # two dispatchers hear of it at once
    known = technician.time_off.filter(kind=TimeOff.Kind.SICK, starts_at__lte=starts_at, ends_at__gte=ends_at).first()
    if known:
        until = timezone.localtime(known.ends_at)
        raise ActionRefused(f"{technician} is known to be sick already, until {until:%d %b %H:%M}.")
    absence = TimeOff.objects.create(
        technician=technician, kind=TimeOff.Kind.SICK, starts_at=starts_at, ends_at=ends_at, note=note.strip()
    )
    if starts_at <= now < ends_at and not technician.jobs.filter(status__in=ACTIVE).exists():
        clock_out(technician, at=at, now=now)
    publish_technician(technician)
    return absence


@transaction.atomic
def end_sickness(absence: TimeOff, *, by, now: datetime | None = None) -> None:
    """From today on they can be given work again; days on which they really were sick stay known."""
    now = now or timezone.now()
    check_may_dispatch(by)
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    sick = TimeOff.objects.filter(pk=absence.pk, kind=TimeOff.Kind.SICK, ends_at__gt=today)
    done = sick.filter(starts_at__lt=today).update(ends_at=today) or sick.delete()[0]
    if not done:
        raise ActionRefused(f"{absence.technician} is not marked sick any more.")
    publish_technician(absence.technician)


@transaction.atomic
def hand_over_jobs(
    technician: Technician, handings: Iterable[Handing], *, by, now: datetime | None = None
) -> list[BulkResult]:
    """One board action for all of them: one event, and one Undo that gives them back."""
    wanted = {handing.job_id: handing for handing in handings}

    def hand_over(job: Job) -> Job:
        handing = wanted[job.pk]
        if handing.technician is None:
            return unassign_job(job, by=by, seen=handing.seen, now=now)
        return assign_waiting_job(job, handing.technician, by=by, seen=handing.seen, now=now)

    with board_action(by=by, now=now) as entry:
        results = change_jobs(wanted, hand_over, by=by, now=now)
        done = sum(result.is_done for result in results)
        entry.label = f"Handed over {done} job{'s' if done != 1 else ''} of {technician}"
        return results
