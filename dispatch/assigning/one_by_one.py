"""One job after the other, each to its best match with room: the floor that the joint assignment starts from."""

from collections import defaultdict
from collections.abc import Iterable

from dispatch.assigning.problem import Assigned, Problem, Solution, Visit
from dispatch.assigning.schedule import schedule

Rota = dict[tuple[int, int], list[Visit]]  # technician and day -> what they have been given


def assign_one_by_one(problem: Problem) -> Solution:
    rota: Rota = defaultdict(list)
    insert(problem, rota, problem.visits)
    return solution_of(problem, rota)


def insert(problem: Problem, rota: Rota, visits: Iterable[Visit]) -> None:
    """The weightiest first, then who can wait least; each to the best score among those with time for it."""
    for visit in sorted(visits, key=lambda visit: (-visit.weight, visit.latest, visit.job_id)):
        for technician_id, _ in sorted(visit.scores.items(), key=lambda item: (-item[1], item[0])):
            crew = problem.crew_of.get((technician_id, visit.day))
            if crew and schedule(problem, crew, [*rota[crew.key], visit]) is not None:
                rota[crew.key].append(visit)
                break


def solution_of(problem: Problem, rota: Rota) -> Solution:
    assigned: list[Assigned] = []
    for key, visits in rota.items():
        if visits:
            assigned += schedule(problem, problem.crew_of[key], visits)
    return Solution(tuple(sorted(assigned, key=lambda given: given.job_id)))
