"""Checks the SLA clocks in a process of its own each time it is asked, as RQ's workers do; `python -m tests.sla.checker`.

For each line, an instant in ISO 8601, it forks a process that checks and may be killed: it prints that one's id, what it
did as JSON if it came so far, and how it ended.
"""

import json
import os
import sys
from datetime import datetime

import django

django.setup()

from dispatch import actions  # noqa: E402
from sla import check  # noqa: E402

check.BATCH = 2  # many transactions, and so many moments between them


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            done = actions.check_sla(now=datetime.fromisoformat(line.strip()))
            print(json.dumps(done), flush=True)
            os._exit(0)
        print("started", child, flush=True)
        print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
