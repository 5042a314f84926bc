"""Makes the visits of maintenance plans in a process of its own, as RQ's workers do; `python -m tests.dispatch.visit_maker`.

It says that it is ready, waits for a line, an instant in ISO 8601, and prints how many it made.
"""

import sys
from datetime import datetime

import django

django.setup()

from django.db import connection  # noqa: E402

from dispatch import actions  # noqa: E402
from dispatch.actions import maintenance_visits  # noqa: E402

maintenance_visits.AT_ONCE = 2  # many transactions, and so many moments between them


def main() -> None:
    connection.ensure_connection()
    print("ready", flush=True)
    now = datetime.fromisoformat(sys.stdin.readline().strip())
    print(actions.make_maintenance_visits(now=now), flush=True)


if __name__ == "__main__":
    main()
