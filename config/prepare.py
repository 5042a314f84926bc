"""Brings the database up to date and fills an empty one with the demo; the supervisor runs it before anything else.

Prints the demo's logins, if the database has them.
"""

import os
from io import StringIO

import django


def seed() -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import transaction

    if not get_user_model().objects.exists():
        with transaction.atomic():  # half a demo would never be completed
            call_command("seed_demo", stdout=StringIO())  # the logins are printed at every start


def logins() -> list[str]:
    from django.contrib.auth import get_user_model

    from dispatch.demo import DEMO_LOGINS, DEMO_PASSWORD

    known = set(get_user_model().objects.values_list("username", flat=True))
    return [f"  {name:6} {DEMO_PASSWORD}   {role}" for name, role in DEMO_LOGINS if name in known]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    seed()
    print(*logins(), sep="\n")  # noqa: T201
