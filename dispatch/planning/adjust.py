"""A route in the order that somebody chose by hand: when things happen even where it breaks rules, and which. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.planning.problem import UNREACHABLE, Break, Problem, Stop
from dispatch.planning.timetable import Rest, Timetable, Visit, timetable

NOT_ELIGIBLE: Final = "not_eligible"
WINDOW: Final = "window"
BREAK: Final = "break"
SHIFT: Final = "shift"
CAPACITY: Final = "capacity"
DAY_FULL: Final = "day_full"
UNREACHABLE_PLACE: Final = "unreachable"


@dataclass(frozen=True)
class Fault:
    """A rule that the order breaks; `amount` is seconds too late, or how many too many."""

    kind: str
    stop: int | None = None
    amount: int = 0

    def text(self, name: Callable[[int], str]) -> str:
        """`name` says what people call a stop."""
        job = "" if self.stop is None else name(self.stop)
        minutes = -(-self.amount // 60)
        match self.kind:
            case "not_eligible":
                return f"{job} may not be done by them."
            case "window":
                return f"{job} would begin {minutes} min after its fixed time."
            case "break":
                return f"The break would begin {minutes} min too late."
            case "shift":
                return f"The day would end {minutes} min after the shift."
            case "capacity":
                return "More than their vehicle holds."
            case "day_full":
                return f"{self.amount} more than they may have in a day."
        return f"There is no way to {job}." if job else "There is no way to the end of their day."


@dataclass(frozen=True)
class Adjusted:
    table: Timetable
    faults: tuple[Fault, ...] = ()


def adjusted(problem: Problem, crew: int, route: Sequence[int]) -> Adjusted:
    """The timetable that all planners use where the route can be done; else what happens if everybody carries on."""
    table = timetable(problem, crew, route)
    return Adjusted(table) if table else _carried_on(problem, crew, route)


def _carried_on(problem: Problem, number: int, route: Sequence[int]) -> Adjusted:
    crew, stops = problem.crews[number], problem.stops
    faults = _too_much(problem, number, route)
    day = _Day(crew.opens, list(crew.breaks), [], faults)
    here, visits, travelled, metres = crew.start, [], 0, 0
    for index in route:
        stop = stops[index]
        seconds, way = _leg(problem, here, stop.location, index, faults)
        arrives_at, starts_at = day.begin(index, stop, seconds)
        visits.append(Visit(index, seconds, way, arrives_at, starts_at, starts_at + stop.service))
        day.at, here, travelled, metres = starts_at + stop.service, stop.location, travelled + seconds, metres + way
    seconds, way = _leg(problem, here, crew.end, None, faults) if route else (0, 0)
    ends_at = day.come_home(seconds)
    if route and ends_at > crew.closes:
        faults.append(Fault(SHIFT, amount=ends_at - crew.closes))
    return Adjusted(
        Timetable(number, tuple(visits), tuple(day.rests), travelled + seconds, metres + way, ends_at), tuple(faults)
    )


def _too_much(problem: Problem, number: int, route: Sequence[int]) -> list[Fault]:
    crew, stops = problem.crews[number], problem.stops
    faults = [Fault(NOT_ELIGIBLE, index) for index in route if number not in stops[index].eligible]
    if crew.most_stops is not None and len(route) > crew.most_stops:
        faults.append(Fault(DAY_FULL, amount=len(route) - crew.most_stops))
    for kind, most in enumerate(crew.capacity):
        load = sum(stops[index].load[kind] for index in route if len(stops[index].load) > kind)
        if load > most:
            faults.append(Fault(CAPACITY, amount=load - most))
    return faults


def _leg(problem: Problem, here: int | None, there: int | None, stop: int | None, faults: list[Fault]):
    """Where there is no way, nobody knows how long it takes."""
    seconds, metres = problem.matrix.leg(here, there)
    if seconds < UNREACHABLE:
        return seconds, metres
    faults.append(Fault(UNREACHABLE_PLACE, stop))
    return 0, 0


@dataclass
class _Day:
    at: int
    waiting: list[Break]
    rests: list[Rest]
    faults: list[Fault]

    def begin(self, index: int, stop: Stop, travel: int) -> tuple[int, int]:
        """When they arrive and begin, as timetable.py has it; what comes too late happens nevertheless."""
        at, arrived_at = self.at, None
        while True:
            ready_at = at + travel
            allowed_at = stop.next_start(ready_at)
            starts_at = ready_at if allowed_at is None else allowed_at
            arrives_at = ready_at if arrived_at is None else arrived_at
            if not self._rests_before(at, ready_at, starts_at, stop.service):
                break
            begins = max(at, self.waiting[0].earliest)
            to_drive = max(0, ready_at - begins)
            arrived_at = arrived_at if to_drive else arrives_at
            at, travel = self._rest(begins), to_drive
        if allowed_at is None:
            closes = max((closes for _opens, closes in stop.windows), default=0)
            self.faults.append(Fault(WINDOW, index, starts_at - closes))
        return arrives_at, starts_at

    def _rests_before(self, at: int, ready_at: int, starts_at: int, service: int) -> bool:
        if not self.waiting:
            return False
        pause = self.waiting[0]
        begins = max(at, pause.earliest)
        is_free = begins + pause.duration + max(0, ready_at - begins) <= starts_at and begins <= pause.latest
        return is_free or starts_at + service > pause.latest

    def _rest(self, begins: int) -> int:
        """When it is over."""
        pause = self.waiting.pop(0)
        if begins > pause.latest:
            self.faults.append(Fault(BREAK, amount=begins - pause.latest))
        self.rests.append(Rest(pause.id, begins, begins + pause.duration))
        return begins + pause.duration

    def come_home(self, travel: int) -> int:
        at = self.at
        while self.waiting and self.waiting[0].earliest < at + travel:
            begins = max(at, self.waiting[0].earliest)
            at, travel = self._rest(begins), at + travel - begins
        return at + travel
