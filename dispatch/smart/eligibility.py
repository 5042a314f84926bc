"""What speaks against giving a job to a technician, as data. Pure; every screen that warns uses it."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from dispatch.durations import span
from dispatch.smart.free_time import has_room, working_stretches
from dispatch.smart.qualification import Booking, HeldSkill, NeededSkill, Needs, Qualification
from technicians.availability import left_of
from technicians.models import Proficiency

__all__ = [
    "Booking",
    "HeldSkill",
    "NeededSkill",
    "Needs",
    "Objection",
    "Qualification",
    "cannot_do",
    "overlapping",
    "reasons_against",
]


@dataclass(frozen=True)
class Objection:
    kind: str  # skill, zone, time_off, day_full, off_shift, off_duty, overlap, no_room or block
    text: str


def cannot_do(needs: Needs, has: Qualification) -> list[Objection]:
    """What no time of the day changes: skills and zone."""
    objections = [objection for need in needs.skills if (objection := _skill_objection(need, has, day=needs.day))]
    if needs.zone_id is not None and needs.zone_id not in has.zone_ids:
        objections.append(Objection("zone", f"Does not cover {needs.zone_name}"))
    return objections


def reasons_against(needs: Needs, has: Qualification) -> list[Objection]:
    objections = cannot_do(needs, has)
    if has.off_reason:
        objections.append(Objection("time_off", has.off_reason))
    if full := _full_day(needs, has):
        objections.append(Objection("day_full", full))
    return objections + _objections_to_the_time(needs, has)


def overlapping(needs: Needs, has: Qualification) -> list[Booking]:
    if needs.starts_at is None:
        return []
    return [booked for booked in has.bookings if booked.starts_at < needs.ends_at and booked.ends_at > needs.starts_at]


def _full_day(needs: Needs, has: Qualification) -> str:
    if has.jobs_that_day >= has.daily_maximum:
        return f"Day is full: {has.jobs_that_day} of {has.daily_maximum} jobs"
    room = has.shift_minutes - has.booked_minutes
    if has.shifts and not needs.is_urgent and needs.duration_minutes > room and has.booked_minutes:
        booked = f"{span(has.booked_minutes)} of {span(has.shift_minutes)} booked"
        return f"Day is full: {booked}, {span(needs.duration_minutes)} needed"
    return ""


def _objections_to_the_time(needs: Needs, has: Qualification) -> list[Objection]:
    objections = _objections_to_the_hours(needs, has)
    if missing := _missing_since(needs, has):
        objections.append(Objection("off_duty", f"Not clocked in, though the shift began at {_clock(missing)}"))
    for booked in overlapping(needs, has):
        when = f"{_clock(booked.starts_at)}–{_clock(booked.ends_at)}"
        objections.append(Objection("overlap", f"Overlaps {booked.number or 'a job in another zone'} ({when})"))
    if needs.starts_at and needs.window and not needs.window[0] <= needs.starts_at <= needs.window[1]:
        opens, closes = needs.window
        objections.append(Objection("block", f"Outside the time block {_clock(opens)}–{_clock(closes)}"))
    if not objections and needs.starts_at is None and not has_room(needs, has):
        where = f"between {_clock(needs.promised[0])} and {_clock(needs.promised[1])}" if needs.promised else "that day"
        objections.append(Objection("no_room", f"No {span(needs.duration_minutes)} free {where}"))
    return objections


def _objections_to_the_hours(needs: Needs, has: Qualification) -> list[Objection]:
    if needs.starts_at and (away := _away_during(needs.starts_at, needs.ends_at, has)):
        return [away]
    shifts = has.hours_for(needs)
    if shifts is None:
        return []
    if not shifts:
        return [Objection("off_shift", "Does not work that day")]
    if needs.starts_at and not any(shift.holds(needs.starts_at, needs.ends_at) for shift in shifts):
        return [Objection("off_shift", f"Works {_hours(shifts)} only")]
    if needs.starts_at is None and needs.now and all(shift.ends_at <= needs.now for shift in shifts):
        return [Objection("off_shift", f"The shift ended at {_clock(shifts[-1].ends_at)}")]
    if needs.starts_at is None and needs.promised and not _may_begin_in_block(needs, has):
        return [_away_during(*needs.promised, has) or Objection("off_shift", f"Works {_hours(shifts, has)} only")]
    return []


def _away_during(starts_at: datetime, ends_at: datetime, has: Qualification) -> Objection | None:
    for away in has.away:
        if away.overlaps(starts_at, ends_at):
            return Objection("time_off", f"{away.reason} {_clock(away.starts_at)}–{_clock(away.ends_at)}")
    return None


def _may_begin_in_block(needs: Needs, has: Qualification) -> bool:
    opens, closes = needs.promised
    stretches = working_stretches(needs, has)
    return any(max(starts, opens) + needs.duration <= ends and starts <= closes for starts, ends in stretches)


def _missing_since(needs: Needs, has: Qualification) -> datetime | None:
    """The start of the shift in which they ought to be at work now, and are not."""
    if needs.now is None or has.is_on_duty is not False or has.off_reason:
        return None
    if any(away.starts_at <= needs.now < away.ends_at for away in has.away):
        return None
    if needs.is_urgent and any(stretch.starts_at <= needs.now < stretch.ends_at for stretch in has.on_call):
        return None
    begun = (shift for shift in has.shifts or () if shift.starts_at <= needs.now < shift.ends_at)
    return next((shift.starts_at for shift in begun), None)


def _hours(shifts, has: Qualification | None = None) -> str:
    """Of whoever has planned breaks, without them."""
    spans = left_of([(shift.starts_at, shift.ends_at) for shift in shifts], has.breaks_to_come if has else ())
    return ", ".join(dict.fromkeys(f"{_clock(begins)}–{_clock(ends)}" for begins, ends in spans))


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
