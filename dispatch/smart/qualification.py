"""What a job asks and what a technician brings on one day, as data. Pure; rules, search and score all read these."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dispatch.travel import Place
from technicians.availability import Shift, Span


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
    """What a job asks of whoever does it on that day.

    Without a planned start the hours are asked one thing only: is there room. `now` is given where that day is today.
    """

    day: date
    zone_id: int | None
    zone_name: str
    skills: tuple[NeededSkill, ...]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    window: tuple[datetime, datetime] | None = None
    duration_minutes: int = 0
    place: Place | None = None
    is_urgent: bool = False
    now: datetime | None = None
    due_at: datetime | None = None  # until when the SLA wants somebody to be on the way

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)

    @property
    def promised(self) -> tuple[datetime, datetime] | None:
        """The time block, as long as it can still be kept."""
        is_over = self.window and self.now and self.window[1] < self.now
        return None if is_over else self.window


@dataclass(frozen=True)
class Booking:
    """Another job of the technician, as it is planned or, once begun, as it goes."""

    job_id: int
    number: str  # empty where it is not to be told
    starts_at: datetime
    ends_at: datetime
    place: Place | None = None
    block_ends_at: datetime | None = None
    is_begun: bool = False  # en route, in progress or done: nothing moves it any more

    @property
    def name(self) -> str:
        return f"job {self.number}" if self.number else "a job in another zone"


@dataclass(frozen=True)
class Away:
    """Time off that takes only a part of what they work that day."""

    reason: str
    starts_at: datetime
    ends_at: datetime

    def overlaps(self, starts_at: datetime, ends_at: datetime) -> bool:
        return self.starts_at < ends_at and self.ends_at > starts_at


@dataclass(frozen=True)
class Qualification:
    """What a technician brings that day. `off_reason` is empty unless time off takes all of it.

    `position` is where a fresh fix says they are; `is_on_duty` is None where it does not matter that day.
    """

    zone_ids: frozenset[int]
    skills: dict[int, HeldSkill]
    jobs_that_day: int
    daily_maximum: int
    off_reason: str = ""
    away: tuple[Away, ...] = ()
    shifts: tuple[Shift, ...] | None = None  # None: nobody has said when they work
    bookings: tuple[Booking, ...] = ()
    on_call: tuple[Shift, ...] = ()
    is_on_duty: bool | None = None
    break_until: datetime | None = None
    has_had_break: bool = False
    booked_minutes: int = 0
    position: Place | None = None
    home: Place | None = None

    @property
    def shift_minutes(self) -> int:
        """Of the day's own shifts; where only last night's runs on into it, of that one."""
        shifts = self.shifts or ()
        return sum(shift.minutes for shift in [s for s in shifts if not s.is_from_day_before] or shifts)

    def hours_for(self, needs: Needs) -> tuple[Shift, ...] | None:
        """Whoever is on call works then too, for urgent jobs."""
        if self.shifts is None or not (needs.is_urgent and self.on_call):
            return self.shifts
        return tuple(sorted((*self.shifts, *self.on_call), key=lambda shift: shift.starts_at))

    @property
    def breaks_to_come(self) -> list[Span]:
        """As planned; who has had a break takes no other."""
        shifts = () if self.has_had_break else self.shifts or ()
        return [(shift.break_starts_at, shift.break_ends_at) for shift in shifts if shift.break_starts_at]

    @property
    def in_order(self) -> tuple[Booking, ...]:
        return tuple(sorted(self.bookings, key=lambda booked: (booked.starts_at, booked.job_id)))

    def taking(self, booking: Booking | None, *, minutes: int) -> "Qualification":
        """With one more job; None: no time is planned for it."""
        return replace(
            self,
            jobs_that_day=self.jobs_that_day + 1,
            booked_minutes=self.booked_minutes + minutes,
            bookings=(*self.bookings, booking) if booking else self.bookings,
        )
