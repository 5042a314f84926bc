"""A proposed route put into another order by hand."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dispatch.actions.applying import PlanOutdated
from dispatch.actions.base import ActionRefused
from dispatch.actions.plans import State, build_for, check_may_see
from dispatch.models import Plan, PlanningSettings
from dispatch.planning.adjust import Fault, adjusted
from dispatch.planning.changes import changes_since
from dispatch.planning.names import Names
from dispatch.planning.outcome import names_of, route_of, run_of, run_today, summed
from dispatch.travel.configured import travel_times
from technicians.models import Technician


@transaction.atomic
def adjust_route(
    plan: Plan, technician: Technician, job_ids: Iterable[int], *, by, now: datetime | None = None
) -> dict:
    """The route in the order that somebody wants, with the times that follow and the rules that it breaks."""
    now = now or timezone.now()
    check_may_see(plan, by)
    plan = (
        Plan.objects.select_for_update(no_key=True, of=("self",)).select_related("created_by", "absent").get(pk=plan.pk)
    )
    wanted, routes = list(job_ids), plan.result.get("routes", [])
    number = next((n for n, route in enumerate(routes) if route["technician"] == technician.pk), None)
    if plan.state != State.PROPOSED or number is None or routes[number]["applied_at"]:
        raise ActionRefused("This route cannot be changed any more.")
    if sorted(wanted) != sorted(stop["job"] for stop in routes[number]["stops"]):
        raise ActionRefused("The route has other jobs by now: look again.")
    case = build_for(plan, now=now, technicians=[technician], job_ids=wanted, may_wait=False)
    if len(case.jobs) != len(wanted):
        raise PlanOutdated(changes_since(plan, now=now, technician_ids={technician.pk}) or ["Its jobs have changed"])
    crew = case.crew_of[technician.pk]
    order = [case.stop_of[pk] for pk in wanted]
    by_hand = adjusted(case.problem, crew, order)
    names = names_of(case, by=plan.created_by)  # who reads it, too
    today = run_today(case, crew)
    run = run_of(case, crew, order, today=today, table=by_hand.table)
    fuel_cost = float(PlanningSettings.load().fuel_cost_per_km)
    roads = travel_times(now=now, may_wait=False)
    fresh = route_of(case, crew, run, today, names=names, fuel_cost=fuel_cost, travel=roads)
    was = {stop["job"]: stop for stop in routes[number]["stops"]}
    for stop in fresh["stops"]:  # compared with today's plan, in which somebody else may have it
        stop["was"] = was[stop["job"]]["was"]
        if was[stop["job"]]["change"] in ("assigned", "reassigned"):
            stop["change"] = was[stop["job"]]["change"]
        stop["faults"] = _told(by_hand.faults, names, of=case.stop_of[stop["job"]])
    kept = {name: routes[number][name] for name in ("before", "was", "was_shape")}
    routes[number] = fresh | kept | {"is_adjusted": True, "faults": _told(by_hand.faults, names, of=None)}
    points = plan.result["after"]["points"]
    plan.result["after"] = summed([route["after"] for route in routes]) | {"points": points}
    plan.save(update_fields=["result"])
    return routes[number]


def _told(faults: Iterable[Fault], names: Names, *, of: int | None) -> list[str]:
    """Those of one stop, or of the day as a whole."""
    texts = (fault.text(lambda stop: names.stops[stop]) for fault in faults if fault.stop == of)
    return [f"{text[0].upper()}{text[1:]}" for text in texts]
