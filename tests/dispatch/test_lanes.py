"""The lanes and the tray: whose day is shown, how it is drawn, and what changes of it."""

import re
from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.board.lane import Axis
from dispatch.board.lanes import FIRST_LANES
from dispatch.models import Job, Priority, Status
from technicians.models import TimeOff, WorkingHours
from tests.factories import TechnicianFactory, make_job
from tests.pages import html_of, text_of


@pytest.fixture
def tomorrow():
    return timezone.localdate() + timedelta(days=1)


def at(day, hour, minute=0):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def works(technician, day, first=8, last=17):
    WorkingHours.objects.create(technician=technician, weekday=day.weekday(), starts_at=time(first), ends_at=time(last))


@pytest.fixture
def board(client, dana):
    client.force_login(dana)

    def get(**params):
        response = client.get(reverse("board"), params)
        assert response.status_code == 200
        return response

    return get


def lane(response, technician) -> str:
    """The HTML of one lane."""
    found = re.search(rf'<section class="lane[^>]*id="lane-{technician.pk}".*?</section>', html_of(response), re.S)
    return found[0] if found else ""


def jobs_in(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'data-drag-job="(\d+)"', html)]


def test_a_lane_has_the_jobs_of_its_technician_in_the_order_of_the_day(board, dana, tess, north, tomorrow):
    late = make_job(
        Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(tomorrow, 14), scheduled_on=tomorrow
    )
    early = make_job(
        Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(tomorrow, 9), scheduled_on=tomorrow
    )
    assert jobs_in(lane(board(day=tomorrow), tess)) == [early.pk, late.pk]


def test_dispatcher_sees_neither_technicians_nor_jobs_of_other_zones(board, omar, tess, tom, north, south, tomorrow):
    tess.zones.add(south)
    foreign = make_job(
        Status.ASSIGNED,
        by=omar,
        zone=south,
        technician=tess,
        planned_starts_at=at(tomorrow, 9),
        scheduled_on=tomorrow,
        description="Secret boiler",
    )
    waiting = make_job(by=omar, zone=south, scheduled_on=tomorrow, description="Secret leak")
    page = board(day=tomorrow)
    assert not lane(page, tom)
    assert "Busy elsewhere" in lane(page, tess)
    for hidden in (foreign.number, f'data-job="{foreign.pk}"'):
        assert hidden not in lane(page, tess)
    assert "Secret" not in html_of(page)
    assert waiting.number not in html_of(page)


def test_axis_covers_shifts_and_jobs(board, dana, tess, north, tomorrow):
    works(tess, tomorrow, 9, 17)
    assert 'data-axis="9-17"' in html_of(board(day=tomorrow))
    make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        planned_starts_at=at(tomorrow, 19, 30),
        scheduled_on=tomorrow,
    )
    assert 'data-axis="9-21"' in html_of(board(day=tomorrow))


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])  # the clocks change in New York
def test_hours_stay_where_they_are_when_the_clocks_change(day):
    day = datetime.fromisoformat(day).date()
    axis = Axis(day, 0, 24)
    assert [axis.percent(at(day, hour)) for hour in (0, 6, 12, 18)] == [0, 25, 50, 75]


def test_time_off_shift_is_shaded(board, tess, tom, tomorrow):
    works(tess, tomorrow, 8, 12)
    works(tess, tomorrow, 13, 17)
    shaded = re.findall(r'class="off" style="left:([\d.]+)%;width:([\d.]+)%"', lane(board(day=tomorrow), tess))
    assert shaded == [("44.44", "11.11")]


def test_who_is_away_is_named(board, tess, tomorrow):
    TimeOff.objects.create(technician=tess, kind="sick", starts_at=at(tomorrow, 0), ends_at=at(tomorrow, 23))
    assert "Called out sick" in lane(board(day=tomorrow), tess)


def test_block_shows_how_late_it_is_and_what_it_drags_along(board, dana, tess, north, tomorrow):
    works(tess, tomorrow)
    first = make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        scheduled_on=tomorrow,
        planned_starts_at=at(tomorrow, 9),
        duration_minutes=180,
    )
    dragged = make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        scheduled_on=tomorrow,
        planned_starts_at=at(tomorrow, 11),
        window_starts_at=at(tomorrow, 10),
        window_ends_at=at(tomorrow, 11, 30),
    )
    assert dragged.arrival.late_minutes == 30
    html = lane(board(day=tomorrow), tess)
    assert "30 minutes late" in html
    assert f'data-job="{first.pk}"' in html


