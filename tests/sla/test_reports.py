"""What an SLA report counts, for whom, and that each of its numbers leads to as many clocks as it says."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch import actions
from dispatch.models import Priority, Status
from sla.figures import Dimension, Figure, Filters, Measure, Outcome, Tally
from sla.models import Clock, ClockKind, Violation
from sla.periods import Period
from sla.reports import clocks_behind, load_clocks, load_report
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, make_job
from tests.sla.past_jobs import past_job, remember

MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)  # 10:00 in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
NOW = MONDAY + 10 * DAY


def report_of(user, period=WEEK, comparison=None, *, filters=None, **kwargs):
    return load_report(user, filters or Filters(), period, comparison, **kwargs)


def section(report, kind=ClockKind.RESPONSE):
    return next(one for one in report.kinds if one.kind == kind)


def met_and_breached(tally: Tally) -> tuple[int, int]:
    return tally.met, tally.breached


def response_tally(user, *args, **kwargs) -> tuple[int, int]:
    return met_and_breached(section(report_of(user, *args, **kwargs)).totals.tally)


@pytest.fixture
def site(north):
    return SiteFactory(zone=north)


@pytest.fixture
def mixed_week(omar, tess, tom, north, south):
    """Of eight responses two were breached, one of which has been acknowledged, and one resolution; with all sorts of
    circumstances."""
    urgent, boiler = Priority.URGENT, JobTypeFactory(name="Boiler")
    there, other = SiteFactory(zone=north), SiteFactory(zone=south, customer=CustomerFactory(name="Zoe"))
    remember(
        past_job(tess, site=there, created_at=MONDAY),
        past_job(tess, site=there, created_at=MONDAY + 2 * HOUR, responded_after=0.1, done_after=30),
        past_job(tess, site=there, created_at=MONDAY + 1 * DAY, responded_after=5, done_after=6),
        past_job(tess, site=other, created_at=MONDAY + 2 * DAY, job_type=boiler),
        past_job(tom, site=other, created_at=MONDAY + 2 * DAY, responded_after=20, done_after=23, job_type=boiler),
        past_job(tom, created_at=MONDAY + 3 * DAY, responded_after=0.5, done_after=3, priority=urgent),
        past_job(tom, created_at=MONDAY + 4 * DAY, responded_after=0.2, done_after=1, priority=urgent),
        past_job(tom, site=there, created_at=MONDAY - 5 * DAY),
        past_job(tom, site=there, created_at=MONDAY + 5 * DAY, responded_after=2),
        now=NOW,
    )
    first = Violation.objects.filter(kind="response").earliest("breached_at")
    actions.acknowledge_violations([first.pk], note="Van broke down", by=omar, now=NOW)


# What counts --------------------------------------------------------------------------------------


def test_compliance_is_what_was_met_of_what_was_decided(omar, tess):
    remember(
        past_job(tess, created_at=MONDAY),
        past_job(tess, created_at=MONDAY, responded_after=3),
        past_job(tess, created_at=MONDAY, responded_after=5, done_after=6),
        now=NOW,
    )
    tally = section(report_of(omar)).totals.tally
    assert (met_and_breached(tally), tally.compliance) == ((2, 1), Decimal("66.6"))


def test_what_is_open_or_cancelled_is_not_counted(omar, dana, north):
    make_job(by=dana, zone=north, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    job = make_job(by=dana, zone=north, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    actions.change_status(job, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + HOUR)
    report = report_of(omar)
    assert [kind.totals.tally.decided for kind in report.kinds] == [0, 0]
    assert [kind.totals.tally.compliance for kind in report.kinds] == [None, None]


def test_a_breach_counts_at_its_deadline_though_nobody_has_come_yet(omar, dana, north):
    make_job(by=dana, zone=north, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    actions.check_sla(now=MONDAY + 3 * DAY)
    totals = section(report_of(omar)).totals
    assert (met_and_breached(totals.tally), totals.ended, totals.still_open) == ((0, 1), 0, 1)
    assert totals.wall.average is totals.wall.median is None
    assert response_tally(omar, Period(date(2026, 11, 17), date(2026, 11, 30))) == (0, 0)


def test_a_recorded_breach_of_a_job_that_was_cancelled_later_counts(omar, dana, north):
    job = make_job(by=dana, zone=north, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    actions.check_sla(now=MONDAY + 5 * HOUR)
    actions.change_status(job, Status.CANCELLED, by=dana, note="Called off", now=MONDAY + 6 * HOUR)
    report = report_of(omar)
    assert [met_and_breached(kind.totals.tally) for kind in report.kinds] == [(0, 1), (0, 0)]


def test_a_day_ends_at_midnight_of_the_business(omar, tess):
    midnight = datetime(2026, 11, 17, 5, tzinfo=UTC)  # in New York
    remember(
        past_job(tess, created_at=midnight - 2 * HOUR, responded_after=1.999),
        past_job(tess, created_at=midnight - 2 * HOUR, responded_after=2, done_after=3),
        now=NOW,
    )
    monday, tuesday = (Period(day, day) for day in (date(2026, 11, 16), date(2026, 11, 17)))
    assert response_tally(omar, monday) == response_tally(omar, tuesday) == (1, 0)


def test_dispatcher_sees_her_zones_and_what_is_in_none(dana, omar, tess, north, south):
    remember(
        *(past_job(tess, site=SiteFactory(zone=zone), created_at=MONDAY) for zone in (north, south, None)), now=NOW
    )
    assert response_tally(omar) == (3, 0)
    assert response_tally(dana) == (2, 0)
    zones = report_of(dana).breakdowns[Dimension.ZONE]
    assert {group.name for group in zones.groups} == {"North", "No zone"}
    assert clocks_behind(dana, Figure(Filters(zone=frozenset([south.pk])), WEEK)).count() == 0


@pytest.mark.parametrize(
    ("name", "of", "counted"),
    [
        ("technician", lambda: {"tess"}, 4),
        ("zone", lambda: {"North"}, 4),
        ("zone", lambda: {None}, 2),
        ("zone", lambda: {"North", None}, 6),
        ("job_type", lambda: {"Boiler"}, 2),
        ("customer", lambda: {"Zoe"}, 2),
        ("priority", lambda: {Priority.URGENT}, 2),
        ("policy", lambda: {"Standard"}, 8),
    ],
)
def test_a_report_is_about_what_it_is_filtered_by(mixed_week, omar, name, of, counted):
    """The names are looked up in the report itself, so that these say who is meant."""
    names = {str(group.name).casefold(): group.key for group in report_of(omar).breakdowns[name].groups}
    keys = frozenset(one if one is None or name == "priority" else names[one.casefold()] for one in of())
    met, breached = response_tally(omar, filters=Filters(**{name: keys}))
    assert met + breached == counted


# How long -----------------------------------------------------------------------------------------


def test_median_and_p90_lie_between_their_neighbours(omar, tess):
    remember(*(past_job(tess, created_at=MONDAY, responded_after=1 + n / 4, done_after=20) for n in range(4)), now=NOW)
    wall = section(report_of(omar)).totals.wall
    hours = [wall.average / 3600, wall.median / 3600, wall.p90 / 3600]
    assert hours == pytest.approx([1.375, 1.375, 1.675])


def test_counted_time_leaves_out_nights_and_holds_and_wall_clock_time_does_not(omar, dana, tess, north):
    """Low: three business days, of nine hours each. One night and an hour on hold lie between."""
    job = make_job(by=dana, zone=north, priority=Priority.LOW, created_at=MONDAY, now=MONDAY)
    actions.hold_job(job, "Parts", by=dana, now=MONDAY + HOUR)
    actions.release_job(job, by=dana, now=MONDAY + 2 * HOUR)
    actions.change_status(job, Status.ASSIGNED, technician=tess, by=dana, now=MONDAY + 2 * HOUR)
    actions.change_status(job, Status.IN_PROGRESS, by=tess.user, now=MONDAY + DAY)
    actions.change_status(job, Status.COMPLETED, by=tess.user, now=MONDAY + DAY)
    totals = section(report_of(omar), ClockKind.RESOLUTION).totals
    assert (totals.wall.median / 3600, totals.counted.median / 3600) == (24, 8)


def test_the_bands_hold_all_that_has_ended_once(mixed_week, omar):
    for kind in report_of(omar).kinds:
        for one in kind.distributions:
            assert sum(band.tally.decided for band in one.bands) == kind.totals.ended
            assert sum(band.tally.breached for band in one.bands) + one.still_open == kind.totals.tally.breached


def test_a_length_at_the_edge_is_in_the_longer_band(omar, tess):
    remember(past_job(tess, created_at=MONDAY, responded_after=1), now=NOW)
    wall = section(report_of(omar)).distributions[0]
    assert [band.begins for band in wall.bands if band.tally.decided] == [HOUR]
    assert (wall.measure, wall.bands[0].begins, wall.bands[-1].ends) == (Measure.WALL, timedelta(), None)


# When ---------------------------------------------------------------------------------------------


def test_the_trend_has_every_day_of_the_period(omar, tess):
    remember(past_job(tess, created_at=MONDAY + DAY), past_job(tess, created_at=MONDAY + 6 * DAY), now=NOW)
    trend = section(report_of(omar)).trend
    assert [point.tally.decided for point in trend] == [0, 1, 0, 0, 0, 0, 1]


def test_the_comparison_stands_beside_it_day_by_day(omar, tess):
    remember(past_job(tess, created_at=MONDAY - 6 * DAY, responded_after=5, done_after=6), now=NOW)
    kind = section(report_of(omar, WEEK, WEEK.before))
    assert [point.before.breached for point in kind.trend] == [0, 1, 0, 0, 0, 0, 0]
    assert met_and_breached(kind.before.tally) == (0, 1)


def test_points_are_gained_against_the_comparison(omar, tess):
    remember(
        past_job(tess, created_at=MONDAY - 7 * DAY, responded_after=5, done_after=6),
        past_job(tess, created_at=MONDAY - 7 * DAY),
        past_job(tess, created_at=MONDAY),
        now=NOW,
    )
    assert section(report_of(omar, WEEK, WEEK.before)).points_gained == 50
    assert section(report_of(omar, WEEK)).points_gained is None


def test_the_heat_map_shows_when_that_came_in_which_was_breached(omar, tess):
    """In New York: at 1:30 on the Sunday on which that hour comes twice, both times."""
    twice = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    remember(*(past_job(tess, created_at=at, responded_after=5, done_after=6) for at in twice), now=NOW)
    heat = section(report_of(omar, Period(date(2026, 11, 1), date(2026, 11, 7)))).heat
    assert [(cell.weekday, cell.hour, cell.tally.breached) for row in heat for cell in row if cell.tally.decided] == [
        (6, 1, 2)
    ]
    assert [len(row) for row in heat] == [24] * 7


# Who and what -------------------------------------------------------------------------------------


def test_those_with_most_breaches_come_first_with_their_share(mixed_week, omar):
    report = report_of(omar)
    technicians = report.breakdowns[Dimension.TECHNICIAN].groups
    assert [(group.name, group.breached, group.share) for group in technicians] == [
        ("Tess", 2, Decimal("66.6")),
        ("Tom", 1, Decimal("33.3")),
    ]
    assert [met_and_breached(technicians[0].response), met_and_breached(technicians[0].resolution)] == [(3, 1), (3, 1)]


def test_the_report_says_what_has_been_acknowledged(mixed_week, omar):
    report = report_of(omar)
    assert (report.breached, report.acknowledged, report.unacknowledged) == (3, 1, 2)
    tess, tom = report.breakdowns[Dimension.TECHNICIAN].groups
    assert [(one.acknowledged, one.unacknowledged) for one in (tess, tom)] == [(1, 1), (0, 1)]


def test_acknowledging_a_late_response_leaves_the_late_resolution_of_the_same_job(omar, tess):
    remember(past_job(tess, created_at=MONDAY, responded_after=5, done_after=30), now=NOW)
    response = Violation.objects.get(kind="response")
    actions.acknowledge_violations([response.pk], note="Traffic", by=omar, now=NOW)
    report = report_of(omar)
    assert (report.acknowledged, report.unacknowledged) == (1, 1)
    waiting = clocks_behind(omar, report.figure.but(outcome=Outcome.BREACHED, acknowledged=False))
    assert [kind for _, kind, _ in waiting] == ["resolution"]


def test_every_kind_of_group_adds_up_to_the_whole(mixed_week, omar):
    report = report_of(omar)
    assert set(report.breakdowns) == set(Dimension.values)
    for breakdown in report.breakdowns.values():
        assert sum(group.breached for group in breakdown.groups) == report.breached
        assert sum(group.unacknowledged for group in breakdown.groups) == report.unacknowledged


def test_priorities_stand_by_urgency(mixed_week, omar):
    groups = report_of(omar).breakdowns[Dimension.PRIORITY].groups
    assert [group.name for group in groups] == ["Urgent", "High"]


def test_only_the_worst_are_named_unless_all_are_wanted(omar, tess):
    remember(*(past_job(tess, created_at=MONDAY) for _ in range(4)), now=NOW)
    customers = report_of(omar, most=3).breakdowns[Dimension.CUSTOMER]
    assert (len(customers.groups), customers.more) == (3, 1)
    assert report_of(omar, most=None).breakdowns[Dimension.CUSTOMER].more == 0


def test_a_breach_that_nobody_had_is_nobody_s(omar, dana, north):
    make_job(by=dana, zone=north, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    actions.check_sla(now=MONDAY + 5 * HOUR)
    nobody = report_of(omar).breakdowns[Dimension.TECHNICIAN].groups[0]
    assert (nobody.name, nobody.breached) == ("Nobody", 1)
    assert clocks_behind(omar, nobody.figure).count() == 1


def test_groups_without_a_breach_are_no_violators(mixed_week, omar):
    policies = report_of(omar).breakdowns[Dimension.PRIORITY]
    assert [group.name for group in policies.violators] == ["High"]


# The clocks behind a number ------------------------------------------------------------------------


def numbers_of(report) -> Iterator[tuple[Figure, int]]:
    """All that a report says, with what it should lead to."""
    tallies = [kind.totals.tally for kind in report.kinds]
    tallies += [kind.before.tally for kind in report.kinds]
    tallies += [
        tally for kind in report.kinds for point in kind.trend for tally in (point.tally, point.before) if tally
    ]
    tallies += [cell.tally for kind in report.kinds for row in kind.heat for cell in row if cell.tally.decided]
    tallies += [band.tally for kind in report.kinds for one in kind.distributions for band in one.bands]
    groups = [group for breakdown in report.breakdowns.values() for group in breakdown.groups]
    tallies += [tally for group in groups for tally in (*group.tallies, group.tally)]
    for tally in tallies:
        yield tally.figure, tally.decided
        yield tally.figure.but(outcome=Outcome.MET), tally.met
        yield tally.figure.but(outcome=Outcome.BREACHED), tally.breached
    for one in (*groups, report):
        yield one.figure.but(outcome=Outcome.BREACHED, acknowledged=True), one.acknowledged
        yield one.figure.but(outcome=Outcome.BREACHED, acknowledged=False), one.unacknowledged
    for kind in report.kinds:
        yield kind.totals.tally.figure.but(outcome=Outcome.BREACHED, open=True), kind.totals.still_open


def test_every_number_leads_to_as_many_clocks_as_it_says(mixed_week, omar, dana, north):
    make_job(by=dana, zone=north, priority=Priority.HIGH, created_at=MONDAY, now=MONDAY)
    actions.check_sla(now=NOW)
    report = report_of(omar, WEEK, WEEK.before)
    wrong = [
        (figure, number, found)
        for figure, number in set(numbers_of(report))
        if (found := clocks_behind(omar, figure).count()) != number
    ]
    assert wrong == []


def test_the_clocks_behind_a_number_come_latest_first(mixed_week, omar):
    rows = clocks_behind(omar, Figure(Filters(), WEEK, outcome=Outcome.BREACHED))
    clocks = load_clocks(rows)
    assert len(clocks) == 3
    assert {clock.state for clock in clocks} == {Clock.State.BREACHED}
    decided = [clock.decided_at for clock in clocks]
    assert decided == sorted(decided, reverse=True)
    assert [(clock.pk, clock.kind) for clock in load_clocks(rows[1:2])] == [row[:2] for row in rows[1:2]]


# Queries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [5, 50])
def test_a_report_takes_as_many_queries_for_many_jobs_as_for_few(omar, tess, north, many):
    past = [
        past_job(
            tess,
            site=SiteFactory(zone=north),
            created_at=MONDAY + n * HOUR,
            responded_after=n % 7,
            done_after=n % 7 + 1,
        )
        for n in range(many)
    ]
    remember(*past, now=NOW)
    report_of(omar)
    with CaptureQueriesContext(connection) as queries:
        report = report_of(omar, WEEK, WEEK.before, most=None)
    assert len(queries) == 23
    with CaptureQueriesContext(connection) as queries:
        load_clocks(clocks_behind(omar, report.figure)[:40])
    assert len(queries) == 3
