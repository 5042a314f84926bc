from django.core.management.base import BaseCommand

from dispatch.roles import ROLES, apply_roles


class Command(BaseCommand):
    help = "Give every role's group exactly the permissions that dispatch/roles.py states. Repeatable."

    def handle(self, **options):
        apply_roles()
        self.stdout.write(f"Applied: {', '.join(ROLES)}.")
