"""What holds of every clock, and that a count minute by minute, which shares no code with it, comes to the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sla.clock import (
    AT_RISK_SHARE,
    BUSINESS_DAYS,
    BUSINESS_HOURS,
    CLOSED,
    COUNTED,
    HOURS,
    MINUTES,
    PAUSED,
    Clock,
    Pause,
)
from sla.opening_hours import Calendar

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MIDNIGHT = 24 * 60
# A zone, and an instant near which its clocks change; three of them do so around midnight, one by half an hour.
CHANGES = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Sydney", "2026-10-04"),
    ("Australia/Sydney", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Santiago", "2026-09-06"),
    ("America/Santiago", "2026-04-05"),
    ("America/Havana", "2026-11-01"),
    ("Asia/Kathmandu", "2026-12-31"),
    ("UTC", "2028-02-29"),
]
KINDS = (COUNTED, PAUSED, CLOSED)
UNITS = st.sampled_from([MINUTES, HOURS, BUSINESS_HOURS, BUSINESS_DAYS])
MOST = {MINUTES: 2000, HOURS: 90, BUSINESS_HOURS: 40, BUSINESS_DAYS: 6}
checked = settings(deadline=None, max_examples=150)


@st.composite
def opening_hours(draw) -> tuple[tuple[time, time], ...]:
    """Of one day: none, or up to three intervals, of which two may touch and the last may end at midnight."""
    edges = draw(st.lists(st.integers(0, MIDNIGHT), max_size=6, unique=True).map(sorted))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    if len(pairs) > 1 and draw(st.booleans()):
        pairs[1] = (pairs[0][1], pairs[1][1])
    return tuple((_time(opens), _time(closes)) for opens, closes in pairs)


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


@st.composite
def calendars(draw, zone: str, near: date) -> Calendar:
    """With hours on one weekday at least."""
    weekly = tuple(draw(st.lists(opening_hours(), min_size=7, max_size=7)))
    assume(any(weekly))
    days_off = draw(st.frozensets(st.integers(-2, 9), max_size=3))
    return Calendar(ZoneInfo(zone), weekly, frozenset(near + number * DAY for number in days_off))


@st.composite
def clocks(draw, unit=UNITS, *, step: timedelta = MINUTE) -> Clock:
    """Started within four days of a change, all instants in whole steps after a midnight in UTC."""
    zone, near = draw(st.sampled_from(CHANGES))
    day = date.fromisoformat(near)
    midnight = datetime.combine(day, time(), UTC)

    def instants(first: int, last: int):
        return st.integers(first * DAY // step, last * DAY // step).map(lambda steps: midnight + steps * step)

    chosen = draw(unit)
    pauses = draw(st.lists(st.tuples(instants(-5, 8), st.none() | instants(-5, 9)), max_size=4))
    return Clock(
        draw(instants(-4, 3)),
        draw(st.integers(1, MOST[chosen])),
        chosen,
        draw(calendars(zone, day)),
        tuple(Pause(min(begins, ends or begins), ends and max(begins, ends)) for begins, ends in pauses),
    )


exact_clocks = clocks(step=timedelta(microseconds=1))


# What holds of every clock -------------------------------------------------------------------------


@given(exact_clocks, st.integers(-1, 10**12))
@checked
def test_the_spans_of_the_timeline_follow_each_other_and_sum_to_what_is_shown(clock: Clock, microseconds: int):
    until = clock.started_at + timedelta(microseconds=microseconds)
    spans = clock.timeline(until)
    edges = [clock.started_at, *(span.ends_at for span in spans)]
    assert [span.starts_at for span in spans] == edges[:-1]
    assert edges[-1] == max(until, clock.started_at)
    assert all(span.length > timedelta() for span in spans)
    length = {kind: sum((span.length for span in spans if span.kind == kind), timedelta()) for kind in KINDS}
    assert length[COUNTED] == clock.elapsed(until)
    assert sum(length.values(), timedelta()) == edges[-1] - edges[0]
    assert clock.is_business_time or not length[CLOSED]


@given(exact_clocks)
@checked
def test_at_the_deadline_exactly_the_target_has_elapsed(clock: Clock):
    assume(clock.due_at is not None)
    assert clock.elapsed(clock.due_at) == clock.budget
    assert clock.remaining(clock.due_at) == timedelta()
    assert clock.percent_used(clock.due_at) == 100
    assert clock.elapsed(clock.at_risk_at) == AT_RISK_SHARE * clock.budget
    assert clock.started_at < clock.at_risk_at <= clock.due_at


@given(exact_clocks)
@checked
def test_whoever_gets_more_time_is_due_later(clock: Clock):
    """Never earlier, that is: on a day that opens after the time of the deadline one more business day adds nothing."""
    longer = replace(clock, amount=clock.amount + 1)
    assert longer.budget >= clock.budget
    assert replace(longer, pauses=()).due_at > replace(clock, pauses=()).due_at
    if clock.due_at is None:
        assert longer.due_at is None
    else:
        assert longer.due_at is None or longer.due_at >= clock.due_at


@given(exact_clocks)
@checked
def test_a_pause_never_brings_the_deadline_forward(clock: Clock):
    for number in range(len(clock.pauses)):
        without = replace(clock, pauses=clock.pauses[:number])
        with_it = replace(clock, pauses=clock.pauses[: number + 1])
        for earlier, later in [(without.at_risk_at, with_it.at_risk_at), (without.due_at, with_it.due_at)]:
            assert later is None or (earlier is not None and later >= earlier)


@given(exact_clocks, st.integers(0, 10**12), st.integers(0, 10**12))
@checked
def test_elapsed_time_never_runs_backwards_nor_faster_than_time(clock: Clock, first: int, more: int):
    at = clock.started_at + timedelta(microseconds=first)
    later = at + timedelta(microseconds=more)
    assert timedelta() <= clock.elapsed(later) - clock.elapsed(at) <= later - at


@given(exact_clocks)
@checked
def test_it_does_not_matter_in_which_order_pauses_are_told(clock: Clock):
    backwards = replace(clock, pauses=clock.pauses[::-1])
    assert (backwards.due_at, backwards.at_risk_at) == (clock.due_at, clock.at_risk_at)


# Minute by minute ----------------------------------------------------------------------------------

HORIZON = 9 * 24 * 60  # minutes that are looked at
LONG_HORIZON = 2 * HORIZON


class MinuteCounter:
    """Looks at the wall clock every minute. All instants are whole minutes."""

    def __init__(self, clock: Clock):
        self.clock = clock
        self.hours = [
            [(_minute(opens), _minute(closes) or MIDNIGHT) for opens, closes in day] for day in clock.calendar.weekly
        ]

    def wall(self, number: int) -> datetime:
        return (self.clock.started_at + number * MINUTE).astimezone(self.clock.calendar.zone)

    def is_open(self, number: int) -> bool:
        if self.clock.unit in (MINUTES, HOURS):
            return True
        wall = self.wall(number)
        if wall.date() in self.clock.calendar.holidays:
            return False
        return any(opens <= _minute(wall) < closes for opens, closes in self.hours[wall.weekday()])

    def is_paused(self, number: int) -> bool:
        at = self.clock.started_at + number * MINUTE
        return any(
            pause.starts_at <= at and (pause.ends_at is None or at < pause.ends_at) for pause in self.clock.pauses
        )

    def counted(self, minutes: int) -> int:
        return sum(self.is_open(number) and not self.is_paused(number) for number in range(minutes))

    def unpaused_deadline(self) -> int | None:
        """None: beyond the horizon, or at a time that its day skips or has twice."""
        if self.clock.unit == BUSINESS_DAYS:
            return self._same_time_later()
        left = self.clock.amount * {MINUTES: 1}.get(self.clock.unit, 60)
        for number in range(LONG_HORIZON):
            left -= self.is_open(number)
            if left == 0:
                return number + 1
        return None

    def _same_time_later(self) -> int | None:
        numbers = iter(range(LONG_HORIZON))
        begin = next((number for number in numbers if self.is_open(number)), None)
        if begin is None:
            return None
        days = [self.wall(begin).date()]
        for number in numbers:
            if len(days) > self.clock.amount:
                break
            if self.is_open(number) and self.wall(number).date() != days[-1]:
                days.append(self.wall(number).date())
        else:
            return None
        naive = datetime.combine(days[-1], self.wall(begin).time())
        alike = [number for number in range(begin, LONG_HORIZON) if self.wall(number).replace(tzinfo=None) == naive]
        return alike[0] if len(alike) == 1 else None

    def deadline(self) -> int | str | None:
        """“paused” while a pause lasts that began before it. None: not known."""
        due = self.unpaused_deadline()
        if due is None:
            return None
        number, in_time = 0, False
        while number < LONG_HORIZON:
            in_time = number < due or (in_time and self.is_paused(number))
            if not in_time:
                return due
            if self.is_paused(number) and self.is_open(number):
                due = next((later + 1 for later in range(due, 2 * LONG_HORIZON) if self.is_open(later)), None)
                if due is None:
                    return None
            number += 1
        return "paused" if self.is_paused(LONG_HORIZON) else None


def _minute(moment) -> int:
    return moment.hour * 60 + moment.minute


by_the_minute = settings(deadline=None, max_examples=60)


@given(clocks(), st.integers(0, HORIZON))
@by_the_minute
def test_as_much_has_elapsed_as_minutes_were_counted(clock: Clock, minutes: int):
    assert clock.elapsed(clock.started_at + minutes * MINUTE) == MinuteCounter(clock).counted(minutes) * MINUTE


@given(clocks())
@by_the_minute
def test_the_deadline_is_where_the_minutes_are_used_up(clock: Clock):
    expected = MinuteCounter(clock).deadline()
    assume(expected is not None)
    assert clock.due_at == (None if expected == "paused" else clock.started_at + expected * MINUTE)
