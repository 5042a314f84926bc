"""Our route planner against VROOM, PyVRP and the routing library as its tutorials use it.

python benchmarks/routes.py [--sets small,days,...] [--seeds 3] [--readme] [--smoke]

Each planner runs in a process of its own, one after the other, with the same limits, on the same problems; every plan
is checked for feasibility and its cost worked out anew by dispatch/planning/check.py. Ours and VROOM have two cores;
PyVRP and OR-Tools use one. Needs neither a database nor Django.
"""

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import stage
from stage import days, public_instances
from stage.public_instances import Instance
from stage.race import OURS, PYVRP, TUTORIAL, VROOM, Run, race

from dispatch.planning.problem import MANDATORY, Problem, Weights
from dispatch.planning.weights import POINTS_A_SECOND, minutes_a_moved_job

README = Path(__file__).with_name("README.md")
BEGINS, ENDS = "<!-- routes.py writes this: -->", "<!-- until here -->"
LATE = 1.05  # of the limit, and a quarter of a second: more has not kept to it


@dataclass
class Bench:
    report: stage.Report
    is_smoke: bool
    seeds: int
    tables: list[str] = field(default_factory=list)

    def limits(self, *limits: float) -> list[float]:
        return [0.5] if self.is_smoke else list(limits)

    def show(self, table: str) -> None:
        self.tables.append(table)
        print(f"\n{table}\n", flush=True)

    def run(self, kind: str, name: str, solver: str, problem: Problem, limits: list[float], **more) -> Run:
        """Measures and writes the line; `more` as for `race`."""
        run = race(solver, problem, limits, **more)
        left = sum(1 for _ in problem.stops) - sum(map(len, run.routes or ()))
        self.report.line(
            set=kind,
            instance=name,
            solver=solver,
            seconds=round(run.seconds, 2),
            points=run.points,
            left_out=left,
            megabytes=run.megabytes,
            **({"faults": run.faults[:3]} if run.faults else {}),
        )
        self.report.check(not run.faults, f"{solver}'s plan of {name} breaks no rule")
        if solver == OURS:
            self.report.check(
                run.seconds <= limits[-1] * LATE + (5 if self.is_smoke else 1),
                f"{name} is planned within {limits[-1]} s",
            )
        return run


Cells = dict[str, dict[float, list[float]]]  # solver, limit: a value an instance


def new_cells() -> Cells:
    return defaultdict(lambda: defaultdict(list))


def mean_rows(cells: Cells, limits: list[float], text: Callable[[float], str]) -> list[list[str]]:
    """A row a solver; "-" where it had nothing for some instance by then."""
    most = max(len(values) for by_limit in cells.values() for values in by_limit.values())
    rows = []
    for solver, by_limit in cells.items():
        found = [by_limit[limit] for limit in limits]
        rows.append([solver, *(text(statistics.mean(v)) if len(v) == most else "-" for v in found)])
    return rows


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def thousands(points: float) -> str:
    return f"{points / POINTS_A_SECOND / 1000:,.1f}k"


# Whole days ---------------------------------------------------------------------------------------


def plan_days(bench: Bench) -> None:
    """J: seconds of driving, and two hours of it for each step of priority of a job that is left out."""
    limits, cells = bench.limits(1, 3, 10, 30), new_cells()
    for seed in range(bench.seeds):
        day = days.day(30, 200, seed=seed)
        for limit in limits:
            note(cells, bench.run("days", day.name, OURS, day.problem, [limit], seed=seed))
        measure_vroom(bench, cells, "days", day.name, day.problem, limits)
        for solver in (PYVRP, TUTORIAL):
            note(cells, bench.run("days", day.name, solver, day.problem, limits, seed=seed))
    rows = mean_rows(cells, limits, thousands)
    bench.show(
        f"30 technicians x 200 jobs, J, mean of {bench.seeds} days:\n\n"
        + markdown(["planner", *(f"{limit:g} s" for limit in limits)], rows)
    )
    if not bench.is_smoke:
        hold(bench, cells, 3, VROOM, 1.01)
        hold(bench, cells, 10, VROOM, 0.97)
        hold(bench, cells, 10, PYVRP, 1.0)


