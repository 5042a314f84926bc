"""OR-Tools' routing library as its tutorials use it: cheapest insertion, then guided local search. A floor."""

import time

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from dispatch.planning.problem import MANDATORY, Problem, Routes
from dispatch.planning.weights import POINTS_A_SECOND
from stage.peers import Answer


def solve_by_tutorial(problem: Problem, *, seconds: float) -> Answer:
    """Knows stops with one window and crews without breaks."""
    begun = time.perf_counter()
    crews = problem.crews
    # Nodes: a place each for the stops, then the crews' starts, then their ends.
    places = [stop.location for stop in problem.stops] + [c.start for c in crews] + [c.end for c in crews]
    count = len(problem.stops)
    starts = list(range(count, count + len(crews)))
    manager = pywrapcp.RoutingIndexManager(len(places), len(crews), starts, [start + len(crews) for start in starts])
    routing = pywrapcp.RoutingModel(manager)
    ways = problem.matrix.seconds[places][:, places]
    service = [stop.service for stop in problem.stops] + [0] * (2 * len(crews))
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(ways.tolist()))
    spent = routing.RegisterTransitMatrix((ways + np.array(service)[:, None]).tolist())
    horizon = max(crew.closes for crew in crews)
    routing.AddDimension(spent, horizon, horizon, False, "Time")
    clock = routing.GetDimensionOrDie("Time")
    for number, crew in enumerate(crews):
        clock.CumulVar(routing.Start(number)).SetRange(crew.opens, crew.closes)
        clock.CumulVar(routing.End(number)).SetRange(crew.opens, crew.closes)
    for number, stop in enumerate(problem.stops):
        index = manager.NodeToIndex(number)
        (window,) = stop.windows
        clock.CumulVar(index).SetRange(window[0], min(window[1], horizon))
        routing.VehicleVar(index).SetValues([-1, *sorted(stop.eligible)])
        routing.AddDisjunction([index], min(stop.penalty, MANDATORY) // POINTS_A_SECOND)
    return _searched(routing, manager, count, seconds, begun)


def _searched(routing, manager, count: int, seconds: float, begun: float) -> Answer:
    answer = Answer()

    def read() -> Routes:
        routes = []
        for vehicle in range(routing.vehicles()):
            index, route = routing.NextVar(routing.Start(vehicle)).Value(), []
            while not routing.IsEnd(index):
                route.append(manager.IndexToNode(index))
                index = routing.NextVar(index).Value()
            routes.append(tuple(route))
        return tuple(routes)

    least = [float("inf")]

    def heard() -> None:
        cost = routing.CostVar().Value()
        if cost < least[0]:
            least[0] = cost
            answer.found.append((time.perf_counter() - begun, read()))

    routing.AddAtSolutionCallback(heard)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(max(1, round((seconds - (time.perf_counter() - begun)) * 1000)))
    routing.SolveWithParameters(parameters)
    answer.seconds = time.perf_counter() - begun
    return answer
