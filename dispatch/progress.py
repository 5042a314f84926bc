"""When a technician will be where: the rest of the route as it will really go, and what makes it late. Pure.

A stop under way comes first, whatever the plan says; the others follow in the order given. Times never run backwards
along the route and nothing that is still to happen lies before `now`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.travel import Leg, Place, Travel

ASSIGNED, EN_ROUTE, IN_PROGRESS = "assigned", "en_route", "in_progress"  # as a job's status
POSITION, LAST_SITE, HOME, UNKNOWN = "position", "last site", "home", "unknown"
BEHIND_FROM_MINUTES = 10  # a plan that nobody was promised may slip by less


@dataclass(frozen=True)
class Whereabouts:
    """Where the technician is or was last; `known_from` is POSITION only when the fix is fresh."""

    place: Place | None = None
    known_from: str = UNKNOWN


@dataclass(frozen=True)
class Stop:
    job_id: int
    place: Place | None
    duration_minutes: int
    status: str = ASSIGNED
    planned_starts_at: datetime | None = None
    block_starts_at: datetime | None = None
    block_ends_at: datetime | None = None
    en_route_at: datetime | None = None
    started_at: datetime | None = None
    is_fixed: bool = False
    is_on_hold: bool = False
    zone_id: int | None = None
    is_urgent: bool = False
    not_before: datetime | None = None  # what the technician says, who runs late

    def name_of(self, other: "Stop") -> str:
        """Whoever reads of this stop may not see jobs in other zones."""
        return f"J-{other.job_id:06d}" if other.zone_id in (None, self.zone_id) else "another job"

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)

    @property
    def target(self) -> datetime | None:
        """When the work is meant to begin at the latest."""
        return min(filter(None, (self.planned_starts_at, self.block_ends_at)), default=None)


@dataclass(frozen=True)
class Prediction:
    """`late_minutes` is how long after what was promised the technician arrives: after the end of the time block, or
    after a fixed appointment's start. Where nothing is promised it is the lateness against the plan, from ten minutes.
    `behind_minutes` is how long after the planned start the work begins. `caused_by` is the job with which it began
    to go wrong. `travel_km` is None, and the travel counted as 0, where a place is not known.
    """

    job_id: int
    travel_minutes: int
    travel_km: float | None
    leaves_at: datetime
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime
    late_minutes: int
    behind_minutes: int
    why: str = ""
    caused_by: int | None = None


@dataclass(frozen=True)
class Pause:
    """A break: the one that goes on now, until it is expected to end, or one that is planned."""

    starts_at: datetime
    ends_at: datetime
    is_planned: bool = False


@dataclass(frozen=True)
class _Visit:
    leg: Leg | None
    leaves_at: datetime
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class _Trouble:
    stop: Stop  # with which it began
    words: str  # {0} is that stop, {1} the one before it
    before: Stop | None = None

    def sentence(self, reader: Stop) -> str:
        text = self.words.format(*(reader.name_of(stop) for stop in (self.stop, self.before) if stop))
        return text[0].upper() + text[1:]


def predict(
    stops: Iterable[Stop],
    *,
    now: datetime,
    whereabouts: Whereabouts,
    travel: Travel,
    shift_starts_at: datetime | None = None,
    shift_ends_at: datetime | None = None,
    pauses: Iterable[Pause] = (),
) -> list[Prediction]:
    """One prediction a stop, in the order in which they will be visited; none for what is on hold.

    Of a day that has not come, `now` is the start of its shift. Nobody leaves or begins during a break; what is under
    way when one is planned goes on, and what is urgent comes before a planned one.
    """
    pauses = sorted(pauses, key=lambda pause: pause.starts_at)
    route = sorted((stop for stop in stops if not stop.is_on_hold), key=lambda stop: stop.status == ASSIGNED)
    is_at_work = any(stop.status != ASSIGNED for stop in route)
    free_at = now if is_at_work or shift_starts_at is None else max(now, shift_starts_at)
    place, before, trouble, predictions = whereabouts.place, None, None, []
    for stop in route:
        leg = travel.leg(place, stop.place, free_at)
        if stop.status == IN_PROGRESS:
            visit = _under_way(stop, now=now)
            trouble = _trouble_under_way(stop, now=now)
        elif stop.status == EN_ROUTE:
            visit = _on_the_road(stop, leg, now=now, is_fresh=whereabouts.known_from == POSITION)
            trouble = _trouble_on_the_road(stop, visit, now=now, is_fresh=whereabouts.known_from == POSITION)
        else:
            in_the_way = [pause for pause in pauses if not (pause.is_planned and stop.is_urgent)]
            paused_until = _after(free_at, in_the_way)
            visit = _to_come(stop, leg, free_at=paused_until, pauses=in_the_way)
            if visit.leaves_at > paused_until:  # there was time to spare: whatever went wrong is made up for
                trouble = None
            trouble = trouble or _trouble_of_break(stop, visit, free_at=free_at, paused_until=paused_until)
            trouble = trouble or _trouble_to_come(stop, visit, before, now=now, free_at=free_at)
        predictions.append(_prediction(stop, visit, trouble, shift_ends_at=shift_ends_at))
        free_at, place, before = visit.ends_at, stop.place or place, stop
    return predictions


# When ---------------------------------------------------------------------------------------------


def _under_way(stop: Stop, *, now: datetime) -> _Visit:
    started_at = stop.started_at or now
    left_at = min(stop.en_route_at or started_at, started_at)
    here = Leg(minutes=0, km=0.0)
    return _Visit(here, left_at, started_at, started_at, max(now, started_at + stop.duration))


def _on_the_road(stop: Stop, leg: Leg | None, *, now: datetime, is_fresh: bool) -> _Visit:
    """From a fresh position the rest of the way counts, otherwise the whole way from where they set out."""
    left_at = min(stop.en_route_at or now, now)
    arrives_at = max(now, (now if is_fresh else left_at) + _duration_of(leg), stop.not_before or now)
    starts_at = max(arrives_at, _waits_for(stop) or arrives_at)
    return _Visit(leg, left_at, arrives_at, starts_at, starts_at + stop.duration)


def _waits_for(stop: Stop) -> datetime | None:
    """Whoever comes early begins early, but not before the promised hour unless that was the plan."""
    if stop.is_fixed or stop.block_starts_at is None:
        return stop.planned_starts_at if stop.is_fixed else None
    return min(stop.block_starts_at, stop.planned_starts_at or stop.block_starts_at)


def _to_come(stop: Stop, leg: Leg | None, *, free_at: datetime, pauses: list[Pause]) -> _Visit:
    """Whoever arrives during their break takes it there."""
    earliest = free_at + _duration_of(leg)
    arrives_at = max(earliest, stop.planned_starts_at or stop.block_starts_at or earliest, stop.not_before or earliest)
    starts_at = _after(arrives_at, pauses)
    return _Visit(leg, arrives_at - _duration_of(leg), arrives_at, starts_at, starts_at + stop.duration)


def _after(instant: datetime, pauses: list[Pause]) -> datetime:
    for pause in pauses:
        if pause.starts_at <= instant < pause.ends_at:
            instant = pause.ends_at
    return instant


def _duration_of(leg: Leg | None) -> timedelta:
    return timedelta(minutes=leg.minutes if leg else 0)


# What goes wrong ----------------------------------------------------------------------------------


def _trouble_under_way(stop: Stop, *, now: datetime) -> _Trouble | None:
    started_at = stop.started_at or now
    if over := _minutes(now - started_at - stop.duration):
        return _Trouble(stop, f"{{0}} runs over by {_span(over)}")
    if slip := _slip(stop, started_at):
        return _Trouble(stop, f"{{0}} began {_span(slip)} late")
    return None


def _trouble_on_the_road(stop: Stop, visit: _Visit, *, now: datetime, is_fresh: bool) -> _Trouble | None:
    if not (slip := _slip(stop, visit.starts_at)):
        return None
    if visit.arrives_at == stop.not_before:
        return _announced(stop, slip)
    if not is_fresh:
        if left_late := _slip(stop, visit.leaves_at + _duration_of(visit.leg)):
            return _Trouble(stop, f"Left {_span(left_late)} late for {{0}}")
        overdue = _minutes(now - visit.leaves_at - _duration_of(visit.leg))
        return _Trouble(stop, f"{{0}} should have been reached {_span(overdue)} ago")
    away = _minutes(visit.arrives_at - now)
    return _Trouble(stop, f"{{0}} is still en route, {f'{_span(away)} away' if away else 'about to arrive'}")


def _trouble_of_break(stop: Stop, visit: _Visit, *, free_at: datetime, paused_until: datetime) -> _Trouble | None:
    waited = _minutes(visit.starts_at - visit.arrives_at) + _minutes(paused_until - free_at)
    if not waited or not _slip(stop, visit.starts_at):
        return None
    return _Trouble(stop, f"A break of {_span(waited)} comes before {{0}}")


def _trouble_to_come(
    stop: Stop, visit: _Visit, before: Stop | None, *, now: datetime, free_at: datetime
) -> _Trouble | None:
    """Nothing before it went wrong."""
    slip = _slip(stop, visit.starts_at)
    if not slip:
        return None
    if visit.arrives_at == stop.not_before:
        return _announced(stop, slip)
    if visit.starts_at == stop.planned_starts_at:
        return _Trouble(stop, f"{{0}} is planned {_span(slip)} after its time block")
    if before is None:
        reason = f"The shift begins {_span(slip)} too late for {{0}}"
        return _Trouble(stop, reason if free_at > now else "Not yet left for {0}")
    if overlap := _slip(stop, free_at):
        return _Trouble(stop, f"{{0}} overlaps {{1}} by {_span(overlap)}", before)
    return _Trouble(stop, f"The way from {{1}} to {{0}} takes {_span(slip)} too long", before)


def _announced(stop: Stop, slip: int) -> _Trouble:
    return _Trouble(stop, f"The technician says: {_span(slip)} late for {{0}}")


def _slip(stop: Stop, starts_at: datetime) -> int:
    """Minutes after the moment at which the work was meant to begin."""
    return _minutes(starts_at - stop.target) if stop.target else 0


def _prediction(stop: Stop, visit: _Visit, trouble: _Trouble | None, *, shift_ends_at: datetime | None) -> Prediction:
    late = _late_minutes(stop, visit.arrives_at)
    behind = _minutes(visit.starts_at - stop.planned_starts_at) if stop.planned_starts_at else 0
    # What did not begin here is told only where it does harm.
    is_told = trouble and (late or behind or trouble.stop == stop)
    sentences = [trouble.sentence(stop)] if is_told else []
    if shift_ends_at and (overtime := _minutes(visit.ends_at - shift_ends_at)) >= BEHIND_FROM_MINUTES:
        sentences.append(f"Ends {_span(overtime)} after the shift")
    if visit.leg is None:
        sentences.append("No location: travel not counted" if stop.place is None else "Travel not counted")
    return Prediction(
        job_id=stop.job_id,
        travel_minutes=visit.leg.minutes if visit.leg else 0,
        travel_km=visit.leg.km if visit.leg else None,
        leaves_at=visit.leaves_at,
        arrives_at=visit.arrives_at,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        late_minutes=late,
        behind_minutes=behind,
        why="; ".join(sentences),
        caused_by=trouble.stop.job_id if is_told else None,
    )


def _late_minutes(stop: Stop, arrives_at: datetime) -> int:
    planned = stop.planned_starts_at
    if stop.is_fixed and planned:
        return _minutes(arrives_at - planned)
    if stop.block_ends_at:
        return _minutes(arrives_at - stop.block_ends_at)
    late = _minutes(arrives_at - planned) if planned else 0
    return late if late >= BEHIND_FROM_MINUTES else 0


def _minutes(length: timedelta) -> int:
    """Whole minutes, 0 when it is negative."""
    return max(0, int(length.total_seconds() // 60))


def _span(minutes: int) -> str:
    """“18 min”, “1 h 05”"""
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"
