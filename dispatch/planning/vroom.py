"""A problem as VROOM takes it (docs/API.md of VROOM-Project/vroom), as ours. Pure; the answer: vroom_answer.py.

What would change the answer and is not supported is refused with its place in the file; what has no meaning is ignored,
and said. As VROOM has it: first the highest sum of priorities, then the most jobs, then the least driving.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dispatch.planning.checked_json import BadInput, Value, parse
from dispatch.planning.problem import UNREACHABLE, Matrix, Problem, Weights
from dispatch.planning.vroom_tasks import Tasks

Place = tuple[float, float]  # latitude, longitude
Estimate = Callable[[list[Place]], Matrix]  # of the ways between places, where the file has no matrix

MOST_PLACES: Final = 5000  # more makes a matrix that no memory holds beside the search
MOST_SECONDS: Final = 1 << 40
DEFAULT_PROFILE: Final = "car"
ESTIMATED: Final = "The file has no matrix: travel times are estimated from the distance, detours and a usual speed."

KNOWN: Final = {
    "problem": {"jobs", "vehicles", "matrices"},
    "job": {
        *("id", "description", "location", "location_index", "setup", "service"),
        *("delivery", "pickup", "skills", "priority", "time_windows"),
    },
    "vehicle": {
        *("id", "description", "profile", "start", "end", "start_index", "end_index", "capacity", "skills"),
        *("time_window", "breaks", "speed_factor", "max_tasks"),
    },
    "break": {"id", "description", "time_windows", "service"},
    "matrix": {"durations", "distances"},
}
REFUSED: Final = {
    "problem": {"shipments", "matrix"},
    "job": {"amount", "setup_per_type", "service_per_type"},
    "vehicle": {"costs", "max_travel_time", "max_distance", "steps"},
    "break": {"max_load"},
    "matrix": {"costs"},
}


@dataclass(frozen=True)
class Spot:
    """Where something is; `given` is how the file says it, for the answer."""

    row: int
    given: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Question:
    """The problem, and what its answer must be told in the file's own terms."""

    problem: Problem
    jobs: list[Value]
    vehicles: list[Value]
    spots: list[Spot]  # of the jobs
    ends: list[tuple[Spot | None, Spot | None]]  # of the vehicles
    origin: int  # of the problem's times, in the file's
    load_key: str  # "delivery" or "pickup"
    has_distances: bool
    notices: list[str]


def read_problem(data: bytes, *, estimate: Estimate) -> Question:
    root, ignored = parse(data), set()
    look_at_keys(root, "problem", ignored)
    jobs = with_ids(root.items_at("jobs"), "job", ignored)
    vehicles = with_ids(root.need("vehicles").items(), "vehicle", ignored)
    if not vehicles:
        raise root.need("vehicles").wrong("must hold at least one vehicle")
    matrix, has_distances = read_matrix(root, vehicles, ignored)
    places = _Map(matrix)
    spots = [places.spot(job, "location", "location_index", is_needed=True) for job in jobs]
    ends = [(places.spot(each, "start", "start_index"), places.spot(each, "end", "end_index")) for each in vehicles]
    matrix, notices = places.matrix_by(estimate)
    tasks = Tasks(jobs, vehicles)
    problem = Problem(
        stops=tasks.stops([spot.row for spot in spots], longest_leg(matrix)),
        crews=tasks.crews([tuple(spot and spot.row for spot in pair) for pair in ends]),
        matrix=at_speed(matrix, vehicles),
        weights=Weights(),
    )
    if ignored:
        notices.append(f"Ignored, because it has no meaning here: {', '.join(sorted(ignored))}.")
    return Question(problem, jobs, vehicles, spots, ends, tasks.clock.origin, tasks.load_key, has_distances, notices)


def longest_leg(matrix: Matrix) -> int:
    reachable = matrix.seconds[matrix.seconds < UNREACHABLE]
    return int(reachable.max(initial=0))


def look_at_keys(value: Value, kind: str, ignored: set[str]) -> None:
    for key in value.names():
        if key in REFUSED[kind]:
            if value.raw[key]:  # an empty list asks for nothing
                raise value.need(key).wrong("is not supported")
        elif key not in KNOWN[kind]:
            ignored.add(key if kind == "problem" else f"{key} of a {kind}")


