"""Keeps the predicted arrivals up to date: loads the facts of some technicians, predicts, writes what has changed.

What is predicted: today's jobs and those of later days that a technician still has to do, and what is under way
whatever its day. What is left over from an earlier day waits for a dispatcher and has no prediction.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from dispatch.models import Arrival, DispatchSettings, Job, Priority, RunningLate, Status
from dispatch.models.jobs import ACTIVE, TO_DO
from dispatch.progress import HOME, LAST_SITE, POSITION, Pause, Prediction, Stop, Whereabouts, predict
from dispatch.travel import Place, Travel
from dispatch.travel.configured import great_circle
from dispatch.travel.known_roads import ask_later, with_known_roads
from technicians.availability import Shift, break_until, shifts_touching
from technicians.models import Break, ClockRecord, Technician, WorkingHours
from technicians.positions import MAX_FUTURE

CHUNK = 100  # technicians whose rows are locked at a time
USUAL_START = time(8)  # of a day for which nobody has said when work begins
TIMES = ("leaves_at", "arrives_at", "starts_at", "ends_at")
SHOWN = ("technician_id", "travel_minutes", "late_minutes", "behind_minutes", "why", "caused_by_id")
WRITTEN = ("technician", "travel_minutes", "travel_km", *TIMES, "late_minutes", "behind_minutes", "why", "caused_by")

ZonesOfJobs = dict[int, int | None]  # job id -> the zone whose boards show it


@dataclass
class Facts:
    """What is known of one technician."""

    technician: Technician
    is_on_duty: bool
    breaks: list[Break] = field(default_factory=list)  # taken since they clocked in
    hours: list[WorkingHours] = field(default_factory=list)
    days: dict[date, list[Stop]] = field(default_factory=lambda: defaultdict(list))
    last_site: tuple[datetime, Place] | None = None


@dataclass(frozen=True)
class Outlook:
    """What one technician's day is predicted from: the stops as they are planned, and where it goes on from `now`."""

    stops: tuple[Stop, ...]
    now: datetime  # of a day to come: the start of its shift
    whereabouts: Whereabouts
    shift_starts_at: datetime | None
    shift_ends_at: datetime | None
    pauses: tuple[Pause, ...]

    def predict(self, stops: Iterable[Stop], *, travel: Travel) -> list[Prediction]:
        return predict(
            stops,
            now=self.now,
            whereabouts=self.whereabouts,
            travel=travel,
            shift_starts_at=self.shift_starts_at,
            shift_ends_at=self.shift_ends_at,
            pauses=self.pauses,
        )


def technicians_of(job_ids: Iterable[int]) -> set[int]:
    """Whose routes the jobs were on when they were last predicted."""
    return set(Arrival.objects.filter(job__in=job_ids).values_list("technician_id", flat=True))


def refresh_everyone(*, now: datetime, until: date | None = None) -> ZonesOfJobs:
    """As `refresh`, for whoever has something to do or to be forgotten."""
    today = timezone.localdate(now)
    busy = Job.objects.filter(status__in=TO_DO).filter(Q(scheduled_on__gte=today) | Q(status__in=ACTIVE))
    ids = set(busy.values_list("technician_id", flat=True)) | set(
        Arrival.objects.values_list("technician_id", flat=True)
    )
    ordered, changed = sorted(ids), {}
    for first in range(0, len(ordered), CHUNK):
        changed |= refresh(ordered[first : first + CHUNK], now=now, until=until)
    return changed


