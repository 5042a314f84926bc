"""The checklist of a job's type, as it was gone through on the job."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch.actions.base import ActionRefused, actor_on, bump, fresh, publish_job
from dispatch.models import Check, ChecklistItem, Job


class ChecksOpen(ActionRefused):
    """What has to be checked before the job can be completed."""


def open_required_checks(job: Job) -> list[str]:
    """The texts of what is required and not checked."""
    done = Check.objects.filter(job=job, is_done=True, item__isnull=False).values("item")
    required = ChecklistItem.objects.filter(job_type=job.job_type_id, is_required=True)
    return list(required.exclude(pk__in=done).values_list("text", flat=True))


def refuse_open_checks(job: Job) -> None:
    texts = open_required_checks(job)
    if texts:
        raise ChecksOpen(f"Check first: {'; '.join(texts)}.", job)


@transaction.atomic
def check_item(
    job: Job, item: ChecklistItem, *, is_done: bool, by, at: datetime | None = None, now: datetime | None = None
) -> Check:
    """The last word by the technicians' own time counts, whatever arrives last."""
    now = now or timezone.now()
    job = fresh(job)
    actor_on(job, by)
    if item.job_type_id != job.job_type_id:
        raise ActionRefused(f"“{item}” is not on the checklist of {job.number}.", job)
    values = {"text": item.text, "is_done": is_done, "checked_at": at or now, "checked_by": by}
    check, is_new = Check.objects.select_for_update().get_or_create(job=job, item=item, defaults=values)
    if not is_new and check.checked_at <= values["checked_at"]:
        for name, value in values.items():
            setattr(check, name, value)
        check.save(update_fields=list(values))
    bump(job)
    publish_job(job, now=now)
    return check
