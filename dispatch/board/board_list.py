"""Loads the board's list: one loader for the page and for its fragments, so that they cannot disagree."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.utils import timezone

from dispatch.board.filters import DEFAULT_SORT, SORTS, sorted_by
from dispatch.board.frame import Frame, Tile, count_states, filter_jobs, load_frame, make_tiles
from dispatch.board.shared_rows import Seen, rows_of, seen_of

PAGE_SIZE = 50
COLUMNS = [  # the keys of those that sort are keys of SORTS
    ("number", "Job"),
    ("priority", "Priority"),
    ("status", "Status"),
    ("sla", "SLA"),
    ("technician", "Technician"),
    ("when", "When"),
    ("customer", "Customer"),
    ("zone", "Zone"),
    ("skills", "Skills"),
]
HIDEABLE = [key for key, _ in COLUMNS if key != "number"]


@dataclass(frozen=True)
class BoardList:
    frame: Frame
    page: Page  # of `Seen`
    rows: list[str]
    sort: str

    @property
    def columns(self) -> list[tuple[str, str, bool]]:
        """(key, label, whether the list can be sorted by it)"""
        return [(key, label, key in SORTS) for key, label in COLUMNS]


def load_board_list(request, *, now: datetime | None = None) -> BoardList:
    now = now or timezone.now()
    frame = load_frame(request, "board_list", now=now)
    scope = frame.filter.scope()
    shown = frame.filter.narrow(scope)
    sort = request.GET.get("sort", DEFAULT_SORT)
    paginator = Paginator(seen_of(sorted_by(shown, sort)), PAGE_SIZE)
    if shown is scope:  # nothing narrows it, and its jobs are counted
        paginator.count = frame.total
    page = paginator.get_page(request.GET.get("page"))
    return BoardList(
        frame=frame,
        page=page,
        rows=rows_of(list(page.object_list), now=now),
        sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
    )


def load_rows(request, job_ids: list[int], *, now: datetime) -> tuple[list[Seen], list[Tile]]:
    """Those of the given jobs that the query string still includes, and the counts."""
    job_filter = filter_jobs(request, now=now)
    scope = job_filter.scope()
    jobs = job_filter.narrow(scope).filter(pk__in=job_ids).order_by("pk")
    return list(seen_of(jobs)), make_tiles(count_states(scope, now=now), request.GET)
