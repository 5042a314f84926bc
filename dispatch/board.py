"""Loads what the board shows: one loader for the page and for its fragments, so that they cannot disagree."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.http import QueryDict
from django.utils import timezone

from dispatch.filters import ALL_DAYS, DEFAULT_SORT, SORTS, JobFilter, sorted_by
from dispatch.models import Job, Status

PAGE_SIZE = 50
COLUMNS = [
    ("number", "Job"),
    ("priority", "Priority"),
    ("status", "Status"),
    ("technician", "Technician"),
    ("when", "When"),
    ("customer", "Customer"),
    ("zone", "Zone"),
    ("", "Skills"),
]


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
class Board:
    filter: JobFilter
    page: Page
    tiles: list[Tile]
    sort: str
    day: date | None  # None when several days are shown
    today: date
    now: datetime

    @property
    def jobs(self) -> list[Job]:
        return list(self.page.object_list)

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
        """The filters that are menus of checkboxes."""
        names = ("status", "priority", "zone", "technician", "job_type")
        return [self.filter.form[name] for name in names]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What is chosen without a control in the filter form; the form carries it along."""
        return [
            (name, self.filter.data[name])
            for name in ("day", "sort", "late", "hold", "location")
            if self.filter.data.get(name)
        ]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """(sort key, label); no key, no sorting."""
        return COLUMNS

    @property
    def is_narrowed(self) -> bool:
        return any(name not in JobFilter.DATES for name in self.filter.chosen)


def filter_jobs(request, *, now: datetime) -> JobFilter:
    jobs = Job.objects.visible_to(request.user)
    return JobFilter(request.GET, queryset=jobs, request=request, now=now, today=timezone.localdate(now))


def load_board(request, *, now: datetime | None = None) -> Board:
    """What the query string asks for, within what the user may see."""
    now = now or timezone.now()
    job_filter = filter_jobs(request, now=now)
    scope = job_filter.scope()
    sort = request.GET.get("sort", DEFAULT_SORT)
    shown = job_filter.narrow(scope)
    counts = count_states(scope, now=now)
    paginator = Paginator(sorted_by(shown.with_board_info(), sort), PAGE_SIZE)
    if shown is scope:  # nothing narrows it, and its jobs are counted
        paginator.count = counts["total"]
    return Board(
        filter=job_filter,
        page=paginator.get_page(request.GET.get("page")),
        tiles=make_tiles(counts, request.GET),
        sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
        day=_single_day(job_filter),
        today=job_filter.today,
        now=now,
    )


def load_rows(request, job_ids: list[int], *, now: datetime) -> tuple[list[tuple[int, int, datetime]], list[Tile]]:
    """(id, version, created_at) of those of the given jobs that the query string still includes, and the counts."""
    job_filter = filter_jobs(request, now=now)
    scope = job_filter.scope()
    jobs = job_filter.narrow(scope).filter(pk__in=job_ids).order_by("pk")
    return list(jobs.values_list("pk", "version", "created_at")), make_tiles(count_states(scope, now=now), request.GET)


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
    ("late", "Block missed", ("late", "true"), "alert"),
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
        late=Count("pk", filter=not_begun & Q(window_ends_at__lt=now)),
        hold=Count("pk", filter=Q(held_at__isnull=False)),
        completed=Count("pk", filter=Q(status=Status.COMPLETED)),
    )


def make_tiles(counts: dict[str, int], params: QueryDict) -> list[Tile]:
    return [_tile(name, label, counts[name], narrow, tone, params) for name, label, narrow, tone in TILES]


def _tile(name: str, label: str, count: int, narrow: tuple[str, str], tone: str, params: QueryDict) -> Tile:
    key, value = narrow
    is_chosen = params.getlist(key) == [value]
    query = params.copy()
    for dropped in (*JobFilter.NARROWING, "page", "ids", "present"):
        query.pop(dropped, None)
    if not is_chosen:
        query[key] = value
    return Tile(name, label, count, query.urlencode(), is_chosen, tone if count else "")
