"""What speaks against giving a job to a technician, as data. Pure; every screen that warns uses it."""

from dataclasses import dataclass
from datetime import date

from technicians.models import Proficiency


@dataclass(frozen=True)
class Objection:
    kind: str  # skill, zone, day_full or time_off
    text: str


@dataclass(frozen=True)
class NeededSkill:
    skill_id: int
    name: str
    level: int


@dataclass(frozen=True)
class HeldSkill:
    level: int
    certificate_expires_on: date | None = None


@dataclass(frozen=True)
class Needs:
    """What a job asks of whoever does it on that day."""

    day: date
    zone_id: int | None
    zone_name: str
    skills: tuple[NeededSkill, ...]


@dataclass(frozen=True)
class Qualification:
    """What a technician brings that day. `off_reason` is empty unless they have time off."""

    zone_ids: frozenset[int]
    skills: dict[int, HeldSkill]
    jobs_that_day: int
    daily_maximum: int
    off_reason: str = ""


def reasons_against(needs: Needs, has: Qualification) -> list[Objection]:
    objections = [objection for need in needs.skills if (objection := _skill_objection(need, has, day=needs.day))]
    if needs.zone_id is not None and needs.zone_id not in has.zone_ids:
        objections.append(Objection("zone", f"Does not cover {needs.zone_name}"))
    if has.off_reason:
        objections.append(Objection("time_off", has.off_reason))
    if has.jobs_that_day >= has.daily_maximum:
        objections.append(Objection("day_full", f"Day is full: {has.jobs_that_day} of {has.daily_maximum} jobs"))
    return objections


def _skill_objection(need: NeededSkill, has: Qualification, *, day: date) -> Objection | None:
    wanted = f"{need.name} {Proficiency(need.level).label}"
    held = has.skills.get(need.skill_id)
    if held is None:
        return Objection("skill", f"Lacks {wanted}")
    if held.level < need.level:
        return Objection("skill", f"{need.name} {Proficiency(held.level).label} only, {wanted} needed")
    if held.certificate_expires_on and held.certificate_expires_on < day:
        return Objection("skill", f"{need.name} certificate expired {held.certificate_expires_on:%d %b %Y}")
    return None
