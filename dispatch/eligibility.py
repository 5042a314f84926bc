"""What speaks against giving a job to a technician, as data. Pure; every screen that warns uses it."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from technicians.availability import Shift
from technicians.models import Proficiency


@dataclass(frozen=True)
class Objection:
    kind: str  # skill, zone, time_off, day_full, off_shift, overlap or block
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
    """What a job asks of whoever does it on that day; without a planned start nothing is asked of the hours."""

    day: date
    zone_id: int | None
    zone_name: str
    skills: tuple[NeededSkill, ...]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    window: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Booking:
    """Another job of the technician, as it is planned or, once begun, as it goes."""

    job_id: int
    number: str  # empty where it is not to be told
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Qualification:
    """What a technician brings that day. `off_reason` is empty unless they have time off."""

    zone_ids: frozenset[int]
    skills: dict[int, HeldSkill]
    jobs_that_day: int
    daily_maximum: int
    off_reason: str = ""
    shifts: tuple[Shift, ...] | None = None  # None: nobody has said when they work
    bookings: tuple[Booking, ...] = ()


def reasons_against(needs: Needs, has: Qualification) -> list[Objection]:
    objections = [objection for need in needs.skills if (objection := _skill_objection(need, has, day=needs.day))]
    if needs.zone_id is not None and needs.zone_id not in has.zone_ids:
        objections.append(Objection("zone", f"Does not cover {needs.zone_name}"))
    if has.off_reason:
        objections.append(Objection("time_off", has.off_reason))
    if has.jobs_that_day >= has.daily_maximum:
        objections.append(Objection("day_full", f"Day is full: {has.jobs_that_day} of {has.daily_maximum} jobs"))
    return objections + _objections_to_the_time(needs, has)


def overlapping(needs: Needs, has: Qualification) -> list[Booking]:
    if needs.starts_at is None:
        return []
    return [booked for booked in has.bookings if booked.starts_at < needs.ends_at and booked.ends_at > needs.starts_at]


def _objections_to_the_time(needs: Needs, has: Qualification) -> list[Objection]:
    objections = []
    if has.shifts is not None and not has.shifts:
        objections.append(Objection("off_shift", "Does not work that day"))
    elif needs.starts_at and has.shifts and not any(s.holds(needs.starts_at, needs.ends_at) for s in has.shifts):
        hours = ", ".join(f"{_clock(shift.starts_at)}–{_clock(shift.ends_at)}" for shift in has.shifts)
        objections.append(Objection("off_shift", f"Works {hours} only"))
    for booked in overlapping(needs, has):
        when = f"{_clock(booked.starts_at)}–{_clock(booked.ends_at)}"
        objections.append(Objection("overlap", f"Overlaps {booked.number or 'a job in another zone'} ({when})"))
    if needs.starts_at and needs.window and not needs.window[0] <= needs.starts_at <= needs.window[1]:
        opens, closes = needs.window
        objections.append(Objection("block", f"Outside the time block {_clock(opens)}–{_clock(closes)}"))
    return objections


def _clock(instant: datetime) -> str:
    return f"{timezone.localtime(instant):%H:%M}"


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
