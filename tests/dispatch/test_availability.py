"""Who can be given work when: breaks, nights, being on call, hours off, and who forgot to clock out."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.day.attention import needing_attention
from dispatch.models import Job, Priority, Status
from dispatch.smart.candidates import candidates_for
from dispatch.tasks import clock_out_forgotten
from technicians import attendance
from technicians.models import Break, OnCall, TimeOff, WorkingHours
from technicians.positions import DeviceFix, Fix
from tests.factories import TechnicianFactory, make_job
from tests.pages import text_of
from tests.taps import send, tap
from tests.threads import at_the_same_time, winners_and_losers

FRIDAY = date(2026, 11, 20)
HTMX = {"HX-Request": "true", "HX-Target": "phone"}


def at(clock: str, day: date = FRIDAY) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.fromisoformat(clock)))


NOON = at("12:00")


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def published(monkeypatch):
    events = []
    monkeypatch.setattr(realtime, "_publish_now", lambda event, groups, payload: events.append(event))
    return events


@pytest.fixture
def on_duty(tess):
    attendance.clock_in(tess, now=at("07:55"))
    return tess


def works(technician, starts="08:00", ends="17:00", *pause):
    for weekday in range(7):
        edges = dict(zip(("break_starts_at", "break_ends_at"), map(time.fromisoformat, pause), strict=False))
        WorkingHours.objects.create(
            technician=technician,
            weekday=weekday,
            starts_at=time.fromisoformat(starts),
            ends_at=time.fromisoformat(ends),
            **edges,
        )


def job_for(technician, omar, status=Status.ASSIGNED, **fields):
    return make_job(status, by=omar, technician=technician, scheduled_on=FRIDAY, **fields)


# Breaks -------------------------------------------------------------------------------------------


def test_break_begins_once_and_ends_once_and_boards_hear_of_both(
    on_duty, published, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            actions.begin_break(on_duty, now=NOON)
    assert published == ["technician-changed"]
    with django_capture_on_commit_callbacks(execute=True):
        for minutes in (30, 31):
            actions.end_break(on_duty, now=NOON + timedelta(minutes=minutes))
    assert published == ["technician-changed"] * 2
    taken = Break.objects.get()
    assert (taken.began_at, taken.ended_at) == (NOON, at("12:30"))


def test_nobody_takes_a_break_off_duty_or_with_a_job_under_way(tess, omar):
    with pytest.raises(actions.ActionRefused, match="Clock in first"):
        actions.begin_break(tess, now=NOON)
    actions.clock_in(tess, now=NOON)
    job = job_for(tess, omar, Status.EN_ROUTE)
    with pytest.raises(actions.ActionRefused, match=f"{job.number} first: it is En Route"):
        actions.begin_break(tess, now=NOON)
    assert not Break.objects.exists()


def test_whoever_sets_out_is_not_on_a_break_any_more(on_duty, omar):
    job = job_for(on_duty, omar)
    actions.begin_break(on_duty, now=NOON)
    actions.change_status(job, Status.EN_ROUTE, by=on_duty.user, now=at("12:20"))
    assert Break.objects.get().ended_at == at("12:20")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_nobody_is_left_on_a_break_who_sets_out_at_the_same_moment(on_duty, omar):
    job = job_for(on_duty, omar)
    for _ in range(5):
        _, losers = winners_and_losers(
            at_the_same_time(
                lambda: actions.begin_break(on_duty, now=NOON),
                lambda: actions.change_status(job, Status.EN_ROUTE, by=on_duty.user, now=NOON),
            )
        )
        assert all(isinstance(loser, actions.ActionRefused) for loser in losers), losers
        assert Job.objects.get(pk=job.pk).status == Status.EN_ROUTE
        assert not Break.objects.filter(ended_at=None).exists()
        actions.change_status(job, Status.ASSIGNED, by=omar, note="Again", now=NOON)


def test_clocking_out_ends_the_break(on_duty):
    actions.begin_break(on_duty, now=NOON)
    actions.clock_out(on_duty, now=at("12:10"))
    assert Break.objects.get().ended_at == at("12:10")


def test_break_after_the_time_for_which_they_are_clocked_out_was_none(on_duty, omar):
    for began, ended in (("09:00", "09:20"), ("11:30", "11:45"), ("11:50", None)):
        actions.begin_break(on_duty, now=at(began))
        if ended:
            actions.end_break(on_duty, now=at(ended))
    actions.clock_out_for(on_duty, at=at("11:40"), reason="Forgot", by=omar, now=NOON)
    assert [(taken.began_at, taken.ended_at) for taken in Break.objects.all()] == [
        (at("09:00"), at("09:20")),
        (at("11:30"), at("11:40")),
    ]


def test_calling_out_sick_ends_the_break_and_the_duty_and_nothing_fits_that_day(on_duty, omar, north):
    job = make_job(by=omar, zone=north, scheduled_on=FRIDAY)
    actions.begin_break(on_duty, now=NOON)
    absence = {"starts_at": at("00:00"), "ends_at": at("00:00", FRIDAY + timedelta(days=1)), "by": omar}
    actions.mark_sick(on_duty, **absence, now=at("12:05"))
    assert Break.objects.get().ended_at == at("12:05")
    assert on_duty.clock_records.get().clocked_out_at == at("12:05")
    assert told(job, on_duty) == ["Called out sick"]
    with pytest.raises(actions.ActionRefused, match="known to be sick already"):
        actions.mark_sick(on_duty, **absence, now=at("12:06"))


def test_predicted_arrival_waits_for_the_end_of_the_break(on_duty, omar):
    works(on_duty, "08:00", "17:00", "12:00", "12:45")
    job = job_for(on_duty, omar, duration_minutes=60, planned_starts_at=at("12:15"))
    actions.begin_break(on_duty, now=NOON)
    assert Job.objects.get(pk=job.pk).arrival.starts_at == at("12:45")
    actions.end_break(on_duty, now=at("12:10"))
    assert Job.objects.get(pk=job.pk).arrival.starts_at == at("12:15")


def test_planned_break_is_taken_before_a_stop_that_would_begin_in_it(on_duty, omar):
    works(on_duty, "08:00", "17:00", "13:00", "13:30")
    job = job_for(on_duty, omar, duration_minutes=60, planned_starts_at=at("13:10"))
    arrival = Job.objects.get(pk=job.pk).arrival
    assert (arrival.arrives_at, arrival.starts_at) == (at("13:10"), at("13:30"))
    assert "A break of 20 min comes before" in arrival.why


# The phone, the lanes and the technicians page ----------------------------------------------------


@pytest.fixture
def phone(client, on_duty):
    client.force_login(on_duty.user)
    return lambda duty: send(client, tap("duty", duty=duty))[0]


def test_technician_begins_and_ends_a_break_with_one_tap(phone, client):
    phone("break")
    assert "On break since 12:00" in text_of(client.get(reverse("phone")))
    assert Break.objects.get().ended_at is None
    phone("back")
    assert "On shift since 07:55" in text_of(client.get(reverse("phone")))
    assert Break.objects.get().ended_at == NOON


def test_break_is_not_offered_while_a_job_is_under_way(phone, client, on_duty, omar):
    hidden = re.compile(r'<form data-when-duty="on"[^>]* hidden ')
    assert not hidden.search(client.get(reverse("phone")).content.decode())
    job_for(on_duty, omar, Status.EN_ROUTE)
    assert hidden.search(client.get(reverse("phone")).content.decode())
    answer = phone("break")
    assert answer["outcome"] == "refused"
    assert "Finish or interrupt" in answer["answer"]


@pytest.mark.parametrize("page", ["board", "technicians"])
def test_dispatcher_sees_who_is_on_a_break(page, client, on_duty, omar):
    actions.begin_break(on_duty, now=at("11:35"))
    client.force_login(omar)
    assert "On break since 11:35" in text_of(client.get(reverse(page)))


def test_map_says_who_is_on_a_break(client, on_duty, omar):
    actions.begin_break(on_duty, now=at("11:35"))
    client.force_login(omar)
    [shown] = client.get(reverse("map_data")).json()["technicians"]
    assert (shown["doing"], shown["label"]) == ("break", "On break since 11:35")


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (at("18:00"), at("22:00"), "On call 18:00–22:00"),
        (at("18:00"), at("08:00", FRIDAY + timedelta(days=1)), "On call 18:00–08:00"),
        (at("18:00", FRIDAY - timedelta(days=1)), at("08:00"), "On call until 08:00"),
        (at("18:00", FRIDAY - timedelta(days=1)), at("08:00", FRIDAY + timedelta(days=2)), "On call all day"),
        (at("18:00"), at("08:00", FRIDAY + timedelta(days=3)), "On call from 18:00"),
    ],
)
def test_lane_says_when_somebody_is_on_call(begins, ends, words, client, tess, omar):
    OnCall.objects.create(technician=tess, starts_at=begins, ends_at=ends)
    client.force_login(omar)
    response = client.get(reverse("board"))
    assert words in text_of(response)
    assert 'class="on-call"' in response.content.decode()
    assert words in text_of(client.get(reverse("board"), {"off": "hide"}))


def test_technicians_page_says_who_is_on_call_now(client, tess, omar):
    OnCall.objects.create(technician=tess, starts_at=at("11:00"), ends_at=at("13:00"))
    client.force_login(omar)
    assert "On call Until Fri 13:00" in text_of(client.get(reverse("technicians")))


def test_lane_says_and_shades_time_off_for_a_part_of_the_day(client, tess, omar):
    works(tess)
    TimeOff.objects.create(technician=tess, starts_at=at("15:00"), ends_at=at("20:00"))
    client.force_login(omar)
    response = client.get(reverse("board"))
    assert "Off shift · Vacation from 15:00" in text_of(response)
    [lane] = response.context["lanes"]
    assert lane.off[-1] == ("77.78", "22.22")  # from three o'clock of eight to five


def test_lanes_show_the_night_that_runs_on_into_the_day(client, tess, omar):
    works(tess, "22:00", "06:00")
    client.force_login(omar)
    response = client.get(reverse("board"))
    [lane] = response.context["lanes"]
    assert str(response.context["axis"]) == "0-30"
    assert lane.off == [("20.00", "53.33")]  # from six in the morning until ten in the evening, of thirty hours


# Who can be given a job ---------------------------------------------------------------------------


def told(job, technician) -> list[str]:
    found = next(c for c in candidates_for(job, user=None, now=timezone.now()) if c.technician == technician)
    return [objection.text for objection in found.objections]


@pytest.fixture
def open_job(omar, north):
    def make(clock=None, *, day=FRIDAY + timedelta(days=3), **fields):
        fields.setdefault("duration_minutes", 60)
        planned = clock and at(clock, day)
        return make_job(by=omar, zone=north, scheduled_on=day, planned_starts_at=planned, **fields)

    return make


@pytest.mark.parametrize(
    ("clock", "objections"),
    [("09:00", []), ("11:30", ["Training 12:00–15:00"]), ("14:30", ["Training 12:00–15:00"]), ("15:00", [])],
)
def test_time_off_for_a_few_hours_counts_for_those_only(clock, objections, tess, open_job):
    works(tess)
    day = FRIDAY + timedelta(days=3)
    TimeOff.objects.create(technician=tess, kind="training", starts_at=at("12:00", day), ends_at=at("15:00", day))
    assert told(open_job(clock), tess) == objections


def test_job_without_a_time_fits_beside_the_hours_off_or_not_at_all(tess, open_job):
    works(tess)
    day = FRIDAY + timedelta(days=3)
    off = TimeOff.objects.create(technician=tess, starts_at=at("08:00", day), ends_at=at("15:00", day))
    [found] = candidates_for(open_job(duration_minutes=120), user=None, now=NOON)
    assert (found.objections, found.starts_at) == ([], at("15:00", day))
    assert told(open_job(duration_minutes=121), tess) == ["No 2 h 01 free that day"]
    off.ends_at = at("17:00", day)
    off.save()
    assert told(open_job(), tess) == ["Vacation"]


@pytest.mark.parametrize(
    ("clock", "objections"),
    [
        ("03:00", []),
        ("05:00", []),
        ("05:30", ["Works 22:00–06:00 only"]),
        ("12:00", ["Works 22:00–06:00 only"]),
        ("23:30", []),
    ],
)
def test_night_shift_of_yesterday_counts_in_the_small_hours(clock, objections, tess, open_job):
    works(tess, "22:00", "06:00")
    assert told(open_job(clock), tess) == objections


@pytest.mark.parametrize("sunday", [date(2027, 3, 14), date(2027, 11, 7)])
def test_night_shift_counts_in_the_night_of_the_change_as_well(sunday, tess, open_job):
    works(tess, "22:00", "06:00")
    assert told(open_job("04:45", day=sunday), tess) == []
    assert told(open_job("05:15", day=sunday), tess) == ["Works 22:00–06:00 only"]


def test_last_nights_job_is_in_the_way_after_midnight(tess, omar, open_job):
    works(tess, "22:00", "06:00")
    day = FRIDAY + timedelta(days=3)
    before = day - timedelta(days=1)
    late = make_job(
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        scheduled_on=before,
        planned_starts_at=at("23:30", before),
        duration_minutes=90,
    )
    assert told(open_job("00:30"), tess) == [f"Overlaps {late.number} (23:30–01:00)"]
    assert told(open_job("01:00"), tess) == []


def test_whoever_is_on_call_is_there_for_urgent_jobs_only(tess, open_job):
    works(tess)
    day = FRIDAY + timedelta(days=3)
    OnCall.objects.create(technician=tess, starts_at=at("17:00", day), ends_at=at("22:00", day))
    assert told(open_job("19:00"), tess) == ["Works 08:00–17:00 only"]
    assert told(open_job("19:00", priority=Priority.URGENT), tess) == []
    TimeOff.objects.create(technician=tess, starts_at=at("18:00", day), ends_at=at("20:00", day))
    assert told(open_job("19:00", priority=Priority.URGENT), tess) == ["Vacation 18:00–20:00"]


# Forgotten ----------------------------------------------------------------------------------------


def test_whoever_forgot_is_clocked_out_as_of_the_end_of_the_shift_and_once(
    on_duty, published, django_capture_on_commit_callbacks
):
    works(on_duty)
    actions.begin_break(on_duty, now=at("16:40"))
    assert actions.clock_out_forgotten(now=at("17:59")) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert [actions.clock_out_forgotten(now=at("18:00")) for _ in range(2)] == [1, 0]
    record = on_duty.clock_records.get()
    assert (record.clocked_out_at, record.closed_by_system) == (at("17:00"), True)
    assert Break.objects.get().ended_at == at("17:00")
    assert published.count("technician-changed") == 1


def test_whoever_finished_late_left_after_that(on_duty, omar):
    works(on_duty)
    job = job_for(on_duty, omar)
    for clock, status in (("16:30", Status.IN_PROGRESS), ("17:40", Status.COMPLETED)):
        actions.change_status(job, status, by=on_duty.user, now=at(clock))
    assert actions.clock_out_forgotten(now=at("18:30")) == 0
    assert actions.clock_out_forgotten(now=at("18:40")) == 1
    assert on_duty.clock_records.get().clocked_out_at == at("17:40")


def test_nobody_is_clocked_out_while_on_call_or_with_a_job_under_way(on_duty, omar):
    works(on_duty)
    call = OnCall.objects.create(technician=on_duty, starts_at=at("17:00"), ends_at=at("22:00"))
    assert actions.clock_out_forgotten(now=at("21:59")) == 0
    call.delete()
    job = job_for(on_duty, omar, Status.IN_PROGRESS)
    assert actions.clock_out_forgotten(now=at("21:59")) == 0
    with time_machine.travel(at("21:59"), tick=False):
        needing = needing_attention(Job.objects.all(), now=at("21:59"), today=FRIDAY)
    [row] = needing.rows
    assert row.job == job
    assert "Under way long after Tess's shift" in [reason.text for reason in row.reasons]


def test_nothing_is_said_of_a_job_under_way_within_the_shift(on_duty, omar):
    works(on_duty)
    job_for(on_duty, omar, Status.IN_PROGRESS)
    [row] = needing_attention(Job.objects.all(), now=NOON, today=FRIDAY).rows
    assert [reason.kind for reason in row.reasons] == ["nowhere"]


CHANGES = [
    ("America/New_York", date(2026, 3, 8), 7),
    ("America/New_York", date(2026, 11, 1), 9),
    ("Europe/Berlin", date(2026, 3, 29), 7),
    ("Europe/Berlin", date(2026, 10, 25), 9),
]


@pytest.mark.parametrize(("zone", "sunday", "hours"), CHANGES)
def test_night_of_the_change_ends_at_six_on_the_wall(zone, sunday, hours, tess):
    works(tess, "22:00", "06:00")
    with timezone.override(zone):
        begins, ends = at("22:00", sunday - timedelta(days=1)).astimezone(UTC), at("06:00", sunday).astimezone(UTC)
        assert ends - begins == timedelta(hours=hours)
        attendance.clock_in(tess, now=begins)
        attendance.begin_break(tess, now=begins + timedelta(hours=4))
        assert actions.clock_out_forgotten(now=ends + timedelta(minutes=59)) == 0
        assert actions.clock_out_forgotten(now=ends + timedelta(minutes=60)) == 1
    assert tess.clock_records.get().clocked_out_at == ends
    assert Break.objects.get().ended_at == ends


@pytest.mark.parametrize("sunday", [date(2027, 3, 14), date(2027, 11, 7)])
def test_being_on_call_and_hours_off_end_at_the_same_time_on_the_wall(sunday, tess, open_job):
    works(tess, "08:00", "16:00")
    OnCall.objects.create(
        technician=tess, starts_at=at("22:00", sunday - timedelta(days=1)), ends_at=at("06:00", sunday)
    )
    urgent = {"priority": Priority.URGENT, "day": sunday}
    assert told(open_job("05:00", **urgent), tess) == []
    assert told(open_job("05:15", **urgent), tess) == ["Works 22:00–06:00, 08:00–16:00 only"]
    TimeOff.objects.create(technician=tess, starts_at=at("00:00", sunday), ends_at=at("10:00", sunday))
    assert told(open_job("09:30", day=sunday), tess) == ["Vacation 00:00–10:00"]
    assert told(open_job("10:00", day=sunday), tess) == []


def test_without_working_hours_sixteen_hours_are_enough(on_duty):
    assert actions.clock_out_forgotten(now=at("23:54")) == 0
    with time_machine.travel(at("23:55"), tick=False):
        assert clock_out_forgotten() == 1
    assert on_duty.clock_records.get().clocked_out_at == at("23:55")


def test_clocking_out_many_takes_as_many_queries_as_one(db):
    def queries_for(count):
        crew = [TechnicianFactory(zones=[]) for _ in range(count)]
        for technician in crew:
            works(technician)
            attendance.clock_in(technician, now=at("08:00"))
        with CaptureQueriesContext(connection) as queries:
            assert actions.clock_out_forgotten(now=at("19:00")) == count
        return len(queries)

    queries_for(1)  # what is asked once and remembered
    assert queries_for(2) == queries_for(8)


def test_close_out_says_whom_the_system_clocked_out(client, on_duty, omar):
    works(on_duty)
    actions.clock_out_forgotten(now=at("18:00"))
    client.force_login(omar)
    with time_machine.travel(at("18:05"), tick=False):
        text = text_of(client.get(reverse("close_out")))
    assert "Clocked out by the system Tess 20 Nov 07:55 to 20 Nov 17:00" in text


def whereabouts(technician, *clocks):
    for clock in clocks:
        fix = DeviceFix(technician.pk, Fix(40.1, -75.1 + len(clock) / 100, at(clock)), "osmand")
        actions.take_positions([fix], now=at(clock))


def places_of(technician) -> list[str]:
    recorded = technician.positions.order_by("recorded_at").values_list("recorded_at", flat=True)
    return [f"{timezone.localtime(instant):%H:%M}" for instant in recorded]


def test_where_somebody_was_after_the_shift_is_not_kept_once_they_are_clocked_out(on_duty):
    works(on_duty)
    whereabouts(on_duty, "16:50", "17:30")
    assert actions.clock_out_forgotten(now=at("18:00")) == 1
    on_duty.refresh_from_db()
    assert places_of(on_duty) == ["16:50"]
    assert on_duty.position_at == at("16:50")


def test_where_somebody_was_after_the_office_says_that_they_left_is_not_kept(on_duty, omar):
    whereabouts(on_duty, "11:50")
    actions.clock_out_for(on_duty, at=at("11:40"), reason="Forgot", by=omar, now=NOON)
    on_duty.refresh_from_db()
    assert places_of(on_duty) == []
    assert (on_duty.latitude, on_duty.position_at) == (None, None)
