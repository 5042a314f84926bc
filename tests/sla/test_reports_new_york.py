"""A night in New York as history: what the report says of it is what pandas says of the file.

pandas knows nothing of the clocks: it reads the file and works the deadlines out with its own business days. The file
does not say when somebody set off, so half-way between creation and closing somebody did.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from django.db import transaction

from dispatch import actions
from dispatch.actions.clocks import remember_clocks
from dispatch.models import Job, Status, StatusChange
from sla.figures import Filters, Outcome
from sla.models import CLOCKS
from sla.periods import Period
from sla.reports import clocks_behind, load_report
from tests.dispatch.importing import real_file, run_import
from tests.factories import TechnicianFactory

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2020, 3, 1, tzinfo=NEW_YORK)
PERIOD = Period(date(2020, 1, 1), date(2020, 1, 31))
BEFORE = Period(date(2019, 12, 1), date(2019, 12, 31))
TEAM = 7
# Standard: hours round the clock, or business days from 8 to 17, Monday to Friday.
RESPONSE_HOURS = {"Low": 48, "Normal": 24, "High": 4, "Urgent": 1}
RESOLUTION_HOURS = {"High": 24, "Urgent": 4}
RESOLUTION_DAYS = {"Low": 5, "Normal": 3}


@pytest.fixture(scope="module")
def requests():
    return real_file("nyc311-2019-12-31.csv")


@pytest.fixture
def night(requests, omar):
    """Imported, given to seven technicians in turns, and closed as the file has it, unless that is after NOW."""
    run_import("zones", real_file("nyc-community-districts.geojson"), "--name", "name")
    run_import("jobs", requests, "--mapping", "nyc311.toml")
    closed = read(requests).set_index("unique_key")
    team = TechnicianFactory.create_batch(TEAM)
    jobs = list(Job.objects.select_related("customer", "job_type").order_by("external_id"))
    past, log = [], []
    for job in jobs:
        job.technician = team[int(job.external_id) % TEAM]
        row = closed.loc[job.external_id]
        if pd.notna(row.ended_at):
            job.status, job.started_at = Status.COMPLETED, row.responded_at.to_pydatetime()
            job.completed_at = row.ended_at.to_pydatetime()
            past.append((job, job.started_at, []))
        else:
            job.status = Status.ASSIGNED
        log.append(assignment(job))
    with transaction.atomic():
        StatusChange.objects.bulk_create(log)
        Job.objects.bulk_update(jobs, ["technician", "status", "started_at", "completed_at"], batch_size=200)
        for model in CLOCKS:
            model.objects.filter(job__in=[job for job, _, _ in past]).delete()
        remember_clocks(past, now=NOW)
    actions.check_sla(now=NOW)
    return omar


def assignment(job) -> StatusChange:
    """At once, so that whoever has it had it when a deadline passed."""
    return StatusChange(
        job=job,
        from_status=Status.CREATED,
        to_status=Status.ASSIGNED,
        to_technician=job.technician,
        happened_at=job.created_at,
        received_at=job.created_at,
        actor_kind=StatusChange.Actor.SYSTEM,
    )


# By pandas ----------------------------------------------------------------------------------------


def read(file) -> pd.DataFrame:
    """A row a request, with the instants in New York's time."""
    found = pd.read_csv(file, dtype=str)
    for name, column in (("created_at", "created_date"), ("ended_at", "closed_date")):
        found[name] = pd.to_datetime(found[column]).dt.tz_localize("America/New_York")
    found.loc[found.ended_at > NOW, "ended_at"] = pd.NaT
    found["responded_at"] = (found.created_at + (found.ended_at - found.created_at) / 2).dt.floor("s")
    return found


def with_targets(found: pd.DataFrame) -> pd.DataFrame:
    """Joined with what the import made of each request: priority, type, zone and technician."""
    names = [
        "external_id",
        "priority",
        "job_type__name",
        "zone__name",
        "customer__name",
        "technician__user__first_name",
    ]
    jobs = pd.DataFrame(
        Job.objects.values_list(*names),
        columns=["unique_key", "priority", "job_type", "zone", "customer", "technician"],
    )
    jobs["priority"] = jobs.priority.map({1: "Low", 2: "Normal", 3: "High", 4: "Urgent"})
    found = found.merge(jobs, on="unique_key", validate="1:1")
    found["response_due_at"] = found.created_at + pd.to_timedelta(found.priority.map(RESPONSE_HOURS), unit="h")
    by_hours = found.created_at + pd.to_timedelta(found.priority.map(RESOLUTION_HOURS), unit="h")
    found["resolution_due_at"] = by_hours.where(found.priority.isin(list(RESOLUTION_HOURS)), business_days_later(found))
    return found


