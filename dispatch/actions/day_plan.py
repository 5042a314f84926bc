"""Telling technicians what their day holds: on their phone page and wherever else they want it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import check_may_dispatch
from dispatch.models import Delivery, Job, Notification, Status
from dispatch.notices.notify import Channel, Kind, Message, tell
from technicians.models import Technician


@dataclass(frozen=True)
class Told:
    """One technician who has jobs that day, and how they were told."""

    technician: Technician
    jobs: int
    email: str = ""  # where the e-mail goes
    problem: str = ""


def key_of(day: date) -> str:
    """By which a day's own notice is found again, and replaced."""
    return f"day:{day.isoformat()}"


def day_of(notice: Notification) -> date:
    return date.fromisoformat(notice.once_key.removeprefix("day:"))


def _notices(day: date):
    return Notification.objects.filter(kind=Kind.DAY_SENT, once_key=key_of(day)).order_by("-created_at")


def last_sent(user, day: date) -> datetime | None:
    recipients = Technician.objects.visible_to(user).values("user")
    return _notices(day).filter(recipient__in=recipients).values_list("created_at", flat=True).first()


def sent_to(technician: Technician, day: date) -> datetime | None:
    return _notices(day).filter(recipient=technician.user_id).values_list("created_at", flat=True).first()


@transaction.atomic
def send_day(day: date, *, by, now: datetime | None = None) -> list[Told]:
    """To everyone with jobs that day whom the user may see; by name. Their earlier notice of that day is replaced."""
    now = now or timezone.now()
    check_may_dispatch(by)
    technicians = Technician.objects.visible_to(by).active().filter(jobs__in=_jobs(day), user__is_active=True)
    found = {one: _jobs_of(one, day) for one in technicians.select_related("user").by_name().distinct()}
    days = {technician: jobs for technician, jobs in found.items() if jobs}
    _notices(day).filter(recipient__in=[technician.user_id for technician in days]).delete()
    notices = tell(
        [
            Message(technician.user, Kind.DAY_SENT, _summary(day, jobs), url=reverse("phone"), once_key=key_of(day))
            for technician, jobs in days.items()
        ],
        now=now,
    )
    for technician in days:
        groups = {realtime.user_group(technician.user_id)}
        realtime.publish("technician-changed", groups=groups, technician=technician.pk)
    channels = _channels_of(notices)
    return [_told(technician, jobs, channels[technician.user_id]) for technician, jobs in days.items()]


def _channels_of(notices: list[Notification]) -> dict[int, set[str]]:
    """By recipient, beside the app."""
    channels = defaultdict(set)
    deliveries = Delivery.objects.filter(notification__in=notices)
    for recipient_id, channel in deliveries.values_list("notification__recipient_id", "channel"):
        channels[recipient_id].add(channel)
    return channels


def email_day(technician: Technician, day: date) -> bool:
    """The day as it is now; False if there is nothing in it any more."""
    jobs = _jobs_of(technician, day)
    if not jobs:
        return False
    lines = [_line(job) for job in jobs]
    subject = f"Your jobs on {day:%A} {day.day} {day:%B}"
    text = f"Hello {technician.user.short_name},\n\n" + "\n".join(lines) + "\n\nYour phone page has the details.\n"
    send_mail(subject, text, None, [technician.user.email])
    return True


def _line(job: Job) -> str:
    when = f"{timezone.localtime(job.planned_starts_at):%H:%M}" if job.planned_starts_at else "any time"
    return f"{when}  {job.number} {job.title}: {job.customer}, {job.site.address} ({job.duration_minutes} min)"


def _jobs(day: date):
    return Job.objects.on_days(day, day).filter(status__in=(Status.ASSIGNED, Status.EN_ROUTE, Status.IN_PROGRESS))


def _jobs_of(technician: Technician, day: date) -> list[Job]:
    return list(_jobs(day).of(technician).select_related("site", "customer", "job_type").in_route_order())


def _summary(day: date, jobs: list[Job]) -> str:
    first = jobs[0]
    begins = f"{timezone.localtime(first.planned_starts_at):%H:%M} at " if first.planned_starts_at else ""
    count = f"{len(jobs)} job{'s' if len(jobs) != 1 else ''}"
    return f"{day:%a} {day.day} {day:%b}: {count}, first {begins}{first.site.address}"


def _told(technician: Technician, jobs: list[Job], channels: set[str]) -> Told:
    user = technician.user
    if Channel.EMAIL in channels:
        return Told(technician, len(jobs), email=user.email)
    where = "on their phone page" + (" and by push" if Channel.PUSH in channels else "")
    if not settings.EMAIL_HOST:
        why = "no e-mail server is set up"
    elif not user.email:
        why = "no e-mail address is known"
    else:
        why = "they want no e-mail of this"
    return Told(technician, len(jobs), problem=f"{where} only: {why}")
