"""One crew's route as a circuit for CP-SAT, a little easier than it really is: without breaks, and whoever likes waits.

So the bound holds for every real route, and a route that costs no more than the bound is the best. Pure.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Final, NamedTuple

from dispatch.planning.problem import MANDATORY, UNREACHABLE, Problem, Stop

ROUNDING: Final = 0.01  # the bound comes as a float
LEAST_SECONDS: Final = 0.001  # CP-SAT refuses to be given no time at all


class Circuit(NamedTuple):
    route: tuple[int, ...] | None
    bound: int  # points below which there is nothing


def best_circuit(
    problem: Problem, crew: int, stops: Sequence[int], *, hint: Sequence[int], seconds: float, seed: int = 0
) -> Circuit:
    from ortools.sat.python import cp_model

    model = _Model(problem, crew, stops)
    model.hint(hint)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(seconds, LEAST_SECONDS)
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.linearization_level = 2
    status = solver.solve(model.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Circuit(None, 0)
    return Circuit(model.route(solver), ceil(solver.best_objective_bound - ROUNDING))


class _Model:
    """Node 0 is where the day begins and ends; the stops follow."""

    def __init__(self, problem: Problem, crew: int, stops: Sequence[int]):
        from ortools.sat.python import cp_model

        self.problem, self.number, self.crew, self.indexes = problem, crew, problem.crews[crew], list(stops)
        self.model, self.cost, self.busy = cp_model.CpModel(), [], []
        self.stops = [problem.stops[index] for index in stops]
        self.domains = cp_model.Domain
        self.left_out = [self.model.new_bool_var("") for _ in stops]
        self.starts = [self._start(stop, left) for stop, left in zip(self.stops, self.left_out, strict=True)]
        self.arcs = self._arcs()
        self.model.add_circuit([(origin, target, literal) for (origin, target), literal in self.arcs.items()])
        self._limits()
        for node, stop in enumerate(self.stops):
            self._price(node, stop)
        self._balance()
        self.model.minimize(sum(self.cost))

    def _start(self, stop: Stop, left_out):
        """Any time at all for what is left out."""
        crew = self.crew
        latest = max(crew.opens, crew.closes)
        start = self.model.new_int_var(crew.opens, latest, "")
        allowed = [[max(opens, crew.opens), min(closes, latest)] for opens, closes in stop.windows]
        allowed = [window for window in allowed if window[0] <= window[1]]
        if allowed:
            domain = self.domains.from_intervals(allowed)
            self.model.add_linear_expression_in_domain(start, domain).only_enforce_if(~left_out)
        else:
            self.model.add(left_out == 1)
        return start

    def _arcs(self) -> dict:
        model, count = self.model, len(self.stops)
        idle = model.new_bool_var("")
        arcs = {(0, 0): idle}
        for node, left in enumerate(self.left_out, 1):
            arcs[node, node] = left
            model.add_implication(idle, left)
        for origin in range(count + 1):
            for target in range(count + 1):
                if origin == target or (leg := self._leg(origin, target))[0] >= UNREACHABLE:
                    continue
                literal = arcs[origin, target] = model.new_bool_var("")
                self._follow(origin, target, leg[0], literal)
                weights = self.problem.weights
                self.cost.append(literal * (leg[0] * weights.travel + leg[1] * weights.distance))
                self.busy.append(literal * leg[0])
        return arcs

    def _leg(self, origin: int, target: int) -> tuple[int, int]:
        here = self.stops[origin - 1].location if origin else self.crew.start
        there = self.stops[target - 1].location if target else self.crew.end
        return self.problem.matrix.leg(here, there)

    def _follow(self, origin: int, target: int, seconds: int, literal) -> None:
        free_at = self.starts[origin - 1] + self.stops[origin - 1].service if origin else self.crew.opens
        begins = self.starts[target - 1] if target else self.crew.closes
        self.model.add(free_at + seconds <= begins).only_enforce_if(literal)

    def _limits(self) -> None:
        crew, served = self.crew, [~left for left in self.left_out]
        if crew.most_stops is not None:
            self.model.add(sum(served) <= max(0, crew.most_stops))
        for kind, most in enumerate(crew.capacity):
            loads = [stop.load[kind] if len(stop.load) > kind else 0 for stop in self.stops]
            self.model.add(sum(load * is_in for load, is_in in zip(loads, served, strict=True)) <= most)

    def _price(self, node: int, stop: Stop) -> None:
        weights, start, left = self.problem.weights, self.starts[node], self.left_out[node]
        penalty = max(stop.penalty, MANDATORY) if stop.is_locked else stop.penalty
        self.cost.append(left * (penalty + (weights.reassigned if stop.was else 0)))
        for due, weight in ((stop.due, weights.late), (stop.sla_due, weights.sla)):
            if due is not None and weight and due < self.crew.closes:
                late = self.model.new_int_var(0, max(0, self.crew.closes - due), "")
                self.model.add(late >= start - due).only_enforce_if(~left)
                self.cost.append(late * weight)
        if stop.was and stop.was.crew != self.number:
            self.cost.append(~left * weights.reassigned)
        elif stop.was and stop.was.starts_at is not None and weights.retimed:
            is_moved = self.model.new_bool_var("")
            near = (start - stop.was.starts_at, weights.retime_after)
            self.model.add(near[0] <= near[1]).only_enforce_if(~left, ~is_moved)
            self.model.add(near[0] >= -near[1]).only_enforce_if(~left, ~is_moved)
            self.cost.append(is_moved * weights.retimed)

    def _balance(self) -> None:
        share, weight = self.crew.fair_share, self.problem.weights.balance
        if share is None or not weight:
            return
        work = [~left * stop.service for left, stop in zip(self.left_out, self.stops, strict=True)]
        most = max(self.crew.closes - self.crew.opens, 0)
        above = self.model.new_int_var(0, most + abs(share), "")
        self.model.add(above >= sum(self.busy) + sum(work) - share)
        self.cost.append(above * weight)

    def hint(self, route: Sequence[int]) -> None:
        nodes = [0, *(self.indexes.index(index) + 1 for index in route), 0]
        used = set(pairwise(nodes))
        used |= {(node, node) for node in range(1, len(self.stops) + 1) if node not in nodes}
        for arc, literal in self.arcs.items():
            self.model.add_hint(literal, arc in used)

    def route(self, solver) -> tuple[int, ...]:
        following = {origin: target for (origin, target), literal in self.arcs.items() if solver.boolean_value(literal)}
        route, node = [], following[0]
        while node:
            route.append(self.indexes[node - 1])
            node = following[node]
        return tuple(route)
