"""Decided clocks counted in the ways in which a report tells them apart: one query each."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Avg, Count, Exists, QuerySet
from django.db.models.functions import TruncDate, TruncHour

from sla.decided import SECONDS, band_of, unacknowledged
from sla.figures import Dimension, Figure, Lengths, Measure, Outcome, Tally, Totals
from sla.percentiles import Percentile

DAY: Final = "day"
# A query for all of them would have as many groups as there are clocks, one for each would read the clocks six times.
TOGETHER: Final = (
    (DAY, Dimension.PRIORITY.value, Dimension.POLICY.value),
    (Dimension.TECHNICIAN.value, Dimension.JOB_TYPE.value, Dimension.ZONE.value),
    (Dimension.CUSTOMER.value,),
)


@dataclass(frozen=True)
class Counts:
    """How many were met and breached of each combination of what is in the columns."""

    columns: tuple[str, ...]
    rows: list[tuple]  # of the columns' values, the state and how many

    @classmethod
    def of(cls, clocks: QuerySet, *columns: str) -> "Counts":
        return cls(columns, list(clocks.values_list(*columns, "state").annotate(number=Count("*")).order_by()))

    def by(self, *columns: str) -> dict:
        """A Counter of outcomes for each value of that column, or each tuple of those columns' values."""
        places = [self.columns.index(column) for column in columns]
        found = defaultdict(Counter)
        for *values, state, number in self.rows:
            key = tuple(values[place] for place in places)
            found[key if len(key) > 1 else key[0]][state] += number
        return found


def count_groups(clocks: QuerySet) -> dict[str, dict]:
    """By the day of the decision and by each dimension."""
    clocks = clocks.annotate(**{DAY: TruncDate("decided_at")})
    counts = [Counts.of(clocks, *columns) for columns in TOGETHER]
    return {column: one.by(column) for one in counts for column in one.columns}


def count_days(clocks: QuerySet) -> dict:
    return Counts.of(clocks.annotate(**{DAY: TruncDate("decided_at")}), DAY).by(DAY)


def count_hours(clocks: QuerySet) -> dict[tuple[int, int], Counter]:
    """By weekday (Monday is 0) and hour of the start."""
    found: dict[tuple[int, int], Counter] = defaultdict(Counter)
    # Truncated: PostgreSQL groups by one instant in half the time that two parts of it take.
    for hour, outcomes in Counts.of(clocks.annotate(hour=TruncHour("started_at")), "hour").by("hour").items():
        found[hour.weekday(), hour.hour] += outcomes
    return found


def count_lengths(clocks: QuerySet) -> dict[str, dict]:
    """By each measure, by the index in BANDS; None is what has not ended."""
    bands = {measure.value: band_of(measure) for measure in Measure}
    counts = Counts.of(clocks.annotate(**bands), *bands)
    return {measure: counts.by(measure) for measure in bands}


def count_unacknowledged(clocks: QuerySet) -> dict[str, Counter]:
    """By each dimension, of breached ones."""
    waiting = clocks.filter(Exists(unacknowledged(clocks.model)), state=Outcome.BREACHED)
    counts = Counts.of(waiting, *Dimension.values)
    return {
        dimension: Counter({key: outcomes.total() for key, outcomes in counts.by(dimension).items()})
        for dimension in Dimension.values
    }


def tally_of(figure: Figure, outcomes: Iterable[Counter]) -> Tally:
    total = sum(outcomes, Counter())
    return Tally(figure, met=total[Outcome.MET], breached=total[Outcome.BREACHED])


def load_totals(clocks: QuerySet, tally: Tally) -> Totals:
    facts = {}
    for measure, field in SECONDS.items():
        facts[f"{measure}_average"] = Avg(field)
        facts[f"{measure}_median"] = Percentile(field, share=0.5)
        facts[f"{measure}_p90"] = Percentile(field, share=0.9)
    found = clocks.exclude(ended_at=None).aggregate(ended=Count("*"), **facts)
    lengths = {
        measure.value: Lengths(measure, **{name: found[f"{measure}_{name}"] for name in ("average", "median", "p90")})
        for measure in Measure
    }
    return Totals(tally, ended=found["ended"], **lengths)
