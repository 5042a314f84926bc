"""From a solution to what is stored of it (store.py says in which form), by the predictions that it will lead to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from dispatch.models import Job, Priority, Status
from dispatch.placement import block_on
from dispatch.planning.build import Case
from dispatch.planning.changes import seen_of
from dispatch.planning.explain import explain_route
from dispatch.planning.names import Names
from dispatch.planning.problem import Routes
from dispatch.planning.timetable import Timetable, cost_of, cost_of_leaving_out, timetable, total_cost
from dispatch.progress import ASSIGNED, Prediction
from dispatch.progress import Stop as Visit
from dispatch.smart.facts import place_of

KEPT, GIVEN, REASSIGNED, MOVED = "kept", "assigned", "reassigned", "moved"
DRIVING_MINUTE = 6000  # points


@dataclass(frozen=True)
class Run:
    """One technician's day as it is predicted: in this order, begun at these times."""

    order: tuple[int, ...]  # stops of the problem
    predictions: tuple[Prediction, ...]  # of all that has not begun, those of no stop included
    planned: dict[int, datetime | None]  # job -> the start that is to be written; None: it keeps its own
    table: Timetable | None = None

    @property
    def by_job(self) -> dict[int, Prediction]:
        return {prediction.job_id: prediction for prediction in self.predictions}


def names_of(case: Case, *, by) -> Names:
    """As whoever asked may know of them."""
    known = (
        None
        if by is None
        else set(Job.objects.visible_to(by).filter(pk__in=[job.pk for job in case.jobs]).values_list("pk", flat=True))
    )
    skills = {
        number: ", ".join(f"{need.skill.name} {need.get_level_display()}" for need in job.required_skills.all())
        for number, job in enumerate(case.jobs)
    }
    return Names(
        [job.number if known is None or job.pk in known else "a job in another zone" for job in case.jobs],
        [str(technician) for technician in case.technicians],
        lambda second: _clock(case.instant(second), day=case.day),
        {number: text for number, text in skills.items() if text},
        {number: job.zone.name for number, job in enumerate(case.jobs) if job.zone},
    )


def _clock(instant: datetime, *, day: date) -> str:
    local = timezone.localtime(instant)
    return f"{local:%H:%M}" if local.date() == day else f"{local:%H:%M} on {local:%a} {local.day} {local:%b}"


# Each technician's day ----------------------------------------------------------------------------


def run_today(case: Case, crew: int) -> Run:
    """As it is planned now."""
    outlook = case.workdays[crew].outlook
    predictions = _not_begun(outlook.predict(outlook.stops, travel=case.travel), outlook.stops)
    order = tuple(case.stop_of[one.job_id] for one in predictions if one.job_id in case.stop_of)
    return Run(order, predictions, {}, timetable(case.problem, crew, order))


def run_of(case: Case, crew: int, route: Sequence[int], *, today: Run, table: Timetable | None = None) -> Run:
    """As the route would go. What it leaves as it is keeps its planned times."""
    table = table or timetable(case.problem, crew, route)
    starts = {visit.stop: case.instant(visit.starts_at) for visit in table.visits} if table else {}
    if _is_unchanged(case, crew, route, starts, today):
        return replace(today, order=tuple(route), planned=dict.fromkeys(_job_ids(case, route)), table=table)
    planned = {case.jobs[stop].pk: starts.get(stop) for stop in route}
    for stop in route:
        if _keeps_its_time(case, stop):
            planned[case.jobs[stop].pk] = None
    predictions = _simulated(case, crew, route, planned)
    by_job = {one.job_id: one for one in predictions}
    planned = {pk: at and by_job[pk].starts_at for pk, at in planned.items()}
    return Run(tuple(route), _simulated(case, crew, route, planned), planned, table)


def _is_unchanged(case: Case, crew: int, route, starts: dict[int, datetime], today: Run) -> bool:
    if tuple(route) != today.order or any(case.jobs[stop].scheduled_on != case.day for stop in route):
        return False
    after = timedelta(minutes=case.preferences.retime_after_minutes)
    by_job = today.by_job
    return all(abs(by_job[case.jobs[stop].pk].starts_at - starts.get(stop, case.now)) <= after for stop in route) and (
        today.table is not None
    )


def _keeps_its_time(case: Case, number: int) -> bool:
    """Fixed, pinned or not ours to move: its own planned start stands."""
    stop, job = case.problem.stops[number], case.jobs[number]
    is_fixed = job.is_fixed or job.is_time_pinned
    return job.planned_starts_at is not None and job.scheduled_on == case.day and (is_fixed or _is_foreign(stop, job))


