"""Loads the lanes: which technicians, on which hours, with what of their day. One loader for the page and for single
lanes; `lane.py` draws them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import F, Max, Min, Prefetch, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from dispatch.board.calendar import EARLIEST, LATEST
from dispatch.board.frame import Frame, load_frame
from dispatch.board.lane import Axis, Facts, Lane, make_lane
from dispatch.board.tray import Tray, load_tray
from dispatch.crew import with_today
from dispatch.models import DispatchSettings, Job, Status
from dispatch.models.jobs import ACTIVE, CLOCK_NAMES
from technicians.availability import shifts_on, shifts_touching
from technicians.models import ClockRecord, OnCall, Technician, TimeOff, WorkingHours
from zones import access

ZOOMS = [("day", "Day", 1.0), ("half", "Half day", 2.0), ("hour", "Hours", 5.0)]
USUAL_HOURS = (7, 18)
FIRST_LANES = 30  # more than a screen holds; the others come when they are scrolled to
DRAWN_TIMES = ("planned_starts_at", "started_at", "completed_at", "arrival__starts_at", "arrival__ends_at")


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
    day = day_of(frame)
    hides_off, is_grouped = hides_off_shift(request), request.GET.get("group") == "zone"
    everyone = chosen_technicians(request, frame)
    shown = in_order(shown_technicians(request, frame), is_grouped=is_grouped)
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


def day_of(frame: Frame) -> date:
    return min(max(frame.day or frame.today, EARLIEST), LATEST)


def load_some_lanes(
    request, *, job_ids: set[int], lane_ids: set[int], axis: tuple[int, int], now: datetime
) -> tuple[Frame, list[Lane], Tray, Axis]:
    """The given lanes and those that the given jobs are in now, on the axis that the page already shows."""
    frame = load_frame(request, "board", now=now)
    holders = Job.objects.filter(pk__in=job_ids).exclude(technician=None).values_list("technician_id", flat=True)
    wanted = lane_ids | set(holders)
    if hides_off_shift(request):
        wanted &= set(shown_technicians(request, frame).filter(pk__in=wanted).values_list("pk", flat=True))
    facts = load_facts(request, frame, only=wanted)
    shown_axis = Axis(facts.day, *axis)
    lanes = [make_lane(technician, facts, shown_axis) for technician in facts.technicians]
    return frame, lanes, load_tray(request, frame), shown_axis


def outgrow(lanes: list[Lane], axis: Axis, request, frame: Frame) -> bool:
    """Something of these lanes lies outside the hours of the page, and the page made anew would have others."""
    if all(axis.holds(block.starts_at, block.ends_at) for lane in lanes for block in lane.blocks):
        return False
    return axis_of(list(shown_technicians(request, frame).values_list("pk", flat=True)), axis.day) != axis


# Facts --------------------------------------------------------------------------------------------


def load_facts(request, frame: Frame, *, only: set[int]) -> Facts:
    day = day_of(frame)
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
        shifts={t.pk: shifts_touching(day, t.working_hours.all(), zone=zone) for t in technicians},
        zone_ids=access.dispatch_zone_ids(request.user),
        matching=_matching(frame),
        drags=drags,
        silent_after=timedelta(minutes=DispatchSettings.load().silent_after_minutes) if day == frame.today else None,
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


def hides_off_shift(request) -> bool:
    return request.GET.get("off") == "hide"


def shown_technicians(request, frame: Frame):
    everyone = chosen_technicians(request, frame)
    return with_something_on(everyone, day_of(frame), frame) if hides_off_shift(request) else everyone


def with_something_on(technicians, day: date, frame: Frame):
    """Those at work, on call, or with jobs that day: what "hide off shift" leaves."""
    busy = Job.objects.filter(_drawn_on(day, frame)).exclude(status=Status.CANCELLED).exclude(technician=None)
    on_duty = ClockRecord.objects.filter(clocked_out_at=None) if day == frame.today else ClockRecord.objects.none()
    called = OnCall.objects.filter(**_touching(day))
    there = [rows.values("technician") for rows in (busy, on_duty, called)]
    return technicians.filter(Q(pk__in=there[0]) | Q(pk__in=there[1]) | Q(pk__in=there[2]))


def in_order(technicians, *, is_grouped: bool) -> list[Technician]:
    """By name, or by the first of their zones and then by name."""
    named = technicians.annotate(zone_name=Coalesce(Min("zones__name"), Value(""))).by_name()
    if not is_grouped:
        return list(named)
    return sorted(named, key=lambda technician: (not technician.zone_name, technician.zone_name))


def _technicians(request, frame: Frame, day: date, *, only: set[int]) -> list[Technician]:
    technicians = with_today(chosen_technicians(request, frame).filter(pk__in=only), now=frame.now)
    return list(
        technicians.prefetch_related(
            "working_hours",
            Prefetch("time_off", TimeOff.objects.filter(**_touching(day)), to_attr="off_that_day"),
            Prefetch("on_call", OnCall.objects.filter(**_touching(day)), to_attr="called_that_day"),
        ).by_name()
    )


def _touching(day: date) -> dict[str, datetime]:
    begins, ends = (timezone.make_aware(datetime.combine(each, time.min)) for each in (day, day + timedelta(days=1)))
    return {"starts_at__lt": ends, "ends_at__gt": begins}


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
    return list(jobs.select_related("customer", "site", "job_type", "arrival", "visit", *CLOCK_NAMES).in_route_order())


def _matching(frame: Frame) -> set[int] | None:
    if not frame.is_narrowed:
        return None
    return set(frame.filter.narrow(frame.filter.scope()).values_list("pk", flat=True))


def axis_of(technician_ids: list[int], day: date) -> Axis:
    """Whole hours around everybody's shifts and all that is drawn; the usual day where there is neither."""
    axis = Axis(day, 0, 24)
    rows, zone = WorkingHours.objects.filter(technician__in=technician_ids), timezone.get_current_timezone()
    shifts = shifts_on(day, _widest(rows, day.weekday()), zone=zone) or []
    if last_night := _longest_night(rows, (day - timedelta(days=1)).weekday()):
        shifts += [shift for shift in shifts_touching(day, [last_night], zone=zone) if shift.is_from_day_before]
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
    by_day = rows.filter(weekday=weekday, ends_at__gt=F("starts_at"))
    return [found for found in (_longest(by_day, weekday), _longest_night(rows, weekday)) if found]


def _longest_night(rows, weekday: int) -> WorkingHours | None:
    return _longest(rows.filter(weekday=weekday, ends_at__lte=F("starts_at")), weekday)


def _longest(rows, weekday: int) -> WorkingHours | None:
    edges = rows.aggregate(starts_at=Min("starts_at"), ends_at=Max("ends_at"))
    return WorkingHours(weekday=weekday, **edges) if edges["starts_at"] else None