def with_ids(values: list[Value], kind: str, ignored: set[str]) -> list[Value]:
    seen: dict[int, Value] = {}
    for value in values:
        look_at_keys(value, kind, ignored)
        number = value.need("id").whole()
        if number in seen:
            raise value.need("id").wrong(f"{number} is the id of {seen[number].path} already")
        seen[number] = value
    return values


# Places -------------------------------------------------------------------------------------------


class _Map:
    """Rows of the matrix that the file has, or else of one that is estimated from the places it names."""

    def __init__(self, matrix: Matrix | None):
        self.matrix = matrix
        self.rows: dict[Place, int] = {}

    def spot(self, value: Value, place_key: str, index_key: str, *, is_needed: bool = False) -> Spot | None:
        wanted, other = (place_key, index_key) if self.matrix is None else (index_key, place_key)
        if value.get(wanted) is None and value.get(other) is None and not is_needed:
            return None
        found = value.need(wanted)
        if self.matrix is None:
            row = self.rows.setdefault(_place(found), len(self.rows))
        else:
            row = found.whole(most=len(self.matrix.seconds) - 1)
        names = (("location", place_key), ("location_index", index_key))
        return Spot(row, {name: value.raw[key] for name, key in names if value.get(key)})

    def matrix_by(self, estimate: Estimate) -> tuple[Matrix, list[str]]:
        if self.matrix is not None:
            return self.matrix, []
        if len(self.rows) > MOST_PLACES:
            raise BadInput(f"jobs: {len(self.rows)} places are too many, at most {MOST_PLACES} can be planned")
        return estimate(list(self.rows)), [ESTIMATED]


def _place(value: Value) -> Place:
    longitude, latitude = value.items(count=2)
    return latitude.number(least=-90, most=90), longitude.number(least=-180, most=180)


def read_matrix(root: Value, vehicles: list[Value], ignored: set[str]) -> tuple[Matrix | None, bool]:
    """The one of the profile that all vehicles have, and whether it tells distances; None if there is none."""
    profiles = [vehicle.get("profile") for vehicle in vehicles]
    names = [profile.text() if profile else DEFAULT_PROFILE for profile in profiles]
    for vehicle, name in zip(vehicles, names, strict=True):
        if name != names[0]:
            raise vehicle.need("profile").wrong(f"must be {names[0]} for all, several profiles are not supported")
    matrices = root.get("matrices")
    if not matrices or not matrices.raw:
        return None, True
    of_profile = matrices.need(names[0])
    look_at_keys(of_profile, "matrix", ignored)
    seconds = _numbers(of_profile.need("durations"))
    distances = of_profile.get("distances")
    metres = _numbers(distances, len(seconds)) if distances else np.zeros_like(seconds)
    return Matrix(seconds, metres), distances is not None


def _numbers(value: Value, size: int | None = None) -> np.ndarray:
    rows = value.items(count=size)
    if len(rows) > MOST_PLACES:
        raise value.wrong(f"has {len(rows)} rows, at most {MOST_PLACES} can be planned")
    for row in rows:
        cells = row.items(count=len(rows))
        if not all(type(cell) is int and 0 <= cell <= MOST_SECONDS for cell in row.raw):
            for cell in cells:
                cell.whole(most=MOST_SECONDS)
    return np.minimum(np.array(value.raw, dtype=np.int64).reshape(len(rows), len(rows)), UNREACHABLE)


def at_speed(matrix: Matrix, vehicles: list[Value]) -> Matrix:
    given = [vehicle.get("speed_factor") for vehicle in vehicles]
    factors = [factor.number(least=0.01, most=5) if factor else 1.0 for factor in given]
    for vehicle, factor in zip(vehicles, factors, strict=True):
        if factor != factors[0]:
            raise Value(factor, f"{vehicle.path}.speed_factor").wrong("must be the same for all vehicles")
    if factors[0] == 1.0:
        return matrix
    seconds = np.rint(matrix.seconds / factors[0]).astype(np.int64)
    return Matrix(np.where(matrix.seconds >= UNREACHABLE, UNREACHABLE, seconds), matrix.metres)
