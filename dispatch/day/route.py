"""Loads one technician's day as a route: the stops in order, with the way between them, as predicted now."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone

from dispatch.models import Job, Plan, PlanningSettings, Status
from dispatch.travel import Place
from technicians.models import Technician


@dataclass(frozen=True)
class StopRow:
    """A line of the list, of the day as it is or of a proposal. `job` is None where the user may not see it."""

    number: int
    job: Job | None
    job_id: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    arrives_at: datetime | None = None
    travel_minutes: int | None = None
    km: float | None = None
    late_minutes: int = 0
    is_locked: bool = False
    change: str = ""  # kept, moved, assigned ...; empty where nothing is compared
    was_at: datetime | None = None
    terms: list = field(default_factory=list)  # what it costs, each with a .text
    faults: list[str] = field(default_factory=list)  # the rules that this order breaks here
    place: Place | None = None

    @property
    def is_done(self) -> bool:
        return self.job is not None and self.job.status == Status.COMPLETED

    @property
    def waits_minutes(self) -> int:
        if self.arrives_at is None or self.starts_at is None:
            return 0
        return int((self.starts_at - self.arrives_at).total_seconds()) // 60

    @property
    def shift(self) -> str:
        """“40 min earlier”, nothing where it begins as before."""
        if self.was_at is None or self.starts_at is None:
            return ""
        minutes = round((self.starts_at - self.was_at).total_seconds() / 60)
        if not minutes:
            return ""
        whole, rest = divmod(abs(minutes), 60)
        length = f"{rest} min" if not whole else f"{whole} h {rest:02d}"
        return f"{length} {'earlier' if minutes < 0 else 'later'}"


@dataclass(frozen=True)
class RouteDay:
    technician: Technician
    day: date
    today: date
    stops: list[StopRow]
    unseen: int  # jobs of that day in zones where the user does not dispatch
    proposal: Plan | None  # one that waits for an answer, or is being worked out
    seconds: int

    @property
    def movable(self) -> int:
        return sum(stop.job.status == Status.ASSIGNED and not stop.job.is_on_hold for stop in self.stops)

    @property
    def why_not(self) -> str:
        """Why there is nothing to optimise; empty where there is."""
        if self.day < self.today:
            return "That day is over."
        if self.movable < 2:
            left = "One job is" if self.movable else "No job is"
            return f"{left} still to do: there is no order to choose."
        return ""

    @property
    def driving_minutes(self) -> int:
        return sum(stop.travel_minutes or 0 for stop in self.stops)

    @property
    def km(self) -> float:
        return sum(stop.km or 0 for stop in self.stops)

    @property
    def work_minutes(self) -> int:
        return sum(stop.job.duration_minutes for stop in self.stops)

    @property
    def late_jobs(self) -> int:
        return sum(stop.late_minutes > 0 for stop in self.stops)

    @property
    def late_minutes(self) -> int:
        return sum(stop.late_minutes for stop in self.stops)

    @property
    def ends_at(self) -> datetime | None:
        return max((stop.ends_at for stop in self.stops if stop.ends_at), default=None)

    @property
    def next_day(self) -> date:
        return self.day + timedelta(days=1)

    @property
    def previous_day(self) -> date:
        return self.day - timedelta(days=1)


def load_route_day(technician: Technician, *, day: date, user, now: datetime) -> RouteDay:
    of_the_day = Job.objects.of(technician).on_days(day, day).exclude(status=Status.CANCELLED)
    jobs = list(of_the_day.visible_to(user).with_board_info().in_route_order())
    of_route = {"kind": Plan.Kind.ROUTE, "day": day, "scope": str(technician.pk)}
    waiting = Plan.objects.visible_to(user).filter(state__in=[*Plan.UNFINISHED, Plan.State.PROPOSED], **of_route)
    return RouteDay(
        technician=technician,
        day=day,
        today=timezone.localdate(now),
        stops=[_row(number, job) for number, job in enumerate(jobs, 1)],
        unseen=of_the_day.count() - len(jobs),
        proposal=waiting.defer("result").first(),
        seconds=PlanningSettings.load().route_seconds,
    )


def _row(number: int, job: Job) -> StopRow:
    arrival = job.prediction
    starts_at = arrival.starts_at if arrival else job.started_at or job.planned_starts_at
    length = timedelta(minutes=job.duration_minutes)
    return StopRow(
        number=number,
        job=job,
        job_id=job.pk,
        starts_at=starts_at,
        ends_at=arrival.ends_at if arrival else job.completed_at or (starts_at and starts_at + length),
        arrives_at=arrival.arrives_at if arrival else None,
        travel_minutes=arrival.travel_minutes if arrival else None,
        km=arrival.travel_km if arrival else None,
        late_minutes=arrival.late_minutes if arrival else 0,
        is_locked=job.is_time_pinned or job.is_fixed,
        place=place_of(job.site.latitude, job.site.longitude),
    )


def place_of(latitude, longitude) -> Place | None:
    return None if latitude is None else (float(latitude), float(longitude))


def map_of_day(route: RouteDay) -> dict:
    """What plan_map.js draws; numbers are those of the list."""
    home = place_of(route.technician.home_latitude, route.technician.home_longitude)
    return {"routes": [map_of_route(route.technician, route.stops, start=home)], "left_out": []}


def map_of_route(technician, stops: list[StopRow], *, start, end=None, colour=0, shape=None, was=()) -> dict:
    """`shape` is the way along the roads, where it is known; `was` the points of today's order."""
    placed = [stop for stop in stops if stop.place]
    return {
        "technician": technician.pk,
        "name": str(technician),
        "colour": colour,
        "start": start,
        "line": shape or [place for place in (start, *(stop.place for stop in placed), end) if place],
        "was": list(was),
        "stops": [_map_stop(stop) for stop in placed],
    }


def _map_stop(stop: StopRow) -> dict:
    title = stop.job.title if stop.job else "A job in another zone"
    when = f", {timezone.localtime(stop.starts_at):%H:%M}" if stop.starts_at else ""
    late = f", {stop.late_minutes} min late" if stop.late_minutes else ""
    return {
        "job": stop.job_id,
        "number": stop.number,
        "title": f"{stop.number}. {title}{when}{late}",
        "at": stop.place,
        "late": stop.late_minutes > 0,
        "done": stop.is_done,
    }
