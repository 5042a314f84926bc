"""Who and what a report's decided clocks belong to, those with most breaches first."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from sla.counting import tally_of
from sla.figures import Breakdown, Dimension, Figure, Group, Key, Outcome, Tally, share
from sla.models import Priority, ResponseClock

FEW: Final = (Dimension.PRIORITY, Dimension.POLICY)  # so they are told in full
NAMELESS: Final = {Dimension.TECHNICIAN: "Nobody", Dimension.ZONE: "No zone"}


class Counted(Protocol):
    """One kind of clock."""

    figure: Figure
    tally: Tally
    groups: Mapping[str, Mapping[Key, Counter]]  # outcomes by dimension
    unacknowledged: Mapping[str, Counter]


def break_down(figure: Figure, dimension: Dimension, kinds: Sequence[Counted], *, most: int | None) -> Breakdown:
    """Of responses and resolutions together; one query for the names."""
    ranked = _ranked(dimension, [kind.groups[dimension] for kind in kinds])
    chosen = ranked if dimension in FEW else ranked[:most]
    names = _names(dimension, chosen)
    groups = (_group(figure.only(dimension, key), dimension, key, names[key], kinds) for key in chosen)
    return Breakdown(dimension, tuple(groups), more=len(ranked) - len(chosen))


def _ranked(dimension: Dimension, groups: Iterable[Mapping[Key, Counter]]) -> list[Key]:
    """Of as many breaches, those of fewer jobs are worse. Priorities: the most urgent first."""
    decided, breached = Counter(), Counter()
    for by_key in groups:
        for key, outcomes in by_key.items():
            decided[key] += outcomes.total()
            breached[key] += outcomes[Outcome.BREACHED]
    if dimension == Dimension.PRIORITY:
        return sorted(decided, reverse=True)
    return sorted(decided, key=lambda key: (-breached[key], decided[key], key or 0))


def _group(figure: Figure, dimension: Dimension, key: Key, name: str, kinds: Sequence[Counted]) -> Group:
    tallies = [
        tally_of(figure.but(kind=kind.figure.kind), [kind.groups[dimension].get(key, Counter())]) for kind in kinds
    ]
    return Group(
        key,
        name,
        figure,
        *tallies,
        unacknowledged=sum(kind.unacknowledged[dimension][key] for kind in kinds),
        share=share(sum(tally.breached for tally in tallies), sum(kind.tally.breached for kind in kinds)),
    )


def _names(dimension: Dimension, keys: Collection[Key]) -> dict[Key, str]:
    if dimension == Dimension.PRIORITY:
        return dict(Priority.choices)
    rows = ResponseClock._meta.get_field(dimension).related_model.objects.filter(pk__in=[key for key in keys if key])
    rows = rows.select_related("user") if dimension == Dimension.TECHNICIAN else rows.only("name")
    return {None: NAMELESS.get(dimension, "None")} | {row.pk: str(row) for row in rows}