def test_overlapping_jobs_lie_below_each_other(board, dana, tess, north, tomorrow):
    for minute in (0, 30):
        job = make_job(
            Status.ASSIGNED,
            by=dana,
            zone=north,
            technician=tess,
            scheduled_on=tomorrow,
            planned_starts_at=at(tomorrow, 9, minute),
        )
        actions.hold_job(job, "Waits", by=dana)  # what is on hold has no prediction and stays where it was planned
    html = lane(board(day=tomorrow), tess)
    assert "--rows:2" in html
    assert "--row:1" in html


def test_a_job_left_over_from_yesterday_takes_no_row_from_what_was_done_today(board, dana, tess, north):
    now, planned = timezone.now(), {"by": dana, "zone": north, "technician": tess}
    done = make_job(Status.COMPLETED, **planned)
    began = {"started_at": now - timedelta(minutes=40), "completed_at": now - timedelta(minutes=10)}
    Job.objects.filter(pk=done.pk).update(**began)
    make_job(Status.IN_PROGRESS, scheduled_on=timezone.localdate() - timedelta(days=1), **planned)
    assert "--rows:1" in lane(board(), tess)


def test_filters_dim_what_they_leave_out_and_choose_lanes(board, dana, tess, north, tomorrow):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    urgent = make_job(
        Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=tomorrow, priority=Priority.URGENT
    )
    normal = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=tomorrow)
    html = lane(board(day=tomorrow, priority=4), tess)
    assert not re.search(rf'class="[^"]* dim[^"]*" data-job="{urgent.pk}"', html)
    assert re.search(rf'class="[^"]* dim[^"]*" data-job="{normal.pk}"', html)
    assert not lane(board(day=tomorrow, technician=tess.pk), uma)


def test_off_shift_lanes_can_be_hidden(board, dana, tess, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess)
    page = board(off="hide")
    assert lane(page, tess)
    assert not lane(page, uma)
    assert "1 off hidden" in text_of(page)


def test_lanes_are_grouped_by_zone(board, omar, client, tess, tom):
    client.force_login(omar)
    page = html_of(client.get(reverse("board"), {"group": "zone"}))
    parts = re.findall(r'class="lanes-group">(\w+)|id="(lane-\d+)"', page)
    assert ["".join(part) for part in parts] == ["North", f"lane-{tess.pk}", "South", f"lane-{tom.pk}"]


def test_tray_has_what_is_due_first_on_top(board, dana, north, tomorrow):
    someday = make_job(by=dana, zone=north, scheduled_on=tomorrow)
    block = make_job(
        by=dana, zone=north, scheduled_on=tomorrow, window_starts_at=at(tomorrow, 9), window_ends_at=at(tomorrow, 11)
    )
    urgent = make_job(by=dana, zone=north, scheduled_on=tomorrow, priority=Priority.URGENT)
    tray = re.search(r'id="tray".*?</section>', html_of(board(day=tomorrow)), re.S)[0]
    assert jobs_in(tray) == [urgent.pk, block.pk, someday.pk]


@pytest.mark.parametrize(("tab", "found"), [("unassigned", 0), ("alerts", 1), ("hold", 2), ("cancelled", 3)])
def test_each_tab_of_the_tray_has_its_jobs(board, dana, tess, north, tab, found):
    jobs = [
        make_job(by=dana, zone=north),
        make_job(
            Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=timezone.localdate() - timedelta(days=2)
        ),
        actions.hold_job(make_job(by=dana, zone=north), "Waits for a part", by=dana),
        make_job(Status.CANCELLED, by=dana, zone=north),
    ]
    tray = re.search(r'id="tray".*?</section>', html_of(board(tray=tab)), re.S)[0]
    assert jobs_in(tray) == [jobs[found].pk]


def test_changed_lanes_are_contained_in_the_page(board, client, dana, tess, north, tomorrow):
    make_job(
        Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=tomorrow, planned_starts_at=at(tomorrow, 9)
    )
    page = board(day=tomorrow)
    axis = re.search(r'data-axis="([\d-]+)"', html_of(page))[1]
    changed = client.get(reverse("board_lanes"), {"day": tomorrow, "lanes": tess.pk, "axis": axis})
    assert plain(lane(changed, tess)) == plain(lane(page, tess))


