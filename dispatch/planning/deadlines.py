"""Until when SLA targets want a job to be begun."""

from datetime import datetime, timedelta

from dispatch.models import Job


def begin_by(job: Job, *, after: datetime) -> datetime | None:
    """To be on the way by the response deadline, and done by the one for the resolution; what lies before is missed."""
    if job.is_on_hold:
        return None
    done_by = job.resolution_due_at
    begin = done_by and done_by - timedelta(minutes=job.duration_minutes)
    return min((instant for instant in (job.response_due_at, begin) if instant and instant >= after), default=None)
