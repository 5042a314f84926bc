"""What stands around every view of the board: day, filters, counts. One loader, so that the views cannot disagree."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from dispatch.board.filters import ALL_DAYS, JobFilter
from dispatch.models import Job, Status
from dispatch.models.job_clocks import is_at_risk, is_breached
from dispatch.models.jobs import RUNNING_BEHIND

VIEWS = [("board", "Lanes"), ("board_list", "List"), ("calendar_week", "Calendar"), ("map", "Map")]
VIEW_OF = {"calendar_month": "calendar_week"}  # pages that stand under another's name


@dataclass(frozen=True)
class Tile:
    """One figure of the counts strip; `query` is the query string that shows the jobs behind it, or all again."""

    name: str
    label: str
    count: int
    query: str
    is_chosen: bool
    tone: str  # warn, alert or nothing; only when the count is not 0


@dataclass(frozen=True)
class Frame:
    view: str  # the name of the page's URL
    filter: JobFilter
    tiles: list[Tile]
    total: int  # the jobs of the chosen days that pass all but the narrowing filters
    day: date | None  # None when several days are shown
    today: date
    now: datetime
    params: QueryDict
    days: tuple[date, date] | None = None  # the first and the last of a view of a whole period

    @property
    def url(self) -> str:
        return reverse(self.view)

    @property
    def views(self) -> list[tuple[str, str, bool]]:
        """(URL with the same filters, label, whether it is this one)"""
        params = self.params.copy()
        for own in ("page", "sort", "zoom", "group", "off", "tray", "colour"):
            params.pop(own, None)
        query = f"?{params.urlencode()}" if params else ""
        here = VIEW_OF.get(self.view, self.view)
        return [(reverse(name) + query, label, name == here) for name, label in VIEWS]

    @property
    def shown_query(self) -> str:
        """What asks for the same jobs without the view: with a calendar's period instead of the day that chose it."""
        if not self.days:
            return self.params.urlencode()
        params = self.params.copy()
        params.pop("day", None)
        params["from"], params["to"] = (day.isoformat() for day in self.days)
        return params.urlencode()

    @property
    def previous_day(self) -> date | None:
        return self._neighbour(-1)

    @property
    def next_day(self) -> date | None:
        return self._neighbour(1)

    def _neighbour(self, days: int) -> date | None:
        try:
            return self.day and self.day + timedelta(days=days)
        except OverflowError:  # the calendar ends here
            return None

    @property
    def filter_fields(self):
        """The filters that are menus of checkboxes of their own."""
        return [self.filter.form[name] for name in ("zone", "priority")]

    @property
    def more_fields(self):
        """Those that share one menu: the counts filter by status with one click, the lanes show the technicians."""
        return [self.filter.form[name] for name in ("status", "technician", "job_type")]

    @property
    def more_count(self) -> int:
        return sum(len(field.data or ()) for field in self.more_fields)

    @property
    def has_period(self) -> bool:
        return "from" in self.filter.chosen or "to" in self.filter.chosen

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What is chosen without a control in the filter form; the form carries it along."""
        names = ("day", "sort", "late", "sla", "hold", "location", "zoom", "group", "off", "tray", "colour")
        return [(name, self.filter.data[name]) for name in names if self.filter.data.get(name)]

    @property
    def narrowed_count(self) -> int:
        return sum(name not in JobFilter.DATES for name in self.filter.chosen)

    @property
    def is_narrowed(self) -> bool:
        return self.narrowed_count > 0


def filter_jobs(request, *, now: datetime) -> JobFilter:
    jobs = Job.objects.visible_to(request.user)
    return JobFilter(request.GET, queryset=jobs, request=request, now=now, today=timezone.localdate(now))


def load_frame(
    request, view: str, *, now: datetime, days_of: Callable[[date], tuple[date, date]] | None = None
) -> Frame:
    """What the query string asks for, within what the user may see.

    `days_of` makes of the chosen day the first and the last one that a view of a whole period shows and counts.
    """
    job_filter = filter_jobs(request, now=now)
    days = days_of(job_filter.anchor) if days_of else None
    counts = count_states(job_filter.scope(days), now=now)
    return Frame(
        view=view,
        filter=job_filter,
        tiles=make_tiles(counts, request.GET),
        total=counts["total"],
        day=_single_day(job_filter),
        today=job_filter.today,
        now=now,
        params=request.GET,
        days=days,
    )


def _single_day(job_filter: JobFilter) -> date | None:
    chosen = job_filter.chosen
    if "from" in chosen or "to" in chosen:
        return chosen["from"] if chosen.get("from") == chosen.get("to") else None
    day = chosen.get("day", job_filter.today)
    return None if day == ALL_DAYS else day


TILES = [
    ("unassigned", "Unassigned", ("status", Status.CREATED), "warn"),
    ("assigned", "Assigned", ("status", Status.ASSIGNED), ""),
    ("en_route", "En route", ("status", Status.EN_ROUTE), ""),
    ("on_site", "On site", ("status", Status.IN_PROGRESS), ""),
    ("behind", "Running behind", ("late", "behind"), "alert"),
    ("late", "Block missed", ("late", "true"), "alert"),
    ("sla_at_risk", "SLA at risk", ("sla", "at_risk"), "warn"),
    ("sla_breached", "SLA breached", ("sla", "breached"), "alert"),
    ("hold", "On hold", ("hold", "true"), "warn"),
    ("completed", "Completed", ("status", Status.COMPLETED), ""),
]


def count_states(scope, *, now: datetime) -> dict[str, int]:
    """By the names of TILES, and the total."""
    not_begun = Q(status__in=(Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE))
    return scope.aggregate(
        total=Count("pk"),
        unassigned=Count("pk", filter=Q(status=Status.CREATED)),
        assigned=Count("pk", filter=Q(status=Status.ASSIGNED)),
        en_route=Count("pk", filter=Q(status=Status.EN_ROUTE)),
        on_site=Count("pk", filter=Q(status=Status.IN_PROGRESS)),
        behind=Count("pk", filter=RUNNING_BEHIND),
        late=Count("pk", filter=not_begun & Q(window_ends_at__lt=now)),
        sla_at_risk=Count("pk", filter=is_at_risk(now=now)),
        sla_breached=Count("pk", filter=is_breached(now=now)),
        hold=Count("pk", filter=Q(held_at__isnull=False)),
        completed=Count("pk", filter=Q(status=Status.COMPLETED)),
    )


def make_tiles(counts: dict[str, int], params: QueryDict) -> list[Tile]:
    return [_tile(name, label, counts[name], narrow, tone, params) for name, label, narrow, tone in TILES]


def _tile(name: str, label: str, count: int, narrow: tuple[str, str], tone: str, params: QueryDict) -> Tile:
    key, value = narrow
    is_chosen = params.getlist(key) == [value]
    query = params.copy()
    for dropped in (*JobFilter.NARROWING, "page", "ids", "present", "jobs", "lanes", "axis"):
        query.pop(dropped, None)
    if not is_chosen:
        query[key] = value
    return Tile(name, label, count, query.urlencode(), is_chosen, tone if count else "")
