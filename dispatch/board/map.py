"""Loads the board's map: jobs as points, technicians, and how well each zone is covered."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db.models import F, Q
from django.db.models.functions import Left
from django.utils import timezone

from dispatch.board.frame import count_states, filter_jobs, make_tiles
from dispatch.crew import rows_of, with_today
from dispatch.models import Job, Status
from dispatch.models.jobs import CLOCK_NAMES, OPEN
from dispatch.travel.configured import road_server
from dispatch.travel.known_legs import key_of, load_shapes
from sla.models import ClockKind
from technicians.models import Technician
from zones.models import ServiceZone

ON_DUTY = ("available", "break", Status.EN_ROUTE, Status.IN_PROGRESS)
STRETCHED_FROM = 4  # open jobs for each technician on duty
PLAIN = ("pk", "status", "priority", "technician", "version")
OF_A_CLOCK = ("started_at", "at_risk_at", "due_at", "ended_at")
FIELDS = (
    *PLAIN,
    "arrival__late_minutes",
    *("site", "site__latitude", "site__longitude"),
    *(f"{clock}__{name}" for clock in CLOCK_NAMES for name in OF_A_CLOCK),
)
DECIMALS = 5  # of a degree: a metre


@dataclass(frozen=True)
class Changed:
    jobs: set[int]
    technicians: set[int]


@dataclass(frozen=True)
class TechnicianPanel:
    row: object
    stops: list[Job]

    @property
    def next_job(self) -> Job | None:
        return next((job for job in self.stops if job.status == Status.ASSIGNED), None)


def load_map_data(request, *, changed: Changed | None = None, now: datetime | None = None) -> dict:
    """What the browser draws. Jobs are lists in the order of `job_fields`, to keep thousands of them small.

    `sla` is the clock that runs out next: its kind, start, 75 % and deadline in seconds; its kind alone where it is
    paused. Of what changed, whatever the page has of `of` and of the changed jobs is replaced by what comes. Roads are
    lists of technician, job before (0: home), job and polyline; where none is known a line is drawn.
    """
    now = now or timezone.now()
    job_filter = filter_jobs(request, now=now)
    scope = job_filter.scope()
    rows = _rows(request.user, now=now)
    tiles = make_tiles(count_states(scope, now=now), request.GET)
    zones = _zones(scope, rows, user=request.user)
    of = None
    if changed:
        of = changed.technicians | set(
            scope.filter(pk__in=changed.jobs, technician__isnull=False).values_list("technician", flat=True)
        )
        scope = scope.filter(Q(pk__in=changed.jobs) | Q(technician__in=of))
        rows = [row for row in rows if row.technician.pk in of]
    jobs = _jobs(scope, narrowed=job_filter.narrow(scope))
    return {
        "job_fields": [*PLAIN, "late", "sla", "unplaced_site", "latitude", "longitude", "title", "order"],
        "jobs": jobs,
        "roads": _roads(jobs, rows, now=now),
        "of": sorted(of or ()),
        "technicians": [_technician(row) for row in rows],
        "zones": zones,
        "tiles": [[tile.name, tile.count, tile.tone] for tile in tiles],
    }


def load_technician_panel(technician: Technician, *, user, now: datetime) -> TechnicianPanel:
    today = timezone.localdate(now)
    jobs = Job.objects.visible_to(user).of(technician).on_days(today, today).exclude(status=Status.CANCELLED)
    (row,) = rows_of([technician], user=user, now=now)
    return TechnicianPanel(row, list(jobs.with_board_info().in_route_order()))


def _rows(user, *, now: datetime) -> list:
    technicians = Technician.objects.visible_to(user).active()
    return rows_of(list(with_today(technicians, now=now).by_name()), user=user, now=now)


def _jobs(scope, *, narrowed) -> list[list]:
    """Numbered before they are narrowed: a stop keeps its number whatever the board shows."""
    shown = set(narrowed.values_list("pk", flat=True))
    titled = scope.annotate(text=Left("description", 80), type=F("job_type__name")).in_route_order()
    jobs, orders = [], Counter()
    for row in titled.values_list(*FIELDS, "text", "type"):
        fields, (site, latitude, longitude), clocks, (text, job_type) = row[:6], row[6:9], row[9:-2], row[-2:]
        pk, status, _, technician = fields[:4]
        if technician and status != Status.CANCELLED:
            orders[technician] += 1
        if pk in shown:
            title = text.strip().split("\n", 1)[0] or job_type
            place = [site if latitude is None else None, _rounded(latitude), _rounded(longitude)]
            sla = _next_clock(clocks) if status in OPEN else None
            jobs.append([*fields, sla, *place, title, orders[technician] if technician else None])
    return jobs


def _next_clock(instants: tuple[datetime | None, ...]) -> list | None:
    """As `Job.next_clock`, of the columns alone: thousands of jobs as objects would take longer than all the rest."""
    found = []
    for kind, at in zip(ClockKind, (instants[: len(OF_A_CLOCK)], instants[len(OF_A_CLOCK) :]), strict=True):
        started_at, at_risk_at, due_at, ended_at = at
        if started_at and not ended_at:
            found.append((due_at is None, due_at or started_at, kind, started_at, at_risk_at or due_at))
    if not found:
        return None
    is_paused, due_at, kind, started_at, at_risk_at = min(found, key=lambda one: one[:2])
    if is_paused:
        return [kind.value]
    return [kind.value, *(int(at.timestamp()) for at in (started_at, at_risk_at, due_at))]


def _roads(jobs: list[list], rows: list, *, now: datetime) -> list[list]:
    """Between the stops as the page draws them: what is done first, then what is ahead."""
    server = road_server()
    if server is None:
        return []
    routes = {row.technician.pk: [(0, _home(row))] for row in rows}
    for pk, status, _, technician, *_, latitude, longitude, _, order in sorted(jobs, key=_place_in_route):
        if latitude is not None and order and status != Status.CANCELLED:
            routes.setdefault(technician, []).append((pk, (latitude, longitude)))
    legs = {
        (technician, one, other): (key_of(origin), key_of(target))
        for technician, stops in routes.items()
        for (one, origin), (other, target) in pairwise(stop for stop in stops if stop[1])
    }
    shapes = load_shapes(server.provider, legs.values(), now=now)
    return [[*leg, shapes[pair]] for leg, pair in legs.items() if pair in shapes]


def _place_in_route(job: list) -> tuple:
    return job[1] != Status.COMPLETED, job[-1] or 0


def _home(row) -> tuple | None:
    """Of those whom the map shows somewhere."""
    home = (row.technician.home_latitude, row.technician.home_longitude)
    is_shown = _technician(row)["latitude"] is not None
    return home if is_shown and home[0] is not None else None


def _rounded(degrees) -> float | None:
    return None if degrees is None else round(float(degrees), DECIMALS)


def _technician(row) -> dict:
    technician, hint = row.technician, row.job and row.job.hint
    has_position = row.position_seconds is not None
    place = (technician.home_latitude, technician.home_longitude)
    if has_position:
        place = (technician.latitude, technician.longitude)
    elif row.doing in ("off", "on_call") and technician.attended:  # clocked out: their marker goes
        place = (None, None)
    return {
        "pk": technician.pk,
        "name": str(technician),
        "latitude": place[0],
        "longitude": place[1],
        "recorded_at": technician.position_at.isoformat() if has_position else None,
        "silent": row.silent_since is not None,
        "hint": f"{hint.hint} {timezone.localtime(hint.hinted_at):%H:%M}" if hint else "",
        "is_stuck": bool(row.job and row.job.stuck_since),
        "doing": row.doing,
        "label": row.doing_label,
        "jobs": row.jobs_today,
        "maximum": technician.daily_maximum,
    }


def _zones(scope, rows: list, *, user) -> list[dict]:
    open_jobs = Counter(scope.filter(status__in=OPEN).order_by().values_list("zone", flat=True))
    on_duty = Counter(zone.pk for row in rows if row.doing in ON_DUTY for zone in row.technician.zones.all())
    zones: Iterable = ServiceZone.objects.dispatchable_by(user).active().values_list("pk", flat=True)
    return [
        {
            "pk": pk,
            "open": open_jobs[pk],
            "on_duty": on_duty[pk],
            "coverage": coverage(open_jobs[pk], on_duty=on_duty[pk]),
        }
        for pk in zones
    ]


def coverage(open_jobs: int, *, on_duty: int) -> str:
    if open_jobs and not on_duty:
        return "gap"
    return "stretched" if open_jobs > STRETCHED_FROM * on_duty else "covered"
