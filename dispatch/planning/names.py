"""What people call the stops, crews and instants of a problem. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.planning.problem import Problem


@dataclass(frozen=True)
class Names:
    """`skills` and `zones`: what a stop asks for ("Electrical Expert", "North"), for those that ask."""

    stops: Sequence[str]
    crews: Sequence[str]
    clock: Callable[[int], str]  # of seconds since the problem's origin: "14:05"
    skills: Mapping[int, str] = field(default_factory=dict)
    zones: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def by_id(cls, problem: Problem) -> "Names":
        return cls([f"stop {stop.id}" for stop in problem.stops], [f"crew {crew.id}" for crew in problem.crews], clock)


def clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours:02d}:{rest // 60:02d}"


def minutes(seconds: int) -> str:
    """“94 min”, “25 h 10”: of a stretch of time, and never none: a fault of seconds is a fault."""
    whole = max(1, round(seconds / 60))
    hours, rest = divmod(whole, 60)
    return f"{hours} h {rest:02d}" if hours >= 2 else f"{whole} min"


def listed(words: Sequence[str]) -> str:
    """“a”, “a and b”, “a, b and c”"""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part) if words else ""
