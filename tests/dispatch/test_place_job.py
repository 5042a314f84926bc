"""Putting jobs to technicians, days and times: what is asked, what is refused, what moves along."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import BoardAction, Status
from dispatch.placement import Outcome, Placement, judge, moved_to
from tests.factories import TechnicianFactory, make_job
from tests.pages import text_of
from tests.threads import at_the_same_time, winners_and_losers

HTMX = {"HX-Request": "true"}


def at(hour, minute=0, *, days=0):
    return timezone.make_aware(datetime.combine(timezone.localdate() + timedelta(days=days), time(hour, minute)))


@pytest.fixture
def today():
    return timezone.localdate()


def test_dispatcher_puts_a_job_from_the_tray_to_a_technician_at_a_time(dana, tess, north, today):
    job = make_job(by=dana, zone=north)
    job = actions.place_job(job, Placement(tess, today, at(10)), by=dana)
    assert (job.status, job.technician, job.planned_starts_at) == (Status.ASSIGNED, tess, at(10))
    assert job.status_changes.count() == 2
    assert job.field_changes.get().changes["planned_starts_at"][1].endswith("10:00")


def test_another_technician_keeps_the_time(dana, tess, north, today):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(13, 30))
    job = actions.place_job(job, moved_to(job, technician=uma, day=today), by=dana)
    assert (job.technician, job.planned_starts_at) == (uma, at(13, 30))


def test_another_day_keeps_the_time_and_takes_the_block_along(dana, tess, north, today):
    job = make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        planned_starts_at=at(13, 30),
        window_starts_at=at(13),
        window_ends_at=at(15),
    )
    tomorrow = today + timedelta(days=1)
    with pytest.raises(actions.PlacementConflict, match="promised"):
        actions.place_job(job, moved_to(job, technician=tess, day=tomorrow), by=dana)
    job = actions.place_job(job, moved_to(job, technician=tess, day=tomorrow), by=dana, on_conflict=actions.ANYWAY)
    assert (job.scheduled_on, job.planned_starts_at) == (tomorrow, at(13, 30, days=1))
    assert (job.window_starts_at, job.window_ends_at) == (at(13, days=1), at(15, days=1))


def test_back_in_the_tray_a_job_has_nobody_and_no_start(dana, tess, north, today):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9))
    job = actions.place_job(job, moved_to(job, technician=None, day=today), by=dana)
    assert (job.status, job.technician, job.planned_starts_at) == (Status.CREATED, None, None)


def test_overlap_is_asked_about_and_later_stops_shift_along(dana, tess, north, today):
    earlier = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9))
    later = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10, 15))
    last = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(14))
    job = make_job(by=dana, zone=north)
    placement = Placement(tess, today, at(9, 30))
    with pytest.raises(actions.PlacementConflict) as conflict:
        actions.place_job(job, placement, by=dana)
    assert {booked.job_id for booked in conflict.value.verdict.overlaps} == {earlier.pk, later.pk}
    job = actions.place_job(job, placement, by=dana, on_conflict=actions.SHIFT)
    for stop in (earlier, later, last):
        stop.refresh_from_db()
    assert earlier.planned_starts_at == at(9)  # who begins earlier is not pushed aside
    assert job.planned_starts_at == at(10)
    assert later.planned_starts_at == at(11)
    assert last.planned_starts_at == at(14)


def test_pinned_and_fixed_stops_do_not_shift(dana, tess, north, today):
    pinned = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10))
    type(pinned).objects.filter(pk=pinned.pk).update(is_time_pinned=True)
    after = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10, 30))
    job = make_job(by=dana, zone=north)
    actions.place_job(job, Placement(tess, today, at(10)), by=dana, on_conflict=actions.SHIFT)
    pinned.refresh_from_db()
    after.refresh_from_db()
    assert pinned.planned_starts_at == at(10)
    assert after.planned_starts_at == at(11)


def test_what_shifts_goes_around_a_fixed_appointment(dana, tess, north, today):
    movable = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9, 30))
    fixed = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10, 30), is_fixed=True)
    job = make_job(by=dana, zone=north)
    actions.place_job(job, Placement(tess, today, at(9)), by=dana, on_conflict=actions.SHIFT)
    assert starts(job, movable, fixed) == [at(9), at(11, 30), at(10, 30)]


def test_job_that_waits_for_an_earlier_one_shifts_what_it_then_meets(dana, tess, north, today):
    long = make_job(
        Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(8), duration_minutes=120
    )
    later = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9, 45))
    job = make_job(by=dana, zone=north)
    actions.place_job(job, Placement(tess, today, at(9)), by=dana, on_conflict=actions.SHIFT)
    assert starts(long, job, later) == [at(8), at(10), at(11)]


def test_dispatcher_of_north_does_not_shift_a_job_of_south(dana, omar, tess, north, south, today):
    tess.zones.add(south)
    foreign = make_job(Status.ASSIGNED, by=omar, zone=south, technician=tess, planned_starts_at=at(10))
    own = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(10, 15))
    job = make_job(by=dana, zone=north)
    actions.place_job(job, Placement(tess, today, at(9, 30)), by=dana, on_conflict=actions.SHIFT)
    assert starts(job, foreign, own) == [at(9, 30), at(10), at(11)]
    actions.undo_action(actions.last_to_undo(dana), by=dana)


def test_dispatcher_of_north_is_not_told_the_numbers_of_jobs_in_south(client, dana, omar, tess, north, south):
    tess.zones.add(south)
    tomorrow = timezone.localdate() + timedelta(days=1)
    foreign = make_job(
        Status.ASSIGNED, by=omar, zone=south, technician=tess, scheduled_on=tomorrow, planned_starts_at=at(10, days=1)
    )
    job = make_job(by=dana, zone=north, scheduled_on=tomorrow, planned_starts_at=at(9, 30, days=1))
    client.force_login(dana)
    drop = {"technician": tess.pk, "day": tomorrow.isoformat(), "at": "09:30"}
    preview = text_of(client.get(reverse("placement_preview", args=[job.pk]), drop))
    asked = text_of(client.post(reverse("place_job", args=[job.pk]), drop))
    candidates = text_of(client.get(reverse("assign_job", args=[job.pk])))
    assert "Makes a job in another zone" in preview
    for text in (preview, asked, candidates):
        assert "Overlaps a job in another zone (10:00–11:00)" in text
        assert foreign.number not in text


def test_board_action_says_of_the_job_what_was_done_and_that_others_moved(dana, tess, north, today):
    make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10))
    job = make_job(by=dana, zone=north)
    actions.place_job(job, Placement(tess, today, at(9, 30)), by=dana, on_conflict=actions.SHIFT)
    assert BoardAction.objects.latest("pk").label == f"Assigned {job.number} to Tess and changed 1 more"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_who_shift_the_same_day_do_not_block_each_other(dana, omar, tess, north, today):
    for _ in range(10):
        jobs = [
            make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, planned_starts_at=at(hour))
            for hour in (9, 10, 11, 12)
        ]
        outcomes = at_the_same_time(
            lambda jobs=jobs: actions.place_job(
                jobs[3], Placement(tess, today, at(9)), by=dana, on_conflict=actions.SHIFT
            ),
            lambda jobs=jobs: actions.place_job(
                jobs[0], Placement(tess, today, at(10)), by=omar, on_conflict=actions.SHIFT
            ),
        )
        assert all(isinstance(loser, actions.ActionRefused) for loser in winners_and_losers(outcomes)[1])
        for job in jobs:
            actions.change_status(job, Status.CANCELLED, by=omar, note="Again")


def test_time_that_the_clocks_skip_is_refused(client, dana, tess, north):
    job = make_job(by=dana, zone=north)
    client.force_login(dana)
    drop = {"technician": tess.pk, "day": "2027-03-14", "at": "02:30"}
    assert "clocks are put forward" in text_of(client.post(reverse("place_job", args=[job.pk]), drop))


def test_night_in_which_the_clocks_go_back_is_an_hour_longer(dana, tess, north):
    day = date(2026, 11, 1)
    tess.working_hours.create(weekday=day.weekday(), starts_at=time(0), ends_at=time(8))
    job = make_job(by=dana, zone=north, scheduled_on=day)
    # 01:30 for the second time, when a job from 00:30 with two hours is over.
    after = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=day, planned_starts_at=after)
    job.duration_minutes = 120
    starts_at = timezone.make_aware(datetime.combine(day, time(0, 30)))
    assert judge(job, moved_to(job, technician=tess, day=day, starts_at=starts_at)).objections == []


def test_block_in_the_hour_that_the_clocks_skip_moves_to_the_next_one(dana, tess, north):
    day, skips = date(2027, 3, 13), date(2027, 3, 14)
    block = [timezone.make_aware(datetime.combine(day, clock)) for clock in (time(2, 30), time(3, 15))]
    job = make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        scheduled_on=day,
        window_starts_at=block[0],
        window_ends_at=block[1],
    )
    job = actions.place_job(job, Placement(tess, skips, None), by=dana, on_conflict=actions.ANYWAY)
    assert job.window_ends_at - job.window_starts_at == timedelta(minutes=45)


def test_shifting_is_one_board_action_with_one_undo(dana, tess, north, today):
    later = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10))
    job = make_job(by=dana, zone=north)
    actions.place_job(job, Placement(tess, today, at(9, 30)), by=dana, on_conflict=actions.SHIFT)
    done = BoardAction.objects.latest("pk")
    assert {change.job_id for change in done.changed_jobs.all()} == {job.pk, later.pk}
    actions.undo_action(done, by=dana)
    later.refresh_from_db()
    job.refresh_from_db()
    assert (later.planned_starts_at, job.status, job.technician) == (at(10), Status.CREATED, None)


@pytest.mark.parametrize(
    ("status", "whom", "reason"),
    [
        (Status.COMPLETED, "other", "is Completed"),
        (Status.IN_PROGRESS, "other", "Interrupt it first"),
        (Status.IN_PROGRESS, "same", "happens now"),
        (Status.EN_ROUTE, "nobody", "Turn them back first"),
    ],
)
def test_what_has_begun_is_not_moved(dana, tess, north, today, status, whom, reason):
    job = make_job(status, by=dana, zone=north, technician=tess)
    technician = {"other": TechnicianFactory(zones=[north]), "same": tess, "nobody": None}[whom]
    with pytest.raises(actions.ActionRefused, match=reason):
        actions.place_job(job, moved_to(job, technician=technician, day=today), by=dana, on_conflict=actions.ANYWAY)


def test_pin_and_fixed_appointment_are_asked_about(dana, tess, north, today):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9), is_fixed=True)
    type(job).objects.filter(pk=job.pk).update(is_time_pinned=True, is_technician_pinned=True)
    job.refresh_from_db()
    verdict = judge(job, Placement(TechnicianFactory(zones=[north]), today, at(11)))
    assert [objection.kind for objection in verdict.objections] == ["pinned", "pinned", "fixed"]


def test_preview_says_what_the_drop_will_be_asked(client, dana, tess, tom, north):
    job = make_job(by=dana, zone=north)
    client.force_login(dana)
    url = reverse("placement_preview", args=[job.pk])
    fine = client.get(url, {"technician": tess.pk, "at": "10:00"})
    assert 'data-outcome="ok"' in fine.content.decode()
    tom.zones.add(north)
    tom.zones.remove(*tom.zones.exclude(pk=north.pk))
    make_job(Status.ASSIGNED, by=dana, zone=north, technician=tom, planned_starts_at=at(10))
    asked = client.get(url, {"technician": tom.pk, "at": "10:30"})
    assert 'data-outcome="ask"' in asked.content.decode()
    assert "Overlaps" in text_of(asked)


def test_drop_with_a_conflict_asks_and_does_it_when_told(client, dana, tess, north, today):
    make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(10))
    job = make_job(by=dana, zone=north)
    client.force_login(dana)
    url, data = reverse("place_job", args=[job.pk]), {"technician": tess.pk, "day": today, "at": "10:30"}
    asked = client.post(url, data, headers=HTMX)
    assert asked.status_code == 409
    assert "Do it anyway" in text_of(asked)
    assert "Shift the rest" in text_of(asked)
    assert client.post(url, data | {"on_conflict": "anyway"}, headers=HTMX).status_code == 204
    job.refresh_from_db()
    assert (job.technician, job.planned_starts_at) == (tess, at(10, 30))


def test_dispatcher_cannot_place_with_a_technician_of_other_zones(client, dana, tom, north):
    job = make_job(by=dana, zone=north)
    client.force_login(dana)
    response = client.post(reverse("place_job", args=[job.pk]), {"technician": tom.pk}, headers=HTMX)
    assert response.status_code == 422
    job.refresh_from_db()
    assert job.technician is None


def test_drop_of_a_job_that_changed_meanwhile_is_refused_with_the_truth(client, dana, omar, tess, north):
    job = make_job(by=dana, zone=north)
    seen = job.seen
    actions.assign_job(job, TechnicianFactory(user__username="uma", zones=[north]), by=omar)
    client.force_login(dana)
    response = client.post(reverse("place_job", args=[job.pk]), {"technician": tess.pk, "seen": seen}, headers=HTMX)
    assert response.status_code == 409
    assert "to Uma now" in text_of(response)


def test_odd_values_get_an_error_and_not_a_crash(client, dana, north):
    job = make_job(by=dana, zone=north)
    client.force_login(dana)
    for data in ({"technician": "x"}, {"day": "32"}, {"at": "25:99"}, {"day": "9999-12-31"}, {"on_conflict": "yes"}):
        assert client.post(reverse("place_job", args=[job.pk]), data, headers=HTMX).status_code == 422


@pytest.mark.parametrize("jobs", [1, 12])
def test_judging_takes_the_same_number_of_queries(dana, tess, north, today, jobs, django_assert_num_queries):
    for hour in range(jobs):
        make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(hour))
    job = make_job(by=dana, zone=north)
    with django_assert_num_queries(11):
        assert judge(job, Placement(tess, today, at(20))).outcome in Outcome


def test_preview_tells_the_way_and_who_becomes_late(client, dana, tess, north, today):
    tomorrow = today + timedelta(days=1)
    promised = make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        scheduled_on=tomorrow,
        planned_starts_at=at(10, days=1),
        window_starts_at=at(9, 30, days=1),
        window_ends_at=at(10, 15, days=1),
    )
    job = make_job(by=dana, zone=north, scheduled_on=tomorrow)
    client.force_login(dana)
    url = reverse("placement_preview", args=[job.pk])
    page = text_of(client.get(url, {"technician": tess.pk, "day": tomorrow, "at": "09:45"}))
    assert "min of travel" in page
    assert f"Makes {promised.number} 30 min late" in page
    assert "late" not in text_of(client.get(url, {"technician": tess.pk, "day": tomorrow, "at": "14:00"}))


def test_two_dispatchers_who_move_the_same_job_see_who_was_first(client, dana, omar, tess, north, today):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9))
    seen = {"seen": job.seen, "version": job.version}
    actions.place_job(job, Placement(tess, today, at(11)), by=omar)
    client.force_login(dana)
    url, data = reverse("place_job", args=[job.pk]), {"technician": tess.pk, "at": "14:00", **seen}
    asked = client.post(url, data, headers=HTMX)
    assert asked.status_code == 409
    assert re.search(r"Omar moved it to \S+ 11:00 meanwhile", text_of(asked))
    assert "14:00" in text_of(asked)  # what she wanted is kept
    version = re.search(r'name="version" value="(\d+)"', asked.content.decode())[1]
    assert client.post(url, data | {"version": version, "on_conflict": "anyway"}, headers=HTMX).status_code == 204
    job.refresh_from_db()
    assert job.planned_starts_at == at(14)


def test_moving_a_job_goes_beside_what_a_colleague_edits(client, dana, omar, tess, north, today):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, planned_starts_at=at(9))
    seen = {"seen": job.seen, "version": job.version}
    actions.edit_job(job, {"description": "Bring a ladder"}, by=omar, base_version=job.version)
    client.force_login(dana)
    data = {"technician": tess.pk, "at": "14:00", **seen}
    assert client.post(reverse("place_job", args=[job.pk]), data, headers=HTMX).status_code == 204
    job.refresh_from_db()
    assert (job.planned_starts_at, job.description) == (at(14), "Bring a ladder")


def test_a_job_goes_to_the_top_or_the_bottom_of_its_day(client, dana, tess, north, today):
    tomorrow = today + timedelta(days=1)
    first, second, third = (
        make_job(
            Status.ASSIGNED,
            by=dana,
            zone=north,
            technician=tess,
            scheduled_on=tomorrow,
            planned_starts_at=at(hour, days=1),
        )
        for hour in (9, 11, 13)
    )
    client.force_login(dana)
    assert client.post(reverse("reorder_job", args=[third.pk]), {"to": "top"}, headers=HTMX).status_code == 204
    assert list(type(first).objects.of(tess).in_route_order()) == [third, first, second]
    assert starts(third, first, second) == [at(9, days=1), at(10, days=1), at(11, days=1)]
    assert client.post(reverse("reorder_job", args=[first.pk]), {"to": "bottom"}, headers=HTMX).status_code == 204
    assert starts(first) == [at(12, days=1)]
    assert client.post(reverse("reorder_job", args=[first.pk]), {"to": "x"}, headers=HTMX).status_code == 422


def test_fixed_appointment_goes_to_the_top_of_its_day_only_when_the_dispatcher_insists(client, dana, tess, north):
    tomorrow = timezone.localdate() + timedelta(days=1)
    usual = {"by": dana, "zone": north, "technician": tess, "scheduled_on": tomorrow}
    make_job(Status.ASSIGNED, **usual, planned_starts_at=at(9, days=1))
    fixed = make_job(Status.ASSIGNED, **usual, planned_starts_at=at(13, days=1), is_fixed=True)
    client.force_login(dana)
    answer = client.post(reverse("reorder_job", args=[fixed.pk]), {"to": "top"}, headers=HTMX)
    assert answer.status_code == 409
    assert "the customer counts on this time" in text_of(answer)
    assert starts(fixed) == [at(13, days=1)]


def test_job_of_a_day_that_is_over_is_not_reordered_into_today(client, dana, tess, north, today):
    yesterday = today - timedelta(days=1)
    usual = {"by": dana, "zone": north, "technician": tess, "scheduled_on": yesterday}
    job = make_job(Status.ASSIGNED, **usual, planned_starts_at=at(9, days=-1))
    client.force_login(dana)
    assert client.post(reverse("reorder_job", args=[job.pk]), {"to": "bottom"}, headers=HTMX).status_code == 422
    assert starts(job) == [at(9, days=-1)]


def starts(*jobs):
    for job in jobs:
        job.refresh_from_db()
    return [job.planned_starts_at for job in jobs]
