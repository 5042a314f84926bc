"""Loads what was done on a job in the field: checklist, materials, time. For the phone and for the office alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from dispatch.field.time_on_site import Pause, Step, TimeSpent, time_spent
from dispatch.models import Check, ChecklistItem, Job, Material, MaterialUse, RunningLate, StatusChange, Tap
from dispatch.models.jobs import ACTIVE
from technicians.models import Break, Technician, TimeOff

MOST_CHOICES = 300
CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class ChecklistRow:
    """`check` is None as long as nobody has said anything."""

    item_id: int | None  # None: it is not on the list any more
    text: str
    is_required: bool
    check: Check | None

    @property
    def is_done(self) -> bool:
        return self.check is not None and self.check.is_done


@dataclass(frozen=True)
class FieldWork:
    checklist: list[ChecklistRow]
    uses: list[MaterialUse]
    late: RunningLate | None  # of who has the job now
    times: list[tuple[Technician, TimeSpent]]

    @property
    def is_empty(self) -> bool:
        return not (self.checklist or self.uses or self.late or self.times)

    @property
    def done_count(self) -> int:
        return sum(row.is_done for row in self.checklist)


def load_field_work(job: Job, log: list[StatusChange], *, now: datetime) -> FieldWork:
    """`log` is the job's, with its technicians; in any order."""
    uses = job.material_uses.select_related("used_by")
    return FieldWork(load_checklist(job), list(uses), said_late(job), _times(log, now=now))


def load_checklist(job: Job) -> list[ChecklistRow]:
    """What its type asks for, and what was checked and is not asked for any more."""
    checks = {check.item_id or -check.pk: check for check in job.checks.select_related("checked_by")}
    items = ChecklistItem.objects.filter(job_type=job.job_type_id)
    rows = [ChecklistRow(item.pk, item.text, item.is_required, checks.pop(item.pk, None)) for item in items]
    return rows + [ChecklistRow(None, check.text, False, check) for check in checks.values()]


def required_checks(job: Job) -> QuerySet[ChecklistItem]:
    """What has to be checked before completing, each with `is_done`."""
    done = Check.objects.filter(job=job, item=OuterRef("pk"), is_done=True)
    return ChecklistItem.objects.filter(job_type=job.job_type_id, is_required=True).annotate(is_done=Exists(done))


def load_for_day(technician: Technician, current: Job | None, *, now: datetime) -> dict[str, object]:
    """What the page of the day shows beside its jobs."""
    return {
        "required_checks": list(required_checks(current)) if current else [],
        "late": said_late(current) if current else None,
        "sickness": sickness_of(technician, now=now),
    }


def said_late(job: Job) -> RunningLate | None:
    """What counts until they are there."""
    if job.technician_id is None or job.status not in ("assigned", "en_route"):
        return None
    said = job.late_notices.filter(technician=job.technician_id).first()
    is_of_another_day = said and job.scheduled_on and job.scheduled_on > timezone.localdate(said.arrives_at)
    return None if is_of_another_day else said


def material_names() -> list[Material]:
    return list(Material.objects.filter(is_active=True)[:MOST_CHOICES])


def sickness_of(technician: Technician, *, now: datetime) -> TimeOff | None:
    sick = technician.time_off.filter(kind=TimeOff.Kind.SICK)
    return sick.filter(starts_at__lte=now, ends_at__gt=now).order_by("-ends_at").first()


def attach_taps(log: list[StatusChange]) -> None:
    """Gives each row the time that the phone's clock showed, where it was wrong."""
    taps = Tap.objects.in_bulk([change.tap_id for change in log if change.tap_id])
    for change in log:
        tap = taps.get(change.tap_id)
        is_off = tap is not None and abs(tap.tapped_at - change.happened_at) > CLOCKS_DIFFER
        if is_off:
            change.phone_said = tap.tapped_at


def _times(log: list[StatusChange], *, now: datetime) -> list[tuple[Technician, TimeSpent]]:
    log = sorted(log, key=lambda change: (change.happened_at, change.pk))
    steps = [Step(change.to_status, change.to_technician_id, change.happened_at) for change in log]
    people = {change.to_technician_id: change.to_technician for change in log if change.to_technician_id}
    active = [step for step in steps if step.status in ACTIVE]
    if not active:
        return []
    not_over = Q(ended_at=None) | Q(ended_at__gt=active[0].at)
    taken = Break.objects.filter(not_over, clock_record__technician__in=people, began_at__lt=now)
    rows = taken.values_list("clock_record__technician", "began_at", "ended_at")
    spent = time_spent(steps, pauses=[Pause(*row) for row in rows], now=now)
    return [(people[each.technician_id], each) for each in spent]
