"""Jobs and vehicles of a VROOM file as stops and crews. Pure."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from dispatch.planning.checked_json import Value
from dispatch.planning.problem import FOREVER, MANDATORY, Break, Crew, Stop, Window
from dispatch.planning.weights import POINTS_A_SECOND

MOST_SECONDS: Final = 1 << 40
MOST_LOAD: Final = 1 << 31
HIGHEST_PRIORITY: Final = 100
MOST_POINTS: Final = MANDATORY // 2
A_WEEK: Final = 7 * 24 * 3600


@dataclass(frozen=True)
class Clock:
    """The file's times (often seconds since 1970) as seconds since an origin of our own."""

    origin: int

    @classmethod
    def of(cls, windows: list[Value]) -> "Clock":
        begins = [instant for window in windows if (instant := read_window(window)[0])]
        is_near = max(begins, default=0) < FOREVER // 2
        return cls(0 if is_near else max(0, min(begins) - A_WEEK))

    def window(self, value: Value) -> Window:
        opens, closes = (instant - self.origin for instant in read_window(value))
        if closes < 0 or opens >= FOREVER:
            raise value.wrong("is more than half a year away from the others")
        return max(0, opens), min(closes, FOREVER)


def read_window(value: Value) -> Window:
    opens, closes = (instant.whole(most=MOST_SECONDS) for instant in value.items(count=2))
    if closes < opens:
        raise value.wrong("ends before it begins")
    return opens, closes


class Tasks:
    def __init__(self, jobs: list[Value], vehicles: list[Value]):
        self.jobs, self.vehicles = jobs, vehicles
        pauses = [pause for vehicle in vehicles for pause in vehicle.items_at("breaks")]
        windows = [window for task in (*jobs, *pauses) for window in task.items_at("time_windows")]
        self.clock = Clock.of(windows + [window for each in vehicles if (window := each.get("time_window"))])

    # Stops

    def stops(self, rows: list[int], longest_leg: int) -> tuple[Stop, ...]:
        held = [_skills(vehicle) for vehicle in self.vehicles]
        penalties = self._penalties(longest_leg)
        visits_at = Counter(rows)
        stops = []
        for number, (job, row) in enumerate(zip(self.jobs, rows, strict=True)):
            needed = _skills(job)
            stops.append(
                Stop(
                    id=job.need("id").whole(),
                    location=row,
                    service=_seconds(job, "service") + self._setup(job, is_alone=visits_at[row] == 1),
                    eligible=frozenset(crew for crew, skills in enumerate(held) if needed <= skills),
                    penalty=penalties[number],
                    windows=self._windows(job),
                    load=_amounts(job, self.load_key, self.kinds_of_load),
                )
            )
        return tuple(stops)

    def _penalties(self, longest_leg: int) -> list[int]:
        """So that one more job outweighs what driving it may cost, and a step of priority all jobs of a lower one."""
        priorities = [job.whole_at("priority", most=HIGHEST_PRIORITY) for job in self.jobs]
        a_job = min(max(1, 4 * longest_leg) * POINTS_A_SECOND, MOST_POINTS // (2 * HIGHEST_PRIORITY))
        most_steps = MOST_POINTS // a_job // (max(priorities, default=0) + 1)
        a_step = min(len(self.jobs) + 1, most_steps)
        return [a_job * (1 + a_step * priority) for priority in priorities]

    def _setup(self, job: Value, *, is_alone: bool) -> int:
        """VROOM sets up once for jobs in a row at one place, which is part of no single job then."""
        setup = _seconds(job, "setup")
        if setup and not is_alone:
            raise job.need("setup").wrong("is not supported where several jobs are at one place")
        return setup

    def _windows(self, job: Value) -> tuple[Window, ...]:
        given = job.items_at("time_windows")
        windows = [self.clock.window(window) for window in given]
        for number in range(1, len(windows)):
            if windows[number][0] <= windows[number - 1][1]:
                raise given[number].wrong("must begin after the one before has ended")
        return tuple(windows) or Stop.windows

    @cached_property
    def load_key(self) -> str:
        """What is brought leaves the vehicle's load, what is fetched adds to it: one of the two is a plain sum."""
        using = {key: [job for job in self.jobs if any(_amounts(job, key))] for key in ("delivery", "pickup")}
        if using["delivery"] and using["pickup"]:
            raise using["pickup"][0].need("pickup").wrong("is not supported beside deliveries")
        return "pickup" if using["pickup"] else "delivery"

    @cached_property
    def kinds_of_load(self) -> int:
        return len(self.vehicles[0].items_at("capacity"))

    # Crews

    def crews(self, ends: list[tuple[int | None, int | None]]) -> tuple[Crew, ...]:
        return tuple(self._crew(vehicle, *pair) for vehicle, pair in zip(self.vehicles, ends, strict=True))

    def _crew(self, vehicle: Value, start: int | None, end: int | None) -> Crew:
        window = vehicle.get("time_window")
        opens, closes = self.clock.window(window) if window else (0, FOREVER)
        most = vehicle.get("max_tasks")
        return Crew(
            id=vehicle.need("id").whole(),
            opens=opens,
            closes=closes,
            start=start,
            end=end,
            breaks=self._breaks(vehicle),
            most_stops=most.whole() if most else None,
            capacity=_amounts(vehicle, "capacity", self.kinds_of_load),
        )

    def _breaks(self, vehicle: Value) -> tuple[Break, ...]:
        breaks = []
        for pause in vehicle.items_at("breaks"):
            windows = pause.need("time_windows").items()
            if len(windows) != 1:
                raise pause.need("time_windows").wrong("must be one window: a choice of them is not supported")
            earliest, latest = self.clock.window(windows[0])
            breaks.append(Break(pause.need("id").whole(), earliest, latest, _seconds(pause, "service")))
        return tuple(sorted(breaks, key=lambda pause: (pause.earliest, pause.latest)))


def _seconds(value: Value, key: str) -> int:
    return value.whole_at(key, most=FOREVER)


def _skills(value: Value) -> frozenset[int]:
    return frozenset(skill.whole() for skill in value.items_at("skills"))


def _amounts(value: Value, key: str, kinds: int | None = None) -> tuple[int, ...]:
    """`kinds`: as many as the first vehicle's capacity has; none given is nothing of each."""
    given = value.get(key)
    if given is None:
        return (0,) * (kinds or 0)
    return tuple(amount.whole(most=MOST_LOAD) for amount in given.items(count=kinds))
