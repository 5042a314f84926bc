"""The list of violations as rows of a CSV file: what it is narrowed to, all its pages."""

from collections.abc import Iterator
from datetime import datetime

from dispatch.csv_files import text_cell, time_cell
from dispatch.service_levels.violation_filter import DEFAULT_SORT, sorted_by
from dispatch.service_levels.violations import Row, filter_violations, row_of, with_details

COLUMNS = [
    "Job",
    "Type",
    "Priority",
    "Customer",
    "Address",
    "Missed",
    "Policy",
    "Deadline",
    "Minutes late",
    "Technician",
    "Zone",
    "Acknowledged by",
    "Acknowledged at",
    "Notes",
]
ROWS_AT_ONCE = 500


def rows_of_export(request, *, now: datetime) -> Iterator[list]:
    found = filter_violations(request, now=now).in_state()
    rows = with_details(sorted_by(found, request.GET.get("sort", DEFAULT_SORT)))
    for violation in rows.iterator(chunk_size=ROWS_AT_ONCE):
        yield _cells(row_of(violation, user=request.user, now=now))


def _cells(row: Row) -> list:
    violation = row.violation
    return [
        violation.job.number,
        text_cell(str(violation.job_type)),
        violation.get_priority_display(),
        text_cell(row.job.customer.name) if row.job else "",
        text_cell(row.job.site.address) if row.job else "",
        violation.get_kind_display(),
        text_cell(str(violation.policy)),
        time_cell(violation.breached_at),
        row.late_seconds // 60,
        text_cell(str(violation.technician or "")),
        text_cell(str(violation.zone or "")),
        text_cell(str(violation.acknowledged_by or "")),
        time_cell(violation.acknowledged_at),
        text_cell(" / ".join(f"{note.author}: {note.text}" for note in row.notes)),
    ]
