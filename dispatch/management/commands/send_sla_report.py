from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dispatch.actions.sla_report import send_sla_report
from dispatch.models import Delivery
from dispatch.notices.notify import Channel
from dispatch.reporting.week_report import last_week, week_around
from dispatch.reporting.words import period_label


class Command(BaseCommand):
    help = "Tells the managers of a week's SLA compliance, by e-mail unless they chose otherwise; each of them once."

    def add_arguments(self, parser):
        parser.add_argument("--week", type=date.fromisoformat, help="Any day of it, as in 2026-11-20; else last week.")

    def handle(self, *, week, **options):
        today = timezone.localdate()
        period = week_around(week) if week else last_week(today)
        if period.last >= today:
            raise CommandError(f"The week of {period_label(period)} is not over yet.")
        notices = send_sla_report(period)
        mails = Delivery.objects.filter(notification__in=notices, channel=Channel.EMAIL).count()
        self.stdout.write(f"Week of {period_label(period)}: {len(notices)} told, {mails} of them by e-mail.")
        if not settings.EMAIL_HOST:
            self.stdout.write("No e-mail is sent: EMAIL_HOST is not set.")
