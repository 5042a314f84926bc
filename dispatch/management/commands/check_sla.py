import json
import time

from django.core.management.base import BaseCommand

from dispatch import actions


class Command(BaseCommand):
    help = "Record breached SLA targets and those at risk, and tell dispatchers. The cron does it every five minutes."

    def handle(self, **options):
        begun = time.monotonic()
        done = actions.check_sla()
        self.stdout.write(json.dumps({**done, "seconds": round(time.monotonic() - begun, 2)}))
