"""Who is in, expected or away on a day: one loader for all pages that ask, in a fixed number of queries."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Prefetch
from django.utils import timezone

from dispatch.crew import STALE_POSITION
from technicians.availability import Shift, shifts_on
from technicians.models import ClockRecord, Technician, TimeOff
from zones.models import ServiceZone

GRACE = timedelta(minutes=10)  # nobody is called missing before


@dataclass(frozen=True)
class Presence:
    """One technician on a day. `shifts` is None where nobody has said when they work."""

    technician: Technician
    shifts: list[Shift] | None
    absence: TimeOff | None
    record: ClockRecord | None  # the last one of that day; without an end they are on duty
    is_silent: bool  # on duty, and their position is old or unknown

    @property
    def is_on_duty(self) -> bool:
        return self.record is not None and self.record.clocked_out_at is None

    @property
    def is_sick(self) -> bool:
        return self.absence is not None and self.absence.kind == TimeOff.Kind.SICK

    @property
    def is_expected(self) -> bool:
        """They have a shift that day, and no time off."""
        return bool(self.shifts) and self.absence is None

    @property
    def shift_minutes(self) -> int:
        return sum(shift.minutes for shift in self.shifts or ()) if self.absence is None else 0

    @property
    def begins_at(self) -> datetime | None:
        return self.shifts[0].starts_at if self.shifts else None

    @property
    def ends_at(self) -> datetime | None:
        return self.shifts[-1].ends_at if self.shifts else None

    def is_missing(self, *, now: datetime) -> bool:
        """The shift has begun and they have not."""
        return self.is_expected and self.record is None and self.begins_at + GRACE < now < self.ends_at


@dataclass(frozen=True)
class RollCall:
    """By name. Whoever is on duty is not also expected, off or away, but may be sick: a job is still under way."""

    day: date
    now: datetime
    everyone: list[Presence]

    @property
    def on_duty(self) -> list[Presence]:
        return [one for one in self.everyone if one.is_on_duty]

    @property
    def went_home(self) -> list[Presence]:
        return [one for one in self.everyone if one.record and not one.is_on_duty]

    @property
    def sent_home(self) -> list[Presence]:
        """Nobody clocked out, and the system did it for them."""
        return [one for one in self.went_home if one.record.closed_by_system]

    @property
    def missing(self) -> list[Presence]:
        return [one for one in self.everyone if one.is_missing(now=self.now)]

    @property
    def expected_later(self) -> list[Presence]:
        waiting = [one for one in self.everyone if one.is_expected and not one.record]
        return [one for one in waiting if not one.is_missing(now=self.now) and self.now <= one.ends_at]

    @property
    def sick(self) -> list[Presence]:
        return [one for one in self.everyone if one.is_sick]

    @property
    def away(self) -> list[Presence]:
        return [one for one in self.everyone if one.absence and not one.is_sick and not one.is_on_duty]

    @property
    def silent(self) -> list[Presence]:
        return [one for one in self.on_duty if one.is_silent]

    @property
    def off(self) -> list[Presence]:
        """Nothing is known of them that day, or the shift that they never began is over."""
        shown = {one.technician.pk for group in (self.on_duty, self.went_home, self.missing) for one in group}
        shown |= {one.technician.pk for group in (self.expected_later, self.sick, self.away) for one in group}
        return [one for one in self.everyone if one.technician.pk not in shown]

    @property
    def off_count(self) -> int:
        return len(self.off) + len(self.went_home)


def load_roll_call(user, day: date, *, now: datetime) -> RollCall:
    begins = timezone.make_aware(datetime.combine(day, time.min))
    ends = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
    attended = ClockRecord.objects.filter(clocked_in_at__lt=ends).exclude(clocked_out_at__lte=begins)
    off = TimeOff.objects.filter(starts_at__lt=ends, ends_at__gt=begins)
    technicians = (
        Technician.objects.visible_to(user)
        .active()
        .by_name()
        .prefetch_related(
            Prefetch("zones", ServiceZone.objects.only("pk", "name")),
            "working_hours",
            Prefetch("clock_records", attended.order_by("clocked_in_at"), to_attr="attended"),
            Prefetch("time_off", off, to_attr="off"),
        )
    )
    return RollCall(day, now, [_presence(technician, day, now=now) for technician in technicians])


def _presence(technician: Technician, day: date, *, now: datetime) -> Presence:
    record = technician.attended[-1] if technician.attended else None
    if record and day == timezone.localdate(now) and record.clocked_out_at is None:
        seen_at = technician.position_at
        is_silent = seen_at is None or now - seen_at > STALE_POSITION
    else:
        is_silent = False
    return Presence(
        technician=technician,
        shifts=shifts_on(day, technician.working_hours.all(), zone=timezone.get_current_timezone()),
        absence=next(iter(sorted(technician.off, key=lambda off: off.kind != TimeOff.Kind.SICK)), None),
        record=record,
        is_silent=is_silent,
    )
