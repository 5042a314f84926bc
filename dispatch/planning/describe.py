"""What a dispatcher's choices mean to the planner, in words. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dispatch.planning.weights import TIMES_BY_PRIORITY, TOUCH_NOTHING, Preferences, minutes_a_moved_job

USUAL: Final = "usual"


@dataclass(frozen=True)
class Preset:
    key: str  # as in weights.presets()
    label: str
    text: str


PRESETS: Final = (
    Preset(USUAL, "Usual", "As the settings weigh it."),
    Preset("least_driving", "Least driving", "The shortest way for everybody together, whoever has the job today."),
    Preset("most_jobs", "Most jobs", "As many jobs as fit into the day, even far apart."),
    Preset("least_change", "Least change", "Today's plan stays wherever that is not much worse."),
)


def what_stability_means(stability: int, *, retime_after_minutes: int) -> str:
    if stability <= 0:
        return "Today's plan does not matter: any job may go to anybody, at any time."
    if stability >= TOUCH_NOTHING:
        return "Nothing is touched without need: a job moves only where it cannot stay."
    minutes = minutes_a_moved_job(stability)
    return (
        f"A job goes to somebody else only where that saves {minutes} min of driving. To begin over "
        f"{retime_after_minutes} min earlier or later, a quarter of that is enough."
    )


def minutes_by_stability() -> list[int]:
    """What a job given to somebody else must save, for 0 to 99."""
    return [minutes_a_moved_job(stability) for stability in range(TOUCH_NOTHING)]


@dataclass(frozen=True)
class Comparison:
    """One weight in all presets, in words; `differs` says where it is not the usual one."""

    label: str
    values: list[tuple[str, bool]]


def compare(presets: dict[str, Preferences]) -> list[Comparison]:
    return [_compared(label, words, presets) for label, words in _WORDS.items()]


def _compared(label: str, words: Callable[[Preferences], str], presets: dict[str, Preferences]) -> Comparison:
    usual = words(presets[USUAL])
    said = [words(presets[preset.key]) for preset in PRESETS]
    return Comparison(label, [(text, text != usual) for text in said])


def _driving(minutes: float) -> str:
    whole, rest = divmod(round(minutes), 60)
    if not whole:
        return f"{rest} min" if rest else "nothing"
    return f"{whole} h {rest:02d}" if rest else f"{whole} h"


def _stays(preferences: Preferences) -> str:
    if preferences.stability >= TOUCH_NOTHING:
        return "never, without need"
    minutes = minutes_a_moved_job(preferences.stability)
    return _driving(minutes) if minutes else "anything"


_WORDS: Final[dict[str, Callable[[Preferences], str]]] = {
    "An Urgent job left out": lambda p: _driving(p.left_out_minutes * TIMES_BY_PRIORITY[4]),
    "A Low job left out": lambda p: _driving(p.left_out_minutes),
    "10 min late for a time block": lambda p: _driving(10 * p.late_minute),
    "10 min past an SLA deadline": lambda p: _driving(10 * p.sla_minute),
    "An hour above the fair share": lambda p: _driving(60 * p.balance_percent / 100),
    "10 km of way, besides its time": lambda p: _driving(10 * p.km_seconds / 60),
    "A job given to somebody else": _stays,
}
