"""What technicians bring back: checklists gone through, materials used, who runs late, a tap that no longer fitted."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from dispatch import actions
from dispatch.demo.stage import Stage
from dispatch.field.taps import SentTap
from dispatch.models import ChecklistItem, Job, JobType, Material, Status

CHECKLISTS: Final = {  # by job type; True: must be checked before completing
    "No heat": (("Gas shut-off tested", True), ("Filter looked at", False), ("Thermostat back on schedule", False)),
    "Furnace tune-up": (("Filter changed", True), ("Burner cleaned", False), ("CO measured and noted", True)),
    "Heat pump repair": (("Refrigerant pressure noted", True), ("Drain clear", False)),
    "Boiler repair": (("Pressure noted", True), ("Safety valve tested", True), ("Room left clean", False)),
    "Drain cleaning": (("Water runs off freely", True), ("Trap put back and tight", True), ("Floor left dry", False)),
    "Boiler inspection": (("Certificate filled in", True), ("Sticker renewed", False)),
}
MATERIALS: Final = (
    ("Air filter 16x25x4", "pcs", "AF-16254"),
    ("Air filter 20x20x1", "pcs", "AF-20201"),
    ("Capacitor 45/5 µF", "pcs", "CAP-455"),
    ("Copper pipe 15 mm", "m", "CU-15"),
    ("Contactor 24 V", "pcs", "CT-24"),
    ("Expansion valve", "pcs", "TXV-2"),
    ("Flame sensor", "pcs", "FS-110"),
    ("Igniter", "pcs", "IG-41"),
    ("Pump gasket", "pcs", "PG-7"),
    ("Refrigerant R-410A", "kg", "R410A"),
    ("Sealant", "tube", "SL-1"),
    ("Thermostat wire", "m", "TW-18"),
)
MOST_JOBS: Final = 14  # that were gone through and used up something


def equip_company() -> None:
    """After the day was played: what is required now was not when those jobs were completed."""
    for name, unit, number in MATERIALS:
        Material.objects.get_or_create(name=name, defaults={"unit": unit, "part_number": number})
    types = {job_type.name: job_type for job_type in JobType.objects.filter(name__in=CHECKLISTS)}
    for name, items in CHECKLISTS.items():
        for position, (text, is_required) in enumerate(items if name in types else ()):
            ChecklistItem.objects.update_or_create(
                job_type=types[name], text=text, defaults={"position": position, "is_required": is_required}
            )


def require_nothing() -> None:
    """Of an earlier demo: while a day is played, jobs are completed that nobody has checked."""
    ChecklistItem.objects.filter(job_type__name__in=CHECKLISTS).update(is_required=False)


def go_through_checklist(job: Job, *, by, at: datetime) -> None:
    for item in ChecklistItem.objects.filter(job_type=job.job_type_id):
        actions.check_item(job, item, is_done=True, by=by, at=at, now=at)


def bring_back(stage: Stage) -> None:
    equip_company()
    rng = Random(stage.day.toordinal())  # noqa: S311 - the same day looks the same
    today = Job.objects.filter(scheduled_on=stage.day).select_related("technician__user", "site", "job_type")
    done = today.filter(status=Status.COMPLETED, job_type__name__in=CHECKLISTS).order_by("completed_at", "pk")
    for job in done[:MOST_JOBS]:
        go_through_checklist(job, by=job.technician.user, at=job.completed_at)
        _use_something(job, rng)
    _begin_checklist(today.filter(status=Status.IN_PROGRESS, job_type__name__in=CHECKLISTS).order_by("pk").first())
    _run_late(today.filter(status=Status.EN_ROUTE).order_by("pk").first(), now=stage.moment)
    _report_too_late(stage, today.filter(status=Status.CANCELLED, technician__isnull=False).order_by("pk").first())


def _use_something(job: Job, rng: Random) -> None:
    for material in rng.sample(list(Material.objects.order_by("pk")), k=rng.choice((0, 1, 1, 2))):
        quantity = Decimal(rng.choice(("1", "1", "2", "4") if material.unit != "m" else ("1.5", "3", "6")))
        actions.use_material(
            job,
            use_id=uuid.UUID(int=rng.getrandbits(128), version=4),
            material=material,
            quantity=quantity,
            by=job.technician.user,
            at=job.completed_at,
            now=job.completed_at,
        )


def _begin_checklist(job: Job | None) -> None:
    item = ChecklistItem.objects.filter(job_type=job.job_type_id).first() if job else None
    if item:
        at = job.started_at + timedelta(minutes=5)
        actions.check_item(job, item, is_done=True, by=job.technician.user, at=at, now=at)


def _run_late(job: Job | None, *, now: datetime) -> None:
    if job:
        actions.say_late(job, 20, by=job.technician.user, at=now - timedelta(minutes=4), now=now)


def _report_too_late(stage: Stage, job: Job | None) -> None:
    """A phone without signal: what it tapped on a job that the office has cancelled meanwhile."""
    if job is None or job.cancelled_at is None:
        return
    at = job.cancelled_at + timedelta(minutes=3)
    received_at = min(max(at + timedelta(minutes=25), at), stage.moment)
    content = {"to": Status.EN_ROUTE.value, "seen": f"assigned.{job.technician_id}"}
    tap = SentTap(uuid.uuid4(), "", "step", job.pk, at, {}, content)
    actions.receive_taps(job.technician, [tap], sent_at=received_at, by=job.technician.user, now=received_at)
