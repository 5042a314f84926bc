"""All jobs at once: who does which is a CP-SAT model, whether one technician can do theirs is a schedule.

The model knows scores, capacities and hours but not the ways between jobs. Where what it gives to somebody cannot be
done, the smallest part of it that cannot is forbidden and the model is solved anew (logic-based Benders decomposition,
Hooker 2000): when everything can be done, the answer is the best there is. Each answer on the way is repaired, so that
there is always one that can be done, and none is worse than one by one.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from dispatch.assigning.one_by_one import Rota, assign_one_by_one, insert, solution_of
from dispatch.assigning.problem import Crew, Problem, Solution, Visit, value_of
from dispatch.assigning.schedule import schedule

MODEL_SECONDS = 3.0  # for one solution of the model, at most


def assign_jointly(
    problem: Problem, *, seconds: float = 15, go_on: Callable[[float], bool] = lambda share: True
) -> Solution:
    """The best assignment found within about that time.

    `go_on` is told the share of the time that has passed (0..1) and may say no; the best found so far is the answer.
    """
    begun = time.monotonic()
    best = assign_one_by_one(problem)
    model = Model(problem)
    while model.pairs and go_on(min(1.0, (time.monotonic() - begun) / seconds)):
        left = seconds - (time.monotonic() - begun)
        rota = model.solve(hint=best, seconds=min(MODEL_SECONDS, left)) if left > 0 else None
        if rota is None:
            break
        undoable = {key: visits for key, visits in rota.items() if schedule_of(problem, key, visits) is None}
        for key, visits in undoable.items():
            model.forbid(key, smallest_undoable(problem, problem.crew_of[key], visits))
        best = max(best, repaired(problem, rota, undoable), key=lambda solution: solution.value(problem))
        if not undoable:
            break
    return best


def schedule_of(problem: Problem, key: tuple[int, int], visits: list[Visit]):
    return schedule(problem, problem.crew_of[key], visits)


def smallest_undoable(problem: Problem, crew: Crew, visits: list[Visit]) -> list[Visit]:
    """None of these can be left out without the rest becoming possible."""
    kept = list(visits)
    for visit in visits:
        rest = [other for other in kept if other is not visit]
        if schedule(problem, crew, rest) is None:
            kept = rest
    return kept


def repaired(problem: Problem, rota: Rota, undoable: Rota) -> Solution:
    """What cannot be done where the model put it goes to the next best with room, or is left out."""
    done: Rota = defaultdict(list, {key: list(visits) for key, visits in rota.items() if key not in undoable})
    homeless = []
    for key, visits in undoable.items():
        for visit in sorted(visits, key=lambda visit: (-value_of(visit, key[0]), visit.job_id)):
            fits = schedule_of(problem, key, [*done[key], visit]) is not None
            (done[key] if fits else homeless).append(visit)
    given = {visit.job_id for visits in (*done.values(), homeless) for visit in visits}
    insert(problem, done, [*homeless, *(visit for visit in problem.visits if visit.job_id not in given)])
    return solution_of(problem, done)


class Model:
    def __init__(self, problem: Problem):
        self.problem = problem
        from ortools.sat.python import cp_model  # seconds and megabytes, which web processes never need

        self.model = cp_model.CpModel()
        self.pairs: dict[tuple[int, int], object] = {}  # job, technician -> given to them
        self.of_crew: dict[tuple[int, int], list[Visit]] = defaultdict(list)
        for visit in problem.visits:
            self._add_visit(visit)
        for key, visits in self.of_crew.items():
            self._add_crew(problem.crew_of[key], visits)
        self.model.maximize(
            sum(value_of(problem.visit_of[job], technician) * given for (job, technician), given in self.pairs.items())
        )

    def _add_visit(self, visit: Visit) -> None:
        options = []
        for technician_id in sorted(visit.scores):
            crew = self.problem.crew_of.get((technician_id, visit.day))
            if crew and schedule(self.problem, crew, [visit]) is not None:
                given = self.pairs[visit.job_id, technician_id] = self.model.new_bool_var("")
                self.of_crew[crew.key].append(visit)
                options.append(given)
        self.model.add_at_most_one(options)

    def _add_crew(self, crew: Crew, visits: list[Visit]) -> None:
        given = [self.pairs[visit.job_id, crew.technician_id] for visit in visits]
        self.model.add(sum(given) <= crew.capacity)
        free = crew.ends - crew.starts - sum(block.ends - block.starts for block in crew.booked)
        # To each of them they come from somewhere: from the nearest place there is, at least.
        places = [crew.start, *(block.leaves for block in crew.booked), *(visit.place for visit in visits)]
        takes = [
            visit.minutes + min(self.problem.way(place, visit.place) for place in places if place != visit.place)
            if any(place != visit.place for place in places)
            else visit.minutes
            for visit in visits
        ]
        self.model.add(sum(minutes * var for minutes, var in zip(takes, given, strict=True)) <= free)

    def forbid(self, key: tuple[int, int], visits: list[Visit]) -> None:
        """Together for this technician; for everybody, if not even a day with nothing else in it holds them."""
        crew = self.problem.crew_of[key]
        anybody = replace(crew, starts=min(c.starts for c in self.problem.crews if c.day == crew.day), start=None)
        anybody = replace(anybody, ends=max(c.ends for c in self.problem.crews if c.day == crew.day), booked=())
        anybody = replace(anybody, capacity=len(visits))
        everybody = schedule(self.problem, anybody, visits) is None
        jobs = [visit.job_id for visit in visits]
        for technician_id in sorted({t for _, t in self.pairs}) if everybody else [crew.technician_id]:
            together = [self.pairs[job, technician_id] for job in jobs if (job, technician_id) in self.pairs]
            if len(together) == len(jobs):
                self.model.add(sum(together) <= len(jobs) - 1)

    def solve(self, *, hint: Solution, seconds: float) -> Rota | None:
        self.model.clear_hints()
        hinted = {(given.job_id, given.technician_id) for given in hint.assigned}
        for pair, given in self.pairs.items():
            self.model.add_hint(given, pair in hinted)
        from ortools.sat.python import cp_model

        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 1  # the other cores stay free for the pages
        solver.parameters.random_seed = 1
        if solver.solve(self.model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        rota: Rota = defaultdict(list)
        for (job, technician), given in self.pairs.items():
            if solver.boolean_value(given):
                visit = self.problem.visit_of[job]
                rota[technician, visit.day].append(visit)
        return rota