def business_days_later(found: pd.DataFrame) -> pd.Series:
    """The whole night came in after 17:00 on a Tuesday: all of it counts from 8:00 on the next working day."""
    local = found.created_at.dt.tz_localize(None)
    assert (local.dt.hour >= 17).all()
    opening = (local.dt.normalize() + pd.offsets.BDay(1)) + pd.Timedelta(hours=8)
    days = found.priority.map(RESOLUTION_DAYS).fillna(0).astype(int)
    due = [begin + pd.offsets.BDay(number) for begin, number in zip(opening, days, strict=True)]
    return pd.Series(pd.to_datetime(due), index=found.index).dt.tz_localize("America/New_York")


def counted_seconds(start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Between 8:00 and 17:00, Monday to Friday; no clocks change in this winter."""
    days = pd.bdate_range(start.normalize(), end.normalize())
    opens, closes = days + pd.Timedelta(hours=8), days + pd.Timedelta(hours=17)
    return (
        (closes.where(closes < end, end) - opens.where(opens > start, start)).total_seconds().to_series().clip(0).sum()
    )


def decided_by_pandas(found: pd.DataFrame, kind: str, period: Period) -> pd.DataFrame:
    """One row a clock that was met or breached in the period."""
    ended, due = found[{"response": "responded_at", "resolution": "ended_at"}[kind]], found[f"{kind}_due_at"]
    table = found.assign(breached=ended.isna() | (ended > due), wall=(ended - found.created_at).dt.total_seconds())
    in_days = found.priority.isin(list(RESOLUTION_DAYS)) & ended.notna() & (kind == "resolution")
    table["counted"] = table.wall.where(
        ~in_days,
        [
            counted_seconds(start, end) if pd.notna(end) else None
            for start, end in zip(found.created_at, ended, strict=True)
        ],
    )
    table["decided_at"] = due.where(table.breached, ended)
    begins = pd.Timestamp(period.first, tz="America/New_York")
    ends = pd.Timestamp(period.last, tz="America/New_York") + pd.Timedelta(days=1)
    return table[(table.decided_at >= begins) & (table.decided_at < ends)]


# Both ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_report_on_a_night_in_new_york_says_what_pandas_says(night, requests):
    found = with_targets(read(requests))
    report = load_report(night, Filters(), PERIOD, BEFORE, most=None)
    both = []
    for kind in report.kinds:
        by_pandas = decided_by_pandas(found, kind.kind, PERIOD)
        both.append(by_pandas)
        assert (kind.totals.tally.met, kind.totals.tally.breached) == outcomes(by_pandas)
        assert min(kind.totals.tally.met, kind.totals.tally.breached) > 20
        assert kind.totals.ended == by_pandas.wall.notna().sum()
        for lengths, seconds in ((kind.totals.wall, by_pandas.wall), (kind.totals.counted, by_pandas.counted)):
            expected = [seconds.mean(), seconds.median(), seconds.quantile(0.9)]
            assert [lengths.average, lengths.median, lengths.p90] == pytest.approx(expected)
        before = decided_by_pandas(found, kind.kind, BEFORE)
        assert (kind.before.tally.met, kind.before.tally.breached) == outcomes(before)
        assert trend_of(kind) == by_day(by_pandas)
        assert heat_of(kind) == by_hour_of_the_week(by_pandas)
    check_violators(night, report, pd.concat(both))


def outcomes(table: pd.DataFrame) -> tuple[int, int]:
    return int((~table.breached).sum()), int(table.breached.sum())


def trend_of(kind) -> dict:
    return {point.period.first: (point.tally.met, point.tally.breached) for point in kind.trend if point.tally.decided}


def by_day(table: pd.DataFrame) -> dict:
    return {day: outcomes(rows) for day, rows in table.groupby(table.decided_at.dt.date)}


def heat_of(kind) -> dict:
    cells = [cell for row in kind.heat for cell in row if cell.tally.decided]
    return {(cell.weekday, cell.hour): (cell.tally.met, cell.tally.breached) for cell in cells}


def by_hour_of_the_week(table: pd.DataFrame) -> dict:
    return {
        key: outcomes(rows) for key, rows in table.groupby([table.created_at.dt.day_of_week, table.created_at.dt.hour])
    }


def check_violators(user, report, table: pd.DataFrame) -> None:
    for breakdown in report.violators:
        column = table[breakdown.dimension].fillna("No zone")
        by_pandas = table.breached.groupby(column).sum()
        assert {group.name: group.breached for group in breakdown.groups} == by_pandas.to_dict()
        order = [group.breached for group in breakdown.groups]
        assert order == sorted(order, reverse=True)
        worst = breakdown.groups[0]
        share = 100 * worst.breached / table.breached.sum()
        assert float(worst.share) == pytest.approx(share, abs=0.1)
        assert float(worst.share) <= share
        assert clocks_behind(user, worst.figure.but(outcome=Outcome.BREACHED)).count() == worst.breached