def plan_large_days(bench: Bench) -> None:
    limits, cells, memory = bench.limits(10, 60), new_cells(), {}
    crews, stops = (40, 300) if bench.is_smoke else (100, 1000)
    day = days.day(crews, stops, seed=0)
    for limit in limits:
        run = bench.run("large", day.name, OURS, day.problem, [limit])
        note(cells, run)
        memory[OURS] = run.megabytes
    memory[VROOM] = measure_vroom(bench, cells, "large", day.name, day.problem, limits).megabytes
    run = bench.run("large", day.name, PYVRP, day.problem, limits)
    note(cells, run)
    memory[PYVRP] = run.megabytes
    rows = [[*row, f"{memory[row[0]]:,}"] for row in mean_rows(cells, limits, thousands)]
    head = ["planner", *(f"{limit:g} s" for limit in limits), "MB at most"]
    bench.show(f"{crews} technicians x {stops:,} jobs, J:\n\n" + markdown(head, rows))
    if not bench.is_smoke:
        hold(bench, cells, 60, VROOM, 0.995)
        hold(bench, cells, 60, PYVRP, 0.90)
        bench.report.check(memory[OURS] < 500, "ours takes less than 500 MB for 100 x 1,000")


def plan_days_with_breaks(bench: Bench) -> None:
    """Everybody rests for half an hour, three to five hours after they began. PyVRP has no breaks.

    VROOM may rest at any time between two visits, ours when it has to or can without loss, so VROOM's routes are
    judged as if nobody rested: what they cost is the same.
    """
    limits, cells = bench.limits(3, 10), new_cells()
    for seed in range(min(2, bench.seeds)):
        day = days.day(30, 200, seed=seed, with_breaks=True)
        awake = replace(day.problem, crews=tuple(replace(crew, breaks=()) for crew in day.problem.crews))
        name = f"{day.name} with breaks"
        for limit in limits:
            note(cells, bench.run("breaks", name, OURS, day.problem, [limit], seed=seed))
        measure_vroom(bench, cells, "breaks", name, day.problem, limits, judge=awake)
    head = ["planner", *(f"{limit:g} s" for limit in limits)]
    bench.show("30 x 200 with a break each, J:\n\n" + markdown(head, mean_rows(cells, limits, thousands)))


def note(cells: Cells, run: Run, value: Callable[[int], float] = float) -> None:
    for limit, points in run.points.items():
        if points is not None:
            cells[run.solver][limit].append(value(points))


def measure_vroom(
    bench: Bench,
    cells: Cells,
    kind: str,
    name: str,
    problem: Problem,
    limits: list[float],
    value: Callable[[int], float] = float,
    **more,
) -> Run:
    """It ends by itself: once it has done so, more time is no other run. It counts where it kept to the limit."""
    for limit in limits:
        run = bench.run(kind, name, VROOM, problem, [limit], **more)
        if run.seconds <= limit * LATE + 0.25:
            note(cells, run, value)
        if run.seconds < 0.9 * limit:
            later = [other for other in limits if other > limit]
            note(cells, replace(run, points={other: run.points.get(limit) for other in later}), value)
            break
    return run


def hold(bench: Bench, cells: Cells, limit: float, peer: str, ratio: float) -> None:
    ours, theirs = cells[OURS][limit], cells[peer][limit]
    if ours and len(ours) == len(theirs):
        promise = f"at {limit} s at most {ratio} of {peer}'s: {sum(ours) / sum(theirs):.3f}"
        bench.report.check(sum(ours) <= ratio * sum(theirs), promise)


# Later that day -----------------------------------------------------------------------------------