def plain(html: str) -> str:
    return re.sub(r"\s+>", ">", html.replace('hx-swap-oob="true"', ""))


def test_a_reassigned_job_brings_both_lanes(board, client, dana, tess, north, tomorrow):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=tomorrow)
    actions.assign_job(job, uma, by=dana)
    changed = client.get(reverse("board_lanes"), {"day": tomorrow, "jobs": job.pk, "lanes": tess.pk, "axis": "7-18"})
    assert jobs_in(lane(changed, uma)) == [job.pk]
    assert lane(changed, tess)
    assert jobs_in(lane(changed, tess)) == []


def test_a_lane_that_is_no_longer_for_this_board_is_taken_away(board, client, tom):
    changed = client.get(reverse("board_lanes"), {"lanes": tom.pk, "axis": "7-18"})
    assert f'<section id="lane-{tom.pk}" hx-swap-oob="delete">' in html_of(changed)


def test_a_job_beyond_the_hours_of_the_page_asks_for_the_page_anew(board, client, dana, tess, north, tomorrow):
    works(tess, tomorrow, 8, 17)
    params = {"day": tomorrow, "lanes": tess.pk, "axis": "8-17"}
    assert 'data-axis="8-17"' in html_of(board(day=tomorrow))
    planned = {"by": dana, "zone": north, "technician": tess, "scheduled_on": tomorrow}
    make_job(Status.ASSIGNED, planned_starts_at=at(tomorrow, 15), **planned)
    assert "HX-Trigger" not in client.get(reverse("board_lanes"), params)
    make_job(Status.ASSIGNED, planned_starts_at=at(tomorrow, 19), **planned)
    assert client.get(reverse("board_lanes"), params)["HX-Trigger"] == "lanes-outgrown"
    assert 'data-axis="8-20"' in html_of(board(day=tomorrow))
    assert "HX-Trigger" not in client.get(reverse("board_lanes"), params | {"axis": "8-20"})


def test_who_clocks_out_leaves_a_board_that_hides_who_is_off_shift(board, client, tess):
    params = {"lanes": tess.pk, "axis": "7-18", "off": "hide"}
    actions.clock_in(tess)
    assert lane(client.get(reverse("board_lanes"), params), tess)
    actions.clock_out(tess)
    assert f'<section id="lane-{tess.pk}" hx-swap-oob="delete">' in html_of(client.get(reverse("board_lanes"), params))


@pytest.mark.parametrize(
    "params", [{"axis": "18-7"}, {"axis": "x"}, {"axis": "7-99"}, {"axis": "7-18", "jobs": "x"}, {}]
)
def test_odd_questions_for_lanes_get_an_answer(board, client, params):
    assert client.get(reverse("board_lanes"), params).status_code == 422


def test_lanes_out_of_sight_wait_and_come_when_asked_for(client, omar, north, tomorrow):
    technicians = [TechnicianFactory(user__username=f"tech{n:02d}", zones=[north]) for n in range(FIRST_LANES + 1)]
    last = technicians[-1]
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=last, scheduled_on=tomorrow)
    client.force_login(omar)
    page = client.get(reverse("board"), {"day": tomorrow})
    assert "is-waiting" in lane(page, last)
    assert jobs_in(lane(page, last)) == []
    assert "is-waiting" not in lane(page, technicians[-2])
    changed = client.get(reverse("board_lanes"), {"day": tomorrow, "lanes": last.pk, "axis": "7-18"})
    assert jobs_in(lane(changed, last)) == [job.pk]


@pytest.mark.parametrize("jobs", [5, 40])
def test_lanes_take_the_same_number_of_queries(client, omar, north, tomorrow, jobs, django_assert_num_queries):
    technicians = [TechnicianFactory(zones=[north]) for _ in range(jobs // 5)]
    for number in range(jobs):
        make_job(
            Status.ASSIGNED,
            by=omar,
            zone=north,
            technician=technicians[number % len(technicians)],
            scheduled_on=tomorrow,
        )
    make_job(by=omar, zone=north, scheduled_on=tomorrow)
    client.force_login(omar)
    with django_assert_num_queries(32):
        client.get(reverse("board"), {"day": tomorrow})
