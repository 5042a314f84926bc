"""Planners on the same problem, each in a process of its own, judged by the checker that shares no code with any."""

import multiprocessing
import time
from dataclasses import dataclass, field

import psutil

from dispatch.planning.check import cost_by_hand, faults_of
from dispatch.planning.problem import Problem, Routes, Solution

OURS, VROOM, PYVRP, TUTORIAL = "Truckroll", "VROOM", "PyVRP", "OR-Tools, tutorial"
CORES = 2


@dataclass
class Run:
    """One planner on one problem. `points` are those of the best plan that it had after so many seconds."""

    solver: str
    seconds: float = 0.0
    points: dict[float, int | None] = field(default_factory=dict)
    routes: Routes | None = None
    faults: list[str] = field(default_factory=list)
    is_proven: bool = False
    megabytes: int = 0


def race(solver: str, problem: Problem, limits: list[float], *, seed: int = 0, judge: Problem | None = None) -> Run:
    """One run of as long as the last limit, read at each (ours: a run for each).

    `judge` has the weights that count, if others than given.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, solver, problem, limits, seed, judge or problem))
    process.start()
    theirs.close()
    most = 0
    try:
        while not ours.poll(0.1):
            most = max(most, _megabytes(process.pid))
        run = ours.recv()
    except EOFError:
        run = Run(solver, faults=["it ended without an answer"])
    finally:
        process.join(10)
        if process.is_alive():
            process.kill()
    run.megabytes = most
    return run


def _megabytes(pid: int) -> int:
    """Of the process and its own; what they share is counted as often as it is shared."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.Error:
        pass
    return total >> 20


def _work(pipe, solver: str, problem: Problem, limits: list[float], seed: int, judge: Problem) -> None:
    run = _ours(problem, limits, seed, judge) if solver == OURS else _peer(solver, problem, limits, seed, judge)
    pipe.send(run)
    pipe.close()


def _ours(problem: Problem, limits: list[float], seed: int, judge: Problem) -> Run:
    from dispatch.planning.decomposition import load
    from dispatch.planning.solver import solve

    load()  # as a worker has it; the others' code is in memory, too, before their time begins
    run = Run(OURS)
    for limit in limits:  # a run each: how fast it settles down depends on the time it has
        begun = time.perf_counter()
        solution: Solution = solve(problem, seconds=limit, seed=seed, processes=CORES)
        run.seconds, run.routes, run.is_proven = time.perf_counter() - begun, solution.routes, solution.is_proven
        run.faults += faults_of(problem, solution.routes)
        run.points[limit] = None if run.faults else cost_by_hand(judge, solution.routes)
        if run.is_proven:
            run.points = dict.fromkeys(limits, run.points[limit])
            break
    return run


def _peer(solver: str, problem: Problem, limits: list[float], seed: int, judge: Problem) -> Run:
    answer = _asked(solver, problem, limits[-1], seed)
    run = Run(solver, answer.seconds, routes=answer.routes)
    for limit in limits:
        routes = answer.after(limit if limit < limits[-1] else float("inf"))
        if routes is not None:
            faults = faults_of(judge, routes)
            run.faults += faults
            run.points[limit] = None if faults else cost_by_hand(judge, routes)
    return run


def _asked(solver: str, problem: Problem, seconds: float, seed: int):
    from stage import peers, tutorial

    if solver == VROOM:
        return peers.solve_by_vroom(problem, seconds=seconds, threads=CORES)
    if solver == PYVRP:
        return peers.solve_by_pyvrp(problem, seconds=seconds, seed=seed)
    return tutorial.solve_by_tutorial(problem, seconds=seconds)
