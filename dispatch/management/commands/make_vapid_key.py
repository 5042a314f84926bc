"""Prints a new key for Web Push. Browsers subscribe to one key: after another one, everybody has to subscribe anew."""

from django.core.management import BaseCommand

from config.vapid import new_private_key


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def handle(self, *args, **options):
        self.stdout.write(f"VAPID_PRIVATE_KEY={new_private_key()}")
