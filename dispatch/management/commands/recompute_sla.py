from django.core.management.base import BaseCommand, CommandError

from dispatch import actions
from sla.models import ClockRecalculation, SLAPolicy


class Command(BaseCommand):
    help = (
        "Gives open jobs the SLA deadlines that a new job would get now, and clocks to those that have none. "
        "A worker helps, and goes on with it if this is broken off."
    )

    def add_arguments(self, parser):
        parser.add_argument("--policy", metavar="NAME", help="Only the jobs of this policy; all without it.")

    def handle(self, *, policy, **options):
        scope = ClockRecalculation(policy=policy and self._policy(policy))
        asked = actions.ask_for_recalculation(scope, by=None)
        done = actions.work_out_recalculation(asked.pk, seconds=None)
        self.stdout.write(done.result_text)

    def _policy(self, name: str) -> SLAPolicy:
        try:
            return SLAPolicy.objects.get(name__iexact=name)
        except SLAPolicy.DoesNotExist:
            known = ", ".join(SLAPolicy.objects.values_list("name", flat=True))
            raise CommandError(f"There is no policy “{name}”. There are: {known}.") from None
