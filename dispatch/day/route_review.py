"""A proposed route as it is looked at: the list beside the map, and what the map draws."""

from dataclasses import dataclass
from datetime import datetime

from dispatch.day.route import StopRow, map_of_route, place_of
from dispatch.models import BillingSettings, Job, Plan
from dispatch.planning.figures import Figure, figures, headline
from dispatch.planning.store import LeftAside, Move, Proposal, Route, load_proposal
from dispatch.travel import Place
from technicians.models import Technician


@dataclass(frozen=True)
class RouteReview:
    plan: Plan
    route: Route
    stops: list[StopRow]
    figures: list[Figure]
    headline: str
    left_out: list[Move]
    left_aside: tuple[LeftAside, ...]
    faults: list[str]  # of the day as a whole; those of a stop stand beside it

    @property
    def technician(self) -> Technician:
        return self.route.technician

    @property
    def is_open(self) -> bool:
        return self.plan.state == Plan.State.PROPOSED

    @property
    def is_same_order(self) -> bool:
        return tuple(stop.job_id for stop in self.route.stops) == self.route.was and not self.left_out

    @property
    def is_changed(self) -> bool:
        """The order, or when somebody is reached."""
        return not self.is_same_order or self.route.changes > 0

    @property
    def ends_at(self) -> datetime | None:
        return self.route.ends_at

    @property
    def mends(self) -> bool:
        """Today's order cannot be done by the planner's rules, the proposed one can."""
        return self.route.before.points is None and self.route.after.points is not None and not self.broken

    @property
    def broken(self) -> int:
        return len(self.faults) + sum(len(stop.faults) for stop in self.stops)


def load_route_review(plan: Plan, *, user) -> RouteReview:
    proposal = load_proposal(plan, user=user)
    (route,) = proposal.routes
    stops = stop_rows(route)
    moves = proposal.moves
    return RouteReview(
        plan=plan,
        route=route,
        stops=stops,
        figures=figures(route.before, route.after, currency=BillingSettings.load().currency),
        headline=headline(route.before, route.after),
        left_out=[*moves["unassigned"], *moves["left_out"]],
        left_aside=proposal.left_aside,
        faults=list(route.faults),
    )


def stop_rows(route: Route) -> list[StopRow]:
    return [
        StopRow(
            number=number,
            job=stop.job,
            job_id=stop.job_id,
            starts_at=stop.starts_at,
            ends_at=stop.ends_at,
            arrives_at=stop.arrives_at,
            travel_minutes=stop.travel_minutes,
            km=stop.km,
            late_minutes=stop.late_minutes,
            is_locked=stop.is_locked,
            change=stop.change,
            was_at=stop.was.starts_at if stop.was else None,
            terms=list(stop.terms),
            faults=list(stop.faults),
            place=stop.place,
        )
        for number, stop in enumerate(route.stops, 1)
    ]


def map_of_proposal(proposal: Proposal) -> dict:
    """Each route's colour is its place among them."""
    places = {stop.job_id: stop.place for route in proposal.routes for stop in route.stops}
    left_out = [*proposal.moves["unassigned"], *proposal.moves["left_out"]]
    places |= {move.job_id: _place(move.job) for move in left_out}
    return {
        "routes": [_map_route(route, places, colour=number) for number, route in enumerate(proposal.routes)],
        "left_out": [
            {"job": move.job_id, "title": f"{move.job.title}, left out", "at": places[move.job_id]}
            for move in left_out
            if move.job and places[move.job_id]
        ],
    }


def _map_route(route: Route, places: dict[int, Place | None], *, colour: int) -> dict:
    was = [place for place in (route.start, *map(places.get, route.was)) if place]
    given = {"start": route.start, "end": route.end, "shape": route.shape, "was": route.was_shape or was}
    return map_of_route(route.technician, stop_rows(route), colour=colour, **given)


def _place(job: Job | None) -> Place | None:
    return place_of(job.site.latitude, job.site.longitude) if job else None
