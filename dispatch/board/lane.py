"""Draws one technician's day: blocks on a scale of hours, with travel, lateness and what lies off shift.

Pure but for the rows that it is given. Positions are percent of the axis; minutes are of the business's day.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from dispatch.board.countdown import Countdown
from dispatch.board.working_days import Absence, absence_of, working_time
from dispatch.crew import STALE_POSITION, doing_of, load_tone, position_shown_at
from dispatch.models import Job, SiteVisit
from dispatch.models.jobs import ACTIVE
from dispatch.silence import silent_since
from technicians.availability import Shift, left_of
from technicians.models import OnCall, Technician, TimeOff
from zones import access

PLAN_DIFFERS = timedelta(minutes=5)


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

    @property
    def edges(self) -> tuple[datetime, datetime]:
        midnight = datetime.combine(self.day, time.min)
        return tuple(timezone.make_aware(midnight + timedelta(hours=h)) for h in (self.first_hour, self.last_hour))

    def holds(self, starts_at: datetime, ends_at: datetime) -> bool:
        return self.minute(starts_at) >= 0 and self.minute(ends_at) <= self.hour_count * 60

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
    countdown: Countdown | None  # to the next SLA deadline

    @property
    def state(self) -> str:
        return "late" if self.late_minutes else ""

    @property
    def spoken(self) -> str:
        job = self.job
        times = f"{timezone.localtime(self.starts_at):%H:%M} to {timezone.localtime(self.ends_at):%H:%M}"
        late = f", {self.late_minutes} minutes late" if self.late_minutes else ""
        hint = f", {job.hint.hint}" if job.hint else ""
        return f"{job.number} {job.title}, {job.get_status_display()}, {times}{late}{self._deadline}{hint}"

    @property
    def _deadline(self) -> str:
        due_at = self.countdown and self.countdown.due_at
        return f", {self.countdown.label} due {timezone.localtime(due_at):%H:%M}" if due_at else ""


@dataclass(frozen=True)
class Lane:
    technician: Technician
    doing: str
    doing_label: str
    blocks: list[Block]
    untimed: list[Job]
    off: list[tuple[str, str]]  # shaded stretches
    away: str
    on_call: list[tuple[str, str]]
    also: list[str]  # time off for a part of the day, being on call
    jobs_that_day: int
    booked_minutes: int
    position_seconds: int | None
    is_silent: bool
    hint: SiteVisit | None
    is_stuck: bool
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
        return not self.blocks and not self.untimed and not self.on_call and self.doing in ("off", "away")


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
    silent_after: timedelta | None = None  # asked for today only

    def may_see(self, job: Job) -> bool:
        return access.reaches(self.zone_ids, job.zone_id)


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
    seen_at = position_shown_at(technician, is_busy=active is not None, now=facts.now) if is_today else None
    that_day = [job for job in jobs if job.scheduled_on == facts.day]
    absences = _absences(technician.off_that_day, facts.shifts[technician.pk], facts.day)
    return Lane(
        technician=technician,
        doing=doing,
        doing_label=label,
        blocks=blocks,
        untimed=untimed,
        off=_off_stretches(facts.shifts[technician.pk], technician.off_that_day, axis),
        away=" ".join(absence.word for absence in absences[:1] if absence.is_whole),
        on_call=[axis.span(row.starts_at, row.ends_at) for row in technician.called_that_day],
        also=[
            *(absence.word for absence in absences if not absence.is_whole),
            *(f"On call {_on_call_hours(row, facts.day)}" for row in technician.called_that_day),
        ],
        jobs_that_day=len(that_day),
        booked_minutes=sum(job.duration_minutes for job in that_day),
        position_seconds=max(0, int((facts.now - seen_at).total_seconds())) if seen_at else None,
        is_silent=_is_silent(technician, facts),
        hint=active.hint if is_today and active and facts.may_see(active) else None,
        is_stuck=is_today and active is not None and active.stuck_since is not None,
        zone_name=next(iter(sorted(zone.name for zone in technician.zones.all())), ""),
    )


def _is_silent(technician: Technician, facts: Facts) -> bool:
    after = facts.silent_after
    return after is not None and silent_since(technician, now=facts.now, after=after) is not None


def _blocks(jobs: list[Job], facts: Facts, axis: Axis) -> tuple[list[Block], list[Job]]:
    times = {job.pk: times_of(job, now=facts.now) for job in jobs}
    untimed = [job for job in jobs if times[job.pk] is None and facts.may_see(job)]
    # By the time at which they are drawn: the route's order has what is left over from earlier days in front.
    timed = sorted((job for job in jobs if times[job.pk]), key=lambda job: times[job.pk])
    blocks, free_at = [], []
    for job in timed:
        row = _free_row(free_at, *times[job.pk])
        blocks.append(_block(job, *times[job.pk], row=row, facts=facts, axis=axis))
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
    clock = job.next_clock
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
        countdown=Countdown.of(clock, now=facts.now) if clock else None,
    )


def _late_minutes(job: Job, arrival) -> int:
    if arrival:
        return arrival.late_minutes or (arrival.behind_minutes if arrival.is_behind else 0)
    return 0


def _off_stretches(shifts: list[Shift] | None, off: list[TimeOff], axis: Axis) -> list[tuple[str, str]]:
    """What of the axis nobody works, breaks and time off included; where no hours are known, only time off."""
    hours = [axis.edges] if shifts is None else [(shift.starts_at, shift.ends_at) for shift in shifts]
    breaks = [(shift.break_starts_at, shift.break_ends_at) for shift in shifts or () if shift.break_starts_at]
    stretches, cursor = [], 0.0
    for starts_at, ends_at in left_of(hours, [*breaks, *((row.starts_at, row.ends_at) for row in off)]):
        left = axis.percent(starts_at)
        if left > cursor:
            stretches.append((f"{cursor:.2f}", f"{left - cursor:.2f}"))
        cursor = max(cursor, axis.percent(ends_at))
    if cursor < 100:
        stretches.append((f"{cursor:.2f}", f"{100 - cursor:.2f}"))
    return stretches


def _absences(off: list[TimeOff], shifts: list[Shift] | None, day: date) -> list[Absence]:
    own = [shift for shift in shifts or () if not shift.is_from_day_before]
    found = [absence_of(row, *working_time(day, own or shifts)) for row in off]
    return sorted(found, key=lambda absence: not absence.is_whole)


def _on_call_hours(row: OnCall, day: date) -> str:
    begins, ends = timezone.localtime(row.starts_at), timezone.localtime(row.ends_at)
    if begins.date() < day:
        return f"until {ends:%H:%M}" if ends.date() == day else "all day"
    return f"{begins:%H:%M}–{ends:%H:%M}" if ends - begins <= timedelta(days=1) else f"from {begins:%H:%M}"
