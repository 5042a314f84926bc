"""Changes jobs through the actions at a steady pace and says when each change was committed.

python changes.py JOBS.json RESULT.json SECONDS PER_SECOND
"""

import json
import random
import sys
import time
from pathlib import Path

import django

django.setup()

from django.db import transaction  # noqa: E402

from dispatch import actions  # noqa: E402
from dispatch.models import Job, Status, User  # noqa: E402
from technicians.models import Technician  # noqa: E402

CHANCE = random.Random(11)


def change(job: Job, technicians: list[Technician], *, by: User) -> tuple[int, int, float]:
    """The job's id and version, and the instant of the commit: before the event goes out, which is also on commit."""
    committed_at = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed_at.append(time.time()))
        if job.status == Status.ASSIGNED and CHANCE.random() < 0.4:
            changed = actions.unassign_job(job, by=by, note="Somebody else is nearer")
        else:
            other = CHANCE.choice([technician for technician in technicians if technician.pk != job.technician_id])
            changed = actions.assign_job(job, other, by=by)
    return changed.pk, changed.version, committed_at[0]


def main(jobs_file: str, result: str, seconds: str, per_second: str) -> None:
    ids = json.loads(Path(jobs_file).read_text())
    by = User.objects.get(username="omar")
    technicians = list(Technician.objects.by_name())
    begun, changes = time.time(), []
    for number in range(int(float(seconds) * float(per_second))):
        time.sleep(max(0, begun + number / float(per_second) - time.time()))
        job = Job.objects.get(pk=CHANCE.choice(ids))
        changes.append(change(job, technicians, by=by))
    Path(result).write_text(json.dumps(changes))


if __name__ == "__main__":
    main(*sys.argv[1:])
