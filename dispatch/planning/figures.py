"""What a plan saves, in words: each figure as it was, as it will be, and the difference. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Totals(Protocol):
    jobs: int
    km: float
    minutes: int  # of driving
    late_jobs: int
    late_minutes: int
    fuel: float | str


@dataclass(frozen=True)
class Figure:
    label: str
    before: str  # empty where there is nothing to compare with
    after: str
    difference: str
    tone: str  # better, worse, same


def figures(before: Totals, after: Totals, *, currency: str) -> list[Figure]:
    return [
        _figure("Driving", before.minutes, after.minutes, words=in_hours),
        _figure("Distance", float(before.km), float(after.km), words=lambda km: f"{km:.1f} km"),
        _figure("Fuel", float(before.fuel), float(after.fuel), words=lambda fuel: f"{fuel:.2f} {currency}"),
        _figure("Late jobs", before.late_jobs, after.late_jobs, words=str),
        _figure("Lateness", before.late_minutes, after.late_minutes, words=in_hours),
    ]


def jobs_figure(before: Totals, after: Totals) -> Figure:
    return _figure("Jobs planned", before.jobs, after.jobs, words=str, more_is_better=True)


def headline(before: Totals, after: Totals) -> str:
    """The saving in one breath; what gets worse is said as well."""
    saved = before.minutes - after.minutes
    km = round(float(before.km) - float(after.km), 1)
    late = before.late_minutes - after.late_minutes
    saves = [in_hours(saved) + " of driving"] * (saved > 0) + [f"{km:.1f} km"] * (km > 0)
    saves += [in_hours(late) + " of lateness"] * (late > 0)
    costs = [in_hours(-saved) + " more driving"] * (saved < 0) + [f"{-km:.1f} km more"] * (km < 0)
    costs += [in_hours(-late) + " more lateness"] * (late < 0)
    if not saves and not costs:
        return "Nothing to save: what is planned is as good."
    if not saves:
        return f"Costs {_listed(costs)}."
    return f"Saves {_listed(saves)}" + (f", for {_listed(costs)}." if costs else ".")


def in_hours(minutes: int) -> str:
    """“45 min”, “1 h 30”"""
    whole, rest = divmod(minutes, 60)
    if not whole:
        return f"{rest} min"
    return f"{whole} h {rest:02d}" if rest else f"{whole} h"


def _figure(label: str, before, after, *, words: Callable, more_is_better: bool = False) -> Figure:
    was, now = words(before), words(after)
    if was == now:
        return Figure(label, "", now, "no change", "same")
    is_less = after < before
    difference = f"{words(abs(after - before))} {'less' if is_less else 'more'}"
    return Figure(label, was, now, difference, "better" if is_less != more_is_better else "worse")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
