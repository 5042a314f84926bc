"""Solutions in VROOM's form: ours to be written, and any to begin from. Pure."""

from dataclasses import dataclass, field
from typing import Any

from dispatch.planning.checked_json import Value, parse
from dispatch.planning.problem import Routes, Solution
from dispatch.planning.timetable import Timetable, timetable
from dispatch.planning.vroom import Question, Spot

Step = dict[str, Any]


def answer(question: Question, solution: Solution, *, loading_ms: int, solving_ms: int) -> dict[str, Any]:
    problem = question.problem
    tables = [timetable(problem, crew, route) for crew, route in enumerate(solution.routes) if route]
    routes = [_route(question, table) for table in tables]
    left_out = [
        {"id": problem.stops[stop].id, "type": "job", **question.spots[stop].given}
        for stop in solution.left_out(problem)
    ]
    summed = ["cost", "setup", "service", "duration", "waiting_time", "priority"]
    if question.has_distances:
        summed.append("distance")
    return {
        "code": 0,
        "summary": {
            "routes": len(routes),
            "unassigned": len(left_out),
            **{key: sum(route[key] for route in routes) for key in summed},
            "violations": [],
            "computing_times": {"loading": loading_ms, "solving": solving_ms, "routing": 0},
        },
        "unassigned": left_out,
        "routes": routes,
    }


def failure(code: int, sentence: str) -> dict[str, Any]:
    return {"code": code, "error": sentence}


def _route(question: Question, table: Timetable) -> dict[str, Any]:
    steps = _steps(question, table)
    jobs = [question.jobs[visit.stop] for visit in table.visits]
    return {
        "vehicle": question.problem.crews[table.crew].id,
        "cost": table.travel,
        "setup": sum(step["setup"] for step in steps),
        "service": sum(step["service"] for step in steps),
        "duration": table.travel,
        "waiting_time": sum(step["waiting_time"] for step in steps),
        "priority": sum(job.whole_at("priority") for job in jobs),
        **({"distance": table.metres} if question.has_distances else {}),
        "steps": steps,
        "violations": [],
    }


def _steps(question: Question, table: Timetable) -> list[Step]:
    start, end = question.ends[table.crew]
    crew, first, rests = question.problem.crews[table.crew], table.visits[0], list(table.rests)
    # Nobody leaves earlier than the first visit asks for, unless they rest before it.
    rests_first = bool(rests) and rests[0].ends_at <= first.starts_at
    walk = _Walk(question, table, free_at=crew.opens if rests_first else first.starts_at - first.travel)
    if start:
        walk.add("start", walk.free_at, spot=start)
    for visit in table.visits:
        walk.to_drive = visit.travel
        while rests and rests[0].ends_at <= visit.starts_at:
            walk.add("break", rests[0].starts_at, rests[0].ends_at, id=rests.pop(0).id)
        walk.visit(visit)
    walk.to_drive = table.travel - walk.driven
    for rest in rests:
        walk.add("break", rest.starts_at, rest.ends_at, id=rest.id)
    if end:
        walk.add("end", table.ends_at, spot=end)
    return walk.steps


@dataclass
class _Walk:
    """Along a route: what a step has not been waited for was driven, as far as there is something to drive."""

    question: Question
    table: Timetable
    free_at: int
    driven: int = 0
    to_drive: int = 0
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self):
        stops = [self.question.problem.stops[visit.stop] for visit in self.table.visits]
        kinds = range(len(self.question.problem.crews[self.table.crew].capacity))
        is_brought = self.question.load_key == "delivery"
        self.load = [sum(stop.load[kind] for stop in stops) if is_brought else 0 for kind in kinds]

    def visit(self, visit) -> None:
        job = self.question.jobs[visit.stop]
        sign = -1 if self.question.load_key == "delivery" else 1
        amounts = self.question.problem.stops[visit.stop].load
        self.load = [load + sign * amount for load, amount in zip(self.load, amounts, strict=True)]
        told = {"id": job.need("id").raw, "setup": job.whole_at("setup")}
        if job.get("description"):
            told["description"] = job.raw["description"]
        self.add("job", visit.starts_at, visit.ends_at, spot=self.question.spots[visit.stop], **told)

    def add(self, kind: str, begins: int, ends: int | None = None, *, spot: Spot | None = None, **told) -> None:
        ends = begins if ends is None else ends
        driving = min(self.to_drive, begins - self.free_at)
        self.to_drive -= driving
        self.driven += driving
        arrival = self.free_at + driving
        setup = told.pop("setup", 0)
        self.steps.append(
            {
                "type": kind,
                **told,
                **(spot.given if spot else {}),
                "arrival": arrival + self.question.origin,
                "duration": self.driven,
                "setup": setup,
                "service": ends - begins - setup,
                "waiting_time": begins - arrival,
                **({"load": self.load} if self.load else {}),
                "violations": [],
            }
        )
        self.free_at = ends


# To begin from ------------------------------------------------------------------------------------


def read_routes(data: bytes, question: Question) -> Routes:
    """Of a solution of the same problem, whoever made it; it may break rules."""
    stop_of = {stop.id: number for number, stop in enumerate(question.problem.stops)}
    crew_of = {crew.id: number for number, crew in enumerate(question.problem.crews)}
    routes: list[tuple[int, ...]] = [()] * len(crew_of)
    seen: set[int] = set()
    for route in parse(data).need("routes").items():
        crew = _known(route.need("vehicle"), crew_of, "vehicle")
        if routes[crew]:
            raise route.need("vehicle").wrong("has a route already")
        stops = []
        for step in route.need("steps").items():
            if step.need("type").text() == "job":
                stops.append(_known(step.need("id"), stop_of, "job"))
                if stops[-1] in seen:
                    raise step.need("id").wrong(f"job {step.raw['id']} is visited twice")
                seen.add(stops[-1])
        routes[crew] = tuple(stops)
    return tuple(routes)


def _known(value: Value, numbers: dict[int, int], what: str) -> int:
    number = value.whole()
    if number not in numbers:
        raise value.wrong(f"the problem has no {what} {number}")
    return numbers[number]
