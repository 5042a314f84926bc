"""The public instances of vehicle routing under ../shared/data/routing as planning problems.

Their distances are real numbers and their travel times the same: a unit is a thousand seconds here, rounded, and
`Instance.units` gives a cost back as the literature states it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import stage
from dispatch.planning.problem import MANDATORY, Crew, Matrix, Problem, Stop, Weights
from dispatch.planning.weights import POINTS_A_SECOND

FOLDER = stage.PROJECT.parent / "shared" / "data" / "routing"
UNIT = 1000
OUTSOURCED_AT_LEAST = 200  # units, for a task that no technician does


@dataclass(frozen=True)
class Instance:
    name: str
    problem: Problem
    best_known: float | None = None  # in units, of those who minimise what we do

    def units(self, points: int) -> float:
        return points / POINTS_A_SECOND / UNIT


def solomon() -> Iterator[Instance]:
    return _vrptw("solomon")


def homberger() -> Iterator[Instance]:
    """What is known of these has the fewest vehicles first, so it is no mark for the distance alone."""
    return _vrptw("homberger")


def _vrptw(folder: str) -> Iterator[Instance]:
    known = json.loads((FOLDER / "best-known.json").read_text())
    for path in sorted((FOLDER / folder).glob("*.txt")):
        best = known.get(path.stem, {}).get("distance_only", {}).get("cost")
        yield Instance(path.stem, read_vrptw(path.read_text()), best)


def read_vrptw(text: str) -> Problem:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    vehicles, capacity = (int(value) for value in lines[3])
    rows = np.array([[float(value) for value in line] for line in lines[6:]])
    (_, _, _, _, opens, closes, _), customers = rows[0], rows[1:]
    crews = tuple(
        Crew(number, scaled(opens), scaled(closes), start=0, end=0, capacity=(capacity,)) for number in range(vehicles)
    )
    everybody = frozenset(range(vehicles))
    stops = tuple(
        Stop(
            id=int(number),
            location=row,
            service=scaled(service),
            eligible=everybody,
            penalty=MANDATORY,
            windows=((scaled(ready), scaled(due)),),
            load=(int(demand),),
        )
        for row, (number, _, _, demand, ready, due, service) in enumerate(customers, start=1)
    )
    return Problem(stops, crews, matrix_of(rows[:, 1:3]), Weights())


def tsptw() -> Iterator[Instance]:
    """The permutations that are known finish early, which is not the shortest way: no mark either."""
    for path in sorted((FOLDER / "tsptw").glob("rc_*.txt")):
        yield Instance(path.stem, read_tsptw(path.read_text()))


def read_tsptw(text: str) -> Problem:
    """One vehicle; the ways in the file hold the time that the visit takes."""
    numbers = iter(float(value) for value in text.split())
    size = int(next(numbers))
    seconds = np.array([[scaled(next(numbers)) for _ in range(size)] for _ in range(size)])
    np.fill_diagonal(seconds, 0)
    windows = [(scaled(next(numbers)), scaled(next(numbers))) for _ in range(size)]
    stops = tuple(Stop(node, node, 0, frozenset({0}), MANDATORY, (windows[node],)) for node in range(1, size))
    return Problem(stops, (Crew(0, *windows[0], start=0, end=0),), Matrix(seconds, seconds), Weights())


def strsp() -> Iterator[Instance]:
    for path in sorted((FOLDER / "strsp" / "tasks").glob("*.txt")):
        people = FOLDER / "strsp" / "technicians" / f"technicians_{path.name}"
        yield Instance(path.stem.removesuffix("_noTeam"), read_strsp(path.read_text(), people.read_text()))


def read_strsp(tasks: str, technicians: str) -> Problem:
    """A task asks, for each domain, for so many technicians at a level or above; one must do here."""
    people = _rows_of_numbers(technicians)
    levels = np.array([row[1:] for row in people]).astype(int)
    rows = np.array(_rows_of_numbers(tasks))
    demands = rows[:, 8:].astype(int).reshape(len(rows), levels.shape[1], -1)
    crews = tuple(Crew(number, scaled(rows[0, 4]), scaled(rows[0, 5]), start=0, end=0) for number in range(len(levels)))
    stops = []
    for row in range(1, len(rows)):
        ready, due, service = rows[row, 4:7]
        wanted = np.array([max((level + 1 for level in np.flatnonzero(domain)), default=0) for domain in demands[row]])
        outsourced = OUTSOURCED_AT_LEAST + demands[row].sum() ** 1.5
        stops.append(
            Stop(
                id=int(rows[row, 0]),
                location=row,
                service=scaled(service),
                eligible=frozenset(np.flatnonzero((levels >= wanted).all(axis=1)).tolist()),
                penalty=round(outsourced * UNIT * POINTS_A_SECOND),
                windows=((scaled(ready), scaled(due)),),
            )
        )
    return Problem(tuple(stops), crews, matrix_of(rows[:, 1:3]), Weights())


def _rows_of_numbers(text: str) -> list[list[float]]:
    """The table at the end of the file, without its head."""
    rows = []
    for line in text.splitlines():
        try:
            row = [float(value) for value in line.split()]
        except ValueError:
            continue
        if len(row) > 1:
            rows.append(row)
    return rows


def scaled(value: float) -> int:
    return round(value * UNIT)


def matrix_of(at: np.ndarray) -> Matrix:
    lengths = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
    ways = np.rint(lengths * UNIT).astype(np.int64)
    return Matrix(ways, ways)