@transaction.atomic
def refresh(
    technician_ids: Iterable[int], *, now: datetime, until: date | None = None, asks: bool = True
) -> ZonesOfJobs:
    """Predicts these technicians' stops anew and returns the jobs of which something shown has changed.

    `until` is the last day that is predicted; without it, all that are planned. Times are compared by the minute, as
    they are shown. With `asks`, a worker asks for the roads that nobody knows yet and then predicts them again.
    """
    # Locked in one order for everybody: two changes on one route at once must not each predict without the other.
    locked = Technician.objects.filter(pk__in=set(technician_ids)).select_for_update(no_key=True)
    technicians = list(locked.order_by("pk"))
    if not technicians:
        return {}
    settings = DispatchSettings.load()
    fresh_for = timedelta(minutes=settings.fresh_position_minutes)
    zones: ZonesOfJobs = {}
    everything = list(_load(technicians, now=now, until=until, zones=zones))

    def rows(travel: Travel) -> dict[int, Arrival]:
        return {
            prediction.job_id: _row(facts.technician, prediction, now=now)
            for facts in everything
            for day, stops in facts.days.items()
            for prediction in _predict_day(facts, day, stops, now=now, fresh_for=fresh_for, travel=travel)
        }

    circle, left_from = great_circle(settings), _left_from(everything, now=now, fresh_for=fresh_for)
    wanted, unknown = with_known_roads(rows, circle, now=now, left_from=left_from)
    if asks:
        ask_later(unknown, [technician.pk for technician in technicians], now=now)
    known = _known_rows(technicians, wanted, until=until, zones=zones)
    return {pk: zones[pk] for pk in _write(known, wanted)}


def what_if(
    job: Job, *, technician: Technician, day: date, starts_at: datetime | None, now: datetime
) -> tuple[list[Prediction], list[Prediction]]:
    """The technician's day without the job, and with it at that time. Writes nothing."""
    return what_if_each(job, {technician: starts_at}, day=day, now=now)[technician.pk]


def what_if_each(
    job: Job, starts: dict[Technician, datetime | None], *, day: date, now: datetime, as_next: bool = False
) -> dict[int, tuple[list[Prediction], list[Prediction]]]:
    """As `what_if` for each of these technicians, by their ids; the queries are as many as for one.

    `as_next` puts it before all that they have still to begin, whatever is planned.
    """
    settings = DispatchSettings.load()
    fresh_for = timedelta(minutes=settings.fresh_position_minutes)
    everything = list(_load(list(starts), now=now, until=day, zones={}))

    def predicted(travel: Travel) -> dict[int, tuple[list[Prediction], list[Prediction]]]:
        return {
            facts.technician.pk: tuple(
                _predict_day(facts, day, route, now=now, fresh_for=fresh_for, travel=travel)
                for route in _without_and_with(job, facts, day, starts[facts.technician], as_next=as_next)
            )
            for facts in everything
        }

    left_from = _left_from(everything, now=now, fresh_for=fresh_for)
    return with_known_roads(predicted, great_circle(settings), now=now, left_from=left_from)[0]


def _without_and_with(job: Job, facts: Facts, day: date, starts_at: datetime | None, *, as_next: bool):
    place = _place(job.site.latitude, job.site.longitude)
    added = replace(_stop(job, place), status=Status.ASSIGNED, en_route_at=None, started_at=None)
    others = [stop for stop in facts.days[day] if stop.job_id != job.pk]
    later = [n for n, stop in enumerate(others) if _comes_after(stop, starts_at, as_next=as_next)]
    at = later[0] if later else len(others)
    return others, [*others[:at], replace(added, planned_starts_at=starts_at), *others[at:]]


def _comes_after(stop: Stop, instant: datetime | None, *, as_next: bool) -> bool:
    if as_next:
        return stop.status == Status.ASSIGNED
    return instant is not None and _begins_after(stop, instant)


def _begins_after(stop: Stop, instant: datetime) -> bool:
    return stop.planned_starts_at is None or stop.planned_starts_at > instant


def outlooks(technicians: list[Technician], *, day: date, now: datetime) -> dict[int, Outlook]:
    """Of that day, by the technicians' ids; in a constant number of queries."""
    fresh_for = timedelta(minutes=DispatchSettings.load().fresh_position_minutes)
    return {
        facts.technician.pk: _outlook(facts, day, facts.days[day], now=now, fresh_for=fresh_for)
        for facts in _load(technicians, now=now, until=day, zones={})
    }


# The facts ----------------------------------------------------------------------------------------


