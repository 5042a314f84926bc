"""One technician's day: whether these visits fit into it, and when each begins."""

from collections.abc import Collection

from dispatch.assigning.problem import Assigned, Crew, Problem, Visit
from dispatch.travel import Place

STEP = 5  # nobody plans a start for 14:13
State = tuple[frozenset[int], int, Place | None]  # visits done, blocks passed, where


def schedule(problem: Problem, crew: Crew, visits: Collection[Visit]) -> list[Assigned] | None:
    """The order that is through earliest, with the least travel among equals; None if there is no order at all.

    Exact: of all orders that did the same visits and blocks and ended at the same place only the earliest goes on.
    """
    todo = {visit.job_id: visit for visit in visits}
    if len(todo) > crew.capacity or sum(visit.minutes for visit in visits) > crew.ends - crew.starts:
        return None
    labels: dict[State, tuple[int, int, tuple]] = {(frozenset(), 0, crew.start): (crew.starts, 0, ())}
    for _ in range(len(todo) + len(crew.booked)):
        grown: dict[State, tuple[int, int, tuple]] = {}
        for (done, passed, here), (free_at, travelled, starts) in labels.items():
            for state, label in _next(problem, crew, todo, done, passed, here, free_at, travelled, starts):
                if state not in grown or label < grown[state]:
                    grown[state] = label
        labels = grown
    if not labels:
        return None
    _, _, starts = min(labels.values())
    return [Assigned(job_id, crew.technician_id, minute) for job_id, minute in starts]


def _next(problem, crew, todo, done, passed, here, free_at, travelled, starts):
    if passed < len(crew.booked):
        block = crew.booked[passed]
        way = problem.way(here, block.enters)
        if free_at + way <= block.starts:
            yield (done, passed + 1, block.leaves), (block.ends, travelled + way, starts)
    for job_id, visit in todo.items():
        if job_id in done:
            continue
        way = problem.way(here, visit.place)
        at = max(visit.earliest, rounded(free_at + way))
        if at <= visit.latest and at + visit.minutes <= crew.ends:
            label = (at + visit.minutes, travelled + way, (*starts, (job_id, at)))
            yield (done | {job_id}, passed, visit.place), label


def rounded(minute: int) -> int:
    return -(-minute // STEP) * STEP
