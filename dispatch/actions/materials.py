"""What was used up on a job. Taking something back leaves a trace."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from dispatch.actions.base import ActionRefused, actor_on, bump, fresh, publish_job
from dispatch.models import Job, Material, MaterialUse

MOST_ON_JOB = 200


@transaction.atomic
def use_material(
    job: Job,
    *,
    use_id: UUID,
    quantity: Decimal,
    material: Material | None = None,
    name: str = "",
    unit: str = "",
    by,
    at: datetime | None = None,
    now: datetime | None = None,
) -> MaterialUse:
    """Something of the list, or by its name."""
    now = now or timezone.now()
    job = fresh(job)
    actor_on(job, by)
    if job.material_uses.count() >= MOST_ON_JOB:
        raise ActionRefused(f"{job.number} has {MOST_ON_JOB} materials, which is the most.", job)
    use = MaterialUse.objects.create(
        pk=use_id,
        job=job,
        material=material,
        name=material.name if material else name,
        unit=material.unit if material else unit,
        quantity=quantity,
        used_at=at or now,
        used_by=by,
    )
    bump(job)
    publish_job(job, now=now)
    return use


@transaction.atomic
def withdraw_material(
    job: Job, use_id: UUID, *, by, at: datetime | None = None, now: datetime | None = None
) -> MaterialUse:
    """Technicians only what they have written down themselves."""
    now = now or timezone.now()
    job = fresh(job)
    actor_on(job, by)
    use = MaterialUse.objects.filter(pk=use_id, job=job).first()
    if use is None or (use.used_by_id != by.pk and not by.has_perm("dispatch.change_job")):
        raise ActionRefused("This is not among what you used here.", job)
    if MaterialUse.objects.filter(pk=use_id, withdrawn_at=None).update(withdrawn_at=max(at or now, use.used_at)):
        bump(job)
        publish_job(job, now=now)
    return use