def _load(technicians: list[Technician], *, now: datetime, until: date | None, zones: ZonesOfJobs) -> Iterator[Facts]:
    ids = [technician.pk for technician in technicians]
    on_duty = ClockRecord.objects.filter(technician__in=ids, clocked_out_at=None).prefetch_related("breaks")
    breaks = {record.technician_id: list(record.breaks.all()) for record in on_duty}
    found = {each.pk: Facts(each, each.pk in breaks, breaks.get(each.pk, [])) for each in technicians}
    for row in WorkingHours.objects.filter(technician__in=ids):
        found[row.technician_id].hours.append(row)
    today = timezone.localdate(now)
    for job in _jobs(ids, now=now, until=until):
        facts, place = found[job.technician_id], _place(job.site.latitude, job.site.longitude)
        zones[job.pk] = job.zone_id
        if job.status != Status.COMPLETED:
            facts.days[today if job.status in ACTIVE else job.scheduled_on].append(_stop(job, place))
        elif place and (facts.last_site is None or facts.last_site[0] < job.completed_at):
            facts.last_site = (job.completed_at, place)
    return iter(found.values())


def _jobs(technician_ids: list[int], *, now: datetime, until: date | None):
    today = timezone.localdate(now)
    midnight = timezone.make_aware(datetime.combine(today, time.min))
    planned = Q(status=Status.ASSIGNED, scheduled_on__gte=today)
    if until:
        planned &= Q(scheduled_on__lte=until)
    finished = Q(status=Status.COMPLETED, completed_at__gte=midnight, completed_at__lte=now)
    said = RunningLate.objects.filter(job=OuterRef("pk"), technician=OuterRef("technician")).order_by("-said_at", "-pk")
    return (
        Job.objects.filter(planned | Q(status__in=ACTIVE) | finished, technician__in=technician_ids)
        .annotate(said_arrives_at=Subquery(said.values("arrives_at")[:1]))
        .select_related("site")
        .only(
            *(
                "technician_id",
                "zone_id",
                "status",
                "priority",
                "scheduled_on",
                "held_at",
                "is_fixed",
                "duration_minutes",
            ),
            *("planned_starts_at", "window_starts_at", "window_ends_at", "en_route_at", "started_at", "completed_at"),
            *("site__latitude", "site__longitude"),
        )
        .in_route_order()
    )


def _stop(job: Job, place: Place | None) -> Stop:
    return Stop(
        job_id=job.pk,
        place=place,
        duration_minutes=job.duration_minutes,
        status=job.status,
        planned_starts_at=job.planned_starts_at,
        block_starts_at=job.window_starts_at,
        block_ends_at=job.window_ends_at,
        en_route_at=job.en_route_at,
        started_at=job.started_at,
        is_fixed=job.is_fixed,
        is_on_hold=job.is_on_hold,
        zone_id=job.zone_id,
        is_urgent=job.priority == Priority.URGENT,
        not_before=getattr(job, "said_arrives_at", None),  # of a job that is only tried out nobody has said anything
    )


def _place(latitude: float | None, longitude: float | None) -> Place | None:
    return None if latitude is None else (latitude, longitude)


def _predict_day(facts: Facts, day: date, stops: list[Stop], *, now, fresh_for: timedelta, travel) -> list[Prediction]:
    return _outlook(facts, day, stops, now=now, fresh_for=fresh_for).predict(stops, travel=travel)


def _outlook(facts: Facts, day: date, stops: list[Stop], *, now: datetime, fresh_for: timedelta) -> Outlook:
    shifts = shifts_touching(day, facts.hours, zone=timezone.get_current_timezone()) or []
    ends_at = shifts[-1].ends_at if shifts else None
    planned = tuple(Pause(s.break_starts_at, s.break_ends_at, is_planned=True) for s in shifts if s.break_starts_at)
    if day != timezone.localdate(now):
        begins_at = _first_start(day, shifts, stops) or timezone.make_aware(datetime.combine(day, USUAL_START))
        return Outlook(tuple(stops), begins_at, _at_home(facts.technician), None, ends_at, planned)
    return Outlook(
        tuple(stops),
        now,
        _whereabouts(facts, now=now, fresh_for=fresh_for),
        # Whoever is on duty works, whatever the calendar says.
        None if facts.is_on_duty else _next_start(shifts, now=now),
        ends_at,
        tuple(_taken(facts, shifts, now=now)) if facts.breaks else planned,
    )


