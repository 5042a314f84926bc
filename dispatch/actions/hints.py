"""Answering what the positions suggest. Taking a hint is an ordinary change of status; saying no is this."""

from django.db import transaction

from dispatch.actions.base import actor_on, fresh, groups_of_job
from dispatch.models import Job, SiteVisit
from dispatch.realtime import publish


@transaction.atomic
def dismiss_hint(job: Job, hinted: str, *, by) -> bool:
    """It does not come back for this visit. False if it was not shown any more."""
    job = fresh(job)
    actor_on(job, by)
    shown = SiteVisit.objects.filter(pk=job.pk, hinted_status=hinted).exclude(hinted_status="")
    is_dismissed = bool(shown.update(hinted_status="", hinted_at=None, dismissed_status=hinted))
    if is_dismissed:
        publish("job-changed", groups=groups_of_job(job), jobs=[job.pk])
    return is_dismissed
