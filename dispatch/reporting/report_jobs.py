"""The jobs behind a figure of the report: each clock that it counts, as it was decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.core.paginator import Page, Paginator

from dispatch.csv_files import text_cell, time_cell
from dispatch.models import Customer, Job, JobType, Priority
from dispatch.reporting.words import KINDS
from sla.figures import Dimension, Figure
from sla.models import Clock, SLAPolicy, Violation
from sla.reports import clocks_behind, load_clocks
from technicians.models import Technician
from zones.models import ServiceZone

PAGE_SIZE: Final = 50
CLOCKS_AT_ONCE: Final = 500
COLUMNS: Final = [
    "Job",
    "Target",
    "Outcome",
    "Decided at",
    "Started at",
    "Ended at",
    "Minutes (wall-clock)",
    "Minutes (counted)",
    "Promised",
    "Technician",
    "Zone",
    "Job type",
    "Customer",
    "Priority",
    "SLA policy",
    "Acknowledged by",
]


@dataclass(frozen=True)
class DecidedClock:
    """Technician, zone, type, customer and priority are the clock's: as they were then."""

    clock: Clock
    job: Job | None  # none: it has gone to a zone where the user does not dispatch
    violation: Violation | None

    @property
    def kind(self) -> str:
        return KINDS[self.clock.kind]

    @property
    def is_breached(self) -> bool:
        return self.clock.state == Clock.State.BREACHED


@dataclass(frozen=True)
class JobsPage:
    figure: Figure
    page: Page  # of what clocks_behind gives
    rows: list[DecidedClock]
    names: dict[str, dict[int, str]]

    @property
    def report_query(self) -> str:
        """Of the report that is about all this."""
        return Figure(self.figure.filters, self.figure.period).query


def load_jobs_page(user, figure: Figure, *, number: str | None) -> JobsPage:
    page = Paginator(clocks_behind(user, figure), PAGE_SIZE).get_page(number)
    return JobsPage(figure, page, load_decided(user, list(page.object_list)), load_names(user, figure))


def load_decided(user, behind: Sequence[tuple]) -> list[DecidedClock]:
    """In the order of `behind`, in six queries however many."""
    clocks = load_clocks(behind)
    ids = {clock.job_id for clock in clocks}
    visible = set(Job.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    found = Violation.objects.visible_to(user).filter(job__in=ids).select_related("acknowledged_by")
    violations = {(one.job_id, one.kind): one for one in found}
    return [
        DecidedClock(clock, clock.job if clock.job_id in visible else None, violations.get((clock.job_id, clock.kind)))
        for clock in clocks
    ]


def load_names(user, figure: Figure) -> dict[str, dict[int, str]]:
    """Of what the figure is narrowed to; one query for each dimension that it is narrowed in."""
    sources = {
        Dimension.TECHNICIAN: Technician.objects.visible_to(user).with_name(),
        Dimension.ZONE: ServiceZone.objects.dispatchable_by(user),
        Dimension.JOB_TYPE: JobType.objects.all(),
        Dimension.CUSTOMER: Customer.objects.all(),
        Dimension.POLICY: SLAPolicy.objects.all(),
    }
    names: dict[str, dict[int, str]] = {Dimension.PRIORITY: dict(Priority.choices)}
    for dimension, keys in figure.filters.chosen.items():
        if dimension in sources:
            ids = [key for key in keys if key is not None]
            names[dimension] = dict(sources[dimension].filter(pk__in=ids).values_list("pk", "name"))
    return names


def rows_of_jobs(user, figure: Figure) -> Iterator[list]:
    """Of the CSV file; some queries for each CLOCKS_AT_ONCE."""
    behind = clocks_behind(user, figure).iterator(chunk_size=CLOCKS_AT_ONCE)
    while some := list(islice(behind, CLOCKS_AT_ONCE)):
        yield from map(_row, load_decided(user, some))


def _row(row: DecidedClock) -> list:
    clock, told = row.clock, row.violation
    return [
        row.job.number if row.job else "",
        row.kind,
        clock.get_state_display(),
        *map(time_cell, (clock.decided_at, clock.started_at, clock.ended_at)),
        *("" if seconds is None else round(seconds / 60, 1) for seconds in (clock.wall_seconds, clock.counted_seconds)),
        clock.target_text,
        text_cell(str(clock.technician or "")),
        text_cell(str(clock.zone or "")),
        text_cell(str(clock.job_type or "")),
        text_cell(str(clock.customer or "")),
        clock.get_priority_display(),
        text_cell(clock.policy.name),
        text_cell(str(told.acknowledged_by or "")) if told else "",
    ]
