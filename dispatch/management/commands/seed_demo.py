from datetime import date

from django.core.management.base import BaseCommand, CommandError

from dispatch.demo import DEMO_LOGINS, DEMO_PASSWORD
from dispatch.demo.seed import NotEmpty, seed_demo


class Command(BaseCommand):
    help = "Fills an empty database with a believable day of a field-service company around Pittsburgh."

    def add_arguments(self, parser):
        parser.add_argument("--day", type=date.fromisoformat, help="As in 2026-11-20; today without it.")
        parser.add_argument("--technicians", type=int, default=12)
        parser.add_argument("--jobs", type=int, default=80, help="How many are on the day's board.")
        parser.add_argument("--seed", type=int, default=1, help="The same seed makes the same day.")
        parser.add_argument(
            "--force",
            action="store_true",
            help="Adds to a database in use. The demo accounts have a published password: never on a real system.",
        )

    def handle(self, *, day, technicians, jobs, seed, force, **options):
        if technicians < 1 or jobs < 1:
            raise CommandError("Give at least one technician and one job.")
        try:
            count = seed_demo(day=day, technicians=technicians, jobs=jobs, seed=seed, force=force)
        except NotEmpty as error:
            raise CommandError(f"{error} Use --force to add the demo to it all the same.") from None
        self.stdout.write(f"{count} jobs on the board, {technicians} technicians. Log in as:")
        for username, sentence in DEMO_LOGINS:
            self.stdout.write(f"  {username:6} {sentence}")
        self.stdout.write(f"Password of all: {DEMO_PASSWORD}")
