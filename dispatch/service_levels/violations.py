"""Loads the list of violations and one of them; the number of queries is fixed."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, Prefetch, Q
from django.utils import timezone

from dispatch.models import Job
from dispatch.service_levels.violation_filter import (
    ACKNOWLEDGED,
    ALL,
    DEFAULT_SORT,
    OPEN,
    SORTS,
    STATES,
    ViolationFilter,
    sorted_by,
)
from sla.models import Clock, Violation, ViolationNote
from sla.timeline import whole_seconds
from zones import access

PAGE_SIZE = 50
COLUMNS = [  # the keys of those that sort are keys of SORTS
    ("job", "Job"),
    ("target", "Missed"),
    ("deadline", "Deadline"),
    ("technician", "Technician"),
    ("zone", "Zone"),
    ("priority", "Priority"),
    ("type", "Type"),
    ("acknowledged", "Acknowledged"),
]


@dataclass(frozen=True)
class Row:
    violation: Violation
    clock: Clock | None  # the one that was breached
    late_seconds: int  # from the deadline to when it was done, or to now
    job: Job | None  # None: it has moved to a zone that the user does not see

    @property
    def is_done(self) -> bool:
        return self.clock is not None and self.clock.ended_at is not None

    @property
    def is_cancelled(self) -> bool:
        return not self.is_done and self.violation.job.cancelled_at is not None and not self.violation.job.is_open

    @property
    def notes(self) -> list[ViolationNote]:
        return [note for note in self.violation.notes.all() if note.text]


@dataclass(frozen=True)
class ViolationList:
    filter: ViolationFilter
    page: Page
    rows: list[Row]
    sort: str
    counts: dict[str, int]  # by state

    @property
    def tabs(self) -> list[tuple[str, str, int]]:
        return [(state, label, self.counts[state]) for state, label in STATES]

    @property
    def columns(self) -> list[tuple[str, str, bool]]:
        """(key, label, whether the list can be sorted by it)"""
        return [(key, label, key in SORTS) for key, label in COLUMNS]


def filter_violations(request, *, now: datetime) -> ViolationFilter:
    visible = Violation.objects.visible_to(request.user)
    return ViolationFilter(request.GET, queryset=visible, request=request, today=timezone.localdate(now))


def load_violations(request, *, now: datetime) -> ViolationList:
    chosen = filter_violations(request, now=now)
    counts = chosen.qs.order_by().aggregate(**{OPEN: Count("pk", filter=Q(acknowledged_at=None)), ALL: Count("pk")})
    counts[ACKNOWLEDGED] = counts[ALL] - counts[OPEN]
    sort = request.GET.get("sort", DEFAULT_SORT)
    paginator = Paginator(with_details(sorted_by(chosen.in_state(), sort)), PAGE_SIZE)
    paginator.count = counts[chosen.shown_state]
    page = paginator.get_page(request.GET.get("page"))
    rows = [row_of(violation, user=request.user, now=now) for violation in page.object_list]
    return ViolationList(
        filter=chosen,
        page=page,
        rows=rows,
        sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
        counts=counts,
    )


def with_details(violations):
    """All that a row shows, in two queries; not the zones' boundaries, which may be megabytes each."""
    notes = ViolationNote.objects.select_related("author")
    return (
        violations.select_related(
            "job__customer",
            "job__site",
            "job__job_type",
            "job__response_clock",
            "job__resolution_clock",
            "technician__user",
            "zone",
            "job_type",
            "policy",
            "acknowledged_by",
        )
        .defer("zone__boundary")
        .prefetch_related(Prefetch("notes", notes))
    )


def row_of(violation: Violation, *, user, now: datetime) -> Row:
    job = violation.job
    clock = getattr(job, f"{violation.kind}_clock", None)
    ended_at = (clock and clock.ended_at) or (None if job.is_open else job.cancelled_at) or now
    return Row(
        violation=violation,
        clock=clock,
        late_seconds=whole_seconds(violation.breached_at, ended_at),
        job=job if access.reaches(access.dispatch_zone_ids(user), job.zone_id) else None,
    )
