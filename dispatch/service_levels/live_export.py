"""The open SLA clocks as rows of a CSV file: those of the SLA page, however many; the first deadline first."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from typing import Final

from django.db.models import F

from dispatch.board.countdown import AT_RISK, BREACHED, PAUSED, RUNNING, Countdown
from dispatch.csv_files import text_cell, time_cell
from dispatch.service_levels.live_clocks import LiveFilter, open_clocks, with_jobs
from sla.models import Clock

COLUMNS: Final = [
    *("Job", "Title", "Type", "Priority", "Status", "On hold", "Technician", "Customer", "Address", "Zone"),
    *("Target", "Of", "Deadline", "State", "Minutes left"),
]
STATES: Final = {RUNNING: "On time so far", AT_RISK: "At risk", BREACHED: "Breached", PAUSED: "Paused"}
ROWS_AT_ONCE: Final = 500


def rows_of_export(request, *, now: datetime) -> Iterator[list]:
    """One query for each kind of clock."""
    chosen = LiveFilter(request.GET, user=request.user)
    chosen.is_valid()
    found = [one.order_by(F("due_at").asc(nulls_last=True), "pk") for one in _narrowed(request.user, chosen)]
    clocks = merge(*(with_jobs(one).iterator(chunk_size=ROWS_AT_ONCE) for one in found), key=_deadline(now))
    return (_cells(clock, now=now) for clock in clocks)


def _narrowed(user, chosen: LiveFilter) -> list:
    zone = chosen.cleaned_data.get("zone")
    clocks = open_clocks(user, kind=chosen.cleaned_data.get("kind"))
    return [one.filter(job__zone=zone) for one in clocks] if zone else clocks


def _deadline(now: datetime):
    return lambda clock: (clock.due_at is None, clock.due_at or now)


def _cells(clock: Clock, *, now: datetime) -> list:
    job, countdown = clock.job, Countdown.of(clock, now=now)
    return [
        job.number,
        text_cell(job.title),
        text_cell(job.job_type.name),
        job.get_priority_display(),
        job.get_status_display(),
        text_cell(job.hold_reason),
        text_cell(str(job.technician or "")),
        text_cell(job.customer.name),
        text_cell(job.site.address),
        text_cell(str(job.zone or "")),
        clock.kind.label,
        clock.target_text,
        time_cell(clock.due_at),
        STATES[countdown.state],
        int((clock.due_at - now).total_seconds() // 60) if clock.due_at else "",
    ]
