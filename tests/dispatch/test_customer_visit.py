"""What a customer may know of a visit: when to expect somebody, and where they are, seldom and roughly."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from dispatch import actions
from dispatch.customer_link.door import token_of
from dispatch.customer_link.expectation import is_late_for, window_around
from dispatch.customer_link.sketch import PRIVATE_KM, Sighting, distance_in_words, draw, shown_place
from dispatch.customer_link.visit import load_visit
from dispatch.models import Arrival, Job, Status
from technicians.models import Break, ClockRecord, Position
from technicians.positions import Fix
from tests.factories import SiteFactory, make_job
from zones.geometry import distance_km

NOW = datetime(2026, 11, 20, 15, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SITE = (40.1, -75.1)
NEAR = (40.13, -75.13)


# When -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "starts", "ends"),
    [(10, "15:05", "15:25"), (0, "15:00", "15:15"), (60, "15:55", "16:15"), (240, "18:30", "20:00")],
)
def test_customer_is_told_of_a_window_the_wider_the_farther_off(ahead, starts, ends):
    window = window_around(NOW + ahead * MINUTE, now=NOW)
    assert (f"{window.starts_at:%H:%M}", f"{window.ends_at:%H:%M}") == (starts, ends)


@given(st.integers(0, 60 * 24 * 60), st.integers(0, 86_399))
def test_prediction_lies_in_its_window_and_that_is_not_over(seconds_ahead, second_of_day):
    now = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=second_of_day)
    arrives_at = now + timedelta(seconds=seconds_ahead)
    window = window_around(arrives_at, now=now)
    assert window.starts_at <= arrives_at < window.ends_at
    assert window.ends_at > now
    assert timedelta(minutes=10) <= window.ends_at - window.starts_at <= timedelta(hours=2)
    assert {window.starts_at.minute % 5, window.ends_at.minute % 5, window.ends_at.second} == {0}


def test_promise_is_broken_only_when_the_whole_window_comes_after_it():
    window = window_around(NOW + 60 * MINUTE, now=NOW)
    assert is_late_for(window, window.starts_at)
    assert not is_late_for(window, window.starts_at + MINUTE)
    assert not is_late_for(window, None)


# Where ----------------------------------------------------------------------------------------------


def shown(place=NEAR, **changes):
    facts = {
        "set_out_at": NOW - 20 * MINUTE,
        "is_working": True,
        "private": [],
        "fresh_for": 15 * MINUTE,
        "now": NOW,
    }
    seen_at = changes.pop("seen_at", NOW - MINUTE)
    return shown_place(Sighting(place, seen_at) if place else None, **(facts | changes))


def test_technician_on_the_way_is_shown_roughly():
    assert shown((40.130049, -75.129951)) == (40.13, -75.13)


@pytest.mark.parametrize(
    "changes",
    [
        {"place": None},
        {"set_out_at": None},
        {"is_working": False},
        {"seen_at": NOW - 16 * MINUTE},
        {"seen_at": NOW - 10 * MINUTE, "set_out_at": NOW - 9 * MINUTE},
        {"private": [(40.131, -75.131)]},
    ],
    ids=["no position", "not on the way", "off duty or on a break", "old", "from before setting out", "near a home"],
)
def test_technician_is_not_shown(changes):
    assert shown(**changes) is None


@given(st.floats(-60, 60), st.floats(-170, 170), st.floats(-0.003, 0.003), st.floats(-0.003, 0.003))
def test_nobody_is_shown_near_a_home_however_it_is_rounded(latitude, longitude, north, east):
    home = (latitude, longitude)
    place = shown((latitude + north, longitude + east), private=[home])
    where = dict(zip(("to_latitude", "to_longitude"), home, strict=True))
    assert place is None or distance_km(from_latitude=place[0], from_longitude=place[1], **where) > PRIVATE_KM / 2


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_sketch_shows_both_inside_its_frame(north, east):
    sketch = draw((40.1 + north, -75.1 + east), SITE, seen_at=NOW)
    for x, y in (sketch.site, sketch.technician):
        assert 0 <= x <= 400
        assert 0 <= y <= 260


def test_north_is_up_and_east_is_right():
    sketch = draw((40.2, -75.0), SITE, seen_at=NOW)
    assert sketch.technician[0] > sketch.site[0]
    assert sketch.technician[1] < sketch.site[1]


def test_position_on_another_continent_is_no_sketch():
    assert draw((0, 0), SITE, seen_at=NOW) is None


@pytest.mark.parametrize(
    ("km", "words"),
    [(0.04, "about 100 m"), (0.44, "about 400 m"), (0.97, "about 1 km"), (2.44, "about 2.4 km"), (12.4, "about 12 km")],
)
def test_distance_is_said_as_people_say_it(km, words):
    assert distance_in_words(km) == words


# From the database ----------------------------------------------------------------------------------


@pytest.fixture
def driving(dana, tess):
    """Tess lives at 40.0, -75.0 and drives to 40.1, -75.1; she is at 40.13, -75.13 now."""
    now = timezone.now()
    ClockRecord.objects.create(technician=tess, clocked_in_at=now - timedelta(hours=3))
    site = SiteFactory(latitude=SITE[0], longitude=SITE[1])
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    actions.change_status(job, Status.EN_ROUTE, by=dana, happened_at=now, now=now)
    Job.objects.filter(pk=job.pk).update(en_route_at=now - 20 * MINUTE)
    move(tess, NEAR)
    return Job.objects.get(pk=job.pk)


def move(technician, place, ago=MINUTE):
    fix = Fix(latitude=place[0], longitude=place[1], recorded_at=timezone.now() - ago, accuracy_m=10)
    actions.take_position(technician, fix, source=Position.Source.PHONE)


def sketch_of(job):
    return load_visit(Job.objects.get(pk=job.pk), now=timezone.now()).sketch


def test_customer_sees_whoever_drives_to_them(driving):
    assert sketch_of(driving).distance == "about 4 km"


@pytest.mark.parametrize("step", ["in_progress", "assigned"])
def test_customer_sees_nobody_who_has_arrived_or_turned_back(driving, dana, step):
    actions.change_status(driving, step, by=dana)
    assert sketch_of(driving) is None


def test_customer_sees_nobody_on_a_break(driving, tess):
    Break.objects.create(clock_record=tess.clock_records.get(), began_at=timezone.now())
    assert sketch_of(driving) is None


def test_customer_sees_nobody_off_duty(driving, tess):
    ClockRecord.objects.update(clocked_out_at=timezone.now())
    assert sketch_of(driving) is None


def test_customer_sees_nobody_at_home(driving, tess):
    tess.home_latitude, tess.home_longitude = NEAR
    tess.save()
    assert sketch_of(driving) is None


@pytest.mark.parametrize("status", ["assigned", "completed"])
def test_customer_does_not_learn_where_other_customers_are(driving, dana, tess, status):
    next_door = SiteFactory(latitude=NEAR[0] + 0.001, longitude=NEAR[1])
    other = make_job(Status.ASSIGNED, by=dana, technician=tess, site=next_door)
    if status == "completed":
        Job.objects.filter(pk=other.pk).update(status=status, completed_at=timezone.now() - timedelta(hours=1))
    assert sketch_of(driving) is None


def test_customer_does_not_learn_where_the_technician_set_out(dana, tess, driving):
    actions.change_status(driving, Status.ASSIGNED, by=dana)
    here = Fix(latitude=NEAR[0], longitude=NEAR[1], recorded_at=timezone.now(), accuracy_m=10)
    actions.change_status(driving, Status.EN_ROUTE, by=dana, fix=here)
    move(tess, (NEAR[0] + 0.002, NEAR[1]), ago=timedelta())
    assert sketch_of(driving) is None
    move(tess, (NEAR[0] - 0.01, NEAR[1]), ago=-timedelta(seconds=30))
    assert sketch_of(driving) is not None


def test_customer_of_tomorrow_is_told_the_promise_and_not_a_guess(dana, tess):
    tomorrow = timezone.localdate() + timedelta(days=1)
    starts_at = timezone.make_aware(datetime.combine(tomorrow, datetime.min.time())) + timedelta(hours=12)
    site = SiteFactory(latitude=SITE[0], longitude=SITE[1])
    block = {"window_starts_at": starts_at, "window_ends_at": starts_at + timedelta(hours=2)}
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site, scheduled_on=tomorrow, **block)
    visit = load_visit(Job.objects.get(pk=job.pk), now=timezone.now())
    assert visit.expected is None
    assert visit.promised.starts_at == starts_at


def test_visit_that_comes_later_than_promised_says_so(driving):
    now = timezone.now()
    starts_at = now - timedelta(hours=2)
    Job.objects.filter(pk=driving.pk).update(window_starts_at=starts_at, window_ends_at=now + 5 * MINUTE)
    late = now + timedelta(minutes=50)
    Arrival.objects.filter(job=driving).update(arrives_at=late, starts_at=late, ends_at=late + timedelta(hours=1))
    assert load_visit(Job.objects.get(pk=driving.pk), now=now).is_late


def test_nobody_is_told_an_hour_that_a_wrong_fix_gave(driving):
    now = timezone.now()
    late = now + timedelta(hours=7)
    Arrival.objects.filter(job=driving).update(arrives_at=late, starts_at=late, ends_at=late + timedelta(hours=1))
    assert load_visit(Job.objects.get(pk=driving.pk), now=now).expected is None


def test_sketch_is_no_picture_from_elsewhere(client, driving):
    actions.send_link(driving, by=None)
    html = client.get(f"/visit/{token_of(driving.customer_links.get())}/").content.decode()
    assert "data-sketch" in html
    assert not re.search(r"40\.1|75\.1", html), "no coordinates are in the page"
