"""Loads the calendar's month: figures a day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count
from django.utils import timezone

from dispatch.board.calendar import DAY, booked, day_query, days_between, month_of, technicians_for
from dispatch.board.frame import Frame, load_frame
from dispatch.board.tray import Tray, load_tray
from dispatch.board.working_days import WorkingDays
from dispatch.crew import load_tone
from dispatch.models import Status


@dataclass(frozen=True)
class Share:
    """The jobs of one status on a day."""

    status: str
    label: str
    count: int
    percent: float


@dataclass(frozen=True)
class MonthDay:
    day: date
    query: str
    counts: dict[str, int]
    booked: int
    capacity: int
    is_today: bool
    is_outside: bool

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def unassigned(self) -> int:
        return self.counts.get(Status.CREATED, 0)

    @property
    def shares(self) -> list[Share]:
        found = ((status, label, self.counts.get(status, 0)) for status, label in Status.choices)
        return [Share(status, label, n, round(100 * n / self.total, 1)) for status, label, n in found if n]

    @property
    def load_percent(self) -> int | None:
        """None where nobody works."""
        return round(100 * self.booked / self.capacity) if self.capacity > 0 else None

    @property
    def load_tone(self) -> str:
        return load_tone(self.load_percent or 0)

    @property
    def load_width(self) -> int:
        return min(100, self.load_percent or 0)


@dataclass(frozen=True)
class CalendarMonth:
    frame: Frame
    month: date  # its first day
    days: list[MonthDay]
    tray: Tray

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return Status.choices

    @property
    def previous(self) -> date:
        return (self.month - DAY).replace(day=1)

    @property
    def next(self) -> date:
        return (self.month + DAY * 31).replace(day=1)

    @property
    def holds_today(self) -> bool:
        return (self.frame.today.year, self.frame.today.month) == (self.month.year, self.month.month)


def load_month(request, *, now: datetime | None = None) -> CalendarMonth:
    now = now or timezone.now()
    frame = load_frame(request, "calendar_month", now=now, days_of=month_of)
    first, last = month_of(frame.filter.anchor)
    month = (first + DAY * 6).replace(day=1)
    maxima = dict(technicians_for(frame.filter, request.user).values_list("pk", "daily_maximum"))
    capacities = WorkingDays(maxima, first, last).capacities(maxima)
    taken = dict(booked(maxima, first, last).values_list("scheduled_on").annotate(Count("pk")))
    counts = _counts_by_day(frame.filter.narrow(frame.filter.scope((first, last))))
    days = [
        MonthDay(
            day=day,
            query=day_query(frame, day),
            counts=counts.get(day, {}),
            booked=taken.get(day, 0),
            capacity=capacities[day],
            is_today=day == frame.today,
            is_outside=day.month != month.month,
        )
        for day in days_between(first, last)
    ]
    return CalendarMonth(frame, month, days, load_tray(request, frame, frame.filter.to_plan(first, last)))


def _counts_by_day(jobs) -> dict[date, dict[str, int]]:
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    for day, status, count in jobs.order_by().values_list("scheduled_on", "status").annotate(Count("pk")):
        counts[day][status] = count
    return counts