def replan(bench: Bench) -> None:
    """11:00: what has begun is fixed, one technician is gone, 8 % new jobs. The others know nothing of today's plan."""
    limits = [0.5] if bench.is_smoke else [0.5, 2, 5]
    a_move = minutes_a_moved_job(30) * 60 * POINTS_A_SECOND
    rows: dict[tuple[str, float], list[tuple[int, int]]] = defaultdict(list)
    for seed in range(bench.seeds):
        morning = days.day(30, 200, seed=seed)
        planned = race(VROOM, morning.problem, [1 if bench.is_smoke else 10]).routes
        plain = days.midday(morning, planned)
        asked = replace(plain, weights=Weights(reassigned=a_move))
        name = f"{morning.name} at 11:00, {len(plain.stops)} open"
        for limit in limits:
            run = bench.run("replan", name, OURS, asked, [limit], judge=plain, seed=seed)
            rows[OURS, limit].append((run.points[limit], days.moved(plain, run.routes)))
        for solver, limit in ((VROOM, 5), (PYVRP, 0.5), (PYVRP, 5)) if not bench.is_smoke else ((VROOM, 5),):
            run = bench.run("replan", name, solver, plain, [limit], seed=seed)
            if run.points.get(limit) is not None:
                taken = 5 if solver == VROOM else limit
                rows[solver, taken].append((run.points[limit], days.moved(plain, run.routes)))
    means = {key: tuple(statistics.mean(column) for column in zip(*row, strict=True)) for key, row in rows.items()}
    table = [
        [solver + (" (ends by itself)" if solver == VROOM else ""), f"{limit:g} s", thousands(j), f"{moves:.0f}"]
        for (solver, limit), (j, moves) in means.items()
    ]
    head = ["planner", "within", "J", "jobs that change technician"]
    bench.show(f"Replanned at 11:00, mean of {bench.seeds} days:\n\n" + markdown(head, table))
    if not bench.is_smoke:
        (ours, our_moves), (theirs, their_moves) = means[OURS, 0.5], means[VROOM, 5]
        bench.report.check(ours <= 1.03 * theirs, f"in 0.5 s at most 1.03 of VROOM's: {ours / theirs:.3f}")
        bench.report.check(our_moves <= their_moves / 2, f"half its moves: {our_moves:.0f} of {their_moves:.0f}")


# One route ----------------------------------------------------------------------------------------


def prove_routes(bench: Bench) -> None:
    """One technician's route, proven to be the best, in this process and on one core."""
    from stage.peers import solve_by_vroom

    sizes, days_each = ([8, 12], 4) if bench.is_smoke else ([6, 8, 10, 12], 20)
    rows = []
    measure_route(days.small_day(4, seed=0))  # the first call imports
    for size in sizes:
        for with_windows in (True, False):
            runs, worse = [], 0
            for seed in range(days_each):
                problem = days.small_day(size, seed=seed, with_windows=with_windows)
                seconds, is_proven, points = measure_route(problem)
                runs.append((seconds * 1000, is_proven))
                worse += points > points_of(problem, solve_by_vroom(problem, seconds=1).routes)
            taken, proven = [ms for ms, _ in runs], sum(is_proven for _, is_proven in runs)
            p50, p95 = stage.percentile(taken, 50), stage.percentile(taken, 95)
            kind = "two-hour and fixed" if with_windows else "none"
            rows.append([size, kind, f"{proven} of {days_each}", f"{p50:.0f}", f"{p95:.0f}", f"{max(taken):.0f}"])
            what = f"{size} stops, windows {kind}"
            bench.report.line(set="small", instance=what, proven=proven, ms={"p50": p50, "p95": p95}, worse=worse)
            bench.report.check(not worse, f"no route of {what} is worse than VROOM's")
            bench.report.check(proven == days_each, f"every route of {what} is proven")
            if not bench.is_smoke:
                bench.report.check(p50 <= 50, f"{what} are proven in 50 ms at the median: {p50:.0f}")
    head = ["stops", "windows", "proven", "ms p50", "p95", "worst"]
    bench.show("One technician's route to proven optimality:\n\n" + markdown(head, rows))


def measure_route(problem: Problem) -> tuple[float, bool, int]:
    from dispatch.planning.solver import solve

    begun = time.perf_counter()
    solution = solve(problem, seconds=2)
    return time.perf_counter() - begun, solution.is_proven, points_of(problem, solution.routes)


def points_of(problem: Problem, routes) -> int:
    from dispatch.planning.check import cost_by_hand

    return cost_by_hand(problem, routes)


# Public instances ---------------------------------------------------------------------------------


TITLES = {
    "solomon": "Solomon",
    "homberger": "Gehring and Homberger",
    "tsptw": "TSPTW",
    "strsp": "Kovacs' technicians",
}


