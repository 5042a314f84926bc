"""The planning problem as pyvroom and as PyVRP take it, and their routes back. Pure, no Django."""

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import pyvrp
import vroom
from pyvrp.stop import MaxRuntime

from dispatch.planning.problem import FOREVER, MANDATORY, Problem, Routes, Stop
from dispatch.planning.weights import POINTS_A_SECOND

FAR = 10**7  # seconds to a stop that a vehicle may not do: more than leaving out costs


@dataclass
class Answer:
    """The routes that were the best so far, each with the seconds since the start."""

    found: list[tuple[float, Routes]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def routes(self) -> Routes | None:
        return self.found[-1][1] if self.found else None

    def after(self, seconds: float) -> Routes | None:
        return next((routes for at, routes in reversed(self.found) if at <= seconds), None)


# VROOM --------------------------------------------------------------------------------------------


def solve_by_vroom(problem: Problem, *, seconds: float, threads: int = 2, exploration: int = 5) -> Answer:
    """It ends by itself, so there is one answer. Its priorities come before all driving."""
    begun = time.perf_counter()
    solution = _input(problem).solve(
        exploration_level=exploration, nb_threads=threads, timeout=timedelta(seconds=seconds)
    )
    taken = time.perf_counter() - begun
    return Answer([(taken, _routes_of(problem, solution))], taken)


def _input(problem: Problem) -> vroom.Input:
    """A skill, as VROOM has them, is here a set of technicians that one belongs to."""
    given = vroom.Input()
    given.set_durations_matrix("car", problem.matrix.seconds)
    classes = {eligible: number for number, eligible in enumerate({stop.eligible for stop in problem.stops})}
    for number, crew in enumerate(problem.crews):
        if crew.most_stops == 0:
            continue
        given.add_vehicle(
            vroom.Vehicle(
                number,
                start=crew.start,
                end=crew.end,
                time_window=(crew.opens, crew.closes),
                skills={kind for eligible, kind in classes.items() if number in eligible},
                breaks=[
                    vroom.Break(pause.id, [vroom.TimeWindow(pause.earliest, pause.latest)], service=pause.duration)
                    for pause in crew.breaks
                ],
                capacity=list(crew.capacity),
                **({} if crew.most_stops is None else {"max_tasks": crew.most_stops}),
            )
        )
    scale = priority_scale(problem)
    for index, stop in enumerate(problem.stops):
        if not stop.eligible:
            continue
        given.add_job(
            vroom.Job(
                index,
                location=stop.location,
                default_service=stop.service,
                delivery=list(stop.load),
                skills={classes[stop.eligible]},
                priority=max(0, min(100, round(stop.penalty * scale))),
                time_windows=[vroom.TimeWindow(*window) for window in stop.windows if window[1] < FOREVER],
            )
        )
    return given


def _routes_of(problem: Problem, solution: vroom.solution.solution.Solution) -> Routes:
    steps = solution.routes
    routes: list[list[int]] = [[] for _ in problem.crews]
    for kind, vehicle, task in zip(steps["type"], steps["vehicle_id"], steps["id"], strict=True):
        if kind == "job":
            routes[vehicle].append(int(task))
    return tuple(tuple(route) for route in routes)


def priority_scale(problem: Problem) -> float:
    """VROOM's priorities go to 100: as finely as that allows, in proportion to what leaving out costs."""
    highest = max((stop.penalty for stop in problem.stops if stop.penalty < MANDATORY), default=0)
    lowest = min((stop.penalty for stop in problem.stops if stop.penalty > 0), default=1)
    return min(1 / lowest, 100 / highest) if highest else 0.0


# PyVRP --------------------------------------------------------------------------------------------


def solve_by_pyvrp(problem: Problem, *, seconds: float, seed: int = 0) -> Answer:
    """Leaving out is a prize not won; a profile a technician keeps them from what they may not do. It knows no breaks.

    What it found is read from one run: each better feasible plan with its time.
    """
    begun = time.perf_counter()
    clients = [number for number, stop in enumerate(problem.stops) if stop.eligible]
    alike = _alike(problem, clients)
    data = _data(problem, alike, clients)
    heard = _Heard(begun)
    params = pyvrp.SolveParams(ils=pyvrp.IteratedLocalSearchParams(callbacks=heard))
    left = seconds - (time.perf_counter() - begun)
    pyvrp.solve(data, MaxRuntime(max(0.01, left)), seed=seed, collect_stats=False, params=params)
    taken = time.perf_counter() - begun
    found = [(at, _routes_from(problem, best, list(alike.values()), clients)) for at, best in heard.found]
    return Answer(found, taken)


class _Heard(pyvrp.IteratedLocalSearchCallbacks):
    def __init__(self, begun: float):
        self.begun = begun
        self.found: list[tuple[float, pyvrp.Solution]] = []

    def on_start(self, ils):
        self.on_best(ils.initial_solution)

    def on_best(self, best):
        if best.is_feasible():
            self.found.append((time.perf_counter() - self.begun, best))


def _alike(problem: Problem, clients: list[int]) -> dict[tuple, list[int]]:
    """Technicians between whom there is no difference, by what makes it: PyVRP wants to know of those."""
    alike: dict[tuple, list[int]] = {}
    for number, crew in enumerate(problem.crews):
        if crew.most_stops != 0:
            barred = frozenset(problem.stops[n].location for n in clients if number not in problem.stops[n].eligible)
            alike.setdefault((replace(crew, id=0), barred), []).append(number)
    return alike


def _data(problem: Problem, alike: dict[tuple, list[int]], clients: list[int]) -> pyvrp.ProblemData:
    depots = sorted({place for crew, _ in alike for place in (crew.start, crew.end)})
    barred_sets = list(dict.fromkeys(barred for _, barred in alike))
    durations = problem.matrix.seconds
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in durations],
        clients=[_client(problem.stops[number]) for number in clients],
        depots=[pyvrp.Depot(location=place) for place in depots],
        vehicle_types=[
            pyvrp.VehicleType(
                num_available=len(numbers),
                capacity=list(crew.capacity),
                start_depot=depots.index(crew.start),
                end_depot=depots.index(crew.end),
                tw_early=crew.opens,
                tw_late=crew.closes,
                profile=barred_sets.index(barred),
            )
            for (crew, barred), numbers in alike.items()
        ],
        distance_matrices=[_kept_from(durations, sorted(barred)) for barred in barred_sets],
        duration_matrices=[durations] * len(barred_sets),
    )


def _kept_from(durations: np.ndarray, places: list[int]) -> np.ndarray:
    ways = durations.copy()
    ways[:, places] = FAR
    ways[places, :] = FAR
    np.fill_diagonal(ways, 0)
    return ways


def _client(stop: Stop) -> pyvrp.Client:
    (window,) = stop.windows
    is_optional = stop.penalty < MANDATORY
    return pyvrp.Client(
        location=stop.location,
        delivery=list(stop.load),
        service_duration=stop.service,
        tw_early=window[0],
        tw_late=min(window[1], FOREVER),
        prize=stop.penalty // POINTS_A_SECOND if is_optional else 0,
        required=not is_optional,
    )


def _routes_from(problem: Problem, best: pyvrp.Solution, alike: list[list[int]], clients: list[int]) -> Routes:
    routes = [()] * len(problem.crews)
    free = [list(numbers) for numbers in alike]
    for route in best.routes():
        routes[free[route.vehicle_type()].pop()] = tuple(clients[visit.idx] for visit in route if visit.is_client())
    return tuple(routes)
