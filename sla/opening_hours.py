"""When a business is open, as one line of time on which stretches can be measured and laid off. Pure.

Open is every instant at which the wall clock of the calendar's zone shows a time within the hours of its date. So an
hour that a change of the clocks skips is no opening hour, and one that comes twice counts twice.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LONGEST_SEARCH: Final = timedelta(days=366 * 40)  # for an opening, before a target counts as never due
FIRST_REACH: Final = timedelta(days=31)
DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
MIDNIGHT: Final = time(0)

Stretch = tuple[datetime, datetime]


class NeverDueError(ValueError):
    """The calendar does not open often enough for the target ever to be used up."""


@dataclass(frozen=True)
class Line:
    """The openings of whole years, in order and joined where they touch, and how long it was open before each."""

    years: range
    since: datetime  # what it covers, by the wall clock of any zone
    until: datetime
    begins: list[datetime]
    ends: list[datetime]
    opened: list[timedelta]
    working_days: list[date]

    def opened_until(self, at: datetime) -> timedelta:
        number = bisect_right(self.begins, at) - 1
        if number < 0:
            return timedelta()
        return self.opened[number] + min(at, self.ends[number]) - self.begins[number]

    def when_opened(self, total: timedelta) -> datetime:
        """The first instant at which it was open for that long. IndexError: not on this line."""
        number = bisect_left(self.opened, total) - 1
        found = self.begins[number] + (total - self.opened[number])
        if found > self.ends[number]:
            raise IndexError
        return found

    def open_from(self, start: datetime) -> datetime:
        """IndexError: not on this line."""
        return max(start, self.begins[bisect_right(self.ends, start)])

    def working_day_after(self, day: date, count: int) -> date:
        """The one that is so many after that day. IndexError: not on this line."""
        return self.working_days[bisect_right(self.working_days, day) + count - 1]


@dataclass(frozen=True)
class Calendar:
    """`weekly` has, Monday first, each weekday's intervals (opens, closes) in order; 00:00 closes the day."""

    zone: ZoneInfo
    weekly: tuple[tuple[tuple[time, time], ...], ...]
    holidays: Container[date] = frozenset()
    name_of: Callable[[date], str] = field(default=lambda day: "Closed", compare=False, repr=False)
    _lines: list[Line] = field(default_factory=list, compare=False, repr=False)

    def is_working_day(self, day: date) -> bool:
        return bool(self.opening_of(day))

    def days_off_between(self, start: datetime, end: datetime) -> Iterator[str]:
        """The names of those that would have had opening hours."""
        day, last = start.astimezone(self.zone).date(), (end - SECOND).astimezone(self.zone).date()
        while day <= last:
            if self.weekly[day.weekday()] and day in self.holidays:
                yield self.name_of(day)
            day += DAY

    def opening_of(self, day: date) -> tuple[Stretch, ...]:
        """In UTC, in order; what touches is not joined."""
        hours = self.weekly[day.weekday()]
        return tuple(self._open_on(day, hours)) if hours and day not in self.holidays else ()

    def _open_on(self, day: date, hours: tuple[tuple[time, time], ...]) -> Iterator[Stretch]:
        for since, until, offset in self._wall_clock(day):
            for opens, closes in hours:
                last_day = day + DAY if closes == MIDNIGHT else day
                begins = max(since, datetime.combine(day, opens, UTC))
                ends = min(until, datetime.combine(last_day, closes, UTC))
                if begins < ends:
                    yield begins - offset, ends - offset

    def _wall_clock(self, day: date) -> Iterator[tuple[datetime, datetime, timedelta]]:
        """What the wall clock shows on that day, written as if in UTC, and how far ahead of UTC it is.

        Two stretches where the clocks change: with a gap between them, or the second beginning before the first ends.
        """
        begins = datetime.combine(day, MIDNIGHT, UTC)
        ends = begins + DAY
        earliest, latest = begins - DAY, ends + DAY  # no zone is a day away from UTC
        before, after = self._offset(earliest), self._offset(latest)
        if before == after:
            yield begins, ends, before
            return
        seconds = range((latest - earliest) // SECOND)
        changed = bisect_left(seconds, True, key=lambda second: self._offset(earliest + second * SECOND) != before)
        change = earliest + changed * SECOND
        yield begins, min(ends, change + before), before
        yield max(begins, change + after), ends, after

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset()

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        line = self._line(start, end)
        return line.opened_until(end) - line.opened_until(start)

    def openings_between(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        line = self._line(start, end)
        if start >= end:
            return
        for number in range(bisect_right(line.ends, start), bisect_left(line.begins, end)):
            yield max(start, line.begins[number]), min(end, line.ends[number])

    def after_open(self, start: datetime, length: timedelta) -> datetime:
        """The first instant at which it has been open for that long: closing time, not the next opening."""
        return self._search(start, lambda line: line.when_opened(line.opened_until(start) + length))

    def same_time_later(self, start: datetime, working_days: int) -> datetime:
        """The local time of `start`, or of the next opening if that is later, so many working days after.

        A time that the day skips is as much later as the clocks went forward, one that it has twice is the first.
        """

        def find(line: Line) -> datetime:
            begin = line.open_from(start).astimezone(self.zone)
            day = line.working_day_after(begin.date(), working_days)
            return datetime.combine(day, begin.time(), self.zone).astimezone(UTC)

        return self._search(start, find)

    def _search(self, start: datetime, find: Callable[[Line], datetime]) -> datetime:
        """What it finds on a line that is long enough; it raises IndexError on one that is too short."""
        reach = FIRST_REACH
        while True:
            try:
                found = find(self._line(start, start + reach))
            except IndexError:
                if reach == LONGEST_SEARCH:
                    break
                reach = min(4 * reach, LONGEST_SEARCH)
            else:
                if found <= start + LONGEST_SEARCH:
                    return found
                break
        raise NeverDueError("The calendar's opening hours never suffice for this target.")

    def _line(self, start: datetime, end: datetime) -> Line:
        """Kept, and replaced by a longer one when that is asked for: threads may share a calendar."""
        line = self._lines[0] if self._lines else None
        if line is None or start < line.since or end > line.until:
            years = range((start - DAY).year, (end + DAY).year + 1)
            if line is not None:
                years = range(min(years.start, line.years.start), max(years.stop, line.years.stop))
            line = self._drawn(years)
            self._lines[:] = [line]
        return line

    def _drawn(self, years: range) -> Line:
        first, last = datetime(years.start, 1, 1, tzinfo=UTC), datetime(years.stop, 1, 1, tzinfo=UTC)
        line = Line(years, first + DAY, last - DAY, [], [], [], [])
        total = timedelta()
        for number in range(first.toordinal(), last.toordinal()):
            day = date.fromordinal(number)
            openings = self.opening_of(day)
            if openings:
                line.working_days.append(day)
            for begins, ends in openings:
                if line.ends and line.ends[-1] == begins:
                    line.ends[-1] = ends
                else:
                    line.begins.append(begins)
                    line.ends.append(ends)
                    line.opened.append(total)
                total += ends - begins
        return line
