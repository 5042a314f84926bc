"""How well a technician fits a job: weighted factors, each with its points and a sentence. Pure.

Points are whole numbers; those of the factors add up to the score, and the most they can reach adds up to 100.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from dispatch.durations import span
from dispatch.smart.free_time import USUAL_START, first_start, free_from, origin_at, working_stretches
from dispatch.smart.qualification import Needs, Qualification
from dispatch.travel import Leg, Travel
from technicians.models import Proficiency

KINDS = ("skill", "proximity", "availability", "workload", "sla")  # also the order in which they are told
LEVELS_TOO_HIGH = 4  # as many levels above what is needed are worth nothing; there are fewer
HALF_MINUTES = 30  # a way of that length is worth half the points
BUSY_MINUTES = 240  # who is free that much later is worth nothing
LATE_MINUTES = 60  # who arrives that much after what was promised is worth nothing
HARM_MINUTES = 120  # to hold up the others by that much is worth nothing
BREAKS_A_BLOCK = 0.5  # of the points, for each time block of another job that is broken


@dataclass(frozen=True)
class Weights:
    skill: int = 25
    proximity: int = 30
    availability: int = 20
    workload: int = 15
    sla: int = 10

    @classmethod
    def of(cls, settings) -> "Weights":
        return cls(**{kind: getattr(settings, f"{kind}_weight") for kind in KINDS})

    def out_of(self) -> dict[str, int]:
        """Brought to 100 in whole numbers, the largest remainders rounded up. All zero counts as all alike."""
        given = {kind: getattr(self, kind) for kind in KINDS}
        if not any(given.values()):
            given = dict.fromkeys(KINDS, 1)
        total = sum(given.values())
        shares = {kind: 100 * weight // total for kind, weight in given.items()}
        by_remainder = sorted(KINDS, key=lambda kind: -(100 * given[kind] % total))
        for kind in by_remainder[: 100 - sum(shares.values())]:
            shares[kind] += 1
        return shares


@dataclass(frozen=True)
class Factor:
    kind: str
    points: int
    out_of: int
    text: str


@dataclass(frozen=True)
class Visit:
    """How it would go: when they are free for it, when it is to begin, when they arrive and from where."""

    wanted_at: datetime
    free_at: datetime
    begins_at: datetime
    arrives_at: datetime
    leg: Leg | None
    origin: str

    @property
    def sets_off_at(self) -> datetime:
        return self.arrives_at - timedelta(minutes=self.leg.minutes if self.leg else 0)


@dataclass(frozen=True)
class Score:
    factors: tuple[Factor, ...]
    visit: Visit

    @property
    def total(self) -> int:
        return sum(factor.points for factor in self.factors)

    @property
    def missing(self) -> int:
        return 100 - self.total

    @property
    def text(self) -> str:
        return "; ".join(factor.text for factor in self.factors if factor.text)


Part = tuple[float, str]  # from 0 to 1, and why


def score(
    needs: Needs,
    has: Qualification,
    *,
    starts_at: datetime | None,
    out_of: dict[str, int],
    travel: Travel,
    due_at: datetime | None = None,
) -> Score:
    """`starts_at` is the start that is proposed, None where there is no room; `due_at` is the response target."""
    visit = _visit(needs, has, starts_at, travel)
    parts: dict[str, Part] = {
        "skill": _skill(needs, has),
        "proximity": _proximity(needs, visit),
        "availability": _availability(needs, has, visit, has_room=starts_at is not None),
        "workload": _workload(has),
        "sla": _promises(needs, has, visit, travel=travel, due_at=due_at),
    }
    factors = (Factor(kind, int(out_of[kind] * part + 0.5), out_of[kind], text) for kind, (part, text) in parts.items())
    return Score(tuple(factors), visit)


def proposed_start(needs: Needs, has: Qualification, *, travel: Travel) -> datetime | None:
    return needs.starts_at or first_start(needs, has, travel=travel)


# When and from where ------------------------------------------------------------------------------


def _visit(needs: Needs, has: Qualification, starts_at: datetime | None, travel: Travel) -> Visit:
    stretches = working_stretches(needs, has)
    wanted_at = _wanted_at(needs, stretches)
    begins_at = starts_at or free_from(wanted_at, needs, has)
    leaves_at = max(filter(None, _done_before(begins_at, needs, has, stretches)), default=begins_at)
    if needs.starts_at:
        free_at = free_from(needs.starts_at, needs, has)
        leaves_at = max(leaves_at, free_at) if free_at > needs.starts_at else leaves_at
    else:
        free_at = leaves_at if starts_at else begins_at
    origin = origin_at(max(begins_at, leaves_at), needs, has)
    leg = travel.leg(origin.place, needs.place)
    arrives_at = leaves_at + timedelta(minutes=leg.minutes if leg else 0)
    return Visit(wanted_at, free_at, begins_at, max(arrives_at, begins_at), leg, origin.name)


def _wanted_at(needs: Needs, stretches) -> datetime:
    """The planned start, else the beginning of the time block, else as soon as there is work that day."""
    if needs.starts_at:
        return needs.starts_at
    if needs.promised:
        return max(needs.promised[0], needs.now or needs.promised[0])
    if needs.now or stretches:
        return needs.now or stretches[0][0]
    return timezone.make_aware(datetime.combine(needs.day, USUAL_START))


def _done_before(instant: datetime, needs: Needs, has: Qualification, stretches) -> Iterator[datetime | None]:
    """What they have to be done with before they can leave for it."""
    yield needs.now
    yield has.break_until
    yield from (opens for opens, closes in stretches if opens <= instant < closes)
    for booked in has.in_order:
        if booked.starts_at < instant and (booked.is_begun or not needs.is_urgent):
            yield booked.ends_at


# The factors --------------------------------------------------------------------------------------


def _skill(needs: Needs, has: Qualification) -> Part:
    """The closest level that is enough is best: it keeps the experts free."""
    if not needs.skills:
        return 1, "no skill needed"
    parts, told = [], []
    for need in needs.skills:
        held, wanted = has.skills.get(need.skill_id), Proficiency(need.level).label
        if held is None:
            parts.append(0)
            told.append(f"no {need.name}, {wanted} needed")
        elif held.level < need.level:
            parts.append(0)
            told.append(f"{Proficiency(held.level).label} {need.name} only, {wanted} needed")
        else:
            parts.append(1 - (held.level - need.level) / LEVELS_TOO_HIGH)
            label = Proficiency(held.level).label
            told.append(f"{label} {need.name}" + ("" if held.level == need.level else f" for {wanted}") + " needed")
    return sum(parts) / len(parts), ", ".join(told)


def _proximity(needs: Needs, visit: Visit) -> Part:
    """Who has no location is never taken for somebody near."""
    if visit.leg is None:
        return 0, "the job has no location" if needs.place is None else "no location known to start from"
    return HALF_MINUTES / (HALF_MINUTES + visit.leg.minutes), (
        f"{visit.leg.km:.1f} km, {visit.leg.minutes} min from {visit.origin}"
    )


def _availability(needs: Needs, has: Qualification, visit: Visit, *, has_room: bool) -> Part:
    if has.off_reason:
        return 0, f"away: {has.off_reason}"
    if has.shifts == () and not has.hours_for(needs):
        return 0, "does not work that day"
    if not has_room:
        return 0, "no room that day"
    busy = int((visit.free_at - visit.wanted_at).total_seconds() // 60)
    part = max(0.0, 1 - max(0, busy) / BUSY_MINUTES)
    if busy > 0:
        text = f"free from {clock(visit.free_at)}"
    else:
        text = "free now" if visit.wanted_at == needs.now else f"free at {clock(visit.wanted_at)}"
    if needs.now and has.is_on_duty is False:
        return part / 2, f"{text}, not clocked in"
    return part, text


def _workload(has: Qualification) -> Part:
    """The fuller of the two counts: the jobs against the maximum, the minutes against the shift."""
    taken = has.jobs_that_day / has.daily_maximum
    text = f"{has.jobs_that_day} of {has.daily_maximum} jobs"
    if has.shift_minutes and has.booked_minutes:
        taken = max(taken, has.booked_minutes / has.shift_minutes)
        text += f" ({span(has.booked_minutes)} of {span(has.shift_minutes)})"
    return max(0.0, 1 - taken), text


def _promises(needs: Needs, has: Qualification, visit: Visit, *, travel: Travel, due_at: datetime | None) -> Part:
    """Kept to this customer, and to those whose jobs are on the route already."""
    part, told = _own_promise(needs, visit, due_at)
    minutes, stops, broken = _harm(needs, has, visit, travel)
    if stops:
        part *= max(0.0, 1 - minutes / HARM_MINUTES - BREAKS_A_BLOCK * broken)
        harm = f"delays {_count(stops, 'job')} by {'up to ' if stops > 1 else ''}{span(minutes)}"
        told = ", ".join(filter(None, (told, harm, f"breaks {_count(broken, 'time block')}" if broken else "")))
    return part, told


def _own_promise(needs: Needs, visit: Visit, due_at: datetime | None) -> Part:
    """The worse kept of the two: to arrive within the time block, to have set off by the response target."""
    promises = [(visit.arrives_at, needs.window[1], "arrives", "the time block")] if needs.window else []
    promises += [(visit.sets_off_at, due_at, "sets off", "the response target")] if due_at else []
    if not promises:
        return 1, ""
    kept_at, deadline, does, name = max(promises, key=lambda promise: promise[0] - promise[1])
    late = int((kept_at - deadline).total_seconds() // 60)
    told = f"{does} {clock(kept_at)}"
    if late <= 0:
        return 1, f"{told}, within {name}"
    return max(0.0, 1 - late / LATE_MINUTES), f"{told}, {span(late)} after {name}"


def _harm(needs: Needs, has: Qualification, visit: Visit, travel: Travel) -> tuple[int, int, int]:
    """The longest delay in minutes, how many stops are delayed, and how many of their time blocks that breaks."""
    free_at, place = visit.arrives_at + needs.duration, needs.place
    longest = stops = broken = 0
    for booked in has.in_order:
        if booked.is_begun or (booked.starts_at < visit.begins_at and not needs.is_urgent):
            continue
        leg = travel.leg(place, booked.place)
        begins_at = free_at + timedelta(minutes=leg.minutes if leg else 0)
        delay = int((begins_at - booked.starts_at).total_seconds() // 60)
        if delay <= 0:
            break
        longest, stops = max(longest, delay), stops + 1
        is_broken = booked.block_ends_at and booked.starts_at <= booked.block_ends_at < begins_at
        broken += bool(is_broken)
        free_at, place = begins_at + (booked.ends_at - booked.starts_at), booked.place or place
    return longest, stops, broken


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clock(instant: datetime) -> str:
    return f"{timezone.localtime(instant):%H:%M}"
