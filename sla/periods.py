"""Periods of whole days, their parts, and what stands beside each part in another period."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from django.db.models import TextChoices

ONE_DAY: Final = timedelta(days=1)


class Step(TextChoices):
    DAY = "day", "By day"
    WEEK = "week", "By week"
    MONTH = "month", "By month"


@dataclass(frozen=True)
class Period:
    """Whole days in the business's time, both included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * ONE_DAY for number in range(self.days))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days, just before; whole months before whole months."""
        last = self.first - ONE_DAY
        if self.first.day == 1 and (self.last + ONE_DAY).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            return Period(_month(self.first, back=months), last)
        return Period(self.first - self.days * ONE_DAY, last)

    @property
    def best_step(self) -> Step:
        return Step.DAY if self.days <= 35 else Step.WEEK if self.days <= 190 else Step.MONTH

    def instants(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """From the first to before the second."""
        begins, ends = (datetime.combine(day, time.min, zone) for day in (self.first, self.last + ONE_DAY))
        return begins, ends

    def split(self, step: Step) -> Iterator["Period"]:
        """Into days, weeks from Monday or calendar months; the first and the last may be cut short."""
        first = self.first
        while first <= self.last:
            last = min(self.last, _end(step, first))
            yield Period(first, last)
            first = last + ONE_DAY

    def split_like(self, other: "Period", step: Step) -> Iterator["Period | None"]:
        """What is as far into this period as each part of the other one is into that; none: this one is over."""
        parts = other.split(step)
        if step == Step.MONTH and self.first.day == other.first.day:
            own = self.split(step)
            yield from (next(own, None) for _ in parts)
        else:
            for part in parts:
                first, last = (self.first + (day - other.first) for day in (part.first, part.last))
                yield Period(first, min(last, self.last)) if first <= self.last else None


def _end(step: Step, day: date) -> date:
    if step == Step.DAY:
        return day
    if step == Step.WEEK:
        return day + (6 - day.weekday()) * ONE_DAY
    return (day.replace(day=1) + 32 * ONE_DAY).replace(day=1) - ONE_DAY


def _month(first: date, *, back: int) -> date:
    years, index = divmod(first.month - 1 - back, 12)
    return date(first.year + years, index + 1, 1)
