from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.day.attention import needing_attention
from dispatch.day.dashboard import load_dashboard
from dispatch.day.day_progress import DayJob, progress_of
from dispatch.day.roll_call import load_roll_call
from dispatch.models import Arrival, Job, Priority, Status
from technicians import attendance
from technicians.models import TimeOff, WorkingHours
from tests.dispatch.board_page import at, day
from tests.factories import SiteFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

HTMX = {"HX-Request": "true", "HX-Target": "live-content"}


@pytest.fixture
def page(client, omar):
    client.force_login(omar)
    return lambda **kwargs: client.get(reverse("dashboard"), **kwargs)


@pytest.fixture
def attention(omar):
    """The kinds of reasons of each job that needs a decision, worst job first."""

    def look(now=None):
        now = now or timezone.now()
        found = needing_attention(Job.objects.visible_to(omar), now=now, today=timezone.localdate(now))
        return [(row.job, [reason.kind for reason in row.reasons]) for row in found.rows]

    return look


def figures(user, now=None) -> dict[str, int]:
    return {figure.name: figure.count for figure in load_dashboard(user, now=now or timezone.now()).figures}


def work_all_day(technician, on=None):
    on = on or timezone.localdate()
    return WorkingHours.objects.create(technician=technician, weekday=on.weekday(), starts_at="08:00", ends_at="16:00")


# Figures ------------------------------------------------------------------------------------------


def test_each_figure_leads_to_the_jobs_behind_it(client, omar, north):
    for status in Status:
        make_job(status, by=omar, zone=north)
    make_job(by=omar, zone=north, scheduled_on=day(-2))
    make_job(by=omar, site=SiteFactory())
    actions.hold_job(make_job(by=omar, zone=north), "Waiting for parts", by=omar)
    client.force_login(omar)
    for figure in load_dashboard(omar, now=timezone.now()).figures:
        shown = html_of(client.get(figure.url)).count('<tr id="job-row-')
        assert shown == figure.count, figure.name


def test_dispatcher_counts_only_what_she_may_see(dana, omar, north, south):
    make_job(by=omar, zone=north)
    make_job(by=omar, zone=south)
    make_job(by=omar)
    assert figures(dana)["unassigned"] == 2
    assert figures(omar)["unassigned"] == 3


# Needs attention first ----------------------------------------------------------------------------


def test_an_urgent_job_that_nobody_has_comes_first(attention, omar, north):
    overdue = make_job(by=omar, zone=north, scheduled_on=day(-3))
    make_job(by=omar, zone=north)
    urgent = make_job(by=omar, zone=north, priority=Priority.URGENT)
    assert attention() == [(urgent, ["urgent"]), (overdue, ["overdue"])]


def test_what_is_wrong_counts_more_than_the_priority(attention, omar, north):
    now = timezone.now()
    overdue = make_job(by=omar, zone=north, scheduled_on=day(-3), priority=Priority.HIGH)
    block = {"window_starts_at": now - timedelta(hours=2), "window_ends_at": now - timedelta(minutes=1)}
    late = make_job(by=omar, zone=north, priority=Priority.LOW, **block)
    assert [job for job, _ in attention(now)] == [late, overdue]


def test_a_missed_block_is_told_until_work_begins(attention, omar, tess, north):
    now = timezone.now()
    block = {"window_starts_at": now - timedelta(hours=2), "window_ends_at": now - timedelta(minutes=1)}
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, **block)
    assert (job, ["late"]) in attention(now)
    actions.change_status(job, Status.IN_PROGRESS, by=omar)
    assert all("late" not in kinds for _, kinds in attention(now))


def test_a_job_that_runs_behind_says_by_how_much_and_why(page, attention, omar, tess, north):
    now = timezone.now()
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    times = dict.fromkeys(("leaves_at", "arrives_at", "starts_at", "ends_at"), now)
    fields = {"technician": tess, "travel_minutes": 0, "late_minutes": 95, "why": "J-000001 runs over"}
    Arrival.objects.update_or_create(job=job, defaults={**times, **fields, "predicted_at": now})
    assert attention(now) == [(job, ["behind"])]
    assert "Running 1 h 35 min behind: J-000001 runs over" in text_of(page())


