"""Loads the calendar's week: technicians by days. One loader for the page, its fragment and its rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Prefetch, Q
from django.utils import timezone

from dispatch.board.calendar import NOBODY, WEEK, booked, day_query, days_between, technicians_for, week_of
from dispatch.board.frame import Frame, load_frame
from dispatch.board.working_days import Absence, WorkingDays
from dispatch.crew import load_tone
from dispatch.models import Job, Priority, Status
from technicians.models import Proficiency, Technician, TechnicianSkill

PAGE_SIZE = 200  # technicians
CHIPS = 6  # of a cell; the others fold into a link
SKILLS = 3  # of a technician's name
OTHERS = "others"  # the row of jobs whose technician the user does not see or the filters leave out


@dataclass(slots=True)
class Chip:
    pk: int
    classes: str
    time: str  # the planned start, or the number
    title: str
    marks: str
    words: str  # what colour, shape and marks mean
    seen: str
    is_movable: bool


@dataclass(slots=True)
class Cell:
    day: str  # ISO
    query: str  # shows the day
    chips: list[Chip]
    more: int
    booked: int
    maximum: int  # 0 where there is none
    absence: Absence | None
    is_today: bool

    @property
    def percent(self) -> int:
        return round(100 * self.booked / self.maximum) if self.maximum else 0

    @property
    def width(self) -> int:
        return min(100, self.percent)

    @property
    def tone(self) -> str:
        return load_tone(self.percent)

    @property
    def is_off(self) -> bool:
        return self.absence is not None and self.absence.is_whole

    @property
    def classes(self) -> str:
        states = {"is-off": self.is_off, "is-clash": self.is_off and self.booked, "is-today": self.is_today}
        return " ".join(["week-cell", *(name for name, holds in states.items() if holds)])


@dataclass(frozen=True)
class WeekRow:
    key: str  # a technician's id, NOBODY or OTHERS
    name: str
    note: str
    cells: list[Cell]

    @property
    def takes_drops(self) -> bool:
        return self.key != OTHERS


@dataclass(frozen=True)
class DayHead:
    day: date
    query: str
    is_today: bool


@dataclass(frozen=True)
class CalendarWeek:
    frame: Frame
    first: date
    last: date
    heads: list[DayHead]
    rows: list[WeekRow]
    page: Page
    waiting: int  # open jobs that are overdue from earlier weeks or have no day

    @property
    def previous(self) -> date:
        return self.first - WEEK

    @property
    def next(self) -> date:
        return self.first + WEEK

    @property
    def holds_today(self) -> bool:
        return self.first <= self.frame.today <= self.last

    @property
    def title(self) -> str:
        """“16–22 Nov 2026”"""
        first, last = self.first, self.last
        start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
        start += f" {first.year}" if first.year != last.year else ""
        return f"{start}–{last.day} {last:%b} {last.year}"


@dataclass(frozen=True)
class Part:
    """Those rows alone that some jobs are in now, and those that the page still shows them in."""

    job_ids: frozenset[int]
    keys: frozenset[str]


@dataclass
class _Week:
    """What the rows are made of."""

    frame: Frame
    heads: list[DayHead]
    working_days: WorkingDays
    booked: dict[tuple[int, date], int]
    jobs: dict[tuple[str, date], list[Job]] = field(default_factory=lambda: defaultdict(list))

    def row(self, key: str, name: str, note: str, technician: Technician | None = None) -> WeekRow:
        return WeekRow(key, name, note, [self._cell(key, head, technician) for head in self.heads])

    def _cell(self, key: str, head: DayHead, technician: Technician | None) -> Cell:
        jobs = self.jobs.get((key, head.day), ())
        shown = jobs if len(jobs) <= CHIPS else jobs[:CHIPS]
        return Cell(
            day=head.day.isoformat(),
            query=head.query,
            chips=[_chip(job, now=self.frame.now, today=self.frame.today) for job in shown],
            more=len(jobs) - len(shown),
            booked=self.booked.get((technician.pk, head.day), 0) if technician else len(jobs),
            maximum=technician.daily_maximum if technician else 0,
            absence=self.working_days.absence(technician.pk, head.day) if technician else None,
            is_today=head.is_today,
        )


def load_week(request, *, now: datetime | None = None, part: Part | None = None) -> CalendarWeek:
    now = now or timezone.now()
    frame = load_frame(request, "calendar_week", now=now, days_of=week_of)
    first, last = week_of(frame.filter.anchor)
    everyone = list(technicians_for(frame.filter, request.user).by_name().values_list("pk", flat=True))
    page = Paginator(everyone, PAGE_SIZE).get_page(request.GET.get("page"))
    keys = _keys_of(part, frame.filter.queryset, everyone, page) if part else None
    technicians = [pk for pk in page.object_list if keys is None or str(pk) in keys]
    heads = [DayHead(day, day_query(frame, day), day == frame.today) for day in days_between(first, last)]
    week = _Week(frame, heads, WorkingDays(technicians, first, last), _booked_by_day(technicians, first, last))
    jobs = frame.filter.narrow(frame.filter.scope((first, last)))
    if "status" not in frame.filter.chosen:
        jobs = jobs.exclude(status=Status.CANCELLED)
    _fill(week, _in_rows(jobs, keys, technicians, everyone), set(everyone))
    return CalendarWeek(frame, first, last, heads, _rows(week, technicians, keys), page, _waiting(frame, first, last))


def _keys_of(part: Part, jobs, everyone: list[int], page: Page) -> set[str]:
    """The rows of this page in which those jobs are or were."""
    holders = jobs.filter(pk__in=part.job_ids).values_list("technician_id", flat=True)
    known, on_page = set(everyone), {NOBODY, OTHERS, *map(str, page.object_list)}
    return (part.keys | {_key(technician_id, known) for technician_id in holders}) & on_page


def _key(technician_id: int | None, known: set[int]) -> str:
    if technician_id is None:
        return NOBODY
    return str(technician_id) if technician_id in known else OTHERS


def _booked_by_day(technician_ids: list[int], first: date, last: date) -> dict[tuple[int, date], int]:
    counts = booked(technician_ids, first, last).values_list("technician_id", "scheduled_on").annotate(Count("pk"))
    return {(technician_id, day): count for technician_id, day, count in counts}


def _in_rows(jobs, keys: set[str] | None, technicians: list[int], everyone: list[int]):
    wanted = Q(technician__in=technicians)
    if keys is None or NOBODY in keys:
        wanted |= Q(technician=None)
    if keys is None or OTHERS in keys:
        wanted |= Q(technician__isnull=False) & ~Q(technician__in=everyone)
    return jobs.filter(wanted)


def _fill(week: _Week, jobs, known: set[int]) -> None:
    shown = jobs.in_route_order().select_related("job_type").annotate(customer_name=F("customer__name"))
    for job in shown.only(*CHIP_FIELDS):
        week.jobs[_key(job.technician_id, known), job.scheduled_on].append(job)


CHIP_FIELDS = (
    "description",
    "priority",
    "status",
    "technician_id",
    "scheduled_on",
    "planned_starts_at",
    "window_ends_at",
    "is_fixed",
    "is_time_pinned",
    "is_technician_pinned",
    "held_at",
    "hold_reason",
    "job_type__name",
)


def _rows(week: _Week, technician_ids: list[int], keys: set[str] | None) -> list[WeekRow]:
    skills = TechnicianSkill.objects.select_related("skill").order_by("-level", "skill__name")
    technicians = Technician.objects.filter(pk__in=technician_ids).by_name()
    rows = [
        week.row(str(technician.pk), str(technician), skills_in_short(technician.skills.all()), technician)
        for technician in technicians.prefetch_related(Prefetch("skills", skills))
    ]
    if keys is None or NOBODY in keys:
        rows.insert(0, week.row(NOBODY, "Unassigned", ""))
    if OTHERS in keys if keys is not None else any(key == OTHERS for key, _ in week.jobs):
        rows.append(week.row(OTHERS, "Other technicians", "Outside your zones or filters"))
    return rows


def skills_in_short(held: Iterable[TechnicianSkill]) -> str:
    """“HVAC Adv, Gas Exp, +2”"""
    names = [f"{skill.skill} {Proficiency(skill.level).label[:3]}" for skill in held]
    rest = [f"+{len(names) - SKILLS}"] if len(names) > SKILLS else []
    return ", ".join([*names[:SKILLS], *rest])


def _waiting(frame: Frame, first: date, last: date) -> int:
    if not first <= frame.today <= last:
        return 0
    today = frame.filter.queryset.for_dispatch_day(frame.today, today=frame.today)
    return today.filter(Q(scheduled_on__lt=first) | Q(scheduled_on=None)).count()


PRIORITY_MARKS = {Priority.URGENT: "‼", Priority.HIGH: "↑", Priority.LOW: "↓"}
STATUS_WORDS, PRIORITY_WORDS = dict(Status.choices), dict(Priority.choices)


def _chip(job: Job, *, now: datetime, today: date) -> Chip:
    is_late = job.is_overdue(today=today) or job.is_late_for_window(now=now)
    is_pinned = job.is_fixed or job.is_time_pinned or job.is_technician_pinned
    said = [job.number, job.customer_name, STATUS_WORDS[job.status], f"{PRIORITY_WORDS[job.priority]} priority"]
    marks = PRIORITY_MARKS.get(job.priority, "")
    if is_late:
        marks += "▲"
        said.append("late")
    if job.is_on_hold:
        marks += "‖"
        said.append(f"on hold: {job.hold_reason}")
    if is_pinned:
        marks += "⚲"
        said.append("pinned" if not job.is_fixed else "fixed appointment")
    start = job.planned_starts_at
    return Chip(
        pk=job.pk,
        classes=f"chip-job {job.status} p{job.priority}{' is-late' if is_late else ''}",
        time=f"{timezone.localtime(start):%H:%M}" if start else job.number,
        title=job.title,
        marks=marks,
        words=" · ".join(said),
        seen=job.seen,
        is_movable=job.is_open,
    )
