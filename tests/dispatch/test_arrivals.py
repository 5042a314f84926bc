"""When technicians will arrive: predicted anew with every change, told only when something shown has changed."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.actions import duty
from dispatch.actions.base import publish_jobs
from dispatch.models import Arrival, Job, Status
from dispatch.tasks import predict_arrivals
from technicians.models import Position, WorkingHours
from technicians.positions import Fix
from tests.factories import JobTypeFactory, SiteFactory, make_job
from tests.taps import send, tap
from tests.threads import at_the_same_time, winners_and_losers

DAY = date(2026, 11, 20)  # a Friday
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)  # in New York
MINUTE = timedelta(minutes=1)


def at(minutes):
    return NOON + minutes * MINUTE


@pytest.fixture
def published(monkeypatch):
    """The events: (name, groups, payload)."""
    events = []
    monkeypatch.setattr(
        realtime, "_publish_now", lambda event, groups, payload: events.append((event, set(groups), payload))
    )
    return events


@pytest.fixture(autouse=True)
def tess_at_home(tess, north):
    """Home is half a minute from the site of every job in North."""
    tess.home_latitude, tess.home_longitude = 40.1, -75.1
    tess.save()


@pytest.fixture
def job_of(omar, tess, north):
    """An assigned job on that day, made at noon or whenever it is said."""

    def make(technician=tess, *, now=NOON, day=DAY, **fields):
        site = fields.pop("site", None) or SiteFactory(latitude=40.1, longitude=-75.1)
        return actions.create_job(
            customer=site.customer,
            site=site,
            job_type=JobTypeFactory(),
            by=omar,
            technician=technician,
            scheduled_on=day,
            now=now,
            **fields,
        )

    return make


def arrival(job):
    return Arrival.objects.filter(job=job).first()


def test_assigned_job_is_predicted(job_of, tess):
    found = arrival(job_of(planned_starts_at=at(30), duration_minutes=45))
    assert (found.technician_id, found.arrives_at, found.ends_at) == (tess.pk, at(30), at(75))
    assert (found.late_minutes, found.behind_minutes, found.why) == (0, 0, "")


def test_job_nobody_has_is_not_predicted(omar):
    assert make_job(by=omar).prediction is None
    assert not Arrival.objects.exists()


def others(published, *jobs):
    """Of the last event, the jobs that were only dragged along."""
    return set(published[-1][2]["jobs"]) - {job.pk for job in jobs}


# With every change --------------------------------------------------------------------------------


def test_each_step_of_a_job_moves_the_one_after_it(job_of, omar, tess):
    first = job_of(planned_starts_at=at(10), duration_minutes=60)
    second = job_of(planned_starts_at=at(60), duration_minutes=30)
    assert arrival(second).starts_at == at(70)
    actions.change_status(first, Status.EN_ROUTE, by=omar, now=at(30))
    assert (arrival(first).arrives_at, arrival(second).starts_at) == (at(30), at(90))
    actions.change_status(first, Status.IN_PROGRESS, by=omar, now=at(40))
    assert (arrival(first).starts_at, arrival(second).starts_at) == (at(40), at(100))
    actions.change_status(first, Status.COMPLETED, by=omar, now=at(50))
    assert arrival(first) is None
    assert (arrival(second).starts_at, arrival(second).why) == (at(60), "")


@pytest.mark.parametrize(
    "take_away",
    [
        lambda job, by: actions.unassign_job(job, by=by, now=NOON),
        lambda job, by: actions.change_status(job, Status.CANCELLED, by=by, note="Moved away", now=NOON),
        lambda job, by: actions.hold_job(job, "No part", by=by, now=NOON),
        lambda job, by: actions.edit_job(job, {"scheduled_on": None}, by=by, base_version=job.version, now=NOON),
    ],
    ids=["unassigned", "cancelled", "held", "without a day"],
)
def test_job_nobody_is_coming_to_loses_its_prediction(job_of, omar, take_away):
    job, following = job_of(duration_minutes=60), job_of(duration_minutes=60)
    assert arrival(following).starts_at == at(60)
    take_away(job, omar)
    assert arrival(job) is None
    assert arrival(following).starts_at == NOON


def test_job_that_changes_hands_moves_both_routes(job_of, omar, tess, tom):
    first, second = job_of(duration_minutes=60), job_of(duration_minutes=60)
    toms = job_of(tom, duration_minutes=60, priority=1)
    actions.assign_job(first, tom, by=omar, now=NOON)
    assert arrival(first).technician_id == tom.pk
    assert arrival(second).starts_at == NOON
    assert arrival(toms).starts_at > arrival(first).starts_at


def test_undone_action_puts_the_predictions_back(job_of, omar, tom):
    first, second = job_of(duration_minutes=60), job_of(duration_minutes=60)
    actions.assign_job(first, tom, by=omar, now=NOON)
    actions.undo_action(actions.last_to_undo(omar), by=omar, now=NOON)
    assert (arrival(first).technician_id, arrival(second).starts_at) == (first.technician_id, at(60))


def test_job_left_over_from_an_earlier_day_waits_for_a_dispatcher(job_of):
    left_over = job_of(day=DAY - timedelta(days=1), duration_minutes=60)
    assert arrival(left_over) is None
    assert arrival(job_of()).starts_at == NOON


def test_job_under_way_counts_whatever_its_day(job_of, omar):
    left_over = job_of(day=DAY - timedelta(days=1), duration_minutes=60)
    actions.change_status(left_over, Status.IN_PROGRESS, by=omar, now=NOON)
    assert arrival(left_over).ends_at == at(60)
    assert arrival(job_of()).starts_at == at(60)


def test_job_of_a_later_day_is_predicted_from_the_start_of_its_shift(job_of, tess):
    WorkingHours.objects.create(technician=tess, weekday=DAY.weekday(), starts_at="07:30", ends_at="16:00")
    found = arrival(job_of(day=DAY + timedelta(days=7)))
    assert found.starts_at == datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


def test_technician_on_duty_works_before_the_shift(job_of, tess):
    WorkingHours.objects.create(technician=tess, weekday=DAY.weekday(), starts_at="14:00", ends_at="22:00")
    job = job_of()
    assert arrival(job).starts_at == at(120)
    actions.clock_in(tess, now=at(5))
    assert arrival(job).starts_at == at(5)


# From where ---------------------------------------------------------------------------------------


@pytest.fixture
def far_job(job_of):
    """25 minutes from home, 13 from the place of `fix`."""
    return job_of(site=SiteFactory(latitude=40.2, longitude=-75.1))


def fix(*, recorded_at=NOON, latitude=40.15):
    return Fix(latitude, -75.1, recorded_at)


def test_travel_begins_at_home_then_at_the_last_site_and_at_a_fresh_position(job_of, omar, tess, far_job):
    assert arrival(far_job).travel_minutes == 25
    near = job_of(site=SiteFactory(latitude=40.19, longitude=-75.1))
    actions.change_status(near, Status.IN_PROGRESS, by=omar, now=NOON)
    actions.change_status(near, Status.COMPLETED, by=omar, now=NOON)
    assert arrival(far_job).travel_minutes == 3
    actions.take_position(tess, fix(), source=Position.Source.PHONE, now=NOON)
    assert arrival(far_job).travel_minutes == 13


def test_position_grows_too_old_to_say_where_someone_is(tess, far_job):
    actions.take_position(tess, fix(), source=Position.Source.PHONE, now=NOON)
    actions.predict_arrivals(now=at(15))
    assert arrival(far_job).travel_minutes == 13
    actions.predict_arrivals(now=at(16))
    assert arrival(far_job).travel_minutes == 25


def test_boards_are_told_where_a_technician_is(tess, north, published, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert actions.take_position(tess, fix(), source=Position.Source.PHONE, now=NOON)
    where = {"technician": tess.pk, "latitude": 40.15, "longitude": -75.1, "recorded_at": "2026-11-20T17:00:00+00:00"}
    assert published == [("technician-moved", {realtime.zone_group(north.pk)}, where)]


def test_fix_that_changes_an_arrival_tells_the_boards_of_that_job(
    tess, north, far_job, published, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        actions.take_position(tess, fix(), source=Position.Source.PHONE, now=NOON)
    assert ("job-changed", {realtime.zone_group(far_job.zone_id)}, {"jobs": [far_job.pk]}) in published


def test_old_fix_moves_nobody(tess, far_job, published, django_capture_on_commit_callbacks):
    actions.take_position(tess, fix(), source=Position.Source.PHONE, now=NOON)
    with django_capture_on_commit_callbacks(execute=True):
        late = fix(recorded_at=at(-5), latitude=40.1)
        for _ in range(2):
            assert not actions.take_position(tess, late, source=Position.Source.PHONE, now=NOON)
    assert published == []
    assert tess.positions.filter(latitude=40.1).count() == 1
    assert arrival(far_job).travel_minutes == 13


def test_position_sent_by_the_phone_counts(client, tess, north, job_of):
    day, now = timezone.localdate(), timezone.now()
    job = job_of(site=SiteFactory(latitude=40.2, longitude=-75.1), day=day, now=now)
    client.force_login(tess.user)
    place = {"latitude": 40.15, "longitude": -75.1, "fix_at": int(now.timestamp() * 1000)}
    send(client, tap("duty", duty="in") | place)
    assert arrival(job).travel_minutes == 13


# Telling the boards -------------------------------------------------------------------------------


def test_event_names_the_jobs_dragged_along_and_reaches_their_zones(
    job_of, omar, south, published, django_capture_on_commit_callbacks
):
    first = job_of(planned_starts_at=at(10), duration_minutes=60)
    second = job_of(planned_starts_at=at(70), site=SiteFactory(latitude=39.9, longitude=-75.1))
    unmoved = job_of(planned_starts_at=at(600))
    with django_capture_on_commit_callbacks(execute=True):
        actions.change_status(first, Status.IN_PROGRESS, by=omar, now=at(60))
    assert others(published, first) == {second.pk}
    assert realtime.zone_group(second.zone_id) in published[-1][1]
    assert second.zone_id != first.zone_id
    assert arrival(unmoved).behind_minutes == 0


def test_muted_changes_are_predicted_and_told_once_at_the_end(
    job_of, omar, tom, published, django_capture_on_commit_callbacks
):
    jobs = [job_of(duration_minutes=60) for _ in range(3)]
    with django_capture_on_commit_callbacks(execute=True):
        with realtime.muted():
            moved = [actions.assign_job(job, tom, by=omar, now=NOON) for job in jobs[:2]]
            assert arrival(jobs[0]).technician_id != tom.pk
        publish_jobs(moved, now=NOON)
    assert [event for event, _, _ in published if event != "notified"] == ["job-changed"]
    assert others(published, *moved) == {jobs[2].pk}
    assert arrival(jobs[2]).starts_at == NOON


def test_minute_that_changes_nothing_shown_tells_nobody(job_of, published, django_capture_on_commit_callbacks):
    job = job_of(planned_starts_at=at(30))
    written_at = arrival(job).predicted_at
    with django_capture_on_commit_callbacks(execute=True):
        assert actions.predict_arrivals(now=at(5)) == 0
    assert published == []
    assert arrival(job).predicted_at == written_at


def test_clock_makes_a_job_late_in_one_event_for_all(job_of, tom, published, django_capture_on_commit_callbacks):
    block = {"window_starts_at": at(0), "window_ends_at": at(30)}
    jobs = [job_of(planned_starts_at=at(10), **block), job_of(tom, planned_starts_at=at(10), **block)]
    with django_capture_on_commit_callbacks(execute=True):
        assert actions.predict_arrivals(now=at(41)) == 2
    zones = {realtime.zone_group(job.zone_id) for job in jobs}
    assert published == [("job-changed", zones, {"jobs": sorted(job.pk for job in jobs)})]
    assert arrival(jobs[0]).late_minutes == 11
    assert list(Job.objects.running_behind().order_by("pk")) == jobs


def test_many_changed_jobs_are_told_of_as_a_whole_board(
    job_of, published, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(duty, "MOST_NAMED", 1)
    job_of(duration_minutes=10), job_of(duration_minutes=10)
    with django_capture_on_commit_callbacks(execute=True):
        predict_arrivals()  # of a day long gone: the predictions go
    assert [event for event, _, _ in published] == ["board-changed"]
    assert not Arrival.objects.exists()


def test_minute_leaves_later_days_alone(job_of):
    later = job_of(day=DAY + timedelta(days=3))
    before = arrival(later).predicted_at
    Arrival.objects.filter(job=later).update(why="As it was")
    actions.predict_arrivals(now=at(1))
    assert (arrival(later).predicted_at, arrival(later).why) == (before, "As it was")


def test_hour_sees_that_somebodys_working_hours_have_changed(job_of, tess):
    later = DAY + timedelta(days=3)
    job = job_of(day=later)
    tess.working_hours.all().delete()
    tess.working_hours.create(weekday=later.weekday(), starts_at=time(14), ends_at=time(18))
    actions.predict_arrivals(now=at(1))
    stale = arrival(job).starts_at
    actions.predict_arrivals(now=at(1), is_today_only=False)
    assert timezone.localtime(arrival(job).starts_at).hour >= 14
    assert stale != arrival(job).starts_at


# Who runs behind ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "is_behind"),
    [
        ({"planned_starts_at": at(-9)}, False),
        ({"planned_starts_at": at(-10)}, True),
        ({"planned_starts_at": at(-1), "is_fixed": True}, True),
        ({"window_starts_at": at(-60), "window_ends_at": at(-1)}, True),
        ({"window_starts_at": at(-60), "window_ends_at": at(1)}, False),
    ],
)
def test_running_behind_is_a_broken_promise_or_ten_minutes(job_of, fields, is_behind):
    job = job_of(**fields)
    assert arrival(job).is_behind == is_behind
    assert Job.objects.running_behind().filter(pk=job.pk).exists() == is_behind


def test_board_counts_filters_and_marks_who_runs_behind(client, omar, job_of):
    now = timezone.now()
    late = job_of(day=timezone.localdate(), now=now, planned_starts_at=now - 75 * MINUTE)
    job_of(day=timezone.localdate(), now=now, planned_starts_at=now + 300 * MINUTE)
    client.force_login(omar)
    page = client.get(reverse("board_list"), {"late": "behind"}).content.decode()
    assert f'id="job-row-{late.pk}"' in page
    assert page.count('id="job-row-') == 1
    assert re.search(r'data-tile="behind"[^>]*><b>1</b> Running behind', page)
    assert re.search(rf'title="Not yet left for {late.number}">▲ \+1 h 1\d late', page)


@time_machine.travel(at(0), tick=False)  # an hour later it is still the same day
def test_changed_prediction_redraws_the_row(client, omar, tess, job_of):
    now = timezone.now()
    job = job_of(day=timezone.localdate(), now=now, planned_starts_at=now - 75 * MINUTE)
    client.force_login(omar)
    asked = {"ids": job.pk, "present": job.pk}
    assert "+1 h 1" in client.get(reverse("board_rows"), asked).content.decode()
    actions.predict_arrivals(now=now + 60 * MINUTE)
    assert "+2 h 1" in client.get(reverse("board_rows"), asked).content.decode()


@pytest.mark.parametrize("page", ["job", "job_drawer"])
def test_job_page_and_drawer_say_when_and_why(client, omar, job_of, page):
    job = job_of(window_starts_at=at(-60), window_ends_at=at(-11), duration_minutes=46)
    client.force_login(omar)
    text = re.sub(r"<[^>]+>", "", client.get(reverse(page, args=[job.pk])).content.decode())
    assert f"12:00–12:46, 11 min late: Not yet left for {job.number}" in text


def test_job_without_a_prediction_needs_no_query_to_say_so(omar, django_assert_num_queries):
    make_job(by=omar)
    [job] = Job.objects.with_board_info()
    with django_assert_num_queries(0):
        assert job.prediction is None


# Queries ------------------------------------------------------------------------------------------


def test_as_many_queries_for_fifty_jobs_as_for_five(job_of, omar, tess, tom):
    def queries_of(change):
        with CaptureQueriesContext(connection) as queries:
            change()
        return len(queries)

    def counts(minutes):
        job = Job.objects.filter(technician=tess).order_by("pk").first()
        return (
            queries_of(lambda: actions.predict_arrivals(now=at(minutes))),
            queries_of(lambda: publish_jobs([job], now=at(minutes + 1))),
        )

    for number in range(5):
        job_of((tess, tom)[number % 2], duration_minutes=5)
    few = counts(1)
    for number in range(45):
        job_of((tess, tom)[number % 2], duration_minutes=5)
    assert counts(3) == few
    assert max(few) <= 13


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_changes_of_one_route_at_the_same_moment_are_both_predicted(job_of, omar, dana, tess, tom):
    for _ in range(10):
        jobs = [job_of(duration_minutes=60) for _ in range(3)]
        outcomes = at_the_same_time(
            lambda jobs=jobs: actions.assign_job(jobs[0], tom, by=omar, now=NOON),
            lambda jobs=jobs: actions.change_status(jobs[1], Status.IN_PROGRESS, by=dana, now=NOON),
            lambda: actions.take_position(tess, fix(latitude=40.1), source=Position.Source.PHONE, now=NOON),
            lambda: actions.predict_arrivals(now=NOON),
        )
        assert winners_and_losers(outcomes)[1] == []
        assert actions.predict_arrivals(now=NOON) == 0
        assert arrival(jobs[2]).starts_at == at(60)
        for job in jobs:
            actions.change_status(job, Status.CANCELLED, by=omar, note="Again", now=NOON)
