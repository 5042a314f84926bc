"""Who works on which day: weekly hours and time off of many technicians, in two queries."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from technicians.availability import Shift, shifts_on
from technicians.models import TimeOff, WorkingHours

DAY = timedelta(days=1)
HOURS = ("technician_id", "weekday", "starts_at", "ends_at", "break_starts_at", "break_ends_at")


@dataclass(frozen=True)
class Absence:
    word: str
    is_whole: bool  # no part of the day is worked


class WorkingDays:
    def __init__(self, technician_ids: Collection[int], first: date, last: date):
        self.technician_ids = technician_ids
        self.first, self.last = first, last
        self._hours = defaultdict(list)
        for row in WorkingHours.objects.filter(technician__in=technician_ids).values_list(*HOURS, named=True):
            self._hours[row.technician_id].append(row)
        away = TimeOff.objects.filter(
            technician__in=technician_ids, starts_at__lt=_midnight(last + DAY), ends_at__gt=_midnight(first)
        )
        self._away = defaultdict(list)
        for time_off in away:
            self._away[time_off.technician_id].append(time_off)

    def has_hours_on(self, technician_id: int, day: date) -> bool:
        """Whoever has said nothing about their hours may be given work on any day."""
        rows = self._hours.get(technician_id)
        return rows is None or any(row.weekday == day.weekday() for row in rows)

    def absence(self, technician_id: int, day: date) -> Absence | None:
        for time_off in self._away.get(technician_id, ()):
            if time_off.starts_at < _midnight(day + DAY) and time_off.ends_at > _midnight(day):
                return self._of_time_off(time_off, day)
        return None if self.has_hours_on(technician_id, day) else Absence("Day off", is_whole=True)

    def capacities(self, maxima: dict[int, int]) -> dict[date, int]:
        """The jobs that each day can hold: the daily maxima of those who work on it. `maxima` is by technician."""
        of_weekday = [0] * 7
        for technician_id, maximum in maxima.items():
            rows = self._hours.get(technician_id)
            for weekday in range(7) if rows is None else {row.weekday for row in rows}:
                of_weekday[weekday] += maximum
        capacities = {day: of_weekday[day.weekday()] for day in self._days()}
        for technician_id in self._away:
            for day in self._days():
                absence = self.absence(technician_id, day)
                if absence and absence.is_whole and self.has_hours_on(technician_id, day):
                    capacities[day] -= maxima[technician_id]
        return capacities

    def _days(self) -> Iterator[date]:
        return (self.first + DAY * number for number in range((self.last - self.first).days + 1))

    def _of_time_off(self, time_off: TimeOff, day: date) -> Absence:
        return absence_of(time_off, *self._working_time(time_off.technician_id, day))

    def _working_time(self, technician_id: int, day: date) -> tuple[datetime, datetime]:
        """From the first shift's beginning to the last one's end; the whole day where no shift is known."""
        return working_time(
            day, shifts_on(day, self._hours.get(technician_id, ()), zone=timezone.get_current_timezone())
        )


def working_time(day: date, shifts: list[Shift] | None) -> tuple[datetime, datetime]:
    if not shifts:
        return _midnight(day), _midnight(day + DAY)
    return shifts[0].starts_at, shifts[-1].ends_at


def absence_of(time_off: TimeOff, starts_at: datetime, ends_at: datetime) -> Absence:
    """As it concerns that stretch of work."""
    word = time_off.get_kind_display()
    begins_before, ends_after = time_off.starts_at <= starts_at, time_off.ends_at >= ends_at
    if begins_before and ends_after:
        return Absence(word, is_whole=True)
    if begins_before:
        return Absence(f"{word} until {_clock(time_off.ends_at)}", is_whole=False)
    if ends_after:
        return Absence(f"{word} from {_clock(time_off.starts_at)}", is_whole=False)
    return Absence(f"{word} {_clock(time_off.starts_at)}–{_clock(time_off.ends_at)}", is_whole=False)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _clock(instant: datetime) -> str:
    return f"{timezone.localtime(instant):%H:%M}"
