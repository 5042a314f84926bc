"""Putting jobs to technicians, days and times: what is asked, what is refused, what moves along."""

import re
from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import BoardAction, Status
from dispatch.placement import Outcome, Placement, judge, moved_to
from tests.factories import TechnicianFactory, make_job
from tests.pages import text_of

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
    assert "with Uma now" in text_of(response)


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
    with django_assert_num_queries(8):
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


def starts(*jobs):
    for job in jobs:
        job.refresh_from_db()
    return [job.planned_starts_at for job in jobs]