def _is_foreign(stop, job: Job) -> bool:
    return stop.is_locked and not job.is_technician_pinned


def _simulated(case: Case, crew: int, route, planned: dict[int, datetime | None]) -> tuple[Prediction, ...]:
    """In the order in which the board will have them: by the planned start, and as in_route_order of equal ones."""
    outlook = case.workdays[crew].outlook
    visits = [_visit(case.jobs[stop], planned[case.jobs[stop].pk], day=case.day) for stop in route]
    others = [stop for stop in outlook.stops if stop.job_id not in case.stop_of]
    waiting = [*(one for one in others if one.status == ASSIGNED), *visits]
    ordered = sorted(waiting, key=lambda one: _place_in_line(case, one, planned.get(one.job_id)))
    begun = [one for one in others if one.status != ASSIGNED]
    return _not_begun(outlook.predict([*begun, *ordered], travel=case.travel), [*begun, *ordered])


def _place_in_line(case: Case, visit: Visit, planned: datetime | None) -> tuple:
    job = case.jobs[case.stop_of[visit.job_id]] if visit.job_id in case.stop_of else None
    position = job.route_position if job and planned is None else None
    instants = ((at is None, at or case.now) for at in (visit.planned_starts_at, visit.block_starts_at))
    starts, opens = instants
    return starts, (position is None, position or 0), opens, -(job.priority if job else Priority.NORMAL), visit.job_id


def _visit(job: Job, planned: datetime | None, *, day: date) -> Visit:
    block = block_on(job, day) or (None, None)  # it comes to that day with the job
    is_same_day = job.planned_starts_at is not None
    return Visit(
        job_id=job.pk,
        place=place_of(job.site.latitude, job.site.longitude),
        duration_minutes=job.duration_minutes,
        status=Status.ASSIGNED,
        planned_starts_at=planned or (job.planned_starts_at if is_same_day else None),
        block_starts_at=block[0],
        block_ends_at=block[1],
        is_fixed=job.is_fixed,
        zone_id=job.zone_id,
        is_urgent=job.priority == Priority.URGENT,
    )


def _not_begun(predictions: Iterable[Prediction], stops: Iterable[Visit]) -> tuple[Prediction, ...]:
    begun = {stop.job_id for stop in stops if stop.status != ASSIGNED}
    return tuple(one for one in predictions if one.job_id not in begun)


def _job_ids(case: Case, route) -> list[int]:
    return [case.jobs[stop].pk for stop in route]


# What is stored -----------------------------------------------------------------------------------


def result_of(case: Case, routes: Routes, *, by, fuel_cost: float, left_out: list[dict], travel=None) -> dict:
    names = names_of(case, by=by)
    todays = [run_today(case, crew) for crew in range(len(case.technicians))]
    runs = [
        run_of(case, crew, route, today=todays[crew]) if crew != case.absent else Run((), (), {})
        for crew, route in enumerate(routes)
    ]
    stored = [
        route_of(case, crew, runs[crew], todays[crew], names=names, fuel_cost=fuel_cost, travel=travel)
        for crew in range(len(runs))
    ]
    routes_stored = [route for crew, route in enumerate(stored) if crew != case.absent]
    before = summed([route["before"] for route in stored])
    after = summed([route["after"] for route in routes_stored])
    before["points"] = total_cost(case.problem, tuple(run.order for run in todays))
    after["points"] = total_cost(case.problem, tuple(run.order for run in runs))
    locked = {case.jobs[stop].pk for stop, asked in enumerate(case.problem.stops) if asked.is_locked}
    return {
        "before": before,
        "after": after,
        "routes": routes_stored,
        "left_out": [row for row in left_out if row["job"] not in locked],
        "left_aside": [
            *({"job": job.pk, "text": text} for job, text in case.left_aside),
            *(
                {"job": row["job"], "text": "Stays as it is: it cannot be kept on time, nor moved"}
                for row in left_out
                if row["job"] in locked
            ),
        ],
        "seen": seen_of(case),
    }