def run_public(bench: Bench, kind: str, limits: tuple[float, ...]) -> None:
    """Gaps in per cent: to the best known where the literature minimises the same, else to the best of this run."""
    instances = list(getattr(public_instances, kind)())
    if bench.is_smoke:
        instances, limits = instances[:1], (0.5,)
    found = {instance.name: measure_public(bench, kind, instance, list(limits)) for instance in instances}
    gaps = new_cells()
    for instance in instances:
        cells = found[instance.name]
        mark = instance.best_known or min(v for by_limit in cells.values() for (v,) in by_limit.values())
        for solver, by_limit in cells.items():
            for limit, (value,) in by_limit.items():
                gaps[solver][limit].append(round(100 * (value / mark - 1), 3))
    against = "the best known" if instances[0].best_known else "the best of this run"
    mean = markdown(["planner", *(f"{x:g} s" for x in limits)], mean_rows(gaps, list(limits), "{:.2f} %".format))
    each = table_of_instances(instances, found, limits[-1])
    head = f"{TITLES[kind]} ({len(instances)} instances), mean gap to {against}:"
    bench.show(f"{head}\n\n{mean}\n\nAt {limits[-1]:g} s:\n\n{each}")


def measure_public(bench: Bench, kind: str, instance: Instance, limits: list[float]) -> Cells:
    cells = new_cells()
    for solver in (OURS, PYVRP):
        note(cells, bench.run(kind, instance.name, solver, instance.problem, limits), instance.units)
    measure_vroom(bench, cells, kind, instance.name, instance.problem, limits, instance.units)
    drop_what_lacks_stops(cells, instance)
    return cells


def table_of_instances(instances: list[Instance], found: dict[str, Cells], last: float) -> str:
    with_known = any(instance.best_known for instance in instances)
    rows = []
    for instance in instances:
        ends = [found[instance.name][solver].get(last) for solver in (OURS, PYVRP, VROOM)]
        known = [f"{instance.best_known:,.2f}"] if instance.best_known else []
        rows.append([instance.name, *known, *(f"{value[0]:,.2f}" if value else "-" for value in ends)])
    return markdown(["instance", *(["best known"] if with_known else []), OURS, PYVRP, VROOM], rows)


def drop_what_lacks_stops(cells: Cells, instance: Instance) -> None:
    """An answer that leaves out what must be served is none."""
    for by_limit in cells.values():
        for limit in [limit for limit, values in by_limit.items() if values[0] >= instance.units(MANDATORY)]:
            del by_limit[limit]


SETS: dict[str, Callable[[Bench], None]] = {
    "small": prove_routes,
    "days": plan_days,
    "breaks": plan_days_with_breaks,
    "replan": replan,
    "large": plan_large_days,
    "strsp": lambda bench: run_public(bench, "strsp", (1, 3, 10)),
    "tsptw": lambda bench: run_public(bench, "tsptw", (1, 5)),
    "solomon": lambda bench: run_public(bench, "solomon", (1, 5, 10, 30)),
    "homberger": lambda bench: run_public(bench, "homberger", (1, 5, 10, 30)),
}
SMOKED = ("small", "days", "breaks", "replan", "strsp", "tsptw")


def write_into_readme(tables: list[str]) -> None:
    text = README.read_text()
    before, rest = text.split(BEGINS, 1)
    after = rest.split(ENDS, 1)[1]
    head = f"Measured on {datetime.now(tz=UTC):%Y-%m-%d}, on {os.cpu_count()} cores."
    README.write_text(before + "\n\n".join([BEGINS, head, *tables, ENDS]) + after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", help=f"some of: {','.join(SETS)}")
    parser.add_argument("--seeds", type=int, default=3, help="days of each kind")
    parser.add_argument("--readme", action="store_true", help="puts the tables into README.md")
    parser.add_argument("--smoke", action="store_true", help="one of each, for a second")
    options = parser.parse_args()
    wanted = (options.sets or ",".join(SMOKED if options.smoke else SETS)).split(",")
    if unknown := set(wanted) - set(SETS):
        parser.error(f"there is no set {', '.join(sorted(unknown))}")
    bench = Bench(stage.Report("routes"), options.smoke, 1 if options.smoke else options.seeds)
    for name in wanted:
        begun = time.perf_counter()
        SETS[name](bench)
        bench.report.line(set=name, took=round(time.perf_counter() - begun, 1))
    if options.readme:
        write_into_readme(bench.tables)
    bench.report.exit()


if __name__ == "__main__":
    main()
