"""What a plan costs and what for, term by term and in plain sentences. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from dispatch.planning import timetable as terms
from dispatch.planning.names import Names, minutes
from dispatch.planning.problem import Problem, Routes
from dispatch.planning.timetable import Term, Timetable, Visit, cost_of_leaving_out, terms_of, timetable
from dispatch.planning.weights import POINTS_A_SECOND


@dataclass(frozen=True)
class Explanation:
    """A term and its sentence; `term.stop` is None for what belongs to the crew's day as a whole."""

    term: Term
    text: str

    @property
    def kind(self) -> str:
        return self.term.kind

    @property
    def minutes(self) -> int:
        """Of driving that it counts as."""
        return round(self.term.points / (60 * POINTS_A_SECOND))


def explain(problem: Problem, routes: Routes, names: Names) -> list[Explanation]:
    """The points add up to the cost of the plan, which must be one that can be done."""
    explanations = []
    for crew, route in enumerate(routes):
        explanations += explain_route(problem, timetable(problem, crew, route), names)
    served = {stop for route in routes for stop in route}
    for stop in range(len(problem.stops)):
        if stop not in served:
            explanations += explain_left_out(problem, stop, names)
    return explanations


def explain_route(problem: Problem, table: Timetable, names: Names) -> list[Explanation]:
    """What counts for nothing is not mentioned."""
    return [
        Explanation(term, _sentence(problem, table, term, names)) for term in terms_of(problem, table) if term.points
    ]


def explain_left_out(problem: Problem, stop: int, names: Names) -> list[Explanation]:
    return list(_left_out(problem, stop, names))


def _left_out(problem: Problem, index: int, names: Names) -> Iterator[Explanation]:
    stop = problem.stops[index]
    if stop.penalty:
        yield Explanation(Term(terms.LEFT_OUT, stop.penalty, index), f"{names.stops[index]} is left out")
    if moved := cost_of_leaving_out(problem, index) - stop.penalty:
        yield Explanation(Term(terms.REASSIGNED, moved, index), f"Taken from {names.crews[stop.was.crew]}")


def _sentence(problem: Problem, table: Timetable, term: Term, names: Names) -> str:
    if term.stop is None:
        return _of_the_day(problem, table, term, names)
    number = next(number for number, visit in enumerate(table.visits) if visit.stop == term.stop)
    visit, stop = table.visits[number], problem.stops[term.stop]
    begins = f"Begins at {names.clock(visit.starts_at)}"
    match term.kind:
        case terms.TRAVEL:
            return f"{minutes(visit.travel)} of driving {_from(table, number, names)}"
        case terms.DISTANCE:
            return f"{visit.metres / 1000:.1f} km {_from(table, number, names)}"
        case terms.LATE:
            return f"{begins}, {_late(visit, stop.due)} after the promised {names.clock(stop.due)}"
        case terms.SLA:
            return f"{begins}, {_late(visit, stop.sla_due)} after the SLA deadline at {names.clock(stop.sla_due)}"
        case terms.REASSIGNED:
            return f"Given to {names.crews[table.crew]} instead of {names.crews[stop.was.crew]}"
        case terms.RETIMED:
            return f"{begins} instead of {names.clock(stop.was.starts_at)}"
    raise ValueError(term.kind)


def _of_the_day(problem: Problem, table: Timetable, term: Term, names: Names) -> str:
    who = names.crews[table.crew]
    match term.kind:
        case terms.TRAVEL:
            return f"{minutes(table.travel - sum(visit.travel for visit in table.visits))} of driving at the day’s end"
        case terms.DISTANCE:
            way = table.metres - sum(visit.metres for visit in table.visits)
            return f"{way / 1000:.1f} km at the day’s end"
        case terms.BALANCE:
            more = table.busy - problem.crews[table.crew].fair_share
            return f"{who} drives and works {minutes(more)} more than a fair share"
    raise ValueError(term.kind)


def _from(table: Timetable, number: int, names: Names) -> str:
    return f"from {names.stops[table.visits[number - 1].stop]}" if number else "from the start"


def _late(visit: Visit, due: int) -> str:
    return minutes(visit.starts_at - due)