def route_of(case: Case, crew: int, run: Run, today: Run, *, names: Names, fuel_cost: float, travel=None) -> dict:
    workday, predictions = case.workdays[crew], run.by_job
    terms: dict[int, list[dict]] = {}
    for one in explain_route(case.problem, run.table, names) if run.table else ():
        terms.setdefault(one.term.stop, []).append({"kind": one.kind, "text": one.text, "minutes": one.minutes})
    places = [case.jobs[stop].site for stop in run.order]
    return {
        "technician": workday.technician.pk,
        "before": totals_of(case, crew, today, fuel_cost=fuel_cost),
        "after": totals_of(case, crew, run, fuel_cost=fuel_cost),
        "start": _listed(workday.start),
        "end": _listed(workday.has.home) if case.returns_home else None,
        "starts_at": _iso(min((one.leaves_at for one in run.predictions), default=None)),
        "ends_at": _iso(max((one.ends_at for one in run.predictions), default=None)),
        "stops": [_stop(case, crew, stop, run, predictions, terms.get(stop, [])) for stop in run.order],
        "terms": terms.get(None, []),
        "was": _job_ids(case, today.order),
        "shape": _shape(travel, workday.start, [place_of(site.latitude, site.longitude) for site in places]),
        "was_shape": _shape(travel, workday.start, [_place(case, stop) for stop in today.order]),
        "applied_at": None,
        "is_adjusted": False,
    }


def _place(case: Case, stop: int):
    site = case.jobs[stop].site
    return place_of(site.latitude, site.longitude)


def _shape(travel, start, places: list) -> list | None:
    points = [*([start] if start else []), *places]
    shape = travel.shape(points) if travel and len(points) > 1 else None
    return shape and [[round(latitude, 5), round(longitude, 5)] for latitude, longitude in shape]


def _stop(case: Case, crew: int, number: int, run: Run, predictions: dict, terms: list[dict]) -> dict:
    job, stop = case.jobs[number], case.problem.stops[number]
    one = predictions[job.pk]
    return {
        "job": job.pk,
        "arrives_at": _iso(one.arrives_at),
        "starts_at": _iso(one.starts_at),
        "ends_at": _iso(one.ends_at),
        "planned_at": _iso(run.planned.get(job.pk)),
        "travel_minutes": one.travel_minutes,
        "km": one.travel_km,
        "late_minutes": one.late_minutes,
        "is_locked": stop.is_locked or _keeps_its_time(case, number),
        "change": _change(case, crew, number, one),
        "was": was_of(case, number),
        "terms": terms,
        "place": _listed(_place(case, number)),
    }


def _change(case: Case, crew: int, number: int, prediction: Prediction) -> str:
    job, stop = case.jobs[number], case.problem.stops[number]
    if stop.was is None:
        return GIVEN
    if stop.was.crew != crew:
        return REASSIGNED
    if job.scheduled_on != case.day:
        return MOVED
    if stop.was.starts_at is None:
        return KEPT
    away = abs((prediction.starts_at - case.instant(stop.was.starts_at)).total_seconds())
    return MOVED if away > case.preferences.retime_after_minutes * 60 else KEPT


def was_of(case: Case, number: int) -> dict | None:
    job, stop = case.jobs[number], case.problem.stops[number]
    if stop.was is None:
        return None
    starts_at = stop.was.starts_at
    return {
        "technician": job.technician_id,
        "starts_at": None if starts_at is None else _iso(case.instant(starts_at)),
        "day": job.scheduled_on.isoformat(),
    }


def totals_of(case: Case, crew: int, run: Run, *, fuel_cost: float) -> dict:
    """Of what has not begun; points only where the planner's rules are kept."""
    km = sum(one.travel_km or 0 for one in run.predictions)
    minutes = sum(one.travel_minutes for one in run.predictions)
    if (
        case.returns_home
        and run.order
        and (home := case.travel.leg(_place(case, run.order[-1]), case.workdays[crew].has.home))
    ):
        km, minutes = km + home.km, minutes + home.minutes
    late = [one.late_minutes for one in run.predictions if one.late_minutes]
    return {
        "jobs": len(run.predictions),
        "km": round(km, 1),
        "minutes": minutes,
        "late_jobs": len(late),
        "late_minutes": sum(late),
        "fuel": round(km * fuel_cost, 2),
        "points": cost_of(case.problem, run.table) if run.table else None,
    }


def summed(totals: list[dict]) -> dict:
    added = {name: sum(one[name] for one in totals) for name in ("jobs", "minutes", "late_jobs", "late_minutes")}
    added["km"] = round(sum(one["km"] for one in totals), 1)
    added["fuel"] = round(sum(one["fuel"] for one in totals), 2)
    return added | {"points": None}


def points_left_out(case: Case, stops: Iterable[int]) -> int:
    return sum(cost_of_leaving_out(case.problem, stop) for stop in stops)


def _iso(instant: datetime | None) -> str | None:
    return instant and instant.astimezone(UTC).isoformat()


def _listed(place) -> list[float] | None:
    return None if place is None else [round(place[0], 6), round(place[1], 6)]
