"""What an SLA report says, and which clocks each of its numbers counts.

Everything is about decided clocks: those that were met in the period, or whose deadline passed in it unmet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from django.db.models import TextChoices

from sla.periods import Period, Step

NONE: Final = "none"  # in a query string: no technician, no zone; as the board's filters write it

Key = int | None

_EDGES = [timedelta(minutes=minutes) for minutes in (0, 15, 30, 60, 120, 240, 480, 1440, 2880, 7200, 14400)]
# Of a distribution: lengths from the first to before the second of each.
BANDS: Final = tuple(zip(_EDGES, [*_EDGES[1:], None], strict=True))


class Dimension(TextChoices):
    """What decided clocks are told apart by. The values are names of the clocks' fields and of query parameters."""

    TECHNICIAN = "technician"
    JOB_TYPE = "job_type"
    CUSTOMER = "customer"
    ZONE = "zone"
    PRIORITY = "priority"
    POLICY = "policy"


class Outcome(TextChoices):
    MET = "met"
    BREACHED = "breached"


class Measure(TextChoices):
    WALL = "wall", "Wall-clock time"
    COUNTED = "counted", "Counted time"


@dataclass(frozen=True)
class Filters:
    """What of the decided clocks a report is about; empty: all. None among the ids: those without."""

    technician: frozenset[Key] = frozenset()
    zone: frozenset[Key] = frozenset()
    job_type: frozenset[Key] = frozenset()
    customer: frozenset[Key] = frozenset()
    priority: frozenset[Key] = frozenset()
    policy: frozenset[Key] = frozenset()

    def only(self, dimension: Dimension, key: Key) -> "Filters":
        return replace(self, **{dimension: frozenset([key])})

    @property
    def chosen(self) -> dict[str, frozenset[Key]]:
        return {name: keys for name in Dimension.values if (keys := getattr(self, name))}

    @property
    def params(self) -> list[tuple[str, str]]:
        return [
            (name, NONE if key is None else str(key))
            for name, keys in self.chosen.items()
            for key in sorted(keys, key=lambda key: key or 0)
        ]


@dataclass(frozen=True)
class Figure:
    """Which decided clocks a number of the report counts. Its query string leads to their jobs."""

    filters: Filters
    period: Period
    kind: str = ""  # none: response and resolution
    outcome: str = ""  # an Outcome; none: both
    open: bool = False  # breached, and what was promised has still to be done
    acknowledged: bool | None = None  # of breached ones
    started: tuple[int, int] | None = None  # weekday (Monday is 0) and hour in which the clock started
    measure: str = ""  # with `band`: the length by this measure
    band: int | None = None  # index in BANDS

    def but(self, **changes) -> "Figure":
        return replace(self, **changes)

    def only(self, dimension: Dimension, key: Key) -> "Figure":
        return replace(self, filters=self.filters.only(dimension, key))

    @cached_property
    def query(self) -> str:
        """As `reports.figure_of` reads it again."""
        params = [("from", self.period.first.isoformat()), ("to", self.period.last.isoformat()), *self.filters.params]
        params += [(name, str(value)) for name in ("kind", "outcome") if (value := getattr(self, name))]
        if self.open:
            params.append(("open", "true"))
        if self.acknowledged is not None:
            params.append(("acknowledged", "true" if self.acknowledged else "false"))
        if self.started is not None:
            params += [("weekday", str(self.started[0])), ("hour", str(self.started[1]))]
        if self.band is not None:
            params += [("measure", str(self.measure)), ("band", str(self.band))]
        return urlencode(params)

    @property
    def met_query(self) -> str:
        return self.but(outcome=Outcome.MET).query

    @property
    def breached_query(self) -> str:
        return self.but(outcome=Outcome.BREACHED).query

    @property
    def open_query(self) -> str:
        return self.but(outcome=Outcome.BREACHED, open=True).query

    @property
    def acknowledged_query(self) -> str:
        return self.but(outcome=Outcome.BREACHED, acknowledged=True).query

    @property
    def unacknowledged_query(self) -> str:
        return self.but(outcome=Outcome.BREACHED, acknowledged=False).query


