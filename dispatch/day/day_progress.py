"""How far the day has come: completed per hour against planned, and where the bars of its picture stand. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

HEIGHT, HOUR_WIDTH, BAR_WIDTH = 90, 36, 13  # units of the picture
LEAST_HOURS = 9  # so that a picture of few hours is not blown up
USUAL_HOURS = {8, 16}  # of a day of which nothing is known


@dataclass(frozen=True)
class DayJob:
    planned_ends_at: datetime | None
    completed_at: datetime | None  # None unless it is completed


@dataclass(frozen=True)
class Hour:
    hour: int
    planned: int
    completed: int
    is_over: bool
    left: int
    scale: float  # units of the picture for one job

    @property
    def label(self) -> str:
        return f"{self.hour:02d}"

    @property
    def middle(self) -> int:
        return self.left + HOUR_WIDTH // 2

    @property
    def planned_left(self) -> int:
        return self.middle - BAR_WIDTH - 1

    @property
    def completed_left(self) -> int:
        return self.middle + 1

    @property
    def planned_height(self) -> int:
        return round(self.planned * self.scale)

    @property
    def completed_height(self) -> int:
        return round(self.completed * self.scale)

    @property
    def planned_top(self) -> int:
        return HEIGHT - self.planned_height

    @property
    def completed_top(self) -> int:
        return HEIGHT - self.completed_height


@dataclass(frozen=True)
class Progress:
    hours: list[Hour]
    total: int
    completed: int
    planned_by_now: int
    most: int  # the highest bar

    @property
    def percent(self) -> int:
        """Never 100 before everything is done."""
        return 100 * self.completed // self.total if self.total else 0

    @property
    def behind_plan(self) -> int:
        return max(0, self.planned_by_now - self.completed)

    @property
    def width(self) -> int:
        return HOUR_WIDTH * max(len(self.hours), LEAST_HOURS)

    height, bar_width = HEIGHT, BAR_WIDTH


def progress_of(jobs: Iterable[DayJob], *, day: date, now: datetime, zone: tzinfo) -> Progress:
    """`jobs` are those of the day that were not cancelled; what was planned for or done on other days has no bar."""
    jobs = list(jobs)
    midnight = datetime.combine(day, datetime.min.time(), tzinfo=zone)
    planned = Counter(_hour(job.planned_ends_at, day, zone) for job in jobs)
    completed = Counter(_hour(job.completed_at, day, zone) for job in jobs)
    seen = {hour for hour in (*planned, *completed) if hour is not None} or USUAL_HOURS
    hours = range(min(seen), max(seen) + 1)
    most = max([1, *(counts[hour] for counts in (planned, completed) for hour in hours)])
    return Progress(
        hours=[
            Hour(
                hour=hour,
                planned=planned[hour],
                completed=completed[hour],
                is_over=midnight + timedelta(hours=hour + 1) <= now,
                left=place * HOUR_WIDTH,
                scale=HEIGHT / most,
            )
            for place, hour in enumerate(hours)
        ],
        total=len(jobs),
        completed=sum(job.completed_at is not None for job in jobs),
        planned_by_now=sum(job.planned_ends_at is not None and job.planned_ends_at <= now for job in jobs),
        most=most,
    )


def _hour(instant: datetime | None, day: date, zone: tzinfo) -> int | None:
    """The hour of that day in the business's time."""
    local = instant and instant.astimezone(zone)
    return local.hour if local and local.date() == day else None
