"""What it would mean for a job's SLA deadlines to go as predicted. Tells; objects to nothing."""

from collections.abc import Iterator
from datetime import datetime

from dispatch.durations import span
from dispatch.models import Job
from dispatch.progress import Prediction


def sla_sentence(job: Job, own: Prediction, *, now: datetime) -> str:
    """“SLA: 20 min before its response deadline”, or what it breaks; nothing of a target that is missed already."""
    margins = sorted(_margins(job, own, now=now))
    broken = [f"its {kind} target by {span(-minutes)}" for minutes, kind in margins if minutes < 0]
    if broken:
        return f"SLA: breaks {' and '.join(broken)}"
    return f"SLA: {span(margins[0][0])} before its {margins[0][1]} deadline" if margins else ""


def _margins(job: Job, own: Prediction, *, now: datetime) -> Iterator[tuple[int, str]]:
    """Whole minutes that are left, negative when it comes too late."""
    promises = (
        (job.response_due_at, own.leaves_at, "response"),
        (job.resolution_due_at, own.ends_at, "resolution"),
    )
    for due_at, done_at, kind in promises:
        if due_at and due_at >= now:
            yield int((due_at - done_at).total_seconds() // 60), kind
