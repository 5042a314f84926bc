"""Telling technicians what their day holds: on their phone page and, where an address is known, by e-mail."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import check_may_dispatch
from dispatch.models import Job, Notification, Status
from technicians.models import Technician


@dataclass(frozen=True)
class Told:
    """One technician who has jobs that day, and how they were told."""

    technician: Technician
    jobs: int
    email: str = ""  # where the e-mail goes
    problem: str = ""


def kind_of(day: date) -> str:
    """A notification's kind; it names the day, so that a day's own can be found again."""
    return f"day_plan_{day:%Y%m%d}"


def last_sent(user, day: date) -> datetime | None:
    recipients = Technician.objects.visible_to(user).values("user")
    sent = Notification.objects.filter(kind=kind_of(day), recipient__in=recipients).order_by("-created_at")
    return sent.values_list("created_at", flat=True).first()


def sent_to(technician: Technician, day: date) -> datetime | None:
    notices = Notification.objects.filter(recipient=technician.user_id, kind=kind_of(day))
    return notices.values_list("created_at", flat=True).first()


@transaction.atomic
def send_day(day: date, *, by, now: datetime | None = None) -> list[Told]:
    """To everyone with jobs that day whom the user may see; by name. Their earlier notice of that day is replaced."""
    now = now or timezone.now()
    check_may_dispatch(by)
    technicians = Technician.objects.visible_to(by).active().filter(jobs__in=_jobs(day)).by_name().distinct()
    return [_tell(technician, day, now=now) for technician in technicians]


def email_day(technician: Technician, day: date) -> bool:
    """The day as it is now; False if there is nothing in it any more."""
    jobs = list(_jobs(day).of(technician).select_related("site", "customer", "job_type").in_route_order())
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


def _tell(technician: Technician, day: date, *, now: datetime) -> Told:
    jobs = list(_jobs(day).of(technician).select_related("site", "customer", "job_type").in_route_order())
    user = technician.user
    first = jobs[0]
    begins = f"{timezone.localtime(first.planned_starts_at):%H:%M} at " if first.planned_starts_at else ""
    count = f"{len(jobs)} job{'s' if len(jobs) != 1 else ''}"
    text = f"{day:%a} {day.day} {day:%b}: {count}, first {begins}{first.site.address}"
    Notification.objects.filter(recipient=user, kind=kind_of(day)).delete()
    Notification.objects.create(recipient=user, kind=kind_of(day), text=text[:300], created_at=now)
    realtime.publish("technician-changed", groups={realtime.user_group(user.pk)}, technician=technician.pk)
    if not settings.EMAIL_HOST:
        return Told(technician, len(jobs), problem="on their phone page only: no e-mail server is set up")
    if not user.email:
        return Told(technician, len(jobs), problem="on their phone page only: no e-mail address is known")
    return Told(technician, len(jobs), email=user.email)
