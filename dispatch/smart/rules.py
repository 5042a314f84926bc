"""What smart dispatch does with a job that nobody has, by the rule of its priority. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dispatch.models import AssignmentRule, Priority

if TYPE_CHECKING:
    from dispatch.smart.candidates import Candidate

Mode = AssignmentRule.Mode
REASONS_TOLD: Final = 4
# Sentences that name one job, a number or an hour would not add up.
IN_SHORT: Final = {
    "day_full": "Day is full",
    "overlap": "Has another job then",
    "no_room": "No time left",
    "off_shift": "Does not work then",
    "off_duty": "Not clocked in",
}


class Verb(StrEnum):
    ASSIGN = "assign"
    SUGGEST = "suggest"
    SAY_WHY_NOT = "say why not"
    LEAVE = "leave"  # a person has decided, or is to decide


@dataclass(frozen=True)
class Decision:
    verb: Verb
    candidate: "Candidate | None" = None
    why: str = ""


def decide(
    mode: str,
    candidates: Sequence["Candidate"],
    *,
    minimum_score: int,
    declined: Collection[int] = (),
    is_hands_off: bool = False,
) -> Decision:
    """`candidates` best first. `declined` are technicians whom a dispatcher did not want for it; `is_hands_off` says
    that a dispatcher has taken it back from somebody, so that nobody gets it but by a dispatcher's word.
    """
    if mode == Mode.MANUAL:
        return Decision(Verb.LEAVE)
    eligible = [candidate for candidate in candidates if candidate.is_eligible]
    if not eligible:
        return Decision(Verb.SAY_WHY_NOT, why=why_nobody(candidates))
    wanted = [candidate for candidate in eligible if candidate.technician.pk not in declined]
    if not wanted:
        return Decision(Verb.LEAVE)
    best = wanted[0]
    is_good = best.score.total >= minimum_score
    return Decision(Verb.ASSIGN if mode == Mode.AUTOMATIC and is_good and not is_hands_off else Verb.SUGGEST, best)


def without_a_choice(mode: str, priority: int, *, has_day: bool) -> str:
    """What will become of a new job for which nobody is chosen."""
    if not has_day and priority != Priority.URGENT:
        return "Smart dispatch waits until it has a day."
    return {
        Mode.AUTOMATIC: "Smart dispatch assigns it to the best match.",
        Mode.SUGGEST: "Smart dispatch suggests somebody, and a dispatcher confirms.",
        Mode.MANUAL: f"Smart dispatch leaves it in the tray: {Priority(priority).label} is assigned by hand.",
    }[mode]


def why_nobody(candidates: Sequence["Candidate"]) -> str:
    """“Nobody eligible: lacks HVAC Expert (4), day is full (1)”, each counted under the first thing against them.

    Those who do not even cover the zone come last: whoever does is nearer to being eligible.
    """
    if not candidates:
        return "Nobody eligible: there are no technicians"
    first = Counter(_first_reason(candidate) for candidate in candidates)
    counted = sorted(first.items(), key=lambda item: (item[0][0] == "zone", -item[1], item[0][1]))
    told = [f"{_inside(kind, text)} ({count})" for (kind, text), count in counted[:REASONS_TOLD]]
    return f"Nobody eligible: {', '.join(told)}"


def _first_reason(candidate: "Candidate") -> tuple[str, str]:
    zone = next((objection for objection in candidate.objections if objection.kind == "zone"), None)
    first = zone or candidate.objections[0]
    return first.kind, IN_SHORT.get(first.kind, first.text)


def _inside(kind: str, text: str) -> str:
    """As it stands inside a sentence; a skill's own name stays as it is."""
    if kind == "skill" and not text.startswith("Lacks "):
        return text
    return text[0].lower() + text[1:]


def numbers_in(text: str) -> set[int]:
    """The ids of the jobs that are named in it; a number that is too long for an id names none."""
    return {int(number) for number in re.findall(r"J-(\d{6,18})(?!\d)", text)}


def without_other_jobs(text: str, visible: Collection[str]) -> str:
    """Names only the visible ones of the jobs in it, by their numbers."""
    return re.sub(r"(?:job )?(J-\d{6,})", lambda n: n[0] if n[1] in visible else "a job in another zone", text)
