"""The board's list as rows of a CSV file: all pages, and what the list itself has no room for."""

from collections.abc import Iterator
from datetime import datetime

from dispatch.board.filters import DEFAULT_SORT, sorted_by
from dispatch.board.frame import filter_jobs
from dispatch.csv_files import text_cell, time_cell
from dispatch.models import Job
from dispatch.models.jobs import CLOCK_NAMES
from sla.models import Clock

COLUMNS = [
    "Job",
    "Type",
    "Priority",
    "Status",
    "On hold",
    "Technician",
    "Date",
    "Planned start",
    "Block from",
    "Block to",
    "Fixed",
    "Minutes",
    "Customer",
    "Phone",
    "Address",
    "Zone",
    "Skills",
    "Response due",
    "Response",
    "Resolution due",
    "Resolution",
    "Description",
]
JOBS_AT_ONCE = 1000


def rows_of_export(request, *, now: datetime) -> Iterator[list]:
    """What the list's query string asks for; two queries for each JOBS_AT_ONCE."""
    job_filter = filter_jobs(request, now=now)
    jobs = job_filter.narrow(job_filter.scope()).with_board_info()
    jobs = sorted_by(jobs, request.GET.get("sort", DEFAULT_SORT))
    return (_row(job, now=now) for job in jobs.iterator(chunk_size=JOBS_AT_ONCE))


def _row(job: Job, *, now: datetime) -> list:
    skills = (f"{need.skill} ({need.get_level_display()})" for need in job.required_skills.all())
    return [
        job.number,
        text_cell(job.job_type.name),
        job.get_priority_display(),
        job.get_status_display(),
        text_cell(job.hold_reason),
        text_cell(str(job.technician or "")),
        job.scheduled_on or "",
        time_cell(job.planned_starts_at),
        time_cell(job.window_starts_at),
        time_cell(job.window_ends_at),
        "yes" if job.is_fixed else "",
        job.duration_minutes,
        text_cell(job.customer.name),
        text_cell(job.customer.phone),
        text_cell(job.site.address),
        text_cell(str(job.zone or "")),
        text_cell(", ".join(skills)),
        *(cell for name in CLOCK_NAMES for cell in _clock_cells(getattr(job, name, None), now=now)),
        text_cell(job.description),
    ]


def _clock_cells(clock: Clock | None, *, now: datetime) -> tuple[str, str]:
    if clock is None:
        return "", ""
    is_overdue = clock.state == Clock.State.RUNNING and clock.due_at < now  # the check has not been there yet
    state = Clock.State.BREACHED if is_overdue else Clock.State(clock.state)
    return time_cell(clock.due_at), state.label