def _first_start(day: date, shifts: list[Shift], stops: list[Stop]) -> datetime | None:
    """Of a day to come. Last night's shift counts where something is planned for it, or nothing comes after it."""
    own = [shift for shift in shifts if not shift.is_from_day_before]
    if shifts and not (own and own[0] is shifts[0]):
        night_ends_at = shifts[0].ends_at
        if not own or any(stop.planned_starts_at and stop.planned_starts_at < night_ends_at for stop in stops):
            return timezone.make_aware(datetime.combine(day, time.min))
    return own[0].starts_at if own else None


def _next_start(shifts: list[Shift], *, now: datetime) -> datetime | None:
    return next((shift.starts_at for shift in shifts if shift.ends_at > now), None)


def _taken(facts: Facts, shifts: list[Shift], *, now: datetime) -> list[Pause]:
    """Who has had a break takes no other; the one that goes on ends when the planned one does, or after the usual."""
    is_open = facts.breaks[-1].ended_at is None
    began_at = facts.breaks[-1].began_at
    return [Pause(began_at, break_until(began_at, shifts, now=now))] if is_open else []


def _whereabouts(facts: Facts, *, now: datetime, fresh_for: timedelta) -> Whereabouts:
    technician = facts.technician
    if technician.position_at and now - fresh_for <= technician.position_at <= now + MAX_FUTURE:
        return Whereabouts(_place(technician.latitude, technician.longitude), POSITION)
    if facts.last_site:
        return Whereabouts(facts.last_site[1], LAST_SITE)
    return _at_home(technician)


def _left_from(everything: Iterable[Facts], *, now: datetime, fresh_for: timedelta) -> dict[Place, Place | None]:
    """Where those whose position is known set out."""
    found = {}
    for facts in everything:
        here = _whereabouts(facts, now=now, fresh_for=fresh_for)
        if here.known_from == POSITION:
            found[here.place] = facts.last_site[1] if facts.last_site else _at_home(facts.technician).place
    return found


def _at_home(technician: Technician) -> Whereabouts:
    home = _place(technician.home_latitude, technician.home_longitude)
    return Whereabouts(home, HOME) if home else Whereabouts()


# The rows -----------------------------------------------------------------------------------------


def _row(technician: Technician, prediction: Prediction, *, now: datetime) -> Arrival:
    return Arrival(
        technician_id=technician.pk,
        caused_by_id=prediction.caused_by,
        predicted_at=now,
        **{name: getattr(prediction, name) for name in ("job_id", "travel_minutes", "travel_km", *TIMES)},
        **{name: getattr(prediction, name) for name in ("late_minutes", "behind_minutes", "why")},
    )


def _known_rows(technicians: list[Technician], wanted: dict[int, Arrival], *, until, zones) -> dict[int, Arrival]:
    """These technicians' rows as they were, and those of their jobs that were another's."""
    rows = Arrival.objects.filter(Q(technician__in=technicians) | Q(job__in=list(wanted)))
    if until:  # later days stay as they are
        rows = rows.filter(Q(job__scheduled_on__lte=until) | Q(job__scheduled_on=None) | Q(job__in=list(wanted)))
    known = {row.pk: row for row in rows.select_related("job").only(*_fields_of_arrival(), "job__zone_id")}
    for pk, row in known.items():
        zones.setdefault(pk, row.job.zone_id)
    return known


def _fields_of_arrival() -> list[str]:
    return [field.attname for field in Arrival._meta.concrete_fields]


def _write(known: dict[int, Arrival], wanted: dict[int, Arrival]) -> list[int]:
    """The ids of the jobs whose rows have come, gone or changed."""
    gone = sorted(known.keys() - wanted.keys())
    changed = [row for pk, row in sorted(wanted.items()) if pk not in known or _shown(row) != _shown(known[pk])]
    if gone:
        Arrival.objects.filter(pk__in=gone).delete()
    if changed:
        Arrival.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["job"], update_fields=[*WRITTEN, "predicted_at"]
        )
    return [*gone, *(row.pk for row in changed)]


def _shown(row: Arrival) -> tuple:
    minutes = [int(getattr(row, name).timestamp() // 60) for name in TIMES]
    return (*minutes, *(getattr(row, name) for name in SHOWN))
