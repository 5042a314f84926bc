"""Brings the database up to date and fills an empty one with the demo; the supervisor runs it before anything else.

Prints the demo's logins, if the database has them.
"""

import os

import django


def migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def seed() -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if not get_user_model().objects.exists():
        call_command("seed_demo", verbosity=0)


def logins() -> list[str]:
    from django.contrib.auth import get_user_model

    from dispatch.demo import DEMO_LOGINS, DEMO_PASSWORD

    known = set(get_user_model().objects.values_list("username", flat=True))
    return [f"  {name:6} {DEMO_PASSWORD}   {role}" for name, role in DEMO_LOGINS if name in known]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    migrate()
    seed()
    print(*logins(), sep="\n")  # noqa: T201
