"""Loads the lanes: a technician's day as blocks on a scale of hours, with travel, lateness and what is off shift.

One loader for the page and for single lanes. Positions are percent of the axis; minutes are of the business's day.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import F, Max, Min, Prefetch, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from dispatch.crew import STALE_POSITION, doing_of, load_tone, with_today
from dispatch.frame import Frame, load_frame
from dispatch.models import Job, Status
from dispatch.models.jobs import ACTIVE
from dispatch.tray import Tray, load_tray
from technicians.availability import Shift, shifts_on
from technicians.models import ClockRecord, Technician, TimeOff, WorkingHours
from zones import access

ZOOMS = [("day", "Day", 1.0), ("half", "Half day", 2.0), ("hour", "Hours", 5.0)]
USUAL_HOURS = (7, 18)
FIRST_LANES = 30  # more than a screen holds; the others come when they are scrolled to
PLAN_DIFFERS = timedelta(minutes=5)
DRAWN_TIMES = ("planned_starts_at", "started_at", "completed_at", "arrival__starts_at", "arrival__ends_at")


@dataclass(frozen=True)
class Axis:
    """The hours shown, from midnight of the day; the end may lie past midnight (26 is two o'clock)."""

    day: date
    first_hour: int
    last_hour: int

    @property
    def hours(self) -> list[str]:
        return [f"{hour % 24:02d}" for hour in range(self.first_hour, self.last_hour)]

    @property
    def hour_count(self) -> int:
        return self.last_hour - self.first_hour

    def minute(self, instant: datetime) -> float:
        """Minutes from the axis' begin, by the clock on the wall."""
        local = timezone.localtime(instant)
        days = (local.date() - self.day).days
        return days * 1440 + local.hour * 60 + local.minute + local.second / 60 - self.first_hour * 60

    def percent(self, instant: datetime) -> float:
        return max(0.0, min(100.0, self.minute(instant) / (self.hour_count * 60) * 100))

    def span(self, starts_at: datetime, ends_at: datetime) -> tuple[str, str]:
        left = self.percent(starts_at)
        return f"{left:.2f}", f"{max(0.0, self.percent(ends_at) - left):.2f}"

    def __str__(self):
        return f"{self.first_hour}-{self.last_hour}"


@dataclass(frozen=True)
class Block:
    """A job in its lane. `job` is None where the user may not know of it: only the time is taken."""

    job: Job | None
    starts_at: datetime
    ends_at: datetime
    left: str
    width: str
    row: int
    planned: tuple[str, str] | None  # where the plan differs from what is drawn
    travel: tuple[str, str] | None
    late_minutes: int
    why: str
    drags: int  # how many later stops it makes late
    is_dimmed: bool

    @property
    def state(self) -> str:
        return "late" if self.late_minutes else ""

    @property
    def spoken(self) -> str:
        job = self.job
        times = f"{timezone.localtime(self.starts_at):%H:%M} to {timezone.localtime(self.ends_at):%H:%M}"
        late = f", {self.late_minutes} minutes late" if self.late_minutes else ""
        return f"{job.number} {job.title}, {job.get_status_display()}, {times}{late}"


@dataclass(frozen=True)
class Lane:
    technician: Technician
    doing: str
    doing_label: str
    blocks: list[Block]
    untimed: list[Job]
    off: list[tuple[str, str]]  # shaded stretches
    away: str
    jobs_that_day: int
    booked_minutes: int
    position_seconds: int | None
    zone_name: str

    @property
    def rows(self) -> int:
        return max((block.row for block in self.blocks), default=0) + 1

    @property
    def load_percent(self) -> int:
        return round(100 * self.jobs_that_day / self.technician.daily_maximum)

    @property
    def load_width(self) -> int:
        return min(100, self.load_percent)

    @property
    def load_tone(self) -> str:
        return load_tone(self.load_percent)

    @property
    def late_minutes(self) -> int:
        return max((b.late_minutes for b in self.blocks if b.job and b.job.is_open), default=0)

    @property
    def has_stale_position(self) -> bool:
        return self.position_seconds is not None and self.position_seconds > STALE_POSITION.total_seconds()

    @property
    def is_off(self) -> bool:
        """Nothing to do and nobody there: what "hide off shift" hides."""
        return not self.blocks and not self.untimed and self.doing in ("off", "away")


@dataclass(frozen=True)
class WaitingLane:
    """A lane out of sight: its place is kept, its day is not loaded."""

    technician: Technician
    zone_name: str


@dataclass(frozen=True)
class Lanes:
    frame: Frame
    axis: Axis
    lanes: list[Lane | WaitingLane]
    tray: Tray
    zoom: str
    is_grouped: bool
    hides_off: bool
    hidden_count: int = 0

    @property
    def day(self) -> date:
        return self.axis.day

    @property
    def scale(self) -> float:
        return next(scale for name, _, scale in ZOOMS if name == self.zoom)

    @property
    def zooms(self):
        return ZOOMS

    @property
    def now_percent(self) -> str | None:
        shown = 0 <= self.axis.minute(self.frame.now) <= self.axis.hour_count * 60
        return f"{self.axis.percent(self.frame.now):.3f}" if shown else None

    @property
    def past_percent(self) -> str:
        return f"{self.axis.percent(self.frame.now):.3f}"


def load_lanes(request, *, now: datetime | None = None) -> Lanes:
    now = now or timezone.now()
    frame = load_frame(request, "board", now=now)
    day = frame.day or frame.today
    hides_off, is_grouped = request.GET.get("off") == "hide", request.GET.get("group") == "zone"
    everyone = chosen_technicians(request, frame)
    shown = in_order(with_something_on(everyone, day, frame) if hides_off else everyone, is_grouped=is_grouped)
    axis = axis_of([technician.pk for technician in shown], day)
    facts = load_facts(request, frame, only={technician.pk for technician in shown[:FIRST_LANES]})
    drawn = {technician.pk: make_lane(technician, facts, axis) for technician in facts.technicians}
    zoom = request.GET.get("zoom", "")
    return Lanes(
        frame=frame,
        axis=axis,
        lanes=[drawn.get(technician.pk) or WaitingLane(technician, technician.zone_name) for technician in shown],
        tray=load_tray(request, frame),
        zoom=zoom if zoom in {name for name, *_ in ZOOMS} else "day",
        is_grouped=is_grouped,
        hides_off=hides_off,
        hidden_count=everyone.count() - len(shown) if hides_off else 0,
    )


def load_some_lanes(
    request, *, job_ids: set[int], lane_ids: set[int], axis: tuple[int, int], now: datetime
) -> tuple[Frame, list[Lane], Tray, Axis]:
    """The given lanes and those that the given jobs are in now, on the axis that the page already shows."""
    frame = load_frame(request, "board", now=now)
    holders = Job.objects.filter(pk__in=job_ids).exclude(technician=None).values_list("technician_id", flat=True)
    facts = load_facts(request, frame, only=lane_ids | set(holders))
    shown_axis = Axis(facts.day, *axis)
    lanes = [make_lane(technician, facts, shown_axis) for technician in facts.technicians]
    return frame, lanes, load_tray(request, frame), shown_axis


# Facts --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """All that the lanes of a day are drawn from."""

    day: date
    today: date
    now: datetime
    technicians: list[Technician]
    jobs: dict[int, list[Job]]  # by technician, in the order of the route
    shifts: dict[int, list[Shift] | None]
    zone_ids: frozenset[int] | None  # in which the user may see jobs
    matching: set[int] | None  # jobs that pass the filters; None: there are none
    drags: dict[int, int] = field(default_factory=dict)

    def may_see(self, job: Job) -> bool:
        return self.zone_ids is access.ALL_ZONES or job.zone_id is None or job.zone_id in self.zone_ids


def load_facts(request, frame: Frame, *, only: set[int]) -> Facts:
    day = frame.day or frame.today
    technicians = _technicians(request, frame, day, only=only)
    jobs: dict[int, list[Job]] = {technician.pk: [] for technician in technicians}
    drags: dict[int, int] = {}
    for job in _jobs_of(jobs, day, frame):
        jobs[job.technician_id].append(job)
        if job.prediction and job.prediction.late_minutes and job.prediction.caused_by_id not in (None, job.pk):
            drags[job.prediction.caused_by_id] = drags.get(job.prediction.caused_by_id, 0) + 1
    zone = timezone.get_current_timezone()
    return Facts(
        day=day,
        today=frame.today,
        now=frame.now,
        technicians=technicians,
        jobs=jobs,
        shifts={t.pk: shifts_on(day, t.working_hours.all(), zone=zone) for t in technicians},
        zone_ids=access.dispatch_zone_ids(request.user),
        matching=_matching(frame),
        drags=drags,
    )


def chosen_technicians(request, frame: Frame):
    """Whose lanes there are: whom the user may see and the filters leave."""
    chosen = frame.filter.chosen
    technicians = Technician.objects.visible_to(request.user).active()
    if wanted := [t for t in chosen.get("technician", ()) if isinstance(t, Technician)]:
        technicians = technicians.filter(pk__in=[technician.pk for technician in wanted])
    if zones := [zone for zone in chosen.get("zone", ()) if zone != "none"]:
        covering = Technician.zones.through.objects.filter(servicezone__in=zones).values("technician")
        technicians = technicians.filter(pk__in=covering)
    return technicians


def with_something_on(technicians, day: date, frame: Frame):
    """Those at work, or with jobs that day: what "hide off shift" leaves."""
    busy = Job.objects.filter(_drawn_on(day, frame)).exclude(status=Status.CANCELLED).exclude(technician=None)
    on_duty = ClockRecord.objects.filter(clocked_out_at=None) if day == frame.today else ClockRecord.objects.none()
    return technicians.filter(Q(pk__in=busy.values("technician")) | Q(pk__in=on_duty.values("technician")))


def in_order(technicians, *, is_grouped: bool) -> list[Technician]:
    """By name, or by the first of their zones and then by name."""
    named = technicians.annotate(zone_name=Coalesce(Min("zones__name"), Value(""))).by_name()
    if not is_grouped:
        return list(named)
    return sorted(named, key=lambda technician: (not technician.zone_name, technician.zone_name))


def _technicians(request, frame: Frame, day: date, *, only: set[int]) -> list[Technician]:
    starts = timezone.make_aware(datetime.combine(day, time.min))
    off = TimeOff.objects.filter(starts_at__lt=starts + timedelta(days=1), ends_at__gt=starts)
    technicians = with_today(chosen_technicians(request, frame).filter(pk__in=only), now=frame.now)
    return list(
        technicians.prefetch_related("working_hours", Prefetch("time_off", off, to_attr="off_that_day")).by_name()
    )


def _drawn_on(day: date, frame: Frame) -> Q:
    """That day's jobs, and today also what is under way or was finished, whatever day it was meant for."""
    drawn = Q(scheduled_on=day)
    if day == frame.today:
        midnight = timezone.make_aware(datetime.combine(day, time.min))
        drawn |= Q(status__in=ACTIVE) | Q(completed_at__gte=midnight)
    return drawn


def _jobs_of(technician_ids, day: date, frame: Frame) -> list[Job]:
    jobs = Job.objects.filter(_drawn_on(day, frame), technician__in=list(technician_ids))
    jobs = jobs.exclude(status=Status.CANCELLED)
    return list(jobs.select_related("customer", "site", "job_type", "arrival").in_route_order())


def _matching(frame: Frame) -> set[int] | None:
    if not frame.is_narrowed:
        return None
    return set(frame.filter.narrow(frame.filter.scope()).values_list("pk", flat=True))


def axis_of(technician_ids: list[int], day: date) -> Axis:
    """Whole hours around everybody's shifts and all that is drawn; the usual day where there is neither."""
    axis = Axis(day, 0, 24)
    rows = WorkingHours.objects.filter(technician__in=technician_ids, weekday=day.weekday())
    shifts = shifts_on(day, _widest(rows, day.weekday()), zone=timezone.get_current_timezone()) or []
    jobs = Job.objects.filter(technician__in=technician_ids, scheduled_on=day).exclude(status=Status.CANCELLED)
    found = jobs.aggregate(*(edge(name) for edge in (Min, Max) for name in DRAWN_TIMES))
    instants = [instant for shift in shifts for instant in (shift.starts_at, shift.ends_at)]
    instants += [instant for instant in found.values() if instant]
    minutes = [axis.minute(instant) for instant in instants] or [hour * 60 for hour in USUAL_HOURS]
    if last_start := found["planned_starts_at__max"]:
        minutes.append(axis.minute(last_start) + 60)
    first, last = min(minutes), max(*minutes, min(minutes) + 8 * 60)
    return Axis(day, max(0, int(first // 60)), min(30, int(-(-last // 60))))


def _widest(rows, weekday: int) -> list[WorkingHours]:
    """Of all these hours one row a kind: the longest by day, and the longest past midnight."""
    by_day = rows.filter(ends_at__gt=F("starts_at")).aggregate(Min("starts_at"), Max("ends_at"))
    by_night = rows.filter(ends_at__lte=F("starts_at")).aggregate(Min("starts_at"), Max("ends_at"))
    return [
        WorkingHours(weekday=weekday, starts_at=edges["starts_at__min"], ends_at=edges["ends_at__max"])
        for edges in (by_day, by_night)
        if edges["starts_at__min"]
    ]


# Lanes --------------------------------------------------------------------------------------------


def times_of(job: Job, *, now: datetime) -> tuple[datetime, datetime] | None:
    """When the job really was, goes on, or is going to be: what happened first, then the prediction, then the plan."""
    duration = timedelta(minutes=job.duration_minutes)
    if job.started_at:
        ends_at = job.completed_at or max(now, job.started_at + duration)
        return job.started_at, max(ends_at, job.started_at + timedelta(minutes=1))
    if job.prediction:
        return job.prediction.starts_at, job.prediction.ends_at
    if job.planned_starts_at:
        return job.planned_starts_at, job.planned_starts_at + duration
    if job.completed_at:
        return job.completed_at - duration, job.completed_at
    return None


def make_lane(technician: Technician, facts: Facts, axis: Axis) -> Lane:
    jobs = facts.jobs[technician.pk]
    active = next((job for job in jobs if job.status in ACTIVE), None)
    doing, label, _ = doing_of(technician, active)
    is_today = facts.day == facts.today
    if not is_today:
        doing, label = "", ""
    blocks, untimed = _blocks(jobs, facts, axis)
    seen_at = technician.position_at if is_today else None
    that_day = [job for job in jobs if job.scheduled_on == facts.day]
    return Lane(
        technician=technician,
        doing=doing,
        doing_label=label,
        blocks=blocks,
        untimed=untimed,
        off=_off_stretches(facts.shifts[technician.pk], axis),
        away=technician.off_that_day[0].get_kind_display() if technician.off_that_day else "",
        jobs_that_day=len(that_day),
        booked_minutes=sum(job.duration_minutes for job in that_day),
        position_seconds=max(0, int((facts.now - seen_at).total_seconds())) if seen_at else None,
        zone_name=next(iter(sorted(zone.name for zone in technician.zones.all())), ""),
    )


def _blocks(jobs: list[Job], facts: Facts, axis: Axis) -> tuple[list[Block], list[Job]]:
    blocks, untimed, free_at = [], [], []
    for job in jobs:
        times = times_of(job, now=facts.now)
        if times is None:
            if facts.may_see(job):
                untimed.append(job)
            continue
        blocks.append(_block(job, *times, row=_free_row(free_at, *times), facts=facts, axis=axis))
    return blocks, untimed


def _free_row(free_at: list[datetime], starts_at: datetime, ends_at: datetime) -> int:
    """The first row in which nothing is in the way; remembers until when it is taken now."""
    for row, free in enumerate(free_at):
        if free <= starts_at:
            free_at[row] = ends_at
            return row
    free_at.append(ends_at)
    return len(free_at) - 1


def _block(job: Job, starts_at: datetime, ends_at: datetime, *, row: int, facts: Facts, axis: Axis) -> Block:
    left, width = axis.span(starts_at, ends_at)
    may_see = facts.may_see(job)
    arrival = job.prediction if job.is_open else None
    planned = travel = None
    if job.planned_starts_at and abs(job.planned_starts_at - starts_at) >= PLAN_DIFFERS:
        planned = axis.span(job.planned_starts_at, job.planned_starts_at + timedelta(minutes=job.duration_minutes))
    if arrival and not job.started_at and arrival.travel_minutes:
        travel = axis.span(arrival.arrives_at - timedelta(minutes=arrival.travel_minutes), arrival.arrives_at)
    late_minutes = _late_minutes(job, arrival)
    return Block(
        job=job if may_see else None,
        starts_at=starts_at,
        ends_at=ends_at,
        left=left,
        width=width,
        row=row,
        planned=planned,
        travel=travel,
        late_minutes=late_minutes,
        why=arrival.why if arrival else "",
        drags=facts.drags.get(job.pk, 0),
        is_dimmed=facts.matching is not None and job.pk not in facts.matching,
    )


def _late_minutes(job: Job, arrival) -> int:
    if arrival:
        return arrival.late_minutes or (arrival.behind_minutes if arrival.is_behind else 0)
    return 0


def _off_stretches(shifts: list[Shift] | None, axis: Axis) -> list[tuple[str, str]]:
    """What of the axis lies outside the shifts, breaks included; nothing where the hours are not known."""
    if shifts is None:
        return []
    stretches, cursor = [], 0.0
    for shift in shifts:
        left = axis.percent(shift.starts_at)
        if left > cursor:
            stretches.append((f"{cursor:.2f}", f"{left - cursor:.2f}"))
        if shift.break_starts_at:
            stretches.append(axis.span(shift.break_starts_at, shift.break_ends_at))
        cursor = max(cursor, axis.percent(shift.ends_at))
    if cursor < 100:
        stretches.append((f"{cursor:.2f}", f"{100 - cursor:.2f}"))
    return stretches
