"""The managers' e-mail of the week's SLA compliance. Who has been told of a week is not told again."""

from datetime import date, datetime
from typing import Final

from django.core.mail import send_mail
from django.db.models import Q
from django.utils import timezone

from dispatch.models import Notification, User
from dispatch.notices.notify import Kind, Message, tell
from dispatch.reporting.week_report import last_week, load_week_report, week_around
from sla.periods import Period
from zones.access import dispatch_zone_ids

MONDAY, TUESDAY = 0, 1
SENT_FROM: Final = 7  # o'clock on Monday, in the business's time


def key_of(week: Period) -> str:
    return f"sla-report:{week.first.isoformat()}"


def week_of(notice: Notification) -> Period:
    return week_around(date.fromisoformat(notice.once_key.removeprefix("sla-report:")))


def sent_notices(week: Period):
    return Notification.objects.filter(kind=Kind.SLA_REPORT, once_key=key_of(week)).order_by("created_at")


def managers():
    """Those whom reports concern: whoever reads the financial ones too."""
    may_read = Q(groups__permissions__codename="view_financial_report") | Q(is_superuser=True)
    return User.objects.filter(may_read, is_active=True).order_by("pk").distinct()


def send_due_sla_report(*, now: datetime | None = None) -> int:
    """Of last week, from Monday morning on; until Tuesday night it catches up on what could not be sent."""
    now = now or timezone.now()
    local = timezone.localtime(now)
    if local.weekday() > TUESDAY or (local.weekday() == MONDAY and local.hour < SENT_FROM):
        return 0
    return len(send_sla_report(last_week(local.date()), now=now))


def send_sla_report(week: Period, *, now: datetime | None = None) -> list[Notification]:
    """To the managers who do not have it yet; nothing where no target was met or missed. Returns what is new."""
    waiting = managers().exclude(pk__in=sent_notices(week).values("recipient"))
    reports = {}
    for user in waiting:
        zones = dispatch_zone_ids(user)  # who may see the same reads the same
        if zones not in reports:
            reports[zones] = load_week_report(user, week)
    messages = [
        Message(user, Kind.SLA_REPORT, report.sentence, url=report.report_path, once_key=key_of(week))
        for user in waiting
        if not (report := reports[dispatch_zone_ids(user)]).report.is_empty
    ]
    return tell(messages, now=now)


def email_sla_report(person: User, week: Period) -> None:
    """With the figures as they are now."""
    mail = load_week_report(person, week)
    send_mail(mail.subject, mail.text, None, [person.email], html_message=mail.html)