def test_a_block_that_begins_soon_with_nobody_is_told(attention, omar, north):
    now = timezone.now()
    soon = {"window_starts_at": now + timedelta(minutes=50), "window_ends_at": now + timedelta(hours=3)}
    later = {"window_starts_at": now + timedelta(minutes=70), "window_ends_at": now + timedelta(hours=3)}
    job = make_job(by=omar, zone=north, **soon)
    make_job(by=omar, zone=north, **later)
    assert attention(now) == [(job, ["due"])]


def test_a_job_of_somebody_who_is_away_is_told(attention, omar, tess, north):
    now = timezone.now()
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    assert attention(now) == []
    TimeOff.objects.create(
        technician=tess, kind=TimeOff.Kind.SICK, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    assert attention(now) == [(job, ["away"])]


def test_a_hold_is_told_after_four_hours(attention, omar, north):
    now = timezone.now()
    short, long = make_job(by=omar, zone=north), make_job(by=omar, zone=north)
    actions.hold_job(short, "Key", by=omar, now=now - timedelta(hours=3, minutes=59))
    actions.hold_job(long, "Parts", by=omar, now=now - timedelta(hours=4, minutes=1))
    assert attention(now) == [(long, ["hold"])]


def test_a_job_without_a_location_is_told(attention, omar):
    job = make_job(by=omar, site=SiteFactory())
    assert attention() == [(job, ["nowhere"])]


def test_reasons_are_said_in_words_with_a_way_to_decide(page, omar, north):
    job = make_job(by=omar, zone=north, priority=Priority.URGENT, scheduled_on=day(-1))
    shown = page()
    assert "Urgent and unassigned" in text_of(shown)
    assert "Overdue by 1 day" in text_of(shown)
    assert f'hx-get="{reverse("assign_job", args=[job.pk])}"' in html_of(shown)


def test_nothing_to_decide_says_so(page):
    assert "Nothing needs a decision right now." in text_of(page())


# Zones and people ---------------------------------------------------------------------------------


def test_zones_stand_with_the_worst_first(omar, north, south):
    tess, tom = TechnicianFactory(zones=[north]), TechnicianFactory(zones=[north, south])
    for technician in (tess, tom):
        work_all_day(technician)
    attendance.clock_in(tess, now=timezone.now())
    make_job(by=omar, zone=north, duration_minutes=72)
    make_job(by=omar, zone=south, duration_minutes=120)
    make_job(Status.CANCELLED, by=omar, zone=north, duration_minutes=600)
    loads = load_dashboard(omar, now=timezone.now()).zones
    assert [(load.name, load.booked_minutes, load.shift_minutes, load.on_duty) for load in loads] == [
        ("South", 120, 240, 0),
        ("North", 72, 720, 1),
    ]
    assert [load.percent for load in loads] == [50, 10]


def test_a_zone_with_work_and_nobody_on_shift_is_the_worst(omar, north, south, tess):
    work_all_day(tess)
    make_job(by=omar, zone=north, duration_minutes=600)
    make_job(by=omar, zone=south)
    assert [load.name for load in load_dashboard(omar, now=timezone.now()).zones] == ["South", "North"]


def test_the_roll_call_tells_who_is_in_expected_missing_sick_and_off(omar, north):
    in_, late, sick, off = (TechnicianFactory(zones=[north], user__username=name) for name in "abcd")
    for technician in (in_, late, sick):
        work_all_day(technician)
    attendance.clock_in(in_, now=at(8))
    TimeOff.objects.create(technician=sick, kind=TimeOff.Kind.SICK, starts_at=at(0), ends_at=at(0, 1))
    call = load_roll_call(omar, day(), now=at(9))
    groups = (call.on_duty, call.missing, call.expected_later, call.sick, call.off)
    assert [[one.technician for one in group] for group in groups] == [[in_], [late], [], [sick], [off]]
    early = load_roll_call(omar, day(), now=at(7))
    assert [one.technician for one in early.expected_later] == [late]
    assert early.missing == []


def test_who_is_on_duty_without_a_position_is_named(omar, tess, tom):
    now = at(12)
    for technician in (tess, tom):
        attendance.clock_in(technician, now=at(8))
    type(tess).objects.filter(pk=tess.pk).update(latitude=40, longitude=-75, position_at=now - timedelta(minutes=5))
    assert [one.technician for one in load_roll_call(omar, day(), now=now).silent] == [tom]


def test_dispatcher_does_not_see_technicians_of_other_zones(dana, tess, tom):
    assert [one.technician for one in load_roll_call(dana, day(), now=at(9)).everyone] == [tess]


# Progress and recent actions ----------------------------------------------------------------------


def test_jobs_are_counted_in_the_hour_in_which_they_end():
    on = datetime(2026, 3, 8, tzinfo=UTC).date()  # the day on which the clocks go forward

    def then(hour, minute=0):
        return datetime(2026, 3, 8, hour, minute, tzinfo=UTC)

    jobs = [DayJob(then(9, 59), then(10)), DayJob(then(10), None), DayJob(None, then(10, 30)), DayJob(None, None)]
    progress = progress_of(jobs, day=on, now=then(10, 15), zone=UTC)
    assert [(hour.hour, hour.planned, hour.completed) for hour in progress.hours] == [(9, 1, 0), (10, 1, 2)]
    assert (progress.total, progress.completed, progress.planned_by_now, progress.percent) == (4, 2, 2, 50)


def test_a_day_without_jobs_has_a_picture_without_bars():
    now = datetime(2026, 3, 9, tzinfo=UTC)
    progress = progress_of([], day=now.date(), now=now, zone=UTC)
    assert (progress.percent, progress.behind_plan, len(progress.hours)) == (0, 0, 9)


def test_progress_counts_what_was_completed_today_whatever_its_day(omar, north):
    make_job(Status.COMPLETED, by=omar, zone=north, scheduled_on=day(-1))
    make_job(by=omar, zone=north)
    make_job(Status.CANCELLED, by=omar, zone=north)
    progress = load_dashboard(omar, now=timezone.now()).progress
    assert (progress.completed, progress.total) == (1, 2)


def test_recent_actions_say_who_did_what_and_can_be_undone(page, omar, tess):
    job = make_job(by=omar)
    actions.assign_job(job, tess, by=omar)
    assert f"Assigned {job.number} to Tess · Omar" in text_of(page())
    assert f"Undo: Assigned {job.number} to Tess" in html_of(page())


def test_actions_in_other_zones_are_not_told(client, dana, omar, tom, south):
    make_job(Status.ASSIGNED, by=omar, zone=south, technician=tom)
    client.force_login(dana)
    assert "Nothing has been done on the board yet." in text_of(client.get(reverse("dashboard")))


# The page -----------------------------------------------------------------------------------------


def test_the_fragment_is_part_of_the_page(page, omar, north):
    make_job(by=omar, zone=north, priority=Priority.URGENT, created_at=timezone.now() - timedelta(hours=30))
    fragment = html_of(page(headers=HTMX))
    assert fragment.strip().startswith('<div id="live-content"')
    without_token = [line for line in fragment.splitlines() if "csrfmiddlewaretoken" not in line]
    whole = html_of(page())
    assert all(line in whole for line in without_token)


def test_the_page_takes_as_many_queries_for_fifty_jobs_as_for_five(page, omar, north, south):
    def fill(count):
        for number in range(count):
            technician = TechnicianFactory(zones=[north, south])
            work_all_day(technician)
            attendance.clock_in(technician, now=timezone.now())
            make_job(Status.ASSIGNED, by=omar, technician=technician, zone=north, scheduled_on=day(-number % 3))
            make_job(by=omar, priority=Priority.URGENT)

    counts = []
    for more in (3, 25):
        fill(more)
        with CaptureQueriesContext(connection) as queries:
            page()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] < 40


def test_technicians_may_not_see_it(client, tess):
    client.force_login(tess.user)
    assert client.get(reverse("dashboard")).status_code == 403