@dataclass(frozen=True)
class Tally:
    """Met and breached of what `figure` counts."""

    figure: Figure
    met: int = 0
    breached: int = 0

    @property
    def decided(self) -> int:
        return self.met + self.breached

    @property
    def compliance(self) -> Decimal | None:
        """Percent, rounded down to one decimal, so that 99.96 is never shown as whole; none of nothing."""
        return share(self.met, self.decided)


def share(part: int, whole: int) -> Decimal | None:
    """Percent, rounded down to one decimal."""
    return Decimal(1000 * part // whole) / 10 if whole else None


@dataclass(frozen=True)
class Lengths:
    """Seconds from the start to the end of the clocks that have ended, by one measure; none where none has."""

    measure: Measure
    average: float | None = None
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True)
class Totals:
    """One kind of clock in one period. Lengths leave out what is still open, however long it has been so."""

    tally: Tally
    ended: int
    wall: Lengths
    counted: Lengths

    @property
    def still_open(self) -> int:
        return self.tally.decided - self.ended


@dataclass(frozen=True)
class Point:
    """Of the trend. `before`: as far into the comparison period."""

    period: Period
    tally: Tally
    before: Tally | None = None


@dataclass(frozen=True)
class Band:
    """Lengths from `begins` to before `ends`; the last one has no end."""

    begins: timedelta
    ends: timedelta | None
    tally: Tally


@dataclass(frozen=True)
class Distribution:
    measure: Measure
    bands: tuple[Band, ...]
    still_open: int  # has no length yet, so is in no band


@dataclass(frozen=True)
class HeatCell:
    """The clocks that started in this hour of the week, the business's time: when what was breached came in."""

    weekday: int
    hour: int
    tally: Tally


@dataclass(frozen=True)
class KindReport:
    kind: str
    totals: Totals
    before: Totals | None
    trend: tuple[Point, ...]
    distributions: tuple[Distribution, ...]  # one a measure
    heat: tuple[tuple[HeatCell, ...], ...]  # seven rows of 24, Monday first

    @property
    def points_gained(self) -> Decimal | None:
        """Of compliance against the comparison period."""
        if self.before is None or None in (self.totals.tally.compliance, self.before.tally.compliance):
            return None
        return self.totals.tally.compliance - self.before.tally.compliance


@dataclass(frozen=True)
class Group:
    """One technician, job type, customer, zone, priority or policy."""

    key: Key
    name: str
    figure: Figure
    response: Tally
    resolution: Tally
    unacknowledged: int
    share: Decimal | None  # of all breaches of the report, in percent

    @property
    def tallies(self) -> tuple[Tally, Tally]:
        return self.response, self.resolution

    @property
    def tally(self) -> Tally:
        """Both kinds."""
        return Tally(self.figure, met=self.response.met + self.resolution.met, breached=self.breached)

    @property
    def breached(self) -> int:
        return self.response.breached + self.resolution.breached

    @property
    def acknowledged(self) -> int:
        return self.breached - self.unacknowledged


@dataclass(frozen=True)
class Breakdown:
    """Groups with most breaches first (priorities: the most urgent first). `more`: groups left out."""

    dimension: Dimension
    groups: tuple[Group, ...]
    more: int = 0

    @property
    def violators(self) -> Sequence[Group]:
        return [group for group in self.groups if group.breached]


@dataclass(frozen=True)
class Report:
    figure: Figure  # all that it is about
    comparison: Period | None
    step: Step
    kinds: tuple[KindReport, ...]  # response, resolution
    breakdowns: dict[str, Breakdown] = field(default_factory=dict)  # by dimension
    unacknowledged: int = 0

    @property
    def is_empty(self) -> bool:
        return not any(kind.totals.tally.decided for kind in self.kinds)

    @property
    def breached(self) -> int:
        return sum(kind.totals.tally.breached for kind in self.kinds)

    @property
    def acknowledged(self) -> int:
        return self.breached - self.unacknowledged

    @property
    def violators(self) -> list[Breakdown]:
        """Technicians, job types, customers, zones."""
        wanted: Iterable[str] = (Dimension.TECHNICIAN, Dimension.JOB_TYPE, Dimension.CUSTOMER, Dimension.ZONE)
        return [self.breakdowns[dimension] for dimension in wanted]
