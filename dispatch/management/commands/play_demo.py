from django.core.management.base import BaseCommand, CommandError

from dispatch.demo.play import NoDemo, play_day


class Command(BaseCommand):
    help = (
        "Plays the demo's day forward, faster than it would go, in front of whoever has a board open. Ctrl-C ends it."
    )

    def add_arguments(self, parser):
        parser.add_argument("--speed", type=float, default=60, help="How many minutes of the day pass in one; 60.")
        parser.add_argument("--minutes", type=float, help="Ends after so much real time; else when all is done.")
        parser.add_argument("--seed", type=int, default=1, help="The same seed on the same day plays the same.")

    def handle(self, *, speed, minutes, seed, **options):
        if speed <= 0 or (minutes is not None and minutes <= 0):
            raise CommandError("Give a speed and a time above 0.")
        try:
            is_over = play_day(speed=speed, minutes=minutes, seed=seed, tell=self._tell)
        except NoDemo as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        else:
            self.stdout.write("That was the day." if is_over else "Time is up.")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
